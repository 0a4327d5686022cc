"""Where a host really is, with every address checked before it is connected to."""

import asyncio
import ipaddress
import re
import socket
from itertools import chain, zip_longest
from typing import NamedTuple

from omniroute.providers.wire import is_private_address, is_refused_address

_KEPT_S = 30.0
_KEPT_HOSTS = 256
_NUMBERS = re.compile(r"[0-9a-fxA-FX.]+")


class Address(NamedTuple):
    """What a socket connects to."""

    family: int
    place: tuple[str | bytes | int, ...]


class RefusedAddress(OSError):
    """The host leads to a place we do not go to; the text says what would change that."""


class Addresses:
    """Looks hosts up, and remembers for half a minute."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._kept: dict[tuple[str, int], tuple[float, list[Address]]] = {}

    async def find(self, host: str, port: int, *, allow_private: bool) -> list[Address]:
        """The host's permitted addresses, families by turns, the last good one first.

        Raises `RefusedAddress` when it has only others, and OSError when it has none.
        """
        found = await self._look_up(host, port)
        allowed = [address for address in found if not _is_refused(address, allow_private=allow_private)]
        if found and not allowed:
            if all(_is_refused(address, allow_private=True) for address in found):
                raise RefusedAddress(f"{host} is a link-local or metadata address, which nothing may reach")
            raise RefusedAddress(f"{host} leads to an address of this network; `--allow-private` permits it")
        return allowed

    def prefer(self, host: str, port: int, address: Address) -> None:
        """Try this one first next time: it works."""
        _, found = self._kept.get((host, port), (0.0, []))
        if address in found and found[0] != address:
            found.remove(address)
            found.insert(0, address)

    async def _look_up(self, host: str, port: int) -> list[Address]:
        if literal := _literal(host, port):
            return [literal]
        now_s = self._loop.time()
        kept_until_s, found = self._kept.get((host, port), (0.0, []))
        if now_s < kept_until_s:
            return found
        rows = await self._loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        first_family = rows[0][0] if rows else None
        addresses = [Address(family, place) for family, _, _, _, place in rows]
        by_turns = zip_longest(
            (address for address in addresses if address.family == first_family),
            (address for address in addresses if address.family != first_family),
        )
        found = [address for address in chain.from_iterable(by_turns) if address is not None]
        if len(self._kept) >= _KEPT_HOSTS:
            self._kept.clear()
        self._kept[host, port] = now_s + _KEPT_S, found
        return found


def refuse_literal(host: str, *, allow_private: bool) -> None:
    """Raise `RefusedAddress` when `host` is itself an address we do not go to; a name passes."""
    literal = _literal(host, 0)
    if literal is not None and _is_refused(literal, allow_private=allow_private):
        raise RefusedAddress(f"{host} is not an address that may be asked")


def literal_ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that the host itself is, in any spelling that resolvers take; `None`: it is a name."""
    host = host.rstrip(".")
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    if not _NUMBERS.fullmatch(host):
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))  # 127.1, 0x7f000001, 2130706433
    except OSError:
        return None


def _literal(host: str, port: int) -> Address | None:
    ip = literal_ip(host)
    if ip is None:
        return None
    if isinstance(ip, ipaddress.IPv4Address):
        return Address(socket.AF_INET, (str(ip), port))
    return Address(socket.AF_INET6, (str(ip), port, 0, 0))


def _is_refused(address: Address, *, allow_private: bool) -> bool:
    ip = str(address.place[0])
    return is_refused_address(ip) or (not allow_private and is_private_address(ip))
