"""Tables of the routing engine: policies, chains, budgets, health, metrics, cache, lockouts, proxies."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """To this revision."""
    _decisions_of_the_user()
    _what_was_learned()
    op.create_table(
        "response_cache",
        sa.Column("signature", sa.Text, primary_key=True),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("answer", sa.LargeBinary, nullable=False),
        sa.Column("tokens_saved", sa.BigInteger),
        sa.Column("cost_saved_nano_usd", sa.BigInteger),
        sa.Column("hits", sa.Integer, nullable=False),
        sa.Column("size_bytes", sa.Integer, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("response_cache_expires", "response_cache", ["expires_at_ms"])
    op.add_column("call_log", sa.Column("combo", sa.Text))
    op.add_column("call_log", sa.Column("cache", sa.Text))
    op.add_column("call_log", sa.Column("decision", sa.Text))


def _decisions_of_the_user() -> None:
    op.create_table(
        "policies",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("is_enabled", sa.Boolean, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("conditions", sa.Text, nullable=False),
        sa.Column("actions", sa.Text, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "fallback_chains",
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("steps", sa.Text, nullable=False),
    )
    op.create_table(
        "budgets",
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("daily_nano_usd", sa.BigInteger),
        sa.Column("weekly_nano_usd", sa.BigInteger),
        sa.Column("monthly_nano_usd", sa.BigInteger),
        sa.Column("warning_threshold", sa.Float, nullable=False),
    )
    op.create_table(
        "proxies",
        sa.Column("level", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("port", sa.Integer, nullable=False),
        sa.Column("username", sa.Text),
        sa.Column("secret", sa.Text),
    )


def _what_was_learned() -> None:
    op.create_table(
        "health_states",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "combo_hours",
        sa.Column("combo_id", sa.Text, primary_key=True),
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("hour_ms", sa.BigInteger, primary_key=True),
        sa.Column("requests", sa.Integer, nullable=False),
        sa.Column("successes", sa.Integer, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("fallbacks", sa.Integer, nullable=False),
        sa.Column("latency_ms", sa.BigInteger, nullable=False),
        sa.Column("last_status", sa.Integer),
        sa.Column("last_used_at_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "cache_days",
        sa.Column("day", sa.Text, primary_key=True),
        sa.Column("hits", sa.Integer, nullable=False),
        sa.Column("misses", sa.Integer, nullable=False),
        sa.Column("tokens_saved", sa.BigInteger, nullable=False),
        sa.Column("cost_saved_nano_usd", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "lockouts",
        sa.Column("identifier", sa.Text, primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("first_failure_ms", sa.BigInteger, nullable=False),
        sa.Column("locked_until_ms", sa.BigInteger, nullable=False),
        sa.Column("times_locked", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text),
    )
