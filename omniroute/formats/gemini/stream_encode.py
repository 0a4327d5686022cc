"""A stream for a client in Gemini's dialect: server-sent events, or one JSON array (read 2026-11-23)."""

from collections.abc import Sequence
from typing import Any

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
from omniroute.conversation.fold import Folder
from omniroute.conversation.parts import Citation, Part, Refusal, Text, Thinking, ToolUse
from omniroute.conversation.request import TokenLogprob
from omniroute.conversation.response import Finish, FinishReason
from omniroute.conversation.usage import UNKNOWN, Usage
from omniroute.errors import ErrorKind
from omniroute.formats.codec import Losses, ReplyFacts, call_id
from omniroute.formats.gemini.content_encode import WirePart, encode_answer_part
from omniroute.formats.gemini.errors import encode_error
from omniroute.formats.gemini.finish import finish_word
from omniroute.formats.gemini.grounding import grounding_metadata
from omniroute.formats.gemini.logprobs import logprobs_result
from omniroute.formats.gemini.usage import usage_metadata
from omniroute.formats.in_order import InOrder


class _Sse:
    """Chunks as events."""

    def chunk(self, body: bytes) -> bytes:
        """One chunk."""
        return b"data: " + body + b"\n\n"

    def end(self) -> bytes:
        """What stands behind the last."""
        return b""


class _Array:
    """Chunks as the elements of one array."""

    def __init__(self) -> None:
        self._before = b"["

    def chunk(self, body: bytes) -> bytes:
        """One element."""
        before, self._before = self._before, b",\n"
        return before + body

    def end(self) -> bytes:
        """What stands behind the last."""
        before, self._before = self._before, b""
        return b"[]" if before == b"[" else b"]"


class _Candidate:
    """What of one answer is told with its last chunk."""

    def __init__(self) -> None:
        self.finish = Finish(FinishReason.UNKNOWN)
        self.refused = False
        self.logprobs: list[TokenLogprob] = []
        self.cited: list[tuple[int, str, tuple[Citation, ...]]] = []


class StreamEncoder:
    """Writes one stream: texts as they grow, everything else whole."""

    def __init__(self, facts: ReplyFacts, framing: _Sse | _Array) -> None:
        self._facts = facts
        self._framing = framing
        self._order = InOrder()
        self._losses = Losses()
        self._usage: Usage = UNKNOWN
        self._candidates: dict[int, _Candidate] = {}
        self._over = False
        self._index = -1
        """The open part: there is one at a time."""
        self._part: Part | None = None
        self._number = 0
        self._start = self._end = b""
        """What stands around the text of the open part, when it is told as it grows."""
        self._pieces: list[str] = []
        self._held = Folder()
        dressing = {"modelVersion": facts.model, "responseId": facts.id}
        self._dressing = msgspec.json.encode(dressing)[1:]

    def encode(self, events: Sequence[Event]) -> bytes:
        """The bytes that tell these events. Raises ProtocolError."""
        if self._over:
            return b""
        out: list[bytes] = []
        for event in self._order.take(events):
            if type(event) is Delta:
                self._delta(event, out)
            else:
                self._note(event, out)
        return b"".join(out)

    def fail(self, kind: ErrorKind, message: str, *, request_id: str) -> bytes:
        """The in-band error that ends the stream."""
        if self._over:
            return b""
        self._over = True
        return self._framing.chunk(encode_error(kind, message, request_id=request_id)) + self._framing.end()

    @property
    def losses(self) -> tuple[str, ...]:
        """What could not be told so far."""
        return self._losses.names

    def _delta(self, event: Delta, out: list[bytes]) -> None:
        if event.field is Field.TEXT and self._start:
            self._pieces.append(event.text)
            out.append(self._framing.chunk(self._start + msgspec.json.encode(event.text) + self._end))
        else:
            self._held.take((event,))

    def _note(self, event: Event, out: list[bytes]) -> None:
        match event:
            case PartStarted():
                self._open(event, out)
            case PartEnded():
                self._close(out)
            case Cited():
                self._held.take((event,))
            case Finished(finish, number):
                self._candidate(number).finish = finish
            case LogprobsSeen(tokens, number):
                self._candidate(number).logprobs += tokens
            case UsageSeen(usage):
                self._usage = usage
            case Ended():
                self._over = True
                out.append(self._framing.chunk(self._last()) + self._framing.end())
            case _:
                pass

    def _candidate(self, number: int) -> _Candidate:
        found = self._candidates.get(number)
        if found is None:
            found = self._candidates[number] = _Candidate()
        return found

    def _open(self, event: PartStarted, out: list[bytes]) -> None:
        part = event.part
        self._index, self._part, self._number = event.index, part, event.candidate
        self._start, self._pieces, self._held = b"", [], Folder()
        self._candidate(event.candidate)
        if isinstance(part, Text | Thinking | Refusal) and not getattr(part, "redacted", False):
            thought = b',"thought":true' if isinstance(part, Thinking) else b""
            self._start = b'{"candidates":[{"content":{"parts":[{"text":'
            self._end = thought + b'}],"role":"model"},"index":%d}],' % event.candidate + self._dressing
            if part.text:
                self._delta(Delta(event.index, Field.TEXT, part.text), out)
            part = msgspec.structs.replace(part, text="")
        self._held.take((PartStarted(event.index, part, event.candidate),))

    def _close(self, out: list[bytes]) -> None:
        """Tell what of the part was not told as it grew."""
        if self._part is None:
            return
        self._held.take((Ended(),))
        part = self._held.whole().candidates[-1].parts[0]
        self._part, streamed = None, bool(self._start)
        self._start = b""
        candidate = self._candidate(self._number)
        if isinstance(part, Refusal):
            candidate.refused = True
        if isinstance(part, Text) and part.citations:
            candidate.cited.append((0, "".join(self._pieces), part.citations))
        if streamed and not (isinstance(part, Thinking) and part.signature):
            return
        wire: list[WirePart] = []
        id = call_id(part.id, self._facts, self._index) if isinstance(part, ToolUse) else ""
        encode_answer_part(part, wire, self._losses, id=id)
        if wire and wire != [{"text": "", "thought": True}]:
            out.append(self._framing.chunk(self._content(wire)))

    def _content(self, wire: list[WirePart]) -> bytes:
        candidate = {"content": {"parts": wire, "role": "model"}, "index": self._number}
        body = msgspec.json.encode({"candidates": [candidate]})[:-1] + b"," + self._dressing
        # Arguments stand as the model wrote them, perhaps over several lines: an event is one line.
        return body.replace(b"\n", b" ").replace(b"\r", b" ")

    def _last(self) -> bytes:
        answer: dict[str, Any] = {"candidates": []}
        for number, candidate in sorted(self._candidates.items()):
            told: dict[str, Any] = {
                "content": {"parts": [{"text": ""}], "role": "model"},
                "finishReason": finish_word(candidate.finish, refused=candidate.refused),
                "index": number,
            }
            if candidate.logprobs:
                told["logprobsResult"] = logprobs_result(candidate.logprobs)
            grounding = grounding_metadata(candidate.cited)
            if grounding is not None:
                told["groundingMetadata"] = grounding
            answer["candidates"].append(told)
        usage = usage_metadata(self._usage)
        if usage is not None:
            answer["usageMetadata"] = usage
        return msgspec.json.encode(answer)[:-1] + b"," + self._dressing


def stream_encoder(facts: ReplyFacts) -> StreamEncoder:
    """A writer for a stream of server-sent events."""
    return StreamEncoder(facts, _Sse())


def array_stream_encoder(facts: ReplyFacts) -> StreamEncoder:
    """A writer for a stream that is one JSON array."""
    return StreamEncoder(facts, _Array())
