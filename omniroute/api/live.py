"""What `/api/live` sends once a second: the state of the gateway at a glance."""

import msgspec

RING_SECONDS = 900
"""Length of the per-second series: 15 minutes."""


class Latency(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Percentiles in milliseconds over the last 15 minutes. `None`: no successful request yet."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


class Totals(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Sums over one span of time."""

    requests: int = 0
    errors: int = 0
    tokens_in: int = 0
    """All prompt tokens, cached ones included."""
    tokens_out: int = 0
    cache_read: int = 0
    """Prompt tokens the providers read from their prompt caches."""
    cost_usd: float = 0.0
    unpriced: int = 0
    """Requests with a usage but without a known price: not in `cost_usd`."""


class Series(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One value a second, oldest first, the last one being the newest whole second."""

    requests: list[int]
    tokens: list[int]
    """Input and output tokens together."""
    latency_p50: list[float | None]
    """Median milliseconds of the requests that ended in that second."""


class ProviderLive(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One provider over the last 15 minutes."""

    provider: str
    accounts: int
    """Active accounts."""
    state: str
    """In words: `ok`, `failing`, `idle`, `off` (its breaker is open), `cooling`, `no account`."""
    signed_out: list[str] = []
    """Names of accounts whose sign-in has ended."""
    requests: int = 0
    errors: int = 0
    latency: Latency = Latency()
    ttft: Latency = Latency()
    last_error: str | None = None


class RequestLive(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One request, running or ended."""

    id: str
    request_id: str
    started_at: str
    state: str
    """`running`, `ok`, `error`, `cut`, `cancelled`."""
    path: str
    requested_model: str | None = None
    provider: str | None = None
    model: str | None = None
    account: str | None = None
    api_key: str | None = None
    status: int | None = None
    stream: bool = False
    tokens_in: int | None = None
    tokens_out: int | None = None
    cache_read: int | None = None
    estimated: bool = False
    cost_usd: float | None = None
    ttft_ms: int | None = None
    duration_ms: int | None = None
    """For a running request: so far."""
    attempts: int = 0
    error: str | None = None


class LiveStats(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The whole state; each one replaces the one before."""

    at: str
    version: str
    uptime_s: float
    active_requests: int
    draining: bool = False
    requests_per_s: float
    """Mean of the last 10 seconds."""
    tokens_per_s: float
    last_15_min: Totals
    today: Totals
    """Since midnight in the gateway's time zone."""
    cache_hit_rate: float | None = None
    """Share of prompt tokens read from providers' prompt caches in the last 15 minutes, 0 to 1."""
    latency: Latency
    ttft: Latency
    series: Series
    providers: list[ProviderLive]
    requests: list[RequestLive]
    """Running ones first, then the newest ended ones; at most 200."""
