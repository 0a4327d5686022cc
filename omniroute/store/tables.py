"""The tables, in words both SQLite and PostgreSQL understand.

Ids are text made by us, instants integer milliseconds UTC, money integer nano-USD, lists and maps JSON text.
"""

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, LargeBinary, MetaData, Table, Text

METADATA = MetaData()

provider_connections = Table(
    "provider_connections",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("provider_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("secret", Text),  # sealed by `secrets.Vault`
    Column("base_url", Text),
    Column("allow_private", Boolean, nullable=False),
    Column("variables", Text, nullable=False),
    Column("default_model", Text),
    Column("test_status", Text, nullable=False),
    Column("last_error", Text),
    Column("last_tested_ms", BigInteger),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
    Index("provider_connections_name", "provider_id", "name", unique=True),
)

logins = Table(
    "logins",
    METADATA,
    Column("account_id", Text, primary_key=True),
    Column("refresh_token", Text),  # sealed, as is the next
    Column("client_secret", Text),
    Column("client_id", Text),
    Column("token_url", Text, nullable=False),
    Column("style", Text, nullable=False),
    Column("scope", Text),
    Column("identity", Text),
    Column("expires_at_ms", BigInteger),
    Column("obtained_at_ms", BigInteger, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("lease_owner", Text),
    Column("lease_until_ms", BigInteger),
    Column("failures", Integer, nullable=False),
    Column("retry_from_ms", BigInteger),
)
"""How access tokens are renewed, and which process is doing it."""

provider_nodes = Table(
    "provider_nodes",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("base_url", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
    Index("provider_nodes_prefix", "prefix", unique=True),
)

custom_models = Table(
    "custom_models",
    METADATA,
    Column("provider_id", Text, primary_key=True),
    Column("model_id", Text, primary_key=True),
    Column("facts", Text, nullable=False),
)

api_keys = Table(
    "api_keys",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("masked", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("allowed_models", Text, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("expires_at_ms", BigInteger),
    Column("no_log", Boolean, nullable=False),
    Column("last_used_at_ms", BigInteger),
    Column("created_at_ms", BigInteger, nullable=False),
    Index("api_keys_name", "name", unique=True),
    Index("api_keys_digest", "digest", unique=True),
)

model_aliases = Table(
    "model_aliases",
    METADATA,
    Column("alias", Text, primary_key=True),
    Column("target", Text, nullable=False),
)

combos = Table(
    "combos",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("strategy", Text, nullable=False),
    Column("models", Text, nullable=False),
    Column("config", Text, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
    Index("combos_name", "name", unique=True),
)

key_value = Table(
    "key_value",
    METADATA,
    Column("namespace", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

usage = Table(
    "usage",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("started_at_ms", BigInteger, nullable=False),
    Column("provider", Text),
    Column("model", Text),
    Column("account_id", Text),
    Column("account_name", Text),
    Column("api_key_id", Text),
    Column("api_key_name", Text),
    Column("session_id", Text),
    Column("outcome", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("stream", Boolean, nullable=False),
    Column("input", BigInteger),
    Column("cache_read", BigInteger),
    Column("cache_write", BigInteger),
    Column("cache_write_1h", BigInteger),
    Column("output", BigInteger),
    Column("reasoning", BigInteger),
    Column("estimated", Boolean, nullable=False),
    Column("cost_nano_usd", BigInteger),
    Column("price_source", Text),
    Column("ttft_ms", Integer),
    Column("duration_ms", Integer, nullable=False),
    Index("usage_started_at", "started_at_ms"),
)
"""The numbers of every request, kept for good."""

call_log = Table(
    "call_log",
    METADATA,
    Column("id", Text, primary_key=True),  # the usage row's
    Column("request_id", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("client_format", Text, nullable=False),
    Column("upstream_format", Text),
    Column("requested_model", Text),
    Column("error", Text),
    Column("attempts", Text, nullable=False),
    Column("dropped", Text, nullable=False),
    Column("combo", Text),
    Column("cache", Text),
    Column("decision", Text),
)
"""The words of every request: a table of its own, so that sums need not read past them."""

audit_log = Table(
    "audit_log",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("action", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("target", Text),
    Column("details", Text, nullable=False),
    Column("ip_address", Text),
    Column("request_id", Text),
    Index("audit_log_at", "at_ms"),
)

response_cache = Table(
    "response_cache",
    METADATA,
    Column("signature", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("tokens_saved", BigInteger),
    Column("cost_saved_nano_usd", BigInteger),
    Column("hits", Integer, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
    Index("response_cache_expires", "expires_at_ms"),
)

policies = Table(
    "policies",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("is_enabled", Boolean, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("conditions", Text, nullable=False),
    Column("actions", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
)

fallback_chains = Table(
    "fallback_chains",
    METADATA,
    Column("model", Text, primary_key=True),
    Column("steps", Text, nullable=False),
)

budgets = Table(
    "budgets",
    METADATA,
    Column("subject", Text, primary_key=True),
    Column("daily_nano_usd", BigInteger),
    Column("weekly_nano_usd", BigInteger),
    Column("monthly_nano_usd", BigInteger),
    Column("warning_threshold", Float, nullable=False),
)

proxies = Table(
    "proxies",
    METADATA,
    Column("level", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("port", Integer, nullable=False),
    Column("username", Text),
    Column("secret", Text),
)

health_states = Table(
    "health_states",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
)

combo_hours = Table(
    "combo_hours",
    METADATA,
    Column("combo_id", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("hour_ms", BigInteger, primary_key=True),
    Column("requests", Integer, nullable=False),
    Column("successes", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("fallbacks", Integer, nullable=False),
    Column("latency_ms", BigInteger, nullable=False),
    Column("last_status", Integer),
    Column("last_used_at_ms", BigInteger, nullable=False),
)

cache_days = Table(
    "cache_days",
    METADATA,
    Column("day", Text, primary_key=True),
    Column("hits", Integer, nullable=False),
    Column("misses", Integer, nullable=False),
    Column("tokens_saved", BigInteger, nullable=False),
    Column("cost_saved_nano_usd", BigInteger, nullable=False),
)

lockouts = Table(
    "lockouts",
    METADATA,
    Column("identifier", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("first_failure_ms", BigInteger, nullable=False),
    Column("locked_until_ms", BigInteger, nullable=False),
    Column("times_locked", Integer, nullable=False),
    Column("reason", Text),
)
