"""Our own API keys."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

KeyName = Annotated[str, Meta(min_length=1, max_length=200)]
ScopeName = Literal["proxy", "manage", "sync"]


class Key(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One key, masked."""

    id: str
    name: str
    key: str
    """`sk-omr-a1b****x9Qd`"""
    scopes: list[ScopeName]
    allowed_models: list[str]
    is_active: bool
    expires_at: str | None
    no_log: bool
    last_used_at: str | None
    created_at: str


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `GET /api/keys`."""

    keys: list[Key]


class KeyUsage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What one key has been used for."""

    requests: int
    cost_usd: float
    last_used_at: str | None


class KeyBody(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `GET /api/keys/{id}`."""

    key: Key
    usage: KeyUsage


class NewKey(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Body of `POST /api/keys`."""

    name: KeyName
    scopes: list[ScopeName] = msgspec.field(default_factory=lambda: ["proxy"])
    allowed_models: list[str] = []
    expires_at: str | None = None
    """ISO 8601, UTC."""
    no_log: bool = False


class CreatedKey(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer of `POST /api/keys`: the only time the whole key is shown."""

    id: str
    key: str
    name: str
    scopes: list[ScopeName]


class KeyChange(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Body of `PATCH /api/keys/{id}`."""

    name: KeyName | UnsetType = UNSET
    scopes: list[ScopeName] | UnsetType = UNSET
    allowed_models: list[str] | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    expires_at: str | UnsetType | None = UNSET
    no_log: bool | UnsetType = UNSET


class ChangedKey(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer of `PATCH /api/keys/{id}`."""

    message: str
    allowed_models: list[str]
    key: Key
