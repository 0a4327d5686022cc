"""What holds providers and accounts up, for how long, and how patient the gateway is with them."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from omniroute.records.preferences import Profiles, RateLimitDefaults

ScopeName = Literal["all", "breakers", "cooldowns", "locks", "limits"]


class Breaker(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One provider's switch."""

    name: str
    state: str
    """`CLOSED`, `OPEN`, `HALF_OPEN`"""
    failure_count: int
    """In a row."""
    last_failure_time: str | None
    retry_after_ms: int


class Queue(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Calls of one account."""

    queued: int
    running: int
    executing: int


class Resilience(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer of `GET /api/resilience`."""

    profiles: Profiles
    defaults: RateLimitDefaults
    circuit_breakers: list[Breaker]
    """Of every connected provider."""
    rate_limit_status: dict[str, Queue]
    """`provider:connection id` to its calls, where there are any."""


class ResilienceChange(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True
):
    """Body of `PUT /api/resilience`: what is absent stays, `null` means the default."""

    profiles: dict[str, Any] | None = None  # JSON of any shape, checked against `Profiles`
    defaults: dict[str, Any] | None = None  # the same for `RateLimitDefaults`


class ResilienceChanged(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `PUT /api/resilience`."""

    ok: bool
    profiles: Profiles
    defaults: RateLimitDefaults


class Reset(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Body of `POST /api/resilience/reset`."""

    scope: ScopeName = "all"
    provider: str | None = None
    connection_id: str | None = None
    """Then only what holds this connection itself up, not its provider's breaker."""


class ResetDone(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer of `POST /api/resilience/reset`."""

    ok: bool
    reset_count: int
    """Breakers that were closed."""
    cooldowns_cleared: int
    locks_cleared: int
    limits_cleared: int
    message: str


class Held(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Something is left alone for a while."""

    reason: str
    since: str
    until: str | None
    """`null`: until a person clears it."""
    remaining_ms: int | None
    """0: it has run out, and the next call tries whether it is over."""
    level: int
    """How often it was renewed without an answer between."""
    status: int | None
    message: str


class Limit(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the provider last told of an account's limits."""

    requests: int | None
    requests_left: int | None
    requests_reset: str | None
    tokens: int | None
    tokens_left: int | None
    tokens_reset: str | None


class SignedIn(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How long an account that was signed in can be asked."""

    identity: str | None
    """Who it is: an address, or a name at the vendor."""
    expires_at: str | None
    """When its access token ends; `null`: it does not, or nobody has said."""
    remaining_ms: int | None
    is_renewed: bool
    """A new token is fetched before that."""


class AccountHealth(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One account, and what holds it up."""

    id: str
    provider: str
    """As models are prefixed."""
    provider_id: str
    name: str
    priority: int
    is_active: bool
    state: str
    """`ready`, `cooling`, `locked` (some models), `limited`, `broken` (its provider), `disabled`."""
    until: str | None
    """When that ends by itself, where it does."""
    remaining_ms: int | None
    breaker: Breaker
    cooldown: Held | None
    locks: dict[str, Held]
    """By model."""
    limit: Limit | None
    running: int
    queued: int
    backoff_level: int
    uses_last_hour: int
    last_used_at: str | None
    test_status: str
    """`unknown`, `active`, `error`, `expired` (has to sign in again)"""
    last_error: str | None
    login: SignedIn | None
    """`null`: it has a key, or needs none."""


class Accounts(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `GET /api/accounts`."""

    accounts: list[AccountHealth]


class Unavailable(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A model none of its provider's accounts can be asked for now."""

    provider: str
    model: str
    reason: str
    remaining_ms: int | None
    unavailable_since: str


class ProviderAvailability(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One connected provider."""

    breaker: str
    connections: int
    available: int
    cooling: int
    earliest_recovery: str | None


class Lock(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One model of one account."""

    provider: str
    connection_id: str
    model: str
    reason: str
    remaining_ms: int | None


class Availability(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer of `GET /api/models/availability`."""

    unavailable_count: int
    models: list[Unavailable]
    providers: dict[str, ProviderAvailability]
    locks: list[Lock]


class AvailabilityRequest(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """Body of `POST /api/models/availability`; without `action`, provider and model together mean `clear`."""

    action: Literal["check", "clear"] | None = None
    provider: str | None = None
    model: Annotated[str, Meta(min_length=1, max_length=256)] | None = None
    connection_id: str | None = None


class Target(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One target of a model's name."""

    provider: str
    model: str
    available: bool
    available_accounts: int
    total_accounts: int
    reason: str | None
    retry_after: str | None


class AvailabilityCheck(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a model can be asked now."""

    model: str
    available: bool
    resolved: list[Target]
    type: str
    """`model` or `combo`"""
    reason: str | None = None
    """Why nothing at all can be asked."""
