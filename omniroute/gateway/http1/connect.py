"""New connections: address, socket, proxy, TLS, and why one of these failed."""

import asyncio
import os
import socket
import ssl

from omniroute.errors import Failure, FailureKind
from omniroute.gateway.http1.addresses import Address, Addresses, RefusedAddress, refuse_literal
from omniroute.gateway.http1.connection import Connection
from omniroute.gateway.http1.socks5 import open_way
from omniroute.gateway.http1.target import Origin
from omniroute.gateway.http1.trust import system_trust
from omniroute.gateway.http1.tunnel import Tunnel, TunnelRefused
from omniroute.gateway.upstream import UpstreamFailed
from omniroute.records.proxies import Proxy, ProxyType

_TRY_S = 1.0
"""How long an address is tried while there are others: enough for a first packet anywhere on earth."""


class Connector:
    """Opens connections."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, *, connect_s: float, tls: ssl.SSLContext | None
    ) -> None:
        self._loop = loop
        self._connect_s = connect_s
        self._tls = tls
        self._addresses = Addresses(loop)

    async def connect(self, origin: Origin, proxy: Proxy | None) -> Connection:
        """A connection to that origin. Raises `UpstreamFailed`."""
        try:
            async with asyncio.timeout(self._connect_s):
                return await self._connect(origin, proxy)
        except (OSError, TunnelRefused) as error:  # TimeoutError is an OSError
            raise UpstreamFailed(_failure(error, origin, proxy)) from None

    async def _connect(self, origin: Origin, proxy: Proxy | None) -> Connection:
        connection = Connection(self._loop, origin.place)
        if proxy is None:
            sock = await self._socket(origin.host, origin.port, allow_private=origin.allow_private)
        else:
            refuse_literal(origin.host, allow_private=origin.allow_private)
            sock = await self._socket(proxy.host, proxy.port, allow_private=True)
        try:
            if proxy is not None and proxy.type is ProxyType.SOCKS5:
                await open_way(self._loop, sock, proxy, origin)
            if proxy is None or proxy.type is ProxyType.SOCKS5:
                secured_for = origin.host if origin.scheme == "https" else None
                await self._attach(sock, connection, secured_for)
            elif origin.scheme == "http":
                await self._attach(sock, connection, _secured_for(proxy))
            else:
                await self._through(sock, proxy, origin, connection)
        except BaseException:
            connection.close()
            sock.close()
            raise
        return connection

    async def _attach(self, sock: socket.socket, connection: Connection, secured_for: str | None) -> None:
        """Let the connection use the socket, inside TLS when there is a name to secure it for."""
        tls = None if secured_for is None else await self._context()
        await self._loop.create_connection(
            lambda: connection, sock=sock, ssl=tls, server_hostname=secured_for
        )

    async def _socket(self, host: str, port: int, *, allow_private: bool) -> socket.socket:
        """A connected socket to the first address that takes one."""
        addresses = await self._addresses.find(host, port, allow_private=allow_private)
        failure: OSError = OSError(f"{host} has no address")
        for address in addresses:
            try:
                async with asyncio.timeout(None if address is addresses[-1] else _TRY_S):
                    sock = await self._reach(address)
            except OSError as error:
                failure = error
            else:
                self._addresses.prefer(host, port, address)
                return sock
        raise failure

    async def _reach(self, address: Address) -> socket.socket:
        sock = socket.socket(address.family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)  # noqa: FBT003 - the standard library's signature
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            await self._loop.sock_connect(sock, address.place)
        except BaseException:
            sock.close()
            raise
        return sock

    async def _through(
        self, sock: socket.socket, proxy: Proxy, origin: Origin, connection: Connection
    ) -> None:
        """TLS to the origin inside a tunnel through the proxy."""
        name = _secured_for(proxy)
        transport, tunnel = await self._loop.create_connection(
            lambda: Tunnel(self._loop),
            sock=sock,
            ssl=None if name is None else await self._context(),
            server_hostname=name,
        )
        try:
            await tunnel.open(transport, origin, proxy)
            secured = await self._loop.start_tls(
                transport, connection, await self._context(), server_hostname=origin.host
            )
        except BaseException:
            transport.abort()
            raise
        if secured is None:
            raise ConnectionResetError("the proxy closed the connection")
        connection.connection_made(secured)

    async def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = await asyncio.to_thread(system_trust)
        return self._tls


def _secured_for(proxy: Proxy) -> str | None:
    """The name to expect in the proxy's own certificate; `None`: it speaks without TLS."""
    return proxy.host if proxy.type is ProxyType.HTTPS else None


def _failure(error: Exception, origin: Origin, proxy: Proxy | None) -> Failure:
    """Why there is no connection, in words that name the host and never the path or a key."""
    host = origin.place
    where = host if proxy is None else f"{host} through the proxy {proxy.place}"
    match error:
        case TimeoutError():
            message = f"no connection to {where} in time"
        case RefusedAddress() | TunnelRefused():
            message = f"no connection to {where}: {error}"
        case socket.gaierror():
            name = origin.host if proxy is None else proxy.host
            message = f"the name {name} cannot be resolved: {error.strerror or error}"
        case ssl.SSLCertVerificationError():
            message = f"{host} shows an untrusted certificate: {error.verify_message}"
        case ssl.SSLError():
            message = f"no TLS connection to {where}"
        case OSError(errno=int() as number):
            message = f"no connection to {where}: {os.strerror(number)}"
        case _:
            message = f"no connection to {where}: {error}"
    return Failure(kind=FailureKind.CONNECT, message=message)
