"""OpenAI Chat Completions as it passes by (API reference, read 2026-11-22)."""

import msgspec

from omniroute.conversation.usage import UNKNOWN
from omniroute.errors import ProtocolError
from omniroute.formats.openai_usage import decode_usage
from omniroute.formats.sse import RawFrameReader, frame_data
from omniroute.formats.watch import ABSENT, Seen, decode, decode_event, in_band, is_something
from omniroute.formats.wire_error import WireError

KEEPALIVE = b": keep-alive\n\n"
STREAM_TYPE = "text/event-stream; charset=utf-8"


class _Delta(msgspec.Struct):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: msgspec.Raw = ABSENT
    function_call: msgspec.Raw = ABSENT
    audio: msgspec.Raw = ABSENT


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Chunk(msgspec.Struct):
    model: str | None = None
    choices: list[_Choice] | None = None
    usage: msgspec.Raw = ABSENT
    error: msgspec.Raw = ABSENT


_CHUNK = msgspec.json.Decoder(_Chunk)


def _is_plain(chunk: bytes) -> bool:
    """Events that end nothing, count nothing and fail nothing can hold only more content."""
    events = chunk.count(b"\n\n")
    return (
        chunk.count(b"data: {") == events == chunk.count(b"}\n\n")
        and chunk.count(b'"finish_reason"') == chunk.count(b'"finish_reason":null')
        and chunk.count(b'"usage"') == chunk.count(b'"usage":null')
        and b'"error"' not in chunk
        and b"[DONE]" not in chunk
    )


class StreamWatch:
    """Reads along with a stream of `chat.completion.chunk`."""

    def __init__(self, *, take_out_usage: bool = False) -> None:
        self.seen = Seen()
        self._frames = RawFrameReader()
        self._take_out_usage = take_out_usage

    def pass_on(self, chunk: bytes) -> bytes:
        """The bytes the client is to get: whole events, but for the usage chunk it did not ask for."""
        if self._frames.is_aligned(chunk) and _is_plain(chunk) and self.seen.leave(chunk):
            return chunk
        kept: list[bytes] = []
        for raw in self._frames.feed(chunk):
            if not (self._note(raw) and self._take_out_usage):
                kept.append(raw)
            if self.seen.failure is not None:
                break  # no ending may follow an error
        return b"".join(kept)

    def rest(self) -> bytes:
        """A last event whose end was not sent; half of one is dropped, and no client has to read it."""
        raw = self._frames.take_rest() + b"\n\n"
        try:
            is_usage = self._note(raw)
        except ProtocolError:
            return b""
        return b"" if frame_data(raw) is None or (is_usage and self._take_out_usage) else raw

    def _note(self, raw: bytes) -> bool:
        """Take note of one frame; True when it holds nothing but usage."""
        data = frame_data(raw)
        if data is None:
            return False
        seen = self.seen
        if data == b"[DONE]":
            seen.finished = True
            return False
        chunk = decode_event(_CHUNK, data)
        if chunk is None:
            return False
        if is_something(chunk.error):
            error = WireError.of(data)
            seen.failure = in_band(error.message, error.code or error.type)
            return False
        seen.model = chunk.model or seen.model
        for choice in chunk.choices or ():
            self._choice(choice)
        if is_something(chunk.usage):
            seen.usage = decode_usage(chunk.usage)
            return not chunk.choices
        return False

    def text(self) -> str:
        """The output so far, for counting tokens."""
        return self.seen.whole_text(self._note)

    def _choice(self, choice: _Choice) -> None:
        if choice.finish_reason is not None:
            self.seen.finished = True
        delta = choice.delta
        if delta is None:
            return
        for text in (delta.content, delta.reasoning_content, delta.reasoning, delta.refusal):
            if text:
                self.seen.add_text(text)
        for raw in (delta.tool_calls, delta.function_call, delta.audio):
            if is_something(raw):
                self.seen.add_text(bytes(raw).decode("utf-8", "replace"))


class _Message(msgspec.Struct):
    content: msgspec.Raw = ABSENT
    reasoning_content: str | None = None
    tool_calls: msgspec.Raw = ABSENT


class _WholeChoice(msgspec.Struct):
    message: _Message | None = None


class _Whole(msgspec.Struct):
    model: str | None = None
    choices: list[_WholeChoice] | None = None
    usage: msgspec.Raw = ABSENT


_WHOLE = msgspec.json.Decoder(_Whole)


def read_whole(body: bytes) -> Seen:
    """What a whole answer shows. Raises ProtocolError when it is no chat completion."""
    try:
        whole = decode(_WHOLE, body)
    except (msgspec.ValidationError, ProtocolError):
        raise ProtocolError("the upstream's answer is not a chat completion") from None
    if not whole.choices:
        raise ProtocolError("the upstream's answer holds no choices")
    seen = Seen()
    seen.finished = True
    seen.model = whole.model
    seen.usage = decode_usage(whole.usage) if is_something(whole.usage) else UNKNOWN
    if seen.usage.output is None:
        for choice in whole.choices:
            _add_message(seen, choice.message or _Message())
    return seen


def _add_message(seen: Seen, message: _Message) -> None:
    """The text of an answer whose tokens nobody counted."""
    for part in (message.content, message.tool_calls):
        if is_something(part):
            seen.add_text(bytes(part).decode("utf-8", "replace"))
    seen.add_text(message.reasoning_content or "")
