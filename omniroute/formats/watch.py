"""What a passing stream shows of itself, while its bytes go on untouched."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

import msgspec

from omniroute.conversation.usage import UNKNOWN, Usage
from omniroute.errors import Failure, FailureKind, ProtocolError
from omniroute.formats.sse import RawFrameReader, frame_data

T = TypeVar("T")

MAX_KEPT_TEXT = 4 * 1024 * 1024
"""Characters of output kept for counting tokens when the provider gives no usage."""
MAX_UNREAD_BYTES = 256 * 1024
"""Events kept unread while they can hold nothing but more content; past it each is read as it comes."""


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
        """Events that came and were not read: reading costs, and most providers tell their usage."""
        self.unread_bytes = 0

    def leave(self, event: bytes) -> bool:
        """Keep an event that holds only more content unread; False when it has to be read now."""
        if not self.content or self.unread_bytes >= MAX_UNREAD_BYTES:
            return False
        self.unread.append(event)
        self.unread_bytes += len(event)
        return True

    def whole_text(self, read: Callable[[bytes], object]) -> str:
        """All output that was kept. What cannot be read is no text."""
        unread, self.unread = self.unread, []
        for event in unread:
            with suppress(ProtocolError):
                read(event)
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
        self, note: Callable[[Seen, bytes], None], is_plain: Callable[[bytes], bool] = lambda data: False
    ) -> None:
        """`note` takes note of the data of one event, and raises ProtocolError when it cannot be one.

        `is_plain` tells events that can only hold more content.
        """
        self.seen = Seen()
        self._frames = RawFrameReader()
        self._note = note
        self._is_plain = is_plain

    def pass_on(self, chunk: bytes) -> bytes:
        """The bytes the client is to get: all of them, but nothing behind an error."""
        frames = self._frames.feed(chunk)
        for place, raw in enumerate(frames, 1):
            data = frame_data(raw)
            if data is not None and not (self._is_plain(data) and self.seen.leave(data)):
                self._note(self.seen, data)
            if self.seen.failure is not None:
                return without_end(chunk, frames[place:], self._frames.rest)
        return chunk

    def rest(self) -> bytes:
        """Nothing is ever held back."""
        return b""

    def text(self) -> str:
        """The output so far, for counting tokens."""
        return self.seen.whole_text(lambda event: self._note(self.seen, event))


def without_end(chunk: bytes, frames: Sequence[bytes], rest: bytes) -> bytes:
    """The chunk up to where these last frames and the rest begin: no ending may follow an error."""
    return chunk[: len(chunk) - sum(map(len, frames)) - len(rest)]


def decode_event(decoder: msgspec.json.Decoder[T], data: bytes) -> T | None:
    """The event, or `None` for JSON of a shape we do not know: a vendor's own, which passes unread.

    Raises ProtocolError for what is no JSON at all.
    """
    try:
        return decoder.decode(data)
    except msgspec.ValidationError:
        return None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ProtocolError("the upstream's stream holds an event that is not JSON") from None


def in_band(message: str | None, code: str | None) -> Failure:
    """An error event of a stream as a failure: what it says decides how it counts."""
    words = f"{code or ''} {message or ''}".lower()
    kind = FailureKind.OVERLOADED
    if "rate" in words and "limit" in words:
        kind = FailureKind.RATE_LIMITED
    elif "quota" in words or "billing" in words or "insufficient" in words:
        kind = FailureKind.QUOTA
    elif "invalid_request" in words:
        kind = FailureKind.BAD_REQUEST
    return Failure(kind=kind, message=message or "the upstream broke off with an error", code=code)
