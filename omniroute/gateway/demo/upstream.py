"""An upstream that is no server: requests to `demo://` are answered on the spot."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType

from omniroute.clock import Clock, SystemClock
from omniroute.errors import HTTP_STATUS, ErrorKind, Refused
from omniroute.formats import FORMATS
from omniroute.formats.envelope import Envelope
from omniroute.gateway.demo import chat, embeddings, messages, responses
from omniroute.gateway.demo.answer import Answer, answer
from omniroute.gateway.demo.ask import Ask
from omniroute.gateway.demo.provider import DEMO_PROVIDER
from omniroute.gateway.upstream import HttpRequest, UpstreamAnswer
from omniroute.records import FormatName

_JSON = MappingProxyType({"Content-Type": "application/json"})
_SSE = MappingProxyType({"Content-Type": "text/event-stream; charset=utf-8"})


@dataclass(frozen=True, slots=True)
class _Codec:
    """How one dialect is read and written."""

    read: Callable[[Envelope], Ask]
    whole: Callable[[Answer], bytes]
    stream: Callable[[Answer, Ask], Iterator[bytes]]


_CODECS: Mapping[FormatName, _Codec] = MappingProxyType(
    {
        FormatName.OPENAI_CHAT: _Codec(chat.read, chat.whole, chat.stream),
        FormatName.ANTHROPIC: _Codec(messages.read, messages.whole, messages.stream),
        FormatName.OPENAI_RESPONSES: _Codec(responses.read, responses.whole, responses.stream),
    }
)
_FORMATS_BY_URL = {url: name for name, url in DEMO_PROVIDER.formats.items()}


@dataclass(frozen=True, slots=True)
class _Answered:
    """An answer that is already there."""

    status: int
    headers: Mapping[str, str]
    frames: tuple[bytes, ...]

    async def chunks(self) -> AsyncIterator[bytes]:
        """The frames one by one."""
        for frame in self.frames:
            yield frame

    async def read(self, limit: int) -> bytes:
        """The whole body, or its first `limit` bytes."""
        return b"".join(self.frames)[:limit]


class DemoUpstream:
    """Answers as `demo/echo` and `demo/embed`."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()

    @asynccontextmanager
    async def open(self, request: HttpRequest) -> AsyncIterator[UpstreamAnswer]:
        """The answer; a request that cannot be read is answered with an error, as a server would."""
        created_s = self._clock.now_ms() // 1000
        # Agents send 100 kB and more with each request: counting its tokens would hold the loop up.
        yield await asyncio.to_thread(_respond, request, created_s)

    async def close(self) -> None:
        """Nothing is open."""


def _respond(request: HttpRequest, created_s: int) -> _Answered:
    format_name = _FORMATS_BY_URL.get(request.url)
    try:
        envelope = Envelope(request.body or b"")
        if format_name is not None:
            return _conversation(_CODECS[format_name], envelope, created_s)
        return _embeddings(envelope)
    except Refused as refused:
        return _refusal(refused, format_name, request)
    except (UnicodeEncodeError, RecursionError):
        refusal = Refused(ErrorKind.BAD_REQUEST, "a tool of the request cannot be answered with")
        return _refusal(refusal, format_name, request)


def _embeddings(envelope: Envelope) -> _Answered:
    model = _checked_model(envelope, "embed")
    return _Answered(200, _JSON, (embeddings.answer(envelope, model=model),))


def _conversation(codec: _Codec, envelope: Envelope, created_s: int) -> _Answered:
    model = _checked_model(envelope, "echo")
    ask = codec.read(envelope)
    reply = answer(ask, model=model, created_s=created_s)
    if ask.stream:
        return _Answered(200, _SSE, tuple(codec.stream(reply, ask)))
    return _Answered(200, _JSON, (codec.whole(reply),))


def _checked_model(envelope: Envelope, expected: str) -> str:
    """The model's full name. Raises `Refused` when it is not the one that answers here."""
    name = envelope.model.removeprefix("demo/")
    if name != expected:
        message = f"no model {name!r} here: the demo answers this as 'demo/{expected}'"
        raise Refused(ErrorKind.MODEL_NOT_FOUND, message, param="model")
    return f"demo/{name}"


def _refusal(refused: Refused, format_name: FormatName | None, request: HttpRequest) -> _Answered:
    dialect = FORMATS[format_name or FormatName.OPENAI_CHAT]
    request_id = request.headers.get("X-Request-Id", "")
    body = dialect.encode_error(refused.kind, refused.message, request_id=request_id, param=refused.param)
    return _Answered(HTTP_STATUS[refused.kind], _JSON, (body,))
