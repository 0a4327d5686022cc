"""A URL as a request needs it: where to connect, and what to ask there."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, urlsplit

_PORTS = {"http": 80, "https": 443}
_AS_GIVEN = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


class Origin(NamedTuple):
    """One server, and whether it may be one of a private network: what connections are kept by."""

    scheme: str
    host: str
    """Without the brackets of an IPv6 address."""
    port: int
    allow_private: bool

    @property
    def place(self) -> str:
        """Host and port as a URL and the `Host` header have them; the usual port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart."""

    origin: Origin
    place: str
    """The origin's host and port: what messages and the `Host` header show."""
    path: str
    """Path and query, every octet printable ASCII."""


@lru_cache(maxsize=1024)
def parse_target(url: str, *, allow_private: bool) -> Target:
    """The URL's parts; a percent-encoded path stays as it is. Raises ValueError when it has no http host."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    usual = _PORTS.get(parts.scheme)
    if usual is None or not host or parts.port == 0:
        raise ValueError("not an http or https URL with a host")
    if not host.isascii():
        host = host.encode("idna").decode("ascii")
    if any(letter in ' \\<>"|^`{}' or not letter.isprintable() for letter in host):
        raise ValueError("not a host name")
    path = quote(parts.path or "/", safe=_AS_GIVEN)
    if parts.query:
        path += "?" + quote(parts.query, safe=_AS_GIVEN)
    origin = Origin(parts.scheme, host, parts.port or usual, allow_private)
    return Target(origin, origin.place, path)
