"""Proxies between the gateway and its upstreams."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

MASK = "****"
"""Stands for a password that is there; sent back, it keeps the one that is stored."""

Kind = Literal["http", "https", "socks5"]
Level = Literal["global", "provider", "combo", "key"]
Port = (
    Annotated[int, Meta(ge=1, le=65_535)]
    | Annotated[str, Meta(pattern=r"^[0-9]{1,5}$", description="its digits as text")]
)
Login = Annotated[str, Meta(min_length=1, max_length=255)]


class ProxyBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One proxy as a caller writes it."""

    type: Kind = "http"
    host: Annotated[str, Meta(min_length=1, max_length=255)]
    port: Port
    username: Login | None = None
    password: Annotated[str, Meta(max_length=255)] | None = None


class ProxyEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One proxy, its password masked."""

    type: Kind
    host: str
    port: int
    username: str | None
    password: str | None


class ProxyConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `GET`, `PUT` and `DELETE /api/settings/proxy`: by id of what each is for."""

    all: ProxyEntry | None = msgspec.field(name="global")
    providers: dict[str, ProxyEntry]
    combos: dict[str, ProxyEntry]
    keys: dict[str, ProxyEntry]
    """By connection."""


class ProxyAtLevel(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `GET /api/settings/proxy?level=&id=`."""

    level: Level
    id: str | None
    proxy: ProxyEntry | None


class ResolvedProxy(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer of `GET /api/settings/proxy?resolve=`: what a connection would be reached through."""

    proxy: ProxyEntry | None
    level: Level | None
    """`None`: what the environment says."""
    level_id: str | None


class ProxyChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of `PUT /api/settings/proxy`: one at a level, or several; null removes."""

    level: Level | UnsetType = UNSET
    id: str | None = None
    proxy: ProxyBody | UnsetType | None = UNSET
    all: ProxyBody | UnsetType | None = msgspec.field(default=UNSET, name="global")
    providers: dict[str, ProxyBody | None] = {}
    combos: dict[str, ProxyBody | None] = {}
    keys: dict[str, ProxyBody | None] = {}


class ProxyTest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of `POST /api/settings/proxy/test`: a proxy, or a stored one by level and id."""

    proxy: ProxyBody | None = None
    level: Level | None = None
    id: str | None = None
    provider: str | None = None
    """Whom to reach through it; the first connected provider unless said."""


class ProxyTestResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What came of it."""

    success: bool
    latency_ms: int
    proxy_url: str
    reached: str
    """Host and port that were reached, or were to be."""
    public_ip: str | None = None
    error: str | None = None
