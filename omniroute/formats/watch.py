"""What a passing stream shows of itself, while its bytes go on untouched."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import msgspec

from omniroute.conversation.usage import UNKNOWN, Usage
from omniroute.errors import Failure, ProtocolError
from omniroute.formats.refusal_words import told_in_band
from omniroute.formats.sse import RawFrameReader, frame_data

T = TypeVar("T")

MAX_KEPT_TEXT = 4 * 1024 * 1024
"""Characters of output kept for counting tokens when the provider gives no usage."""
MAX_UNREAD_BYTES = 256 * 1024
"""Events kept unread while they can hold only more content; past it each is read as it comes."""


ABSENT = msgspec.Raw(b"")
"""Default of a member that is kept as it stood: `Raw | None` would mean null only."""

_NOTHING = frozenset({b"", b"null", b"[]", b"{}"})


def is_something(raw: msgspec.Raw) -> bool:
    """True for a member that is there and holds anything."""
    return raw is not ABSENT and bytes(raw) not in _NOTHING


class Seen:
    """What has been seen of a stream so far."""

    __slots__ = (
        "content",
        "failure",
        "finished",
        "model",
        "text",
        "text_chars",
        "unread",
        "unread_bytes",
        "usage",
    )

    def __init__(self) -> None:
        self.content = False
        """A piece of the answer has come: text, thinking, or a tool call."""
        self.finished = False
        """The dialect's own ending has come."""
        self.failure: Failure | None = None
        """The upstream told of an error inside the stream."""
        self.model: str | None = None
        self.usage: Usage = UNKNOWN
        self.text: list[str] = []
        """Output so far, for counting tokens when the provider does not."""
        self.text_chars = 0
        self.unread: list[bytes] = []
        """Reads that were not looked into: looking costs, and most providers tell their usage."""
        self.unread_bytes = 0

    def leave(self, chunk: bytes) -> bool:
        """Keep a read of whole events that hold only more content; False when it has to be looked into."""
        if not self.content or self.unread_bytes >= MAX_UNREAD_BYTES:
            return False
        self.unread.append(chunk)
        self.unread_bytes += len(chunk)
        return True

    def whole_text(self, note: Callable[[bytes], object]) -> str:
        """All output that was kept. `note` reads one frame; what cannot be read is no text."""
        unread, self.unread = self.unread, []
        for frame in RawFrameReader().feed(b"".join(unread)):
            with suppress(ProtocolError):
                note(frame)
        return "".join(self.text)

    def add_text(self, text: str) -> None:
        """Content has come."""
        self.content = True
        self.text_chars += len(text)
        if self.text_chars <= MAX_KEPT_TEXT:
            self.text.append(text)


class SseWatch:
    """Reads along with a stream of server-sent events that goes on as it came."""

    def __init__(
        self, note: Callable[[Seen, bytes], None], is_plain: Callable[[bytes], bool] = lambda chunk: False
    ) -> None:
        """`note` takes note of the data of one event, and raises ProtocolError when it cannot be one.

        `is_plain` tells whole events that can only hold more content.
        """
        self.seen = Seen()
        self._frames = RawFrameReader()
        self._note = note
        self._is_plain = is_plain

    def pass_on(self, chunk: bytes) -> bytes:
        """The bytes the client is to get: whole events as they came, and nothing behind an error."""
        aligned = self._frames.is_aligned(chunk)
        if aligned and self._is_plain(chunk) and self.seen.leave(chunk):
            return chunk
        frames = self._frames.feed(chunk)
        for place, raw in enumerate(frames, 1):
            self._note_frame(raw)
            if self.seen.failure is not None:
                return b"".join(frames[:place])
        return chunk if aligned else b"".join(frames)

    def rest(self) -> bytes:
        """A last event whose end was not sent; half of one is dropped, and no client has to read it."""
        raw = self._frames.take_rest() + b"\n\n"
        try:
            return raw if self._note_frame(raw) else b""
        except ProtocolError:
            return b""

    def text(self) -> str:
        """The output so far, for counting tokens."""
        return self.seen.whole_text(self._note_frame)

    def _note_frame(self, raw: bytes) -> bool:
        """Take note of one frame; False when it holds no data."""
        data = frame_data(raw)
        if data is not None:
            self._note(self.seen, data)
        return data is not None


UNREADABLE: tuple[type[Exception], ...] = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises over bytes that are not the JSON they should be, however deep inside."""


def decode_event(decoder: msgspec.json.Decoder[T], data: bytes) -> T | None:
    """The event, or `None` for JSON of a shape we do not know: a vendor's own, which passes unread.

    Raises ProtocolError for what is no JSON at all.
    """
    try:
        return decode(decoder, data)
    except msgspec.ValidationError:
        return None
    except ProtocolError:
        raise ProtocolError("the upstream's stream holds an event that is not JSON") from None


def decode(decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    """What the JSON holds. Raises ValidationError for another shape, ProtocolError for what is no JSON.

    Servers that cut text by UTF-16 units send half of an emoji, some send NaN: neither is our business.
    """
    try:
        return decoder.decode(data)
    except msgspec.ValidationError:
        raise
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        try:
            value = json.loads(data, parse_constant=lambda _: None)
            text = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
        except (ValueError, RecursionError):
            raise ProtocolError("not JSON") from None
        return decoder.decode(text)


def in_band(message: str | None, code: str | None) -> Failure:
    """An error event of a stream as a failure: what it says decides how it counts."""
    kind = told_in_band(f"{code or ''} {message or ''}".lower())
    return Failure(kind=kind, message=message or "the upstream broke off with an error", code=code)
