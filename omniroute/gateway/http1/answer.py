"""An answer as its bytes come in, and as the gateway reads it."""

import asyncio
from collections.abc import AsyncIterator, Callable

from omniroute.errors import Failure, FailureKind
from omniroute.gateway.http1.encodings import BrokenEncoding, Decoder, decoder_for
from omniroute.gateway.http1.head import Headers
from omniroute.gateway.upstream import UpstreamFailed

MAX_WAITING_BYTES = 256 * 1024
"""More than this unread makes the connection stop reading until all of it is taken."""

_UNDECODABLE = Failure(kind=FailureKind.PROTOCOL, message="the upstream's answer cannot be decompressed")


class Answer:
    """Filled by its connection, read by one task. What came before a failure is given before it is raised."""

    __slots__ = ("_decoder", "_drained", "_loop", "_parts", "_waiter", "failure", "has_head", "headers",
                 "is_over", "status", "waiting_bytes")  # fmt: skip

    def __init__(self, loop: asyncio.AbstractEventLoop, drained: Callable[[], None]) -> None:
        self._loop = loop
        self._drained = drained
        self._parts: list[bytes] = []
        self._waiter: asyncio.Future[None] | None = None
        self._decoder: Decoder | None = None
        self.status = 0
        self.headers = Headers()
        self.has_head = False
        self.is_over = False
        """Nothing more comes: all of it is here, or `failure` says why not."""
        self.failure: Failure | None = None
        self.waiting_bytes = 0

    def begin(self, status: int) -> None:
        """The head is whole."""
        self.status = status
        self.has_head = True
        if encoding := self.headers.get("content-encoding"):
            try:
                self._decoder = decoder_for(encoding)
            except BrokenEncoding:
                self._decoder = _Unknown()

    def add(self, part: bytes) -> None:
        """Bytes of the body, without the transfer's framing."""
        self._parts.append(part)
        self.waiting_bytes += len(part)

    def end(self, failure: Failure | None = None) -> None:
        """Nothing more comes; only the first call counts."""
        if not self.is_over:
            self.is_over = True
            self.failure = failure

    def wake(self) -> None:
        """Let the reader look at what is new."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def head(self) -> None:
        """Wait for status and headers; afterwards either these are there or `failure` is."""
        while not (self.has_head or self.is_over):
            await self._news()

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes, decompressed: at each step all that is there."""
        return self

    async def read(self, limit: int) -> bytes:
        """The whole body, or its first `limit` bytes."""
        parts: list[bytes] = []
        size = 0
        while size < limit and (chunk := await self._next()):
            parts.append(chunk)
            size += len(chunk)
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        return body if size <= limit else body[:limit]

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        chunk = await self._next()
        if not chunk:
            raise StopAsyncIteration
        return chunk

    async def _next(self) -> bytes:
        """Bytes of the plain body; empty at its end."""
        while True:
            if self._decoder is not None and (plain := self._decoded(self._decoder)):
                return plain
            if self._parts:
                chunk = self._taken()
                if self._decoder is None:
                    return chunk
                self._decoder.feed(chunk)
            elif not self.is_over:
                await self._news()
            else:
                return self._ending()

    def _taken(self) -> bytes:
        parts = self._parts
        chunk = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        was_full = self.waiting_bytes > MAX_WAITING_BYTES
        self.waiting_bytes = 0
        if was_full:
            self._drained()
        return chunk

    def _decoded(self, decoder: Decoder) -> bytes:
        try:
            return decoder.take()
        except BrokenEncoding:
            raise UpstreamFailed(_UNDECODABLE) from None

    def _ending(self) -> bytes:
        if self.failure is not None:
            raise UpstreamFailed(self.failure)
        if self._decoder is not None and not self._decoder.is_whole:
            raise UpstreamFailed(_UNDECODABLE)
        return b""

    async def _news(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None


class _Unknown:
    """An encoding nobody asked for: an empty body is all that can be read of it."""

    def __init__(self) -> None:
        self._fed = False
        self.is_whole = True

    def feed(self, compressed: bytes) -> None:
        self._fed = True

    def take(self) -> bytes:
        if self._fed:
            raise BrokenEncoding
        return b""
