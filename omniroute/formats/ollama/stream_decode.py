"""A stream of JSON lines, read as it comes."""

from omniroute.conversation.events import (
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
from omniroute.conversation.parts import Part, Text, Thinking, ToolUse
from omniroute.conversation.usage import UNKNOWN
from omniroute.errors import ProtocolError
from omniroute.formats.ollama.answer import LINE, Line, failure_of, finish_of, logprobs_of, parts_of, usage_of
from omniroute.formats.ollama.watch import MAX_LINE_BYTES
from omniroute.formats.watch import decode_event


class OllamaDecoder:
    """Reads one stream. Calls come whole, on one line or on many; text may stand on the last line too."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._rest_bytes = 0
        self._over = False
        self._started = False
        self._called = False
        self._next = 0
        self._open: type[Part] | None = None
        """The kind of the part that is growing; it is the last one that started."""

    def feed(self, chunk: bytes) -> list[Event]:
        """The events these bytes complete. Raises ProtocolError."""
        events: list[Event] = []
        if b"\n" in chunk:
            self._rest.append(chunk)
            *lines, rest = b"".join(self._rest).split(b"\n")
            self._rest, self._rest_bytes = [rest], len(rest)
            for line in lines:
                self._take(line, events)
        else:
            self._rest.append(chunk)
            self._rest_bytes += len(chunk)
        if self._rest_bytes > MAX_LINE_BYTES:
            raise ProtocolError(f"a line of the stream is over {MAX_LINE_BYTES} bytes")
        return events

    def close(self) -> list[Event]:
        """What is left to tell: a last line without an end, or that the stream was cut short."""
        events: list[Event] = []
        try:
            self._take(b"".join(self._rest), events)
        except ProtocolError:
            events.clear()  # half a line
        self._rest = []
        if not self._over:
            self._over = True
            events.append(Failed(CUT))
        return events

    def _take(self, raw: bytes, events: list[Event]) -> None:
        if self._over or not raw or raw.isspace():
            return
        line = decode_event(LINE, raw)
        if line is None:
            return
        if line.error:
            events.append(Failed(failure_of(line.error)))
            self._over = True
            return
        if not self._started:
            self._started = True
            events.append(Started(None, line.model))
        if line.message is not None:
            for part in parts_of(line.message):
                self._grow(part, events)
        if line.logprobs:
            events.append(LogprobsSeen(logprobs_of(line.logprobs)))
        if line.done:
            self._end(line, events)

    def _grow(self, part: Part, events: list[Event]) -> None:
        kind = type(part)
        if kind is not Text and kind is not Thinking:
            self._end_part(events)
            events += (PartStarted(self._next, part), PartEnded(self._next))
            self._next += 1
            self._called = self._called or kind is ToolUse
            return
        if self._open is not kind:
            self._end_part(events)
            events.append(PartStarted(self._next, kind("")))
            self._open = kind
            self._next += 1
        events.append(Delta(self._next - 1, Field.TEXT, part.text))  # type: ignore[union-attr]  # as above

    def _end_part(self, events: list[Event]) -> None:
        if self._open is not None:
            events.append(PartEnded(self._next - 1))
            self._open = None

    def _end(self, line: Line, events: list[Event]) -> None:
        self._end_part(events)
        usage = usage_of(line)
        if usage != UNKNOWN:
            events.append(UsageSeen(usage))
        events += (Finished(finish_of(line, called=self._called)), Ended())
        self._over = True


def stream_decoder() -> OllamaDecoder:
    """A reader for a new stream."""
    return OllamaDecoder()
