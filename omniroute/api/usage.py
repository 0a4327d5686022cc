"""What was used, what it cost, and the requests one by one."""

import msgspec

from omniroute.api.routing import Decision


class Group(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Sums of the requests that share a provider, a model, a key or a day."""

    requests: int
    errors: int
    prompt_tokens: int
    completion_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    estimated_requests: int
    """Requests whose tokens were counted by us, not by the provider."""
    cost: float
    """USD; requests without a known price are not in it."""
    unpriced_requests: int
    last_used: str | None = None
    provider: str | None = None
    raw_model: str | None = None
    api_key_id: str | None = None
    api_key_name: str | None = None


class Minute(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One of the last ten minutes."""

    requests: int
    prompt_tokens: int
    completion_tokens: int
    cost: float


class Active(msgspec.Struct, frozen=True, kw_only=True):
    """Requests that are running, counted by where they go."""

    model: str
    provider: str
    account: str
    count: int


class History(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer of `GET /api/usage/history`."""

    total_requests: int
    total_prompt_tokens: int
    total_completion_tokens: int
    total_cost: float
    unpriced_requests: int
    by_provider: dict[str, Group]
    by_model: dict[str, Group]
    """Named `model (provider)`."""
    by_account: dict[str, Group]
    by_api_key: dict[str, Group]
    """Named `name (id)`; requests without a key stand under `-`."""
    by_day: dict[str, Group]
    """Named `2026-11-22`, in the gateway's time zone."""
    last_10_minutes: list[Minute] = msgspec.field(name="last10Minutes")
    active_requests: list[Active]


class Tokens(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Disjoint buckets of one request. `null`: not known."""

    input: int | None = msgspec.field(name="in")
    output: int | None = msgspec.field(name="out")
    cache_read: int | None
    cache_write: int | None
    """Short and one-hour writes together."""
    reasoning: int | None
    estimated: bool


class Attempt(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One try at one upstream."""

    provider: str
    model: str
    connection_id: str
    account: str
    status: int | None
    failure: str | None
    duration_ms: int


class CallLog(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One request, as `GET /api/usage/call-logs` lists it."""

    id: str
    request_id: str
    timestamp: str
    method: str
    path: str
    status: int
    outcome: str
    """`ok`, `error`, `cut`, `cancelled`"""
    model: str | None
    """`provider/model` that was used."""
    requested_model: str | None
    provider: str | None
    account: str | None
    connection_id: str | None
    duration: int
    """Milliseconds to the last byte."""
    ttft_ms: int | None
    tokens: Tokens
    cost_usd: float | None
    price_source: str | None
    source_format: str
    target_format: str | None
    combo_name: str | None = None
    api_key_id: str | None
    api_key_name: str | None
    session_id: str | None
    cache: str | None = None
    stream: bool
    attempts: int
    error: str | None
    has_request_body: bool = False
    has_response_body: bool = False
    dropped: list[str] = []


class CallLogDetail(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer of `GET /api/usage/call-logs/{id}`."""

    log: CallLog
    attempts: list[Attempt]
    decision: Decision | None = None
    """Why it went where it went; `null` for a request that was refused before."""
