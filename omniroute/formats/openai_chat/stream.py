"""Streams of Chat, read (API reference and recorded streams of thirty vendors, read 2026-11-22)."""

from contextlib import suppress

import msgspec

from omniroute.conversation.events import (
    Cited,
    Ended,
    Event,
    Failed,
    Finished,
    LogprobsSeen,
    PartEnded,
    Started,
    UsageSeen,
)
from omniroute.conversation.fold import CUT
from omniroute.conversation.parts import Citation
from omniroute.conversation.response import FinishReason
from omniroute.conversation.usage import UNKNOWN, Usage
from omniroute.errors import ProtocolError
from omniroute.formats.openai_chat.answer_parts import finish_of, logprobs_of, sources_of
from omniroute.formats.openai_chat.node import Malformed
from omniroute.formats.openai_chat.stream_choice import Choice, ChunkChoice
from omniroute.formats.openai_usage import decode_usage
from omniroute.formats.sse import RawFrameReader, frame_data
from omniroute.formats.watch import ABSENT, UNREADABLE, decode, in_band, is_something
from omniroute.formats.wire_error import WireError

_ODD: tuple[type[Exception], ...] = (Malformed, *UNREADABLE)


class _Groq(msgspec.Struct):
    usage: msgspec.Raw = ABSENT


class _Chunk(msgspec.Struct):
    id: str | int | None = None
    model: str | None = None
    object: str | None = None
    choices: list[ChunkChoice] | None = None
    usage: msgspec.Raw = ABSENT
    x_groq: _Groq | None = None
    error: msgspec.Raw = ABSENT
    citations: msgspec.Raw = ABSENT
    search_results: msgspec.Raw = ABSENT


_CHUNK = msgspec.json.Decoder(_Chunk)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])


class ChatStreamDecoder:
    """Reads a stream of `chat.completion.chunk`.

    A candidate is told as finished when the stream ends: some servers send two reasons, or text behind one.
    """

    def __init__(self) -> None:
        self._frames = RawFrameReader()
        self._choices: dict[int, Choice] = {}
        self._next_part = 0
        self._started = False
        self._over = False
        self._usage: Usage = UNKNOWN
        self._links: msgspec.Raw = ABSENT
        self._found: msgspec.Raw = ABSENT

    def feed(self, chunk: bytes) -> list[Event]:
        """The events these bytes complete. Raises ProtocolError."""
        return [] if self._over else self._read(chunk)

    def _read(self, chunk: bytes) -> list[Event]:
        events: list[Event] = []
        for raw in self._frames.feed(chunk):
            data = frame_data(raw)
            if data is not None:
                self._checked(data, events)
                if self._over:
                    break
        return events

    def close(self) -> list[Event]:
        """`Ended` when a finish reason has come, else `Failed`."""
        return [] if self._over else self._closed()

    def _closed(self) -> list[Event]:
        events: list[Event] = []
        self._last_frame(events)
        if self._over:
            return events
        self._over = True
        if self._choices and all(choice.finish_raw is not None for choice in self._choices.values()):
            self._end(events)
        else:
            events.append(Failed(CUT))
        return events

    def _last_frame(self, events: list[Event]) -> None:
        """What a server sent that leaves out the last blank line; nothing when it is no event."""
        rest = self._frames.rest
        data = frame_data(rest + b"\n\n") if rest.strip() else None
        if data is not None:
            with suppress(ProtocolError):
                self._checked(data, events)

    def _checked(self, data: bytes, events: list[Event]) -> None:
        try:
            self._frame(data, events)
        except _ODD as error:
            raise ProtocolError(f"the upstream's stream holds a chunk of unknown shape: {error}") from None

    def _frame(self, data: bytes, events: list[Event]) -> None:
        if data == b"[DONE]":
            self._done(events)
            return
        chunk = _decoded(data)
        if chunk is None:
            return
        if is_something(chunk.error) or chunk.object == "error":
            self._fail(data, events)
            return
        if not self._started and (chunk.choices or chunk.id):
            self._started = True
            events.append(Started(str(chunk.id) if chunk.id else None, chunk.model or None))
        for piece in chunk.choices or ():
            self._choice(piece, events)
            if self._over:
                return
        if chunk.usage is not ABSENT or chunk.x_groq is not None:
            self._count(chunk, events)
        self._links = self._links if chunk.citations is ABSENT else chunk.citations
        self._found = self._found if chunk.search_results is ABSENT else chunk.search_results

    def _done(self, events: list[Event]) -> None:
        if self._started:
            self._end(events)
        else:
            events.append(Failed(CUT))
        self._over = True

    def _choice(self, piece: ChunkChoice, events: list[Event]) -> None:
        if is_something(piece.error):
            self._fail(b'{"error":' + bytes(piece.error) + b"}", events)
            return
        number = piece.index or 0
        choice = self._choices.get(number)
        if choice is None:
            choice = self._choices[number] = Choice(number)
        self._next_part = choice.take(piece, self._next_part, events)
        if piece.logprobs is not ABSENT and is_something(piece.logprobs):
            tokens = logprobs_of(piece.logprobs)
            if tokens:
                events.append(LogprobsSeen(tokens, number))
        if piece.finish_reason:
            if finish_of(piece.finish_reason, calls=False).reason is FinishReason.ERROR:
                events.append(Failed(in_band(None, piece.finish_reason)))
                self._over = True
                return
            choice.note_finish(piece.finish_reason, piece.stop_reason)

    def _count(self, chunk: _Chunk, events: list[Event]) -> None:
        raw = chunk.usage
        if not is_something(raw) and chunk.x_groq is not None:
            raw = chunk.x_groq.usage
        if not is_something(raw):
            return
        usage = decode_usage(raw)
        if usage not in (UNKNOWN, self._usage):
            self._usage = usage
            events.append(UsageSeen(usage))

    def _fail(self, data: bytes, events: list[Event]) -> None:
        error = WireError.of(data)
        events.append(Failed(in_band(error.message, error.code or error.type)))
        self._over = True

    def _end(self, events: list[Event]) -> None:
        """Every part and candidate is complete, and the answer too."""
        sources = sources_of(_items(self._links), _items(self._found))
        for choice in self._choices.values():
            self._next_part = choice.flush(self._next_part, events)
            if sources and not choice.cited and len(self._choices) == 1:
                self._cite(choice, sources, events)
            events.extend(PartEnded(index) for index in choice.open_parts())
        for choice in self._choices.values():
            finish = finish_of(choice.finish_raw, calls=choice.calls_tools, sequence=choice.sequence)
            events.append(Finished(finish, choice.number))
        events.append(Ended())

    def _cite(self, choice: Choice, sources: tuple[Citation, ...], events: list[Event]) -> None:
        """The text a list beside the answer belongs to, while it can still be cited for."""
        index = choice.last_text
        if index is not None and index in choice.open_parts():
            events.extend(Cited(index, citation) for citation in sources)


def _decoded(data: bytes) -> _Chunk | None:
    """The chunk; `None` for a vendor's own event. Raises ProtocolError for what is none, and should be."""
    try:
        return decode(_CHUNK, data)
    except msgspec.ValidationError as error:
        if b'"choices"' in data:
            raise ProtocolError(f"the upstream's stream holds a chunk of unknown shape: {error}") from None
        return None
    except ProtocolError:
        raise ProtocolError("the upstream's stream holds an event that is not JSON") from None


def _items(raw: msgspec.Raw) -> list[msgspec.Raw]:
    if not is_something(raw):
        return []
    try:
        return _LIST.decode(raw)
    except msgspec.ValidationError:
        return []


def stream_decoder() -> ChatStreamDecoder:
    """A reader for a new stream."""
    return ChatStreamDecoder()
