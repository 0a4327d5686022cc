"""A way through an HTTP proxy (RFC 9110, section 9.3.6)."""

import asyncio
import re

from omniroute.gateway.http1.target import Origin
from omniroute.records.proxies import Proxy

_MAX_HEAD_BYTES = 64 * 1024
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})[ \r]")
_HEAD_END = re.compile(rb"\r?\n\r?\n")


class TunnelRefused(Exception):
    """The proxy does not let us through; the text says what it answered."""


class Tunnel(asyncio.Protocol):
    """Asks for the tunnel; once it is open, TLS takes its place."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._answer = b""
        self._opened: asyncio.Future[bytes] = loop.create_future()

    async def open(self, transport: asyncio.Transport, origin: Origin, proxy: Proxy) -> None:
        """Return when what is sent goes to the origin. Raises `TunnelRefused`."""
        host = f"[{origin.host}]" if ":" in origin.host else origin.host
        place = f"{host}:{origin.port}"
        transport.write(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{proxy.authorization}\r\n".encode())
        answer = await self._opened
        status = _STATUS_LINE.match(answer)
        end = _HEAD_END.search(answer)
        if status is None or end is None:
            raise TunnelRefused("it did not answer in HTTP")
        if status[1] == b"407":
            raise TunnelRefused("it asks for a user name and password (407)")
        if not status[1].startswith(b"2"):
            raise TunnelRefused(f"it answered {status[1].decode()}")
        if end.end() != len(answer):
            raise TunnelRefused("it sent more than an answer")  # before we spoke: not the origin's

    def data_received(self, data: bytes) -> None:
        """Some of the proxy's answer."""
        self._answer += data
        is_whole = len(self._answer) > _MAX_HEAD_BYTES or _HEAD_END.search(self._answer)
        if is_whole and not self._opened.done():
            self._opened.set_result(self._answer)

    def connection_lost(self, error: Exception | None) -> None:
        """The proxy hung up."""
        if not self._opened.done():
            self._opened.set_result(b"")
