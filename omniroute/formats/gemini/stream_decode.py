"""A stream of partial answers: server-sent events, or one JSON array (API reference, read 2026-11-23)."""

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
    PartEnded,
    PartStarted,
    Started,
    UsageSeen,
)
from omniroute.conversation.fold import CUT
from omniroute.conversation.parts import Citation, Opaque, Part, Text, Thinking, ToolUse
from omniroute.conversation.response import Finish, FinishReason
from omniroute.conversation.usage import UNKNOWN
from omniroute.errors import ProtocolError, Refused
from omniroute.formats.gemini.array import ArrayReader
from omniroute.formats.gemini.content_decode import SIGNATURE, decode_model_part, signature_part
from omniroute.formats.gemini.finish import UNFINISHED, decode_finish
from omniroute.formats.gemini.logprobs import decode_logprobs
from omniroute.formats.gemini.members import NAME, Members, members
from omniroute.formats.gemini.partial_args import Arguments, PartialArg
from omniroute.formats.gemini.response_decode import citations
from omniroute.formats.gemini.usage import UsageMetadata, disjoint
from omniroute.formats.sse import RawFrameReader, frame_data
from omniroute.formats.watch import ABSENT, decode_event, in_band, is_something

MAX_CANDIDATES = 128

_BLANK = b" \t\r\n\xef\xbb\xbf"


class _Call(msgspec.Struct):
    id: str | None = None
    name: str | None = None
    args: msgspec.Raw = ABSENT
    partialArgs: list[PartialArg] | None = None
    willContinue: bool | None = None


class _Part(msgspec.Struct):
    text: str | None = None
    thought: bool | None = None
    thoughtSignature: str | None = None
    functionCall: _Call | None = None


class _Content(msgspec.Struct):
    parts: list[_Part] | None = None


class _Candidate(msgspec.Struct):
    content: _Content | None = None
    finishReason: str | None = None
    index: int | None = None
    groundingMetadata: msgspec.Raw = ABSENT
    citationMetadata: msgspec.Raw = ABSENT
    logprobsResult: msgspec.Raw = ABSENT


class _Feedback(msgspec.Struct):
    blockReason: str | None = None


class _Error(msgspec.Struct):
    message: str | None = None
    status: str | None = None


class _Answer(msgspec.Struct):
    candidates: list[_Candidate] | None = None
    promptFeedback: _Feedback | None = None
    usageMetadata: UsageMetadata | None = None
    modelVersion: str | None = None
    responseId: str | None = None
    error: _Error | None = None


class _RawContent(msgspec.Struct):
    parts: list[msgspec.Raw] | None = None


class _RawCandidate(msgspec.Struct):
    content: _RawContent | None = None


class _RawAnswer(msgspec.Struct):
    candidates: list[_RawCandidate] | None = None


_ANSWER = msgspec.json.Decoder(_Answer)
_RAW_ANSWER = msgspec.json.Decoder(_RawAnswer)


class StreamDecoder:
    """Reads one stream. Finish reasons may stand in every chunk, so the end is told once no bytes follow."""

    def __init__(self) -> None:
        self._frames: RawFrameReader | None = None
        self._array: ArrayReader | None = None
        self._started = False
        self._over = False
        self._usage: UsageMetadata | None = None
        self._blocked: str | None = None
        self._candidates: dict[int, _Growing] = {}
        self._parts = _Counter()

    def feed(self, chunk: bytes) -> list[Event]:
        """The events these bytes complete. Raises ProtocolError."""
        events: list[Event] = []
        if self._over:
            return events
        if self._frames is not None:
            for raw in self._frames.feed(chunk):
                data = frame_data(raw)
                if data is not None and not self._over and data != b"[DONE]":
                    self._take(data, events)
        elif self._array is not None:
            for element in self._array.feed(chunk):
                if not self._over:
                    self._take(element, events)
        elif start := chunk.lstrip(_BLANK):
            if start.startswith(b"["):
                self._array = ArrayReader()
            else:
                self._frames = RawFrameReader()
            return self.feed(chunk)
        return events

    def close(self) -> list[Event]:
        """What is left to tell once no bytes follow."""
        if self._over:
            return []
        events = self._rest()
        if events and isinstance(events[-1], Failed):
            return events
        self._over = True
        if self._blocked is not None:
            self._candidate(0).block(self._blocked)
        growing = [self._candidates[number] for number in sorted(self._candidates)]
        if not growing or any(each.word is None for each in growing):
            events.append(Failed(CUT))
            return events
        for each in growing:
            each.end(events)
        events += [Finished(each.finish(), each.number) for each in growing]
        events.append(Ended())
        return events

    def _rest(self) -> list[Event]:
        """A last event without the blank line behind it still counts."""
        events: list[Event] = []
        data = (
            frame_data(self._frames.rest + b"\n\n")
            if self._frames is not None and self._frames.rest
            else None
        )
        if data is not None and data != b"[DONE]":
            try:
                self._take(data, events)
            except ProtocolError:
                return []
        return events

    def _take(self, data: bytes, events: list[Event]) -> None:
        answer = decode_event(_ANSWER, data)
        if answer is None:
            return
        if answer.error is not None:
            self._over = True
            events.append(Failed(in_band(answer.error.message, answer.error.status)))
            return
        if not self._started:
            self._started = True
            events.append(Started(answer.responseId, answer.modelVersion))
        for place, candidate in enumerate(answer.candidates or ()):
            self._note(candidate, place, data, events)
        feedback = answer.promptFeedback
        if feedback is not None and feedback.blockReason:
            self._blocked = feedback.blockReason
        told = answer.usageMetadata
        if told is not None and told != self._usage:
            self._usage = told
            usage = disjoint(told)
            if usage != UNKNOWN:
                events.append(UsageSeen(usage))

    def _candidate(self, number: int) -> "_Growing":
        growing = self._candidates.get(number)
        if growing is None:
            if not 0 <= number < MAX_CANDIDATES:
                raise ProtocolError("the upstream's stream holds an answer of no possible number")
            growing = self._candidates[number] = _Growing(number, self._parts)
        return growing

    def _note(self, candidate: _Candidate, place: int, data: bytes, events: list[Event]) -> None:
        growing = self._candidate(candidate.index or 0)
        content = candidate.content
        cites = candidate.groundingMetadata is not ABSENT or candidate.citationMetadata is not ABSENT
        if content is not None and content.parts:
            for number, part in enumerate(content.parts):
                if part.text is not None:
                    growing.text(part, events)
                elif part.functionCall is not None:
                    if cites:
                        growing.cite(candidate, events)  # of the text, which the call ends
                    growing.call(part.functionCall, part.thoughtSignature, events)
                else:
                    growing.other(_raw_part(data, place, number), events)
        if candidate.logprobsResult is not ABSENT:
            tokens = decode_logprobs(candidate.logprobsResult)
            if tokens:
                events.append(LogprobsSeen(tokens, growing.number))
        if cites:
            growing.cite(candidate, events)
        if candidate.finishReason and candidate.finishReason != UNFINISHED:
            growing.word = candidate.finishReason


def _raw_part(data: bytes, candidate: int, number: int) -> msgspec.Raw:
    """A part of a kind that is not read on the fast way, as it stood."""
    answer = decode_event(_RAW_ANSWER, data)
    found = answer.candidates[candidate].content if answer is not None and answer.candidates else None
    if found is None or found.parts is None:
        raise ProtocolError("the upstream's stream holds a part that cannot be read")
    return found.parts[number]


class _Counter:
    """Numbers the parts of all candidates."""

    __slots__ = ("_next",)

    def __init__(self) -> None:
        self._next = 0

    def take(self) -> int:
        """The next number."""
        number = self._next
        self._next += 1
        return number


class _Growing:
    """One candidate while it grows: at most one part is open."""

    def __init__(self, number: int, parts: _Counter) -> None:
        self.number = number
        self.word: str | None = None
        self._parts = parts
        self._blocked = False
        self._called = False
        self._index = -1
        self._kind: type[Part] | None = None
        """Of the open part; `None`: none is."""
        self._sealed = False
        """A signature closed the text: what follows is another one."""
        self._text: list[str] = []
        self._arguments: Arguments | None = None
        self._cited: set[Citation] = set()

    def block(self, reason: str) -> None:
        """The prompt was refused, and nothing will come."""
        if self.word is None:
            self.word, self._blocked = reason, True

    def finish(self) -> Finish:
        """Why it ended; only called once that is known."""
        word = self.word or ""
        if self._blocked:
            return Finish(FinishReason.CONTENT_FILTER, word)
        return decode_finish(word, called=self._called)

    def text(self, part: _Part, events: list[Event]) -> None:
        """A piece of text or of a thought, perhaps with a signature."""
        text, signature = part.text, part.thoughtSignature
        kind = Thinking if part.thought else Text
        if not text and not (signature and part.thought):
            if signature:
                self._alone(signature_part(signature, joined=False), events, keep=True)
            return
        if kind is not self._kind or self._sealed:
            self._start(Thinking(origin=NAME) if part.thought else Text(""), events)
        if text:
            events.append(Delta(self._index, Field.TEXT, text))
            if kind is Text:
                self._text.append(text)
        if signature and kind is Thinking:
            events.append(Delta(self._index, Field.SIGNATURE, signature))
            self.end(events)
        elif signature:
            self._alone(signature_part(signature, joined=True), events, keep=True)

    def call(self, call: _Call, signature: str | None, events: list[Event]) -> None:
        """A call of a function, whole or a piece of one."""
        if call.name or self._kind is not ToolUse:
            if not call.name and call.args is ABSENT and not call.partialArgs:
                return
            self._called = True
            id = call.id or ""
            origin = NAME if signature or call.willContinue else None
            self._start(ToolUse(id, call.name or "", signature=signature or None, origin=origin), events)
            self._arguments = Arguments()
        elif signature:
            events.append(Delta(self._index, Field.SIGNATURE, signature))
        for piece in call.partialArgs or ():
            if self._arguments is not None:
                self._arguments.add(piece)
        if is_something(call.args) or (call.args is not ABSENT and not call.willContinue):
            self._arguments = None
            self._tell_arguments(bytes(call.args).decode("utf-8", "replace"), events)
        if not call.willContinue:
            self.end(events)

    def other(self, raw: msgspec.Raw, events: list[Event]) -> None:
        """A part of another kind."""
        try:
            found = decode_model_part(members(raw, "part"), "part")
        except (Refused, msgspec.MsgspecError, UnicodeDecodeError):
            return
        for part in found:
            self._alone(part, events, keep=isinstance(part, Opaque) and part.type == SIGNATURE)

    def cite(self, candidate: _Candidate, events: list[Event]) -> None:
        """Where the open text has something from."""
        if self._kind is not Text:
            return
        told: Members = {}
        if is_something(candidate.groundingMetadata):
            told["groundingMetadata"] = candidate.groundingMetadata
        if is_something(candidate.citationMetadata):
            told["citationMetadata"] = candidate.citationMetadata
        for _, citation in citations(told, ["".join(self._text)]):
            if citation not in self._cited:
                self._cited.add(citation)
                events.append(Cited(self._index, citation))

    def end(self, events: list[Event]) -> None:
        """The open part is complete."""
        if self._kind is None:
            return
        if self._arguments is not None:
            arguments, self._arguments = self._arguments, None
            self._tell_arguments(arguments.text(), events)
        events.append(PartEnded(self._index))
        self._kind = None

    def _tell_arguments(self, text: str, events: list[Event]) -> None:
        events.append(Delta(self._index, Field.ARGUMENTS, "{}" if text == "null" else text))

    def _start(self, part: Part, events: list[Event]) -> None:
        self.end(events)
        self._index = self._parts.take()
        self._kind = type(part)
        self._sealed = False
        if self._text:
            self._text = []
        events.append(PartStarted(self._index, part, self.number))

    def _alone(self, part: Part, events: list[Event], *, keep: bool) -> None:
        """A part that comes whole. `keep`: an open text stays open for citations, but takes no more text."""
        if keep and self._kind is Text:
            self._sealed = True
        else:
            self.end(events)
        index = self._parts.take()
        events.append(PartStarted(index, part, self.number))
        events.append(PartEnded(index))
