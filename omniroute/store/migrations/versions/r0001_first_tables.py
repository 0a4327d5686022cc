"""First tables: configuration, usage, call log, audit."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """To this revision."""
    _configuration()
    _keys_and_names()
    _requests()
    op.create_table(
        "audit_log",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("target", sa.Text),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("ip_address", sa.Text),
        sa.Column("request_id", sa.Text),
    )
    op.create_index("audit_log_at", "audit_log", ["at_ms"])


def _configuration() -> None:
    op.create_table(
        "provider_connections",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("provider_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False),
        sa.Column("secret", sa.Text),
        sa.Column("base_url", sa.Text),
        sa.Column("allow_private", sa.Boolean, nullable=False),
        sa.Column("variables", sa.Text, nullable=False),
        sa.Column("default_model", sa.Text),
        sa.Column("test_status", sa.Text, nullable=False),
        sa.Column("last_error", sa.Text),
        sa.Column("last_tested_ms", sa.BigInteger),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("provider_connections_name", "provider_connections", ["provider_id", "name"], unique=True)
    op.create_table(
        "provider_nodes",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("prefix", sa.Text, nullable=False),
        sa.Column("base_url", sa.Text, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("provider_nodes_prefix", "provider_nodes", ["prefix"], unique=True)
    op.create_table(
        "custom_models",
        sa.Column("provider_id", sa.Text, primary_key=True),
        sa.Column("model_id", sa.Text, primary_key=True),
        sa.Column("facts", sa.Text, nullable=False),
    )


def _keys_and_names() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("masked", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("allowed_models", sa.Text, nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger),
        sa.Column("no_log", sa.Boolean, nullable=False),
        sa.Column("last_used_at_ms", sa.BigInteger),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("api_keys_name", "api_keys", ["name"], unique=True)
    op.create_index("api_keys_digest", "api_keys", ["digest"], unique=True)
    op.create_table(
        "model_aliases",
        sa.Column("alias", sa.Text, primary_key=True),
        sa.Column("target", sa.Text, nullable=False),
    )
    op.create_table(
        "combos",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("strategy", sa.Text, nullable=False),
        sa.Column("models", sa.Text, nullable=False),
        sa.Column("config", sa.Text, nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("combos_name", "combos", ["name"], unique=True)
    op.create_table(
        "key_value",
        sa.Column("namespace", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )


def _requests() -> None:
    op.create_table(
        "usage",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("started_at_ms", sa.BigInteger, nullable=False),
        sa.Column("provider", sa.Text),
        sa.Column("model", sa.Text),
        sa.Column("account_id", sa.Text),
        sa.Column("account_name", sa.Text),
        sa.Column("api_key_id", sa.Text),
        sa.Column("api_key_name", sa.Text),
        sa.Column("session_id", sa.Text),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("stream", sa.Boolean, nullable=False),
        sa.Column("input", sa.BigInteger),
        sa.Column("cache_read", sa.BigInteger),
        sa.Column("cache_write", sa.BigInteger),
        sa.Column("cache_write_1h", sa.BigInteger),
        sa.Column("output", sa.BigInteger),
        sa.Column("reasoning", sa.BigInteger),
        sa.Column("estimated", sa.Boolean, nullable=False),
        sa.Column("cost_nano_usd", sa.BigInteger),
        sa.Column("price_source", sa.Text),
        sa.Column("ttft_ms", sa.Integer),
        sa.Column("duration_ms", sa.Integer, nullable=False),
    )
    op.create_index("usage_started_at", "usage", ["started_at_ms"])
    op.create_table(
        "call_log",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("client_format", sa.Text, nullable=False),
        sa.Column("upstream_format", sa.Text),
        sa.Column("requested_model", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("attempts", sa.Text, nullable=False),
        sa.Column("dropped", sa.Text, nullable=False),
    )
