"""OpenAI Responses as it passes by (API reference, read 2026-11-22)."""

import msgspec

from omniroute.conversation.usage import UNKNOWN
from omniroute.errors import ErrorKind, ProtocolError
from omniroute.formats.openai_responses.errors import stream_error
from omniroute.formats.openai_responses.usage import WireUsage, disjoint
from omniroute.formats.watch import ABSENT, Seen, SseWatch, decode, decode_event, in_band, is_something

KEEPALIVE = b": keep-alive\n\n"
STREAM_TYPE = "text/event-stream; charset=utf-8"

_ENDINGS = frozenset({"response.completed", "response.incomplete"})


class _Error(msgspec.Struct):
    code: str | None = None
    message: str | None = None


class _Response(msgspec.Struct):
    id: str | None = None
    model: str | None = None
    usage: WireUsage | None = None
    error: _Error | None = None


class _Event(msgspec.Struct):
    type: str | None = None
    delta: msgspec.Raw = ABSENT
    response: _Response | None = None
    code: str | None = None
    message: str | None = None


_EVENT = msgspec.json.Decoder(_Event)


class StreamWatch(SseWatch):
    """Reads along with a stream of `response.*` events."""

    def __init__(self) -> None:
        super().__init__(self._remember, _is_plain)
        self._id: str | None = None

    def fail(self, kind: ErrorKind, message: str, *, request_id: str) -> bytes:
        """The event that ends the client's stream: it has to name the response that the stream began."""
        return stream_error(kind, message, request_id=request_id, response_id=self._id)

    def _remember(self, seen: Seen, data: bytes) -> None:
        event = _note(seen, data)
        if self._id is None and event is not None and event.response is not None:
            self._id = event.response.id


def _is_plain(chunk: bytes) -> bool:
    return chunk.count(b'.delta"') == chunk.count(b"\n\n")


def _note(seen: Seen, data: bytes) -> _Event | None:
    event = None if data == b"[DONE]" else decode_event(_EVENT, data)
    if event is None:
        return None
    kind = event.type or ""
    if is_something(event.delta):
        seen.add_text(_text(event.delta))
    elif kind in ("response.output_item.done", "response.content_part.done"):
        seen.content = True  # encrypted reasoning and hosted tools come without deltas
    response = event.response
    if response is not None:
        seen.model = response.model or seen.model
        if response.usage is not None:
            seen.usage = disjoint(response.usage)
    if kind in _ENDINGS:
        seen.finished = True
    elif kind == "response.failed":
        error = (response.error if response else None) or _Error()
        seen.failure = in_band(error.message, error.code)
    elif kind == "error":
        seen.failure = in_band(event.message, event.code)
    return event


def _text(raw: msgspec.Raw) -> str:
    """A delta is a string in every event we know of; what is none counts as its JSON."""
    text = bytes(raw)
    return msgspec.json.decode(text, type=str) if text.startswith(b'"') else text.decode("utf-8", "replace")


class _Whole(msgspec.Struct):
    output: list[msgspec.Raw]
    status: str | None = None
    model: str | None = None
    usage: WireUsage | None = None
    error: _Error | None = None


_WHOLE = msgspec.json.Decoder(_Whole)


def read_whole(body: bytes) -> Seen:
    """What a whole answer shows. Raises ProtocolError when it is no response object."""
    try:
        whole = decode(_WHOLE, body)
    except (msgspec.ValidationError, ProtocolError):
        raise ProtocolError("the upstream's answer is not a response object") from None
    seen = Seen()
    seen.finished = True
    seen.model = whole.model
    seen.usage = disjoint(whole.usage) if whole.usage is not None else UNKNOWN
    if whole.status == "failed":
        error = whole.error or _Error()
        seen.failure = in_band(error.message, error.code)
    if seen.usage.output is None:
        for item in whole.output:
            seen.add_text(bytes(item).decode("utf-8", "replace"))
    return seen
