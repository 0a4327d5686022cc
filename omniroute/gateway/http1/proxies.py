"""Which proxy the environment names for an origin."""

import base64
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from omniroute.gateway.http1.target import Origin


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy."""

    host: str
    port: int
    authorization: str = field(default="", repr=False)
    """The header line that names us to it, with its line end; empty when it asks for none."""

    @property
    def place(self) -> str:
        """Host and port, without the credentials."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class UnusableProxy(ValueError):
    """The environment names a proxy we cannot talk to. Its text holds no credentials."""


class Proxies:
    """The proxy variables of an environment: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`.

    Either case counts, the lower one first.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        def value(name: str) -> str:
            return (environment.get(name) or environment.get(name.upper()) or "").strip()

        both = value("all_proxy")
        self._urls = {"http": value("http_proxy") or both, "https": value("https_proxy") or both}
        self._direct = [entry.strip().lower() for entry in value("no_proxy").split(",") if entry.strip()]

    def proxy_for(self, origin: Origin) -> Proxy | None:
        """The way to that origin; `None`: directly. Raises `UnusableProxy`."""
        url = self._urls[origin.scheme]
        if not url or _is_loopback(origin.host) or self._goes_directly(origin):
            return None
        return _parse(url)

    def _goes_directly(self, origin: Origin) -> bool:
        return any(entry == "*" or _covers(entry, origin) for entry in self._direct)


def _covers(entry: str, origin: Origin) -> bool:
    """True when an entry of `NO_PROXY` means that host: a domain, an address, a network; `:port` narrows."""
    host = origin.host.rstrip(".")
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        pass  # one of the two is a name
    name, colon, port = entry.rpartition(":")
    if colon and port.isdigit():
        if int(port) != origin.port:
            return False
        entry = name.strip("[]")
    domain = entry.removeprefix("*").lstrip(".")
    return bool(domain) and (host == domain or host.endswith(f".{domain}"))


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _parse(url: str) -> Proxy:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname or "", parts.port or 80
    except ValueError:
        raise UnusableProxy("the proxy in the environment is not a URL") from None
    if parts.scheme != "http":
        raise UnusableProxy(f"the proxy in the environment speaks {parts.scheme}; only http:// ones work")
    if not host:
        raise UnusableProxy("the proxy in the environment has no host")
    if parts.username is None:
        return Proxy(host, port)
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    return Proxy(host, port, f"Proxy-Authorization: Basic {base64.b64encode(login).decode()}\r\n")
