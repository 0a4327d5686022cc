"""One candidate of a Chat stream while it grows."""

from collections.abc import Iterable

import msgspec

from omniroute.conversation.events import Cited, Delta, Event, Field, PartEnded, PartStarted
from omniroute.conversation.parts import (
    Base64,
    Media,
    MediaKind,
    Opaque,
    Part,
    Refusal,
    Text,
    Thinking,
)
from omniroute.formats.openai_chat.answer_parts import citation_of, images_of
from omniroute.formats.openai_chat.node import DIALECT, Node
from omniroute.formats.openai_chat.parts_decode import take_content
from omniroute.formats.openai_chat.reasoning import detail_of
from omniroute.formats.openai_chat.stream_calls import Calls, FunctionPiece, ToolCallPiece
from omniroute.formats.watch import ABSENT, is_something


class _Delta(msgspec.Struct):
    content: str | list[msgspec.Raw] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCallPiece] | None = None
    function_call: FunctionPiece | None = None
    reasoning_details: msgspec.Raw = ABSENT
    audio: msgspec.Raw = ABSENT
    images: msgspec.Raw = ABSENT
    annotations: msgspec.Raw = ABSENT


class ChunkChoice(msgspec.Struct):
    """What one chunk tells of one candidate."""

    index: int | None = None
    delta: _Delta | None = None
    message: _Delta | None = None
    finish_reason: str | None = None
    stop_reason: str | int | None = None
    logprobs: msgspec.Raw = ABSENT
    error: msgspec.Raw = ABSENT


_EMPTY = _Delta()


class Choice:
    """Turns the pieces of one candidate into events."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.finish_raw: str | None = None
        self.sequence: str | None = None
        self.cited = False
        self.last_text: int | None = None
        """Number of the text that came last."""
        self._calls = Calls(number)
        self._open: int | None = None
        self._open_kind: type[Part] | None = None
        self._open_key: object = None
        self._audio: int | None = None
        self._next = 0
        self._silent = True
        self._told_plainly = False

    @property
    def calls_tools(self) -> bool:
        """Whether it calls a tool of the client."""
        return self._calls.any

    def open_parts(self) -> list[int]:
        """Numbers of the parts that have not ended, in order."""
        own = [index for index in (self._open, self._audio) if index is not None]
        return sorted([*own, *self._calls.open])

    def note_finish(self, raw: str, sequence: str | int | None) -> None:
        """A finish reason has come; a plain `stop` behind another does not count."""
        if self.finish_raw is None or raw != "stop":
            self.finish_raw = raw
        if isinstance(sequence, str):
            self.sequence = sequence

    def take(self, piece: ChunkChoice, next_part: int, events: list[Event]) -> int:
        """Tell what the chunk adds; gives the number of the next part."""
        delta = piece.delta
        if delta is None or (piece.message is not None and self._silent and delta == _EMPTY):
            delta = piece.message if self._silent else None
        if delta is None:
            return next_part
        self._next = next_part
        thought = delta.reasoning_content or delta.reasoning
        if delta.reasoning_details is not ABSENT and is_something(delta.reasoning_details):
            self._details(delta.reasoning_details, thought, events)
        elif thought:
            self._told_plainly = True
            self._grow(Thinking, thought, events)
        content = delta.content
        if content:
            if isinstance(content, str):
                self._grow(Text, content, events)
            else:
                self._listed(content, events)
        if delta.refusal:
            self._grow(Refusal, delta.refusal, events)
        if delta.tool_calls or delta.function_call is not None:
            self._call(delta, events)
        if (
            delta.audio is not ABSENT or delta.images is not ABSENT or delta.annotations is not ABSENT
        ):  # rare, so looked at together
            self._media(delta, events)
        return self._next

    def flush(self, next_part: int, events: list[Event]) -> int:
        """Tell calls whose name never came."""
        return self._calls.flush(next_part, events)

    def _grow(self, kind: type[Text | Thinking | Refusal], text: str, events: list[Event]) -> None:
        if self._open_kind is not kind or self._open_key is not None:
            self._start(kind(""), events)
        assert self._open is not None  # noqa: S101 - `_start` has set it
        events.append(Delta(self._open, Field.TEXT, text))

    def _start(self, part: Part, events: list[Event], key: object = None) -> None:
        self._end_open(events)
        self._silent = False
        self._open, self._open_kind, self._open_key = self._next, type(part), key
        if isinstance(part, Text):
            self.last_text = self._next
        self._next += 1
        events.append(PartStarted(self._open, part, self.number))

    def _end_open(self, events: list[Event]) -> None:
        if self._open is not None:
            events.append(PartEnded(self._open))
        self._open = self._open_kind = self._open_key = None

    def _whole(self, part: Part, events: list[Event]) -> None:
        self._start(part, events)
        self._end_open(events)

    def _details(self, raw: msgspec.Raw, plain: str | None, events: list[Event]) -> None:
        """The same words as `plain`, with what has to come back: they count once."""
        thoughts = [thought for node in _nodes(raw) if (thought := detail_of(node)) is not None]
        repeats = plain is None and self._told_plainly
        if plain and not any(thought.text for thought in thoughts):
            self._told_plainly = True
            self._grow(Thinking, plain, events)
        for thought in thoughts:
            if repeats and thought.text:
                thought = msgspec.structs.replace(thought, text="")  # told before
                if thought.signature is None:
                    continue
            self._detail(thought, events)

    def _detail(self, thought: Thinking, events: list[Event]) -> None:
        if thought.redacted:
            self._whole(thought, events)
            return
        members = thought.extra.members if thought.extra is not None else {}
        key = (bytes(members["type"]), bytes(members.get("index", b"")))
        if self._open_kind is not Thinking or self._open_key != key:
            start = msgspec.structs.replace(thought, text="", signature=None, origin=DIALECT)
            self._start(start, events, key)
        assert self._open is not None  # noqa: S101 - `_start` has set it
        if thought.text:
            events.append(Delta(self._open, Field.TEXT, thought.text))
        if thought.signature:
            events.append(Delta(self._open, Field.SIGNATURE, thought.signature))

    def _listed(self, content: list[msgspec.Raw], events: list[Event]) -> None:
        """Mistral's pieces, among them thoughts."""
        node = Node({"content": msgspec.Raw(msgspec.json.encode(content))}, "delta")
        for part in take_content(node):
            match part:
                case Text(text, extra=None) | Refusal(text, extra=None):
                    self._grow(type(part), text, events)
                case Thinking(text, signature=None):
                    self._grow(Thinking, text, events)
                case Text() | Refusal() | Thinking() | Media() | Opaque():
                    self._whole(part, events)
                case _:
                    pass

    def _call(self, delta: _Delta, events: list[Event]) -> None:
        pieces: Iterable[ToolCallPiece] = delta.tool_calls or ()
        if delta.function_call is not None and not delta.tool_calls:
            pieces = (ToolCallPiece(function=delta.function_call),)
        if not any(piece.says_something for piece in pieces):
            return
        self._end_open(events)
        self._silent = False
        for piece in pieces:
            self._next = self._calls.take(piece, self._next, events)

    def _media(self, delta: _Delta, events: list[Event]) -> None:
        if is_something(delta.audio):
            self._hear(delta.audio, events)
        if is_something(delta.images):
            for image in images_of(_nodes(delta.images)):
                self._whole(image, events)
        if is_something(delta.annotations):
            for node, raw in _nodes_and_raws(delta.annotations):
                if self._open_kind is not Text:
                    self._start(Text(""), events)
                assert self._open is not None  # noqa: S101 - `_start` has set it
                self.cited = True
                events.append(Cited(self._open, citation_of(node, raw)))

    def _hear(self, raw: msgspec.Raw, events: list[Event]) -> None:
        """What is said aloud: its words are text."""
        audio = Node.of(raw, "delta.audio")
        words, sound = audio.text("transcript"), audio.text("data")
        if words:
            self._grow(Text, words, events)
        if sound:
            if self._audio is None:
                self._silent = False
                self._audio = self._next
                self._next += 1
                media = Media(MediaKind.AUDIO, Base64("", ""), extra=audio.extra())
                events.append(PartStarted(self._audio, media, self.number))
            events.append(Delta(self._audio, Field.BASE64, sound))


def _nodes(raw: msgspec.Raw) -> list[Node]:
    return [node for node, _ in _nodes_and_raws(raw)]


_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])


def _nodes_and_raws(raw: msgspec.Raw) -> list[tuple[Node, msgspec.Raw]]:
    return [(Node.of(item, "delta"), item) for item in _ITEMS.decode(raw)]
