"""Streams of Chat, written (API reference, read 2026-11-22)."""

from collections.abc import Sequence

import msgspec

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
from omniroute.conversation.parts import (
    Base64,
    Citation,
    Media,
    MediaKind,
    Opaque,
    Refusal,
    Text,
    Thinking,
    ToolUse,
    Url,
)
from omniroute.conversation.response import Finish, FinishReason
from omniroute.conversation.usage import UNKNOWN, Usage
from omniroute.errors import ErrorKind
from omniroute.formats.codec import Losses, ReplyFacts, call_id
from omniroute.formats.in_order import InOrder
from omniroute.formats.openai_chat.answer_parts import annotation_of, encode_logprobs, finish_word
from omniroute.formats.openai_chat.errors import stream_error
from omniroute.formats.openai_chat.node import DIALECT
from omniroute.formats.openai_chat.reasoning import as_detail, is_detail
from omniroute.formats.openai_chat.response import encode_audio, encode_call, encode_image
from omniroute.formats.openai_chat.usage import encode_usage

_encode = msgspec.json.Encoder().encode
_TAIL = b'},"logprobs":null,"finish_reason":null}]}\n\n'
_DONE = b"data: [DONE]\n\n"


class _Part:
    """One part that is being told."""

    __slots__ = ("candidate", "chars", "field", "head", "offset", "part", "pieces", "tail")

    def __init__(self, part: object, candidate: int) -> None:
        self.part = part
        self.candidate = candidate
        self.head = b""
        """What stands before a piece of it."""
        self.tail = _TAIL
        self.field: Field | None = None
        """What may grow without more ado."""
        self.chars = 0
        """How much of it has been told."""
        self.offset = 0
        """Characters of text that stood before it."""
        self.pieces: list[str] = []


class ChatStreamEncoder:
    """Writes `chat.completion.chunk` events."""

    def __init__(self, facts: ReplyFacts) -> None:
        self._facts = facts
        head: dict[str, object] = {
            "id": f"chatcmpl-{facts.id}",
            "object": "chat.completion.chunk",
            "created": facts.created_s,
            "model": facts.model,
        }
        self._head = b"data: " + _encode(head)[:-1] + b',"choices":['
        self._losses = Losses()
        self._order = InOrder(_lane_of)
        self._parts: dict[int, _Part] = {}
        self._begun: set[int] = set()
        self._calls: dict[int, int] = {}
        self._finishes: dict[int, Finish] = {}
        self._usage: Usage = UNKNOWN
        self._over = False

    @property
    def losses(self) -> tuple[str, ...]:
        """What could not be told so far."""
        return self._losses.names

    def encode(self, events: Sequence[Event]) -> bytes:
        """The bytes that tell these events. Raises ProtocolError when too much has to be held back."""
        if self._over:
            return b""
        written: list[bytes] = []
        for event in self._order.take(events):
            if type(event) is Delta:
                part = self._parts[event.index]
                if part.field is event.field:
                    part.chars += len(event.text)
                    written += (part.head, _encode(event.text), part.tail)
                else:
                    self._grow(part, event, written)
            else:
                self._tell(event, written)
        return b"".join(written)

    def fail(self, kind: ErrorKind, message: str, *, request_id: str) -> bytes:
        """The in-band error; neither a finish reason nor `[DONE]` follows."""
        self._over = True
        return stream_error(kind, message, request_id=request_id)

    def _tell(self, event: Event, written: list[bytes]) -> None:
        match event:
            case PartStarted(index, part, candidate):
                self._begin(candidate, written)
                self._start(index, part, candidate, written)
            case PartEnded(index):
                self._end_part(index, written)
            case Cited(index, citation):
                self._cite(index, citation, written)
            case LogprobsSeen(tokens, candidate):
                self._begin(candidate, written)
                choice = {
                    "index": candidate,
                    "delta": {},
                    "logprobs": encode_logprobs(tokens),
                    "finish_reason": None,
                }
                written.append(self._chunk(choice))
            case Started():
                self._begin(0, written)
            case UsageSeen(usage):
                self._usage = usage
            case Finished(finish, candidate):
                self._finishes[candidate] = finish
            case Ended():
                self._end(written)
            case Failed() | OpaqueEvent() | Delta():
                pass

    def _begin(self, candidate: int, written: list[bytes]) -> None:
        if candidate not in self._begun:
            self._begun.add(candidate)
            written.append(self._delta(candidate, {"role": "assistant", "content": ""}))

    def _start(self, index: int, part: object, candidate: int, written: list[bytes]) -> None:
        state = self._parts[index] = _Part(part, candidate)
        match part:
            case Text():
                self._start_text(state, index, part, written)
            case Refusal():
                self._open(state, b'"refusal":', Field.TEXT)
                self._piece(state, part.text, written)
            case Thinking():
                self._start_thought(state, part, written)
            case ToolUse():
                self._start_call(state, index, part, written)
            case Media():
                self._start_media(state, part, written)
            case Opaque() if part.format == DIALECT:
                written.append(self._delta(candidate, {"content": [part.value]}))
            case Opaque():
                self._losses.add(part.type)
            case _:
                self._losses.add("tool_result")

    def _open(self, state: _Part, name: bytes, field: Field, tail: bytes = _TAIL) -> None:
        """Deltas of this field go straight between two byte strings."""
        state.head = self._head + b'{"index":%d,"delta":{' % state.candidate + name
        state.tail = tail
        state.field = field

    def _start_text(self, state: _Part, index: int, part: Text, written: list[bytes]) -> None:
        self._open(state, b'"content":', Field.TEXT)
        state.offset = sum(
            other.chars
            for other in self._parts.values()
            if other.candidate == state.candidate and isinstance(other.part, Text)
        )
        self._piece(state, part.text, written)
        for citation in part.citations:
            self._cite(index, citation, written)

    @staticmethod
    def _piece(state: _Part, text: str, written: list[bytes]) -> None:
        if text:
            state.chars += len(text)
            written += (state.head, _encode(text), state.tail)

    def _start_thought(self, state: _Part, part: Thinking, written: list[bytes]) -> None:
        if not is_detail(part):
            if part.redacted:
                self._losses.add("redacted_thinking")
                return
            self._open(state, b'"reasoning_content":', Field.TEXT)
            self._piece(state, part.text, written)
            return
        if part.text or part.signature or part.redacted:
            self._detail(state, part, part.text, part.signature, written)

    def _detail(
        self, state: _Part, part: Thinking, text: str, signature: str | None, written: list[bytes]
    ) -> None:
        delta: dict[str, object] = {"reasoning_content": text} if text else {}
        delta["reasoning_details"] = [as_detail(part, text=text, signature=signature)]
        written.append(self._delta(state.candidate, delta))

    def _start_call(self, state: _Part, index: int, part: ToolUse, written: list[bytes]) -> None:
        number = self._calls.get(state.candidate, 0)
        self._calls[state.candidate] = number + 1
        call = encode_call(part, call_id(part.id, self._facts, index), self._losses)
        kind = "custom" if part.custom else "function"
        inner = call[kind]
        if isinstance(inner, dict):
            inner["input" if part.custom else "arguments"] = part.arguments
        state.chars = len(part.arguments)
        written.append(self._delta(state.candidate, {"tool_calls": [{"index": number, **call}]}))
        name = b'"input":' if part.custom else b'"arguments":'
        head = b'"tool_calls":[{"index":%d,"%s":{%s' % (number, kind.encode(), name)
        self._open(state, head, Field.ARGUMENTS, b"}}]" + _TAIL)

    def _start_media(self, state: _Part, part: Media, written: list[bytes]) -> None:
        source = part.source
        if isinstance(source, Base64) and part.kind is MediaKind.AUDIO:
            audio = encode_audio(part, source, self._losses)
            written.append(self._delta(state.candidate, {"audio": audio}))
            self._open(state, b'"audio":{"data":', Field.BASE64, b"}" + _TAIL)
        elif isinstance(source, Base64) and part.kind is MediaKind.IMAGE:
            state.pieces.append(source.data)
        elif isinstance(source, Url) and part.kind is MediaKind.IMAGE:
            written.append(self._delta(state.candidate, {"images": [encode_image(source)]}))
        else:
            self._losses.add(part.kind.value)

    def _grow(self, state: _Part, delta: Delta, written: list[bytes]) -> None:
        """What grows in other ways than the usual one."""
        part = state.part
        if isinstance(part, Media):
            state.pieces.append(delta.text)
        elif isinstance(part, Thinking) and is_detail(part):
            if delta.field is Field.TEXT:
                self._detail(state, part, delta.text, None, written)
            else:
                self._detail(state, part, "", delta.text, written)

    def _end_part(self, index: int, written: list[bytes]) -> None:
        state = self._parts.get(index)
        if state is None:
            return
        part = state.part
        if isinstance(part, ToolUse) and not state.chars and not part.custom:
            written += (state.head, b'"{}"', state.tail)  # clients parse what has come
        elif isinstance(part, Media) and state.pieces and isinstance(part.source, Base64):
            image = encode_image(Base64(part.source.media_type, "".join(state.pieces)))
            written.append(self._delta(state.candidate, {"images": [image]}))

    def _cite(self, index: int, citation: Citation, written: list[bytes]) -> None:
        state = self._parts[index]
        annotation = annotation_of(citation, state.offset)
        if annotation is None:
            self._losses.add("citations")
        else:
            written.append(self._delta(state.candidate, {"annotations": [annotation]}))

    def _end(self, written: list[bytes]) -> None:
        """A finish chunk for each candidate, the usage where the client wants it, and the end."""
        self._over = True
        self._begin(0, written)
        numbers = sorted(self._begun | self._finishes.keys())
        usage = encode_usage(self._usage)
        apart = self._facts.request.include_usage
        for place, number in enumerate(numbers, 1):
            self._begin(number, written)
            finish = self._finishes.get(number, Finish(FinishReason.STOP))
            choice: dict[str, object] = {"index": number, "delta": {}, "logprobs": None}
            choice["finish_reason"] = finish_word(finish)
            if finish.sequence is not None:
                choice["stop_reason"] = finish.sequence
            rides = usage if place == len(numbers) and not apart else None
            written.append(self._chunk(choice, rides))
        if apart and usage is not None:
            written.append(self._head + b'],"usage":' + _encode(usage) + b"}\n\n")
        written.append(_DONE)

    def _delta(self, candidate: int, delta: dict[str, object]) -> bytes:
        return self._chunk({"index": candidate, "delta": delta, "logprobs": None, "finish_reason": None})

    def _chunk(self, choice: dict[str, object], usage: dict[str, object] | None = None) -> bytes:
        tail = b"]}\n\n" if usage is None else b'],"usage":' + _encode(usage) + b"}\n\n"
        return self._head + _encode(choice) + tail


def _lane_of(start: PartStarted) -> int | None:
    """Texts of one choice follow one another: nothing in a delta says whose it is. Calls have an index."""
    return None if isinstance(start.part, ToolUse) else start.candidate


def stream_encoder(facts: ReplyFacts) -> ChatStreamEncoder:
    """A writer for a new stream."""
    return ChatStreamEncoder(facts)
