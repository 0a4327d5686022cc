"""What is written down of every request."""

from dataclasses import dataclass
from enum import StrEnum

from omniroute.conversation.usage import Usage


class Outcome(StrEnum):
    """How a client's request ended."""

    OK = "ok"
    ERROR = "error"
    """An error was told with its status."""
    CUT = "cut"
    """A stream broke after content had been handed on, and the client was told so in-band."""
    CANCELLED = "cancelled"
    """The client went away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """One try at one upstream, as the request's record keeps it."""

    provider: str
    model: str
    account_id: str
    account_name: str
    status: int | None
    failure: str | None
    """`FailureKind` and message, or `None` for the attempt that answered."""
    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    """The one row of one client request, whatever ended it."""

    id: str
    """ULID: sorts by time."""
    request_id: str
    """`X-Request-Id`, the client's own or ours."""
    started_at_ms: int
    method: str
    path: str
    operation: str
    """chat, messages, responses, embeddings, …"""
    client_format: str
    upstream_format: str | None
    requested_model: str | None
    provider: str | None
    model: str | None
    account_id: str | None
    account_name: str | None
    api_key_id: str | None
    api_key_name: str | None
    session_id: str | None
    outcome: Outcome
    status: int
    """The HTTP status the client saw; 499 when it left."""
    error: str | None
    stream: bool
    attempts: tuple[AttemptRow, ...]
    usage: Usage
    cost_nano_usd: int | None
    price_source: str | None
    ttft_ms: int | None
    """From the whole request read to the first byte of content sent; `None` when none was."""
    duration_ms: int
    dropped: tuple[str, ...] = ()
    """What the answer's dialect or provider could not carry."""
    combo: str | None = None
    """The combo that was asked for, if one was."""
    cache: str | None = None
    """HIT, MISS, or `None` for a request no cache answers."""
    decision: bytes | None = None
    """Why it went where it went, as JSON: see `routing.decision`."""
