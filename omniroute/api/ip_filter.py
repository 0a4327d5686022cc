"""Which addresses may talk to the gateway."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

Mode = Literal["blacklist", "whitelist", "whitelist-priority"]
Entry = Annotated[str, Meta(min_length=1, max_length=64)]
Entries = Annotated[list[Entry], Meta(max_length=10_000)]


class TempBan(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An address that is turned away for a time."""

    ip: str
    until: str
    reason: str | None
    remaining_ms: int


class IpFilterBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer of `GET` and `PUT /api/settings/ip-filter`."""

    enabled: bool
    mode: Mode
    blacklist: list[str]
    whitelist: list[str]
    temp_bans: list[TempBan]


class NewBan(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A ban to be made."""

    ip: Entry
    duration_ms: Annotated[int, Meta(ge=1000, le=30 * 86_400_000)] = 3_600_000
    reason: Annotated[str, Meta(max_length=200)] = "Manual ban"


class IpFilterChange(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Body of `PUT /api/settings/ip-filter`: what is absent stays."""

    enabled: bool | UnsetType = UNSET
    mode: Mode | UnsetType = UNSET
    blacklist: Entries | UnsetType = UNSET
    whitelist: Entries | UnsetType = UNSET
    add_blacklist: Entry | UnsetType = UNSET
    remove_blacklist: Entry | UnsetType = UNSET
    add_whitelist: Entry | UnsetType = UNSET
    remove_whitelist: Entry | UnsetType = UNSET
    temp_ban: NewBan | UnsetType = UNSET
    remove_ban: Entry | UnsetType = UNSET
    force: bool = False
    """Change it even if the caller is turned away from now on."""
