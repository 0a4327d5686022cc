"""A stream of JSON lines for a client that speaks Ollama."""

from collections.abc import Sequence

import msgspec

from omniroute.conversation.events import (
    Cited,
    Delta,
    Ended,
    Event,
    Field,
    Finished,
    LogprobsSeen,
    PartEnded,
    PartStarted,
    UsageSeen,
)
from omniroute.conversation.parts import Base64, Media, Part, Refusal, Text, Thinking, ToolUse
from omniroute.conversation.response import Finish, FinishReason
from omniroute.conversation.usage import UNKNOWN, Usage
from omniroute.errors import ErrorKind
from omniroute.formats.codec import Losses, ReplyFacts
from omniroute.formats.in_order import InOrder
from omniroute.formats.ollama.answer_encode import (
    CHAT,
    Content,
    Json,
    Shape,
    add_part,
    ending,
    head,
    logprobs,
)
from omniroute.formats.ollama.errors import stream_error

_MARK = "\0"
_MARK_JSON = msgspec.json.encode(_MARK)


class OllamaEncoder:
    """Writes one stream: text and thoughts as they come, calls and images whole, each on its own line."""

    def __init__(self, facts: ReplyFacts, shape: Shape) -> None:
        self._facts = facts
        self._shape = shape
        self._head = head(facts)
        self._order = InOrder()
        self._losses = Losses()
        self._text = self._frame(Content(text=_MARK))
        self._thinking = self._frame(Content(thinking=_MARK))
        self._part: Part | None = None
        """The part whose turn it is."""
        self._pieces: list[str] = []
        """What has come of it, when it is told whole."""
        self._ignored: set[int] = set()
        """Parts of further candidates."""
        self._finish = Finish(FinishReason.STOP)
        self._usage: Usage = UNKNOWN
        self._calls = 0

    @property
    def losses(self) -> tuple[str, ...]:
        """What could not be told so far."""
        return self._losses.names

    def encode(self, events: Sequence[Event]) -> bytes:
        """The bytes that tell these events. Raises ProtocolError."""
        lines: list[bytes] = []
        for event in self._order.take([event for event in events if self._is_told(event)]):
            if type(event) is Delta:
                self._grow(event, lines)
            else:
                self._take(event, lines)
        return b"".join(lines)

    def fail(self, kind: ErrorKind, message: str, *, request_id: str) -> bytes:
        """The error line that ends the stream."""
        return stream_error(kind, message, request_id=request_id)

    def _is_told(self, event: Event) -> bool:
        """False for candidates but the first: the dialect has one."""
        if type(event) is Delta:
            return event.index not in self._ignored
        match event:
            case PartStarted(index, _, candidate) if candidate:
                self._losses.add("candidates")
                self._ignored.add(index)
                return False
            case Cited(index) | PartEnded(index):
                return index not in self._ignored
            case Finished(_, candidate) | LogprobsSeen(_, candidate):
                return candidate == 0
            case _:
                return True

    def _grow(self, event: Delta, lines: list[bytes]) -> None:
        if event.field is Field.TEXT:
            before, after = self._thinking if type(self._part) is Thinking else self._text
            lines.append(before + msgspec.json.encode(event.text) + after)
        elif event.field is not Field.SIGNATURE:
            self._pieces.append(event.text)

    def _take(self, event: Event, lines: list[bytes]) -> None:
        match event:
            case PartStarted(index, part):
                self._start(index, part, lines)
            case PartEnded(index):
                self._end_part(index, lines)
            case Cited():
                self._losses.add("citations")
            case LogprobsSeen(tokens):
                lines.append(self._line(Content(), {"logprobs": logprobs(tokens), "done": False}))
            case UsageSeen(usage):
                self._usage = usage
            case Finished(finish):
                self._finish = finish
            case Ended():
                lines.append(self._last_line())
            case _:
                pass

    def _start(self, index: int, part: Part, lines: list[bytes]) -> None:
        self._part, self._pieces = part, []
        if isinstance(part, Text | Thinking | Refusal):
            content = self._shape.content()
            add_part(content, part, self._facts, index, self._losses)
            if content.text or content.thinking:
                lines.append(self._line(content, {"done": False}))

    def _end_part(self, index: int, lines: list[bytes]) -> None:
        part, self._part = self._part, None
        grown = "".join(self._pieces)
        match part:
            case ToolUse():
                part = msgspec.structs.replace(part, arguments=part.arguments + grown)
            case Media(source=Base64() as source):
                part = msgspec.structs.replace(part, source=Base64(source.media_type, source.data + grown))
            case None | Text() | Thinking() | Refusal():
                return
        content = self._shape.content()
        add_part(content, part, self._facts, index, self._losses)
        for call in content.calls:
            call["function"]["index"] = self._calls
            self._calls += 1
        if content.calls or content.images:
            lines.append(self._line(content, {"done": False}))

    def _last_line(self) -> bytes:
        if self._finish.reason is FinishReason.ERROR:
            said = self._finish.raw or "it did not say which"
            message = f"the model ended with an error: {said}"
            return stream_error(ErrorKind.BAD_GATEWAY, message, request_id=self._facts.id)
        return self._line(Content(), ending(self._finish, self._usage))

    def _line(self, content: Content, ending: Json) -> bytes:
        return msgspec.json.encode(self._head | self._shape.put(content) | ending) + b"\n"

    def _frame(self, content: Content) -> tuple[bytes, bytes]:
        """A line of one string, in two halves."""
        before, _, after = self._line(content, {"done": False}).partition(_MARK_JSON)
        return before, after


def stream_encoder(facts: ReplyFacts) -> OllamaEncoder:
    """A writer for a new stream of `/api/chat`."""
    return OllamaEncoder(facts, CHAT)
