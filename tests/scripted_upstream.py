"""A real HTTP server on loopback that answers as a test's script says, faults included."""

import asyncio
import gzip
import json
import socket
import struct
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Self

from aiohttp import web

from tests.recorded import Recorded
from tests.wire_samples import StreamFrames

SSE = "text/event-stream"
JSON = "application/json"
PIECES = ("Hello", " from", " the", " script")
TEXT = "".join(PIECES)
_LIMIT_S = 10.0


class Ending(StrEnum):
    """What comes after the last chunk."""

    NORMAL = "normal"
    CUT = "cut"
    """The connection closes in the middle of the body."""
    STALL = "stall"
    """Silence until `release()` or until the client goes away; then a normal end."""


Chunks = Sequence[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How one request is answered."""

    chunks: Callable[[Recorded], Chunks]
    """The body, one write each."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: Callable[[Recorded], str] = lambda _: JSON
    ending: Ending = Ending.NORMAL
    waits_before_head: bool = False
    """Not even a status until `release()`."""
    waits_before_last: bool = False
    """The last chunk comes after `release()`."""
    resets: bool = False
    """The connection is reset before a byte."""


Cutting = Callable[[Behaviour], Behaviour]
"""Sends the same bytes in other pieces."""


def answer(
    pieces: Sequence[str] = PIECES, *, usage: bool = True, stream: bool | None = None, ending: str = "whole"
) -> Behaviour:
    """An answer without fault in the request's dialect, a frame a chunk.

    `stream`: `None` does as the request asks; the other two are for upstreams that do otherwise.
    `ending`: `whole`, or a stream that stops after its `opening` or its `content`, or ends in an `error`
    right after the opening or an `error after content`; `_until` has all.
    """

    def streams(request: Recorded) -> bool:
        return request.wants_stream if stream is None else stream

    def chunks(request: Recorded) -> Chunks:
        sample = request.sample
        if not streams(request) or sample.stream is None:
            return [json.dumps(sample.whole("".join(pieces), usage)).encode()]
        return _until(sample.stream(pieces, usage), ending)

    return Behaviour(
        chunks=chunks,
        content_type=lambda request: request.sample.stream_type if streams(request) else JSON,
    )


def _until(frames: StreamFrames, ending: str) -> Chunks:
    return {
        "whole": frames.whole,
        "opening": frames.opening,
        "content": frames.opening + frames.content,
        "error": (*frames.opening, frames.error),
        "error after content": (*frames.opening, *frames.content, frames.error),
        "error, then ending": (*frames.opening, *frames.content, frames.error + b"".join(frames.ending)),
        "garbage after content": (*frames.opening, *frames.content, b"data: {nonsense\n\n"),
    }[ending]


def body(
    content: bytes, *, status: int = 200, content_type: str = JSON, headers: Mapping[str, str] | None = None
) -> Behaviour:
    """These bytes, whatever was asked."""
    return Behaviour(
        chunks=lambda _: [content] if content else [],
        status=status,
        headers=headers or {},
        content_type=lambda _: content_type,
    )


def error(
    status: int, message: str = "no", *, kind: str = "server_error", headers: Mapping[str, str] | None = None
) -> Behaviour:
    """An error in the request's dialect."""

    def chunks(request: Recorded) -> Chunks:
        return [json.dumps(request.sample.error(kind, message)).encode()]

    return Behaviour(chunks=chunks, status=status, headers=headers or {})


def html(status: int = 200) -> Behaviour:
    """A web page: somebody's proxy, login page or wrong address."""
    return body(b"<!doctype html><title>Welcome</title>", status=status, content_type="text/html")


def empty() -> Behaviour:
    """Success, and nothing in it."""
    return body(b"")


def garbage() -> Behaviour:
    """Bytes that are not what their type says, whole or streamed."""
    content = b'data: {"choices": [nonsense\n\n'
    return replace(
        body(content),
        content_type=lambda request: request.sample.stream_type if request.wants_stream else JSON,
    )


def cut_before_content() -> Behaviour:
    """A stream that opens and breaks off."""
    return replace(answer(ending="opening"), ending=Ending.CUT)


def cut_after_content() -> Behaviour:
    """A stream that breaks off in the middle of the text."""
    return replace(answer(ending="content"), ending=Ending.CUT)


def ended_after_content() -> Behaviour:
    """A body that ends normally where the dialect does not."""
    return answer(ending="content")


def stall_after_content() -> Behaviour:
    """A stream that falls silent in the middle of the text."""
    return replace(answer(ending="content"), ending=Ending.STALL)


def error_in_band(*, after_content: bool = False) -> Behaviour:
    """A stream that tells of an error instead of ending."""
    return answer(ending="error after content" if after_content else "error")


def waiting_before_last(behaviour: Behaviour) -> Behaviour:
    """The same, its last chunk not before `release()`."""
    return replace(behaviour, waits_before_last=True)


def stalled_whole() -> Behaviour:
    """Half an answer, then silence."""
    return replace(cut_short(answer()), ending=Ending.STALL)


def ending_with(behaviour: Behaviour, ending: Ending) -> Behaviour:
    """The same with another ending."""
    return replace(behaviour, ending=ending)


def cut_off(behaviour: Behaviour, size: int) -> Behaviour:
    """The same without its last bytes, then the connection closes in the middle of the body."""

    def chunks(request: Recorded) -> Chunks:
        return [b"".join(behaviour.chunks(request))[:-size]]

    return replace(behaviour, chunks=chunks, ending=Ending.CUT)


def slow_first_byte() -> Behaviour:
    """A good answer, but nothing at all before `release()`."""
    return replace(answer(), waits_before_head=True)


def reset() -> Behaviour:
    """A connection that is reset before a byte."""
    return replace(answer(), resets=True)


def cut_at(behaviour: Behaviour, *offsets: int) -> Behaviour:
    """The same bytes, written in pieces that end at these offsets; without any: all in one piece."""

    def chunks(request: Recorded) -> Chunks:
        return list(_split(b"".join(behaviour.chunks(request)), offsets))

    return replace(behaviour, chunks=chunks)


def dripped(behaviour: Behaviour) -> Behaviour:
    """The same bytes, each written by itself."""

    def chunks(request: Recorded) -> Chunks:
        return [bytes([byte]) for byte in b"".join(behaviour.chunks(request))]

    return replace(behaviour, chunks=chunks)


def gzipped(behaviour: Behaviour) -> Behaviour:
    """The same body compressed."""

    def chunks(request: Recorded) -> Chunks:
        return [gzip.compress(b"".join(behaviour.chunks(request)))]

    return replace(behaviour, chunks=chunks, headers={**behaviour.headers, "Content-Encoding": "gzip"})


def with_headers(behaviour: Behaviour, headers: Mapping[str, str]) -> Behaviour:
    """The same with more headers."""
    return replace(behaviour, headers={**behaviour.headers, **headers})


def with_type(behaviour: Behaviour, content_type: str) -> Behaviour:
    """The same under another type."""
    return replace(behaviour, content_type=lambda _: content_type)


def changed(behaviour: Behaviour, members: Mapping[str, object]) -> Behaviour:
    """The same JSON with other members at its top."""

    def chunks(request: Recorded) -> Chunks:
        return [json.dumps(json.loads(b"".join(behaviour.chunks(request))) | members).encode()]

    return replace(behaviour, chunks=chunks)


def cut_short(behaviour: Behaviour) -> Behaviour:
    """The first half of the same bytes, then the connection closes in the middle of the body."""

    def chunks(request: Recorded) -> Chunks:
        content = b"".join(behaviour.chunks(request))
        return [content[: len(content) // 2]]

    return replace(behaviour, chunks=chunks, ending=Ending.CUT)


def redirect(url: str) -> Behaviour:
    """Somewhere else, where nobody may follow with a key."""
    return body(b"", status=307, content_type="text/plain", headers={"Location": url})


def refused_url() -> str:
    """An address on loopback where nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return f"http://127.0.0.1:{port}"


def _split(content: bytes, offsets: Sequence[int]) -> Iterator[bytes]:
    start = 0
    for end in (*sorted(offsets), len(content)):
        if start < end:
            yield content[start:end]
            start = end


class ScriptedUpstream:
    """The server. Requests take behaviours by model name, then from the queue, then `otherwise`."""

    def __init__(self, *behaviours: Behaviour) -> None:
        self.url = ""
        """Without a path: `http://127.0.0.1:PORT`."""
        self.requests: list[Recorded] = []
        self.queue = deque(behaviours)
        self.by_model: dict[str, Behaviour] = {}
        self.otherwise = answer()
        self.cancelled = 0
        """Requests whose client went away before the end of the answer."""
        self.finished = 0
        """Requests whose answer was written to its scripted end."""
        self._released = asyncio.Event()
        self._changed = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=0)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *error: object) -> None:
        self.release()
        if self._runner is not None:
            await self._runner.cleanup()

    def script(self, *behaviours: Behaviour) -> None:
        """The next requests are answered like this, one each."""
        self.queue.extend(behaviours)

    def release(self) -> None:
        """End every wait, now and later."""
        self._released.set()

    async def until(self, condition: Callable[["ScriptedUpstream"], bool]) -> None:
        """Wait for what has come or ended: `await upstream.until(lambda up: up.cancelled == 1)`."""
        async with asyncio.timeout(_LIMIT_S):
            while not condition(self):
                self._changed.clear()
                await self._changed.wait()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        recorded = Recorded(request.path_qs, request.headers.copy(), await request.read())
        self.requests.append(recorded)
        self._changed.set()
        try:
            response = await self._answer(request, recorded, await self.choose(recorded))
        except (asyncio.CancelledError, ConnectionError):
            self.cancelled += 1
            raise
        else:
            self.finished += 1
            return response
        finally:
            self._changed.set()

    async def choose(self, recorded: Recorded) -> Behaviour:
        """How this request is answered; one that says otherwise may take its time."""
        named = self.by_model.get(str(recorded.json.get("model")))
        if named is not None:
            return named
        return self.queue.popleft() if self.queue else self.otherwise

    async def _answer(
        self, request: web.Request, recorded: Recorded, behaviour: Behaviour
    ) -> web.StreamResponse:
        if behaviour.resets:
            return _reset(request)
        if behaviour.waits_before_head:
            await self._released.wait()
        headers = {"Content-Type": behaviour.content_type(recorded), **behaviour.headers}
        response = web.StreamResponse(status=behaviour.status, headers=headers)
        await response.prepare(request)
        chunks = behaviour.chunks(recorded)
        for place, chunk in enumerate(chunks, 1):
            if behaviour.waits_before_last and place == len(chunks):
                await self._released.wait()
            await response.write(chunk)
        if behaviour.ending is Ending.STALL:
            await self._released.wait()
        if behaviour.ending is Ending.CUT:
            assert request.transport is not None
            request.transport.close()
        else:
            await response.write_eof()
        return response


def _reset(request: web.Request) -> web.StreamResponse:
    """Close the connection so that the other side sees a reset, not an end."""
    assert request.transport is not None
    connection = request.transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.transport.abort()
    return web.Response()
