"""Which address a request comes from."""

import ipaddress
from collections.abc import Sequence

from aiohttp import web

from omniroute.errors import ConfigError
from omniroute.records.addresses import AddressSet, parse_address_set, parse_ip


class ClientAddress:
    """Tells the client's address: the socket's peer, or what a trusted proxy in between says."""

    def __init__(self, trusted_proxies: Sequence[str]) -> None:
        self._trusted = [_address_set(written) for written in trusted_proxies]

    def of(self, request: web.BaseRequest) -> str | None:
        """The right-most address that no trusted proxy has; `None` when there is no telling."""
        peer = request.remote
        if not self._trusted or not self._is_trusted(peer):
            return peer
        forwarded = ",".join(request.headers.getall("X-Forwarded-For", ()))
        hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
        for hop in reversed(hops):
            address = _without_port(hop)
            if address is None:
                return None  # the proxy passed on what nobody can check
            if not self._is_trusted(address):
                return address
        return peer

    def _is_trusted(self, address: str | None) -> bool:
        try:
            ip = parse_ip(address or "")
        except ValueError:
            return False
        return any(ip in one for one in self._trusted)


def is_loopback(address: str | None) -> bool:
    """True for this machine's own addresses."""
    if address in ("127.0.0.1", "::1"):
        return True
    try:
        return parse_ip(address or "").is_loopback
    except ValueError:
        return False


def _without_port(hop: str) -> str | None:
    """The address of an entry, which may have a port: `1.2.3.4:567`, `[2001:db8::1]:567`."""
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    try:
        return str(ipaddress.ip_address(hop))
    except ValueError:
        return None


def _address_set(written: str) -> AddressSet:
    try:
        return parse_address_set(written)
    except ValueError as error:
        raise ConfigError(f"trusted_proxies: {written!r} {error}") from None
