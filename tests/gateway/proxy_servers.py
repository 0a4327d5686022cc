"""Proxies on loopback that lead every name to one port, and note what they were asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from omniroute.records.proxies import Proxy, ProxyType

REFUSED = 5


@dataclass
class ProxyServer:
    """Where it listens, and what it saw."""

    type: ProxyType
    goal: int
    """The port on loopback that every name leads to."""
    login: tuple[str, str] | None = None
    refusal: int = 0
    """What a SOCKS5 proxy answers instead of 0."""
    port: int = 0
    asked: list[str] = field(default_factory=list)
    """`host:port` of each way that was opened."""
    connections: int = 0
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    """A connection is over."""

    def proxy(self, login: tuple[str, str] | None = None) -> Proxy:
        """How to get here."""
        username, password = login or self.login or (None, None)
        return Proxy(type=self.type, host="127.0.0.1", port=self.port, username=username, password=password)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        opening = self._socks5 if self.type is ProxyType.SOCKS5 else self._connect
        try:
            if await opening(reader, writer):
                await self._copy(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client is done
        finally:
            self.closed.set()
            writer.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(head.split(" ")[1])
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return True

    async def _socks5(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        version, count = await reader.readexactly(2)
        methods = await reader.readexactly(count)
        wanted = 0 if self.login is None else 2
        if version != 5 or wanted not in methods:
            writer.write(b"\x05\xff")
            return False
        writer.write(bytes((5, wanted)))
        if self.login is not None and not await self._logged_in(reader, writer):
            return False
        _, command, _, kind = await reader.readexactly(4)
        if kind == 3:
            (length,) = await reader.readexactly(1)
            host = (await reader.readexactly(length)).decode()
        else:
            host = (await reader.readexactly(4 if kind == 1 else 16)).hex()
        self.asked.append(f"{host}:{int.from_bytes(await reader.readexactly(2), 'big')}")
        # An answer with a name in it, in two pieces: both are within the format.
        writer.write(bytes((5, self.refusal, 0, 3)))
        await writer.drain()
        writer.write(b"\x04here\x00\x01")
        return command == 1 and self.refusal == 0

    async def _logged_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        _, length = await reader.readexactly(2)
        name = (await reader.readexactly(length)).decode()
        (length,) = await reader.readexactly(1)
        is_right = (name, (await reader.readexactly(length)).decode()) == self.login
        writer.write(b"\x01\x00" if is_right else b"\x01\x01")
        return is_right

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.goal)

        async def copy(source: asyncio.StreamReader, goal: asyncio.StreamWriter) -> None:
            try:
                while chunk := await source.read(65536):
                    goal.write(chunk)
            finally:
                goal.close()

        try:
            await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))
        finally:
            far_writer.close()


@asynccontextmanager
async def proxying(
    type_: ProxyType, goal: int, *, login: tuple[str, str] | None = None, refusal: int = 0
) -> AsyncIterator[ProxyServer]:
    """A proxy that leads to that port."""
    server = ProxyServer(type_, goal, login, refusal)
    listening = await asyncio.start_server(server.talk, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
