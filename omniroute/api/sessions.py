"""Conversations of the last half hour."""

import msgspec


class Session(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One conversation: what it used, and where its last answer came from."""

    session_id: str
    """The client's own name for it, or one made of how it begins."""
    created_at: int
    """Its first request, in epoch milliseconds."""
    last_active: int
    """The end of its last request, in epoch milliseconds."""
    age_ms: int
    """Since its first request."""
    request_count: int
    provider: str | None
    """`None`, as the next three: no provider was asked."""
    model: str | None
    """`provider/model`"""
    connection_id: str | None
    account: str | None
    api_key_id: str | None
    """`None`: the local token, or no key."""
    api_key_name: str | None
    tokens_in: int
    tokens_out: int
    cost_usd: float | None
    """Of the requests whose price is known; `None`: of none it is."""


class Sessions(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `GET /api/sessions`, the newest activity first."""

    count: int
    sessions: list[Session]


class SessionsRemoved(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `DELETE /api/sessions`."""

    removed: int
