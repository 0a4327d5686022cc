"""Streams of Anthropic Messages, as events (API reference and recorded streams, read 2026-11-23)."""

import msgspec

from omniroute.conversation.events import (
    Cited,
    Delta,
    Ended,
    Event,
    Failed,
    Field,
    Finished,
    PartEnded,
    PartStarted,
    Started,
    UsageSeen,
)
from omniroute.conversation.fold import CUT
from omniroute.conversation.parts import Opaque, Part, Text, Thinking
from omniroute.errors import ProtocolError
from omniroute.formats.anthropic.blocks_decode import decode_block, tool_use
from omniroute.formats.anthropic.citations import decode_citation
from omniroute.formats.anthropic.finish import finish_of
from omniroute.formats.anthropic.members import NAME, Members, WrongShape
from omniroute.formats.anthropic.usage import WireUsage, disjoint, updated
from omniroute.formats.sse import RawFrameReader, frame_data
from omniroute.formats.watch import ABSENT, UNREADABLE, decode_event, in_band

_EMPTY_INPUT = frozenset({"", "{}"})


_ODD: tuple[type[Exception], ...] = (WrongShape, *UNREADABLE)


class _Message(msgspec.Struct, gc=False):
    id: str | None = None
    model: str | None = None
    usage: WireUsage | None = None


class _Delta(msgspec.Struct, gc=False):
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    signature: str | None = None
    citation: msgspec.Raw = ABSENT
    content: msgspec.Raw = ABSENT
    stop_reason: str | None = None
    stop_sequence: str | None = None


class _Error(msgspec.Struct, gc=False):
    type: str | None = None
    message: str | None = None


class _Told(msgspec.Struct, gc=False):
    """One event; members it does not have are absent."""

    type: str = ""
    index: int = 0
    delta: _Delta | None = None
    content_block: msgspec.Raw = ABSENT
    message: _Message | None = None
    usage: WireUsage | None = None
    error: _Error | None = None


_TOLD = msgspec.json.Decoder(_Told)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


class _Block:
    """A block while it comes."""

    __slots__ = ("input", "number", "pieces", "start", "type")

    def __init__(self, type: str) -> None:
        self.type = type
        self.number = -1
        """Our number of the part; -1: it has not said anything."""
        self.start: dict[str, msgspec.Raw] = {}
        """Of a block only this dialect knows: what it started with."""
        self.input = ""
        """Of a call: the input that came with its start."""
        self.pieces: list[str] | None = None
        """Of a block only this dialect knows: its input as it came."""


class AnthropicStreamDecoder:
    """Reads message events."""

    def __init__(self) -> None:
        self._frames = RawFrameReader()
        self._blocks: dict[int, _Block] = {}
        self._next = 0
        self._usage = WireUsage()
        self._calls = False
        self._started = False
        self._over = False
        self._ended = False
        self._stop: tuple[str | None, str | None] = (None, None)

    def feed(self, chunk: bytes) -> list[Event]:
        """The events these bytes complete. Raises ProtocolError."""
        events: list[Event] = []
        if not self._over:
            for raw in self._frames.feed(chunk):
                self._read(raw, events)
        return events

    def close(self) -> list[Event]:
        """What is left to tell once no bytes follow."""
        events: list[Event] = []
        if not self._over and self._frames.rest.strip():
            self._last(self._frames.rest, events)
        if not self._over:
            self._over = True
            events.append(Failed(CUT))
        return events

    def _last(self, rest: bytes, events: list[Event]) -> None:
        """An event whose end was not sent; half of one is no event."""
        try:
            self._read(rest + b"\n\n", events)
        except ProtocolError:
            return

    def _read(self, raw: bytes, events: list[Event]) -> None:
        data = None if self._over else frame_data(raw)
        if data is None or data == b"[DONE]":
            return
        told = decode_event(_TOLD, data)
        if told is None:
            return
        try:
            if told.type == "content_block_delta":
                self._grow(told, events)
            else:
                self._take(told, events)
        except _ODD as error:
            raise ProtocolError(f"the upstream's stream: {told.type}: {error}") from None

    def _take(self, told: _Told, events: list[Event]) -> None:
        match told.type:
            case "content_block_start":
                self._open(told, events)
            case "content_block_stop":
                self._close(told.index, events)
            case "message_start":
                self._begin(told.message, events)
            case "message_delta":
                if told.delta is not None and told.delta.stop_reason is not None:
                    self._stop = (told.delta.stop_reason, told.delta.stop_sequence)
                self._note_usage(told.usage, events)
            case "message_stop":
                self._end(events)
            case "error":
                self._over = True
                error = told.error or _Error()
                events.append(Failed(in_band(error.message, error.type)))

    def _begin(self, message: _Message | None, events: list[Event]) -> None:
        if self._started:
            return
        self._started = True
        message = message or _Message()
        events.append(Started(message.id, message.model))
        self._note_usage(message.usage, events)

    def _note_usage(self, usage: WireUsage | None, events: list[Event]) -> None:
        if usage is not None:
            self._usage = updated(self._usage, usage)
            events.append(UsageSeen(disjoint(self._usage)))

    def _open(self, told: _Told, events: list[Event]) -> None:
        self._begin(None, events)
        if told.index in self._blocks:
            self._close(told.index, events)
        members = Members.of(told.content_block, "content_block")
        kind = members.required("type")
        block = self._blocks[told.index] = _Block(kind)
        if kind == "tool_use":
            self._calls = True
            call = tool_use(members)
            block.input = call.arguments
            self._start(block, msgspec.structs.replace(call, arguments=""), events)
        elif kind in ("text", "thinking", "redacted_thinking"):
            part = decode_block(Members.of(told.content_block, "content_block"))
            if part is not None:
                self._start(block, part, events)
        else:
            block.start = _OBJECT.decode(told.content_block)

    def _start(self, block: _Block, part: Part, events: list[Event]) -> None:
        block.number = self._next
        self._next += 1
        events.append(PartStarted(block.number, part))

    def _grow(self, told: _Told, events: list[Event]) -> None:
        delta = told.delta
        block = self._blocks.get(told.index)
        if delta is None:
            return
        if delta.text:
            self._say(block, told.index, Field.TEXT, delta.text, events)
        elif delta.partial_json:
            self._add_input(block, delta.partial_json, events)
        elif delta.thinking:
            self._say(block, told.index, Field.TEXT, delta.thinking, events, thinks=True)
        elif delta.signature:
            self._say(block, told.index, Field.SIGNATURE, delta.signature, events, thinks=True)
        elif delta.citation is not ABSENT:
            self._cite(block, told.index, delta.citation, events)
        elif delta.content is not ABSENT and block is not None and block.start:
            block.start["content"] = delta.content  # a summary of what went before comes in one piece

    def _say(
        self,
        block: _Block | None,
        index: int,
        field: Field,
        text: str,
        events: list[Event],
        *,
        thinks: bool = False,
    ) -> None:
        """A block begins with the first it says: one that says nothing is no part."""
        if block is None:
            self._begin(None, events)
            block = self._blocks[index] = _Block("thinking" if thinks else "text")
        if block.number < 0:
            if block.pieces is not None or block.start:
                return
            self._start(block, Thinking(origin=NAME) if thinks else Text(""), events)
        events.append(Delta(block.number, field, text))

    def _add_input(self, block: _Block | None, text: str, events: list[Event]) -> None:
        if block is None:
            return
        if block.type == "tool_use":
            block.input = ""
            events.append(Delta(block.number, Field.ARGUMENTS, text))
        elif block.start:
            if block.pieces is None:
                block.pieces = []
            block.pieces.append(text)

    def _cite(self, block: _Block | None, index: int, raw: msgspec.Raw, events: list[Event]) -> None:
        if block is not None and block.type != "text":
            return
        citation = decode_citation(Members.of(raw, "citation"))
        if block is None:
            block = self._blocks[index] = _Block("text")
        if block.number < 0:
            self._start(block, Text(""), events)
        events.append(Cited(block.number, citation))

    def _close(self, index: int, events: list[Event]) -> None:
        block = self._blocks.pop(index, None)
        if block is None:
            return
        if block.start:
            self._start(block, Opaque(NAME, block.type, _whole(block)), events)
        elif block.number < 0:
            return
        elif block.input:
            events.append(Delta(block.number, Field.ARGUMENTS, block.input))
        events.append(PartEnded(block.number))

    def _end(self, events: list[Event]) -> None:
        self._begin(None, events)
        for index in list(self._blocks):
            self._close(index, events)
        self._over = True
        raw, sequence = self._stop
        events.append(Finished(finish_of(raw, sequence, calls=self._calls)))
        events.append(Ended())


def _whole(block: _Block) -> msgspec.Raw:
    """A block only this dialect knows, with the input that came in pieces."""
    members = block.start
    text = "".join(block.pieces or ())
    if text.strip():
        try:
            _OBJECT.decode(text)
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            text = msgspec.json.encode({"_arguments": text}).decode()
        members = {**members, "input": msgspec.Raw(text.encode())}
    return msgspec.Raw(msgspec.json.encode(members))


def stream_decoder() -> AnthropicStreamDecoder:
    """A reader for a new stream."""
    return AnthropicStreamDecoder()
