"""Streams for clients that speak OpenAI Responses (API reference, read 2026-11-22)."""

from collections.abc import Sequence

from omniroute.conversation.events import (
    Cited,
    Delta,
    Ended,
    Event,
    Finished,
    LogprobsSeen,
    PartEnded,
    PartStarted,
    Started,
    UsageSeen,
)
from omniroute.conversation.request import TokenLogprob
from omniroute.conversation.response import Finish, FinishReason
from omniroute.conversation.usage import UNKNOWN, Usage
from omniroute.errors import ErrorKind, ProtocolError
from omniroute.formats.codec import Losses, ReplyFacts
from omniroute.formats.openai_responses.response_encode import Body, echoed, reply, status_of
from omniroute.formats.openai_responses.stream_parts import MessageWriter, Output, PartWriter, part_writer

MAX_HELD_CHARS = 16 * 1024 * 1024
"""Of parts that wait for an earlier one to end."""

_OfPart = PartStarted | Delta | Cited | PartEnded


class ResponsesStreamEncoder:
    """Writes `response.*` events; items stand one after another, in the order of their numbers."""

    def __init__(self, facts: ReplyFacts) -> None:
        self._facts = facts
        self._losses = Losses()
        self._output = Output(facts, self._losses)
        self._repeated: Body | None = None
        self._index = -1
        self._writer: PartWriter | None = None
        self._held: dict[int, list[_OfPart]] = {}
        self._held_chars = 0
        self._logprobs: tuple[TokenLogprob, ...] = ()
        self._finish = Finish(FinishReason.UNKNOWN)
        self._usage: Usage = UNKNOWN
        self._over = False

    @property
    def losses(self) -> tuple[str, ...]:
        """What could not be told so far."""
        return self._losses.names

    def encode(self, events: Sequence[Event]) -> bytes:
        """The bytes that tell these events. Raises ProtocolError when too much has to be held back."""
        for event in events:
            if self._over:
                break
            if type(event) is Delta and event.index == self._index and self._writer is not None:
                self._writer.grow(event.field, event.text)
            elif isinstance(event, _OfPart):
                self._take(event)
            else:
                self._note(event)
        return self._output.frames.take()

    def fail(self, kind: ErrorKind, message: str, *, request_id: str) -> bytes:
        """The event of a response that failed; nothing follows it."""
        if self._over:
            return b""
        self._over = True
        response = self._response(None)
        response["status"] = "failed"
        response["error"] = {"code": kind.value, "message": message}
        self._output.frames.add("response.failed", {"response": response})
        return self._output.frames.take()

    def _note(self, event: Event) -> None:
        match event:
            case Started():
                self._begin()
            case UsageSeen(usage):
                self._usage = usage
            case Finished(finish, candidate):
                if candidate == 0:
                    self._finish = finish
            case LogprobsSeen(tokens, candidate):
                if candidate == 0:
                    self._logprobs += tokens
                    self._give_logprobs()
            case Ended():
                self._end()
            case _:
                pass

    def _begin(self) -> None:
        """The answer begins; once only."""
        if self._repeated is None:
            response = self._response(None)
            self._output.frames.add("response.created", {"response": response})
            self._output.frames.add("response.in_progress", {"response": response})

    def _response(self, finish: Finish | None) -> Body:
        if self._repeated is None:
            self._repeated = echoed(self._facts.request)
        return reply(self._facts, self._repeated, finish=finish, output=self._output.items, usage=self._usage)

    def _take(self, event: _OfPart) -> None:
        """An event of a part: written when its turn has come, else held back."""
        index = event.index
        if isinstance(event, PartStarted):
            if event.candidate != 0:
                self._losses.add("candidates")
                return
            self._begin()
            if self._writer is None:
                self._start(event)
            else:
                self._held[index] = [event]
        elif index == self._index and self._writer is not None:
            self._write(event, self._writer)
        elif index in self._held:
            self._hold(event)

    def _hold(self, event: _OfPart) -> None:
        if isinstance(event, Delta):
            self._held_chars += len(event.text)
            if self._held_chars > MAX_HELD_CHARS:
                raise ProtocolError("the upstream's stream interleaves more than can be held back")
        self._held[event.index].append(event)

    def _start(self, event: PartStarted) -> None:
        self._index = event.index
        self._writer = part_writer(self._output, event.index, event.part)
        self._give_logprobs()

    def _give_logprobs(self) -> None:
        if self._logprobs and isinstance(self._writer, MessageWriter) and self._writer.is_text:
            self._writer.add_logprobs(self._logprobs)
            self._logprobs = ()

    def _write(self, event: _OfPart, writer: PartWriter) -> None:
        match event:
            case Delta(_, field, text):
                writer.grow(field, text)
            case Cited(_, citation):
                if isinstance(writer, MessageWriter):
                    writer.cite(citation)
            case PartEnded():
                self._close(writer)
            case PartStarted():
                pass

    def _close(self, writer: PartWriter) -> None:
        """The part is complete, and what was held back of the next can be told."""
        writer.end()
        self._writer = None
        while self._writer is None and self._held:
            for event in self._held.pop(min(self._held)):
                self._catch_up(event)

    def _catch_up(self, event: _OfPart) -> None:
        if isinstance(event, PartStarted):
            self._start(event)
        elif isinstance(event, PartEnded) and self._writer is not None:
            self._writer.end()
            self._writer = None
        elif self._writer is not None:
            if isinstance(event, Delta):
                self._held_chars -= len(event.text)
            self._write(event, self._writer)

    def _end(self) -> None:
        self._begin()
        while self._writer is not None:
            self._close(self._writer)
        if self._logprobs:
            self._losses.add("logprobs")
        self._over = True
        kind = f"response.{status_of(self._finish)}"
        self._output.frames.add(kind, {"response": self._response(self._finish)})
