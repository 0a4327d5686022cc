"""How much accounts are asked, and what their providers have told of it."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from omniroute.api.resilience import Lock, Queue

AtLeastOne = Annotated[int, Meta(ge=1)]


class Learned(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a provider last told in the headers of an answer; `null`: it did not."""

    requests_per_minute: int | None
    remaining: int | None
    reset_at: str | None
    tokens_per_minute: int | None
    tokens_remaining: int | None
    source: str = "headers"


class AccountLimits(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One account's limits, and the calls that they hold back."""

    connection_id: str
    provider: str
    name: str
    rate_limit_protection: bool | None
    """What the user said for this account; `null`: nothing, so that the setting for all counts."""
    enabled: bool
    """Whether the limits for all are kept for it while its provider tells none."""
    active: bool
    queued: int
    running: int
    executing: int
    uses_last_hour: int
    rate_limited_until: str | None
    learned: Learned | None


class RateLimits(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer of `GET /api/rate-limits`."""

    connections: list[AccountLimits]
    overview: dict[str, Queue]
    """`provider:connection id` to its calls."""
    lockouts: list[Lock]
    """Models of accounts that are left alone."""


class Protection(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Body of `POST /api/rate-limits`."""

    connection_id: str
    enabled: bool | None
    """`null`: as the setting for all says."""


class Protected(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer of `POST /api/rate-limits`."""

    success: bool
    connection_id: str
    enabled: bool | None


class RateLimit(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer of `GET /api/rate-limit`: what holds for accounts whose providers tell nothing."""

    enabled: bool
    requests_per_minute: int
    min_time_between_requests: int
    concurrent_requests: int
    applies_to: str
    max_queue_wait_ms: int


class RateLimitChange(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True
):
    """Body of `PUT`, `POST /api/rate-limit`: what is absent stays; `connectionId`: about one account."""

    enabled: bool | UnsetType | None = UNSET
    requests_per_minute: AtLeastOne | UnsetType = UNSET
    min_time_between_requests: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    concurrent_requests: AtLeastOne | UnsetType = UNSET
    connection_id: str | UnsetType = UNSET
