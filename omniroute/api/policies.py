"""Policies over requests, and who is locked out."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

PolicyKind = Literal["routing", "access", "budget"]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Globs = list[Annotated[str, Meta(min_length=1, max_length=256)]]
Moment = Annotated[
    str, Meta(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$", description="a time from 00:00 to 24:00")
]
PolicyId = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9._-]{1,64}$",
        description="1 to 64 letters, digits, dots, underscores and hyphens",
    ),
]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class TimeWindow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the day, in the gateway's zone."""

    start: Moment = "00:00"
    end: Moment = "24:00"
    """Before `start`: on the next day."""
    days: list[Day] = []
    """Days it begins on; none: every day."""


class Conditions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """When a policy applies: all that are given must be met."""

    model_pattern: Name | None = None
    api_key_ids: list[Name] = []
    client_ips: list[Name] = []
    """Addresses, networks, or IPv4 addresses with `*` for octets."""
    time_window: TimeWindow | None = None


class Actions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a policy does; each type has its own."""

    prefer_provider: list[Name] = []
    block_model: Globs = []
    allow_model: Globs = []
    max_tokens: Annotated[int, Meta(ge=1, le=10_000_000)] | None = None


class PolicyEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One policy."""

    id: str
    name: str
    type: PolicyKind
    enabled: bool
    priority: int
    """Lower applies first."""
    conditions: Conditions
    actions: Actions
    created_at: str
    updated_at: str


class BreakerEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One provider that is left alone after failures."""

    name: str
    state: str
    failure_count: int
    last_failure_time: str | None


class LockedIdentifier(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Who is locked out after wrong keys."""

    identifier: str
    locked_until: int
    """Milliseconds since 1970."""
    remaining_ms: int


class Policies(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer of `GET /api/policies`."""

    policies: list[PolicyEntry]
    """In the order they apply."""
    circuit_breakers: list[BreakerEntry]
    locked_identifiers: list[LockedIdentifier]


class PolicyBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Body of `POST /api/policies` that makes a policy, or replaces the one of that id."""

    id: PolicyId | None = None
    name: Name
    type: PolicyKind
    enabled: bool = True
    priority: Annotated[int, Meta(ge=0, le=1_000_000)] = 100
    conditions: Conditions = Conditions()
    actions: Actions = Actions()


class Unlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of `POST /api/policies` that ends a lock."""

    action: Literal["unlock"] = "unlock"
    identifier: Name


class Unlocked(msgspec.Struct, frozen=True, kw_only=True):
    """The lock is gone."""

    success: bool
    action: str
    identifier: str


class Evaluate(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Body of `POST /api/policies` that asks what would become of a request."""

    action: Literal["evaluate"] = "evaluate"
    model: Name
    api_key_id: str | None = None
    client_ip: str | None = None


class Evaluation(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What would become of it."""

    allowed: bool
    reason: str | None
    policy_phase: Literal["lockout", "key", "allowed_models", "policies", "model", "passed"]
    """What stopped it."""
    preferred_providers: list[str]
    applied_policies: list[str]
    max_tokens: int | None
    fallback_chain: list[str]
    targets: list[str]
    """Where it may go, in listed order."""


class PolicyRemoval(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of `DELETE /api/policies`, unless the query names it."""

    id: str | None = None


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """Whether there was one to remove."""

    success: bool
    removed: bool
