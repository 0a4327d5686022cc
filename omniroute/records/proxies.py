"""Proxies between the gateway and its upstreams."""

from base64 import b64encode
from dataclasses import dataclass, field
from enum import StrEnum


class ProxyType(StrEnum):
    """How a proxy is spoken to."""

    HTTP = "http"
    HTTPS = "https"
    """HTTP inside TLS."""
    SOCKS5 = "socks5"
    """It resolves the names (RFC 1928)."""


class ProxyLevel(StrEnum):
    """What a proxy is for; the narrower wins, in this order."""

    KEY = "key"
    """One account."""
    COMBO = "combo"
    PROVIDER = "provider"
    GLOBAL = "global"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """One proxy."""

    type: ProxyType = ProxyType.HTTP
    host: str
    """Without the brackets of an IPv6 address."""
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def place(self) -> str:
        """Host and port, without the credentials."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """How people write it, without the credentials."""
        return f"{self.type}://{self.place}"

    @property
    def authorization(self) -> str:
        """The header line that names us to an HTTP proxy, with its line end; empty without a user name."""
        if self.username is None:
            return ""
        login = f"{self.username}:{self.password or ''}".encode()
        return f"Proxy-Authorization: Basic {b64encode(login).decode()}\r\n"
