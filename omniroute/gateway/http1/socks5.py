"""A way through a SOCKS5 proxy (RFC 1928, with user name and password as of RFC 1929)."""

import asyncio
import ipaddress
import socket

from omniroute.gateway.http1.target import Origin
from omniroute.gateway.http1.tunnel import TunnelRefused
from omniroute.records.proxies import Proxy

_VERSION = 5
_NO_LOGIN, _LOGIN, _NO_METHOD = 0, 2, 0xFF
_CONNECT = 1
_IPV4, _NAME, _IPV6 = 1, 3, 4
_LONGEST = 255
_REFUSALS = {
    1: "it failed",
    2: "its rules do not allow it",
    3: "it cannot reach that network",
    4: "it cannot reach that host",
    5: "the host refuses connections",
    6: "the host is too far away",
    7: "it does not make connections",
    8: "it does not take such an address",
}


async def open_way(
    loop: asyncio.AbstractEventLoop, sock: socket.socket, proxy: Proxy, origin: Origin
) -> None:
    """Return when what is sent goes to the origin; the proxy looks its name up.

    Reads not a byte more than the proxy's own answers. Raises `TunnelRefused`, OSError.
    """
    login = proxy.username is not None
    await loop.sock_sendall(sock, bytes((_VERSION, 1, _LOGIN if login else _NO_LOGIN)))
    version, method = await _read(loop, sock, 2)
    if version != _VERSION:
        raise TunnelRefused("it did not answer in SOCKS5")
    if method == _NO_METHOD:
        raise TunnelRefused(
            "it does not take a user name and password" if login else "it asks for a user name and password"
        )
    if method == _LOGIN and login:
        await _log_in(loop, sock, proxy)
    elif method != _NO_LOGIN:
        raise TunnelRefused("it wants a login that was not offered")
    request = bytes((_VERSION, _CONNECT, 0)) + _address(origin.host) + origin.port.to_bytes(2, "big")
    await loop.sock_sendall(sock, request)
    await _read_answer(loop, sock)


async def _log_in(loop: asyncio.AbstractEventLoop, sock: socket.socket, proxy: Proxy) -> None:
    name, password = (proxy.username or "").encode(), (proxy.password or "").encode()
    if not 0 < len(name) <= _LONGEST or len(password) > _LONGEST:
        raise TunnelRefused("its user name or password is too long for it")
    login = bytes((1, len(name))) + name + bytes((len(password),)) + password
    await loop.sock_sendall(sock, login)
    _, status = await _read(loop, sock, 2)
    if status != 0:
        raise TunnelRefused("it does not accept the user name and password")


async def _read_answer(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
    version, status, _, kind = await _read(loop, sock, 4)
    if version != _VERSION:
        raise TunnelRefused("it did not answer in SOCKS5")
    if status != 0:
        raise TunnelRefused(_REFUSALS.get(status, f"it answered {status}"))
    if kind == _NAME:
        (length,) = await _read(loop, sock, 1)
    elif kind in (_IPV4, _IPV6):
        length = 4 if kind == _IPV4 else 16
    else:
        raise TunnelRefused("it did not answer in SOCKS5")
    await _read(loop, sock, length + 2)  # where it sends from: of no use to us


def _address(host: str) -> bytes:
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("ascii")
        if len(name) > _LONGEST:
            raise TunnelRefused("the host's name is too long for it") from None
        return bytes((_NAME, len(name))) + name
    return bytes((_IPV4 if ip.version == 4 else _IPV6,)) + ip.packed


async def _read(loop: asyncio.AbstractEventLoop, sock: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count:
        chunk = await loop.sock_recv(sock, count - len(got))
        if not chunk:
            raise TunnelRefused("it hung up")
        got += chunk
    return got
