"""Which addresses a user may point us at."""

import ipaddress
import re
from urllib.parse import urlsplit

from omniroute.errors import ConfigError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_REFUSED = tuple(
    ipaddress.ip_network(network)
    for network in (
        "169.254.0.0/16",  # link-local; 169.254.169.254 hands out cloud credentials
        "100.100.100.200/32",  # the same at Alibaba
        "fd00:ec2::/32",  # the same at Amazon, over IPv6
        "fe80::/10",
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_METADATA_NAMES = frozenset({"metadata", "metadata.google.internal", "metadata.goog", "instance-data"})
_PASTED = (
    "/chat/completions",
    "/messages/count_tokens",
    "/messages",
    "/responses",
    "/embeddings",
    "/models",
    "/api/chat",
    "/api/tags",
)
_NUMERIC = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*")
_HOST = re.compile(r"[^\s/\\%{}<>\"|^`]+")


def check_base_url(url: str, *, allow_private: bool) -> str:
    """`url` as it is kept: without a slash at its end or a pasted path such as /chat/completions.

    Raises ConfigError for anything but a plain http or https URL, always for link-local and metadata
    addresses, and without `allow_private` for addresses of this machine or a private network. Names are
    checked again when they are resolved.
    """
    text = url.strip()
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise ConfigError("The base URL is not a URL.") from None
    if parts.scheme not in ("http", "https"):
        raise ConfigError("The base URL must begin with http:// or https://.")
    if "@" in parts.netloc:
        raise ConfigError("The base URL must not hold a user name or password; give the key by itself.")
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise ConfigError("The base URL must end before any ? or #.")
    if not _HOST.fullmatch(host) or port == 0 or re.search(r"[\s\\\x00-\x1f]", text):
        raise ConfigError("The base URL has no usable host.")
    _check_host(host, allow_private=allow_private)
    shown = f"[{host}]" if ":" in host else host
    place = shown if port is None else f"{shown}:{port}"
    return without_pasted_path(f"{parts.scheme}://{place}{parts.path}")


def without_pasted_path(url: str) -> str:
    """`url` up to where the dialect's own path begins."""
    trimmed = url.rstrip("/")
    for path in _PASTED:
        if trimmed.endswith(path):
            return trimmed.removesuffix(path).rstrip("/")
    return trimmed


def is_refused_address(address: str | IPAddress) -> bool:
    """True for link-local and metadata addresses, which nothing may reach."""
    ip = _unwrapped(address)
    return any(ip in network for network in _REFUSED if network.version == ip.version)


def is_private_address(address: str | IPAddress) -> bool:
    """True for an address that is not on the public internet: ask `allow_private` before connecting.

    Raises ValueError when `address` is not an IP address.
    """
    ip = _unwrapped(address)
    return not ip.is_global or ip.is_multicast


def _check_host(host: str, *, allow_private: bool) -> None:
    if host in _METADATA_NAMES:
        raise ConfigError(f"{host} is a cloud's metadata service; no connection is made to it.")
    try:
        ip = _unwrapped(host)
    except ValueError:
        if _NUMERIC.fullmatch(host):
            raise ConfigError(f"Write the address {host} with four numbers, like 192.0.2.1.") from None
        private = host == "localhost" or host.endswith(".localhost")
    else:
        if is_refused_address(ip):
            raise ConfigError(f"{host} is a link-local or metadata address; no connection is made to it.")
        private = is_private_address(ip)
    if private and not allow_private:
        raise ConfigError(
            f"{host} is on this machine or in a private network. If you mean it, add --allow-private."
        )


def _unwrapped(address: str | IPAddress) -> IPAddress:
    """The IPv4 address inside an IPv6 one where there is one: it is what gets connected to."""
    ip = ipaddress.ip_address(address) if isinstance(address, str) else address
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip
