"""A server that says exactly the bytes a test gives it, over a real socket on loopback."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from omniroute.errors import Failure
from omniroute.gateway.http1.upstream import Http1Upstream
from omniroute.gateway.upstream import HttpRequest, UpstreamFailed

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Talk:
    """One connection, seen from the server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int
    """1 for the first connection."""
    server: "WireServer"

    async def request(self) -> bytes:
        """The next request, head and body. Raises IncompleteReadError at the connection's end."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        whole = head + await self.reader.readexactly(length)
        self.server.requests.append(whole)
        return whole

    def say(self, *pieces: bytes) -> None:
        """Send these bytes."""
        for piece in pieces:
            self.writer.write(piece)

    async def wait_for_close(self) -> None:
        """Return when the client has closed the connection, and tell the test."""
        try:
            while await self.reader.read(65536):
                pass
        except ConnectionError:
            pass
        self.server.closed.set()


Script = Callable[[Talk], Awaitable[None]]


@dataclass
class WireServer:
    """Where it listens, and what it saw."""

    script: Script
    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    """A connection was closed by the client while the script waited for that."""

    def ask(
        self,
        path: str = "/v1/chat",
        *,
        scheme: str = "http",
        host: str = "127.0.0.1",
        method: str = "POST",
        body: bytes | None = b"{}",
        headers: dict[str, str] | None = None,
        first_byte_s: float = 20,
        idle_s: float | None = None,
    ) -> HttpRequest:
        """A request to this server."""
        return HttpRequest(
            method=method,
            url=f"{scheme}://{host}:{self.port}{path}",
            headers=headers or {},
            body=body,
            allow_private=True,
            first_byte_s=first_byte_s,
            idle_s=idle_s,
        )

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self.script(Talk(reader, writer, self.connections, self))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client is done
        finally:
            writer.close()


@asynccontextmanager
async def serving(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[WireServer]:
    """A server that runs `script` for each connection."""
    wire = WireServer(script)
    server = await asyncio.start_server(wire._talk, "127.0.0.1", 0, ssl=tls)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()


def saying(*answers: bytes) -> Script:
    """Answer each request with the next of these, then close."""

    async def script(talk: Talk) -> None:
        for answer in answers:
            await talk.request()
            talk.say(answer)

    return script


async def keep_answering(talk: Talk) -> None:
    """Answer every request, for as long as the client likes."""
    while True:
        await talk.request()
        talk.say(OK)


@asynccontextmanager
async def http1(
    *, connect_s: float = 20, tls: ssl.SSLContext | None = None, proxies: dict[str, str] | None = None
) -> AsyncIterator[Http1Upstream]:
    """The upstream under test."""
    upstream = Http1Upstream(connect_s=connect_s, tls=tls, proxy_environment=proxies or {})
    try:
        yield upstream
    finally:
        await upstream.close()


async def fetch(upstream: Http1Upstream, request: HttpRequest) -> tuple[int, bytes]:
    """Status and body."""
    async with upstream.open(request) as answer:
        return answer.status, await answer.read(1 << 30)


async def failure_of(upstream: Http1Upstream, request: HttpRequest) -> Failure:
    """What goes wrong, at the head or in the body."""
    try:
        answered = await fetch(upstream, request)
    except UpstreamFailed as failed:
        return failed.failure
    raise AssertionError(f"answered {answered!r}")
