"""Streams of Anthropic Messages, written (API reference, read 2026-11-23)."""

from collections.abc import Sequence

from omniroute.conversation.events import (
    Cited,
    Delta,
    Ended,
    Event,
    Failed,
    Field,
    Finished,
    LogprobsSeen,
    OpaqueEvent,
    PartEnded,
    PartStarted,
    Started,
    UsageSeen,
)
from omniroute.conversation.parts import Media, Opaque, Part, Refusal, Text, Thinking, ToolResult, ToolUse
from omniroute.conversation.response import Finish, FinishReason
from omniroute.conversation.usage import UNKNOWN, Usage
from omniroute.errors import ErrorKind, ProtocolError
from omniroute.formats.anthropic.block_writers import (
    BlockWriter,
    CallWriter,
    OpaqueWriter,
    SealedWriter,
    Silent,
    TextWriter,
    ThoughtWriter,
    frame,
)
from omniroute.formats.anthropic.errors import stream_error
from omniroute.formats.anthropic.finish import finish_word
from omniroute.formats.anthropic.members import NAME, own
from omniroute.formats.anthropic.response_encode import seal
from omniroute.formats.anthropic.usage import encode_usage
from omniroute.formats.codec import Losses, ReplyFacts, call_id
from omniroute.formats.in_order import InOrder

_STOP = frame("message_stop", {"type": "message_stop"})


class AnthropicStreamEncoder:
    """Writes message events: one block at a time."""

    def __init__(self, facts: ReplyFacts) -> None:
        self._facts = facts
        self._losses = Losses()
        self._order = InOrder()
        self._out: list[bytes] = []
        self._writer: BlockWriter = Silent()
        self._blocks = 0
        self._usage: Usage = UNKNOWN
        self._finish = Finish(FinishReason.UNKNOWN)
        self._refused = False
        self._started = False
        self._over = False

    @property
    def losses(self) -> tuple[str, ...]:
        """What could not be told so far."""
        return self._losses.names

    def encode(self, events: Sequence[Event]) -> bytes:
        """The bytes that tell these events. Raises ProtocolError."""
        if self._over:
            return b""
        for event in self._order.take(events):
            if type(event) is Delta:
                if event.field is Field.TEXT:
                    self._writer.say(event.text)
                else:
                    self._writer.add(event.field, event.text)
            else:
                self._note(event)
        out, self._out[:] = b"".join(self._out), []
        return out

    def fail(self, kind: ErrorKind, message: str, *, request_id: str) -> bytes:
        """The error event that ends the stream; nothing follows it."""
        if self._over:
            return b""
        self._over = True
        return stream_error(kind, message, request_id=request_id)

    def _note(self, event: Event) -> None:
        match event:
            case PartStarted():
                self._open(event)
            case PartEnded():
                self._close()
            case Cited(_, citation):
                self._writer.cite(citation)
            case Started():
                self._begin()
            case UsageSeen(usage):
                self._usage = usage
            case Finished(finish, candidate):
                self._finish = finish if candidate == 0 else self._finish
            case LogprobsSeen():
                self._losses.add("logprobs")
            case Ended():
                self._end()
            case Delta() | Failed() | OpaqueEvent():
                pass

    def _begin(self) -> None:
        """The answer begins; once only."""
        if self._started:
            return
        self._started = True
        usage = {**encode_usage(self._usage), "output_tokens": 0}
        message: dict[str, object] = {
            "id": f"msg_{self._facts.id}",
            "type": "message",
            "role": "assistant",
            "model": self._facts.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage,
        }
        self._out.append(frame("message_start", {"type": "message_start", "message": message}))

    def _open(self, event: PartStarted) -> None:
        self._begin()
        self._close()
        if event.candidate == 0:
            self._writer = self._writer_of(event.index, event.part) or Silent()
        else:
            self._losses.add("candidates")

    def _writer_of(self, index: int, part: Part) -> BlockWriter | None:
        """What writes a part; `None` for one that cannot be told."""
        out, number, losses = self._out, self._blocks, self._losses
        match part:
            case Text():
                return TextWriter(out, number, losses, part)
            case Refusal(text):
                self._refused = True
                return TextWriter(out, number, losses, Text(text))
            case Thinking():
                return self._thought(part)
            case ToolUse(id):
                return CallWriter(out, number, losses, part, call_id(id, self._facts, index))
            case Opaque(format, type, value):
                if format == NAME:
                    return OpaqueWriter(out, number, value)
                losses.add(type)
            case Media(kind):
                losses.add(kind.value)
            case ToolResult():
                losses.add("tool_result")
        return None

    def _thought(self, part: Thinking) -> BlockWriter | None:
        own(part.extra, self._losses)
        if not part.redacted:
            return ThoughtWriter(self._out, self._blocks, part)
        signature = seal(part)
        if signature is not None:
            return SealedWriter(self._out, self._blocks, signature)
        self._losses.add("redacted_thinking")
        return None

    def _close(self) -> None:
        """The open block is complete; one that was never begun takes no number."""
        writer, self._writer = self._writer, Silent()
        if writer.end():
            self._blocks += 1

    def _end(self) -> None:
        self._begin()
        self._close()
        self._over = True
        try:
            reason = finish_word(self._finish, refused=self._refused)
        except ProtocolError as error:
            self._out.append(stream_error(ErrorKind.BAD_GATEWAY, str(error), request_id=self._facts.id))
            return
        stopped = self._finish.reason is FinishReason.STOP_SEQUENCE
        delta = {"stop_reason": reason, "stop_sequence": self._finish.sequence if stopped else None}
        told = {"type": "message_delta", "delta": delta, "usage": encode_usage(self._usage)}
        self._out.append(frame("message_delta", told))
        self._out.append(_STOP)


def stream_encoder(facts: ReplyFacts) -> AnthropicStreamEncoder:
    """A writer for a new stream."""
    return AnthropicStreamEncoder(facts)
