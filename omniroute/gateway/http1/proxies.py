"""Which proxy leads to an origin when none is configured: the one the environment names."""

import ipaddress
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import unquote, urlsplit

from omniroute.gateway.http1.addresses import literal_ip
from omniroute.gateway.http1.target import Origin
from omniroute.records.proxies import Proxy, ProxyType

_TYPES = MappingProxyType(
    {
        "http": (ProxyType.HTTP, 80),
        "https": (ProxyType.HTTPS, 443),
        "socks5": (ProxyType.SOCKS5, 1080),
        "socks5h": (ProxyType.SOCKS5, 1080),
    }
)
"""What stands before `://` in a proxy's URL, and the port when the URL names none."""


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
        if not url or is_loopback(origin.host) or self._goes_directly(origin):
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


def is_loopback(host: str) -> bool:
    """True for this machine itself, which no proxy leads to."""
    host = host.rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    ip = literal_ip(host)
    return ip is not None and ip.is_loopback


def _parse(url: str) -> Proxy:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise UnusableProxy("the proxy in the environment is not a URL") from None
    if parts.scheme not in _TYPES:
        known = ", ".join(f"{scheme}://" for scheme in _TYPES)
        raise UnusableProxy(f"the proxy in the environment speaks {parts.scheme}; these work: {known}")
    if not host:
        raise UnusableProxy("the proxy in the environment has no host")
    type_, usual = _TYPES[parts.scheme]
    return Proxy(
        type=type_,
        host=host,
        port=port or usual,
        username=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
    )
