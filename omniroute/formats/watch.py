"""What a passing stream shows of itself, while its bytes go on untouched."""

from typing import Protocol

import msgspec

from omniroute.conversation.usage import UNKNOWN, Usage
from omniroute.errors import Failure, FailureKind

MAX_KEPT_TEXT = 4 * 1024 * 1024
"""Characters of output kept for counting tokens when the provider gives no usage."""


ABSENT = msgspec.Raw(b"")
"""Default of a member that is kept as it stood: `Raw | None` would mean null only."""

_NOTHING = frozenset({b"", b"null", b"[]", b"{}"})


def is_something(raw: msgspec.Raw) -> bool:
    """True for a member that is there and holds anything."""
    return raw is not ABSENT and bytes(raw) not in _NOTHING


class StreamWatch(Protocol):
    """Reads along with one stream."""

    seen: "Seen"

    def feed(self, chunk: bytes) -> None:
        """Take note of these bytes. Raises ProtocolError when they cannot be the dialect's."""


class Seen:
    """What has been seen of a stream so far."""

    __slots__ = ("content", "failure", "finished", "model", "text", "text_chars", "usage")

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

    def add_text(self, text: str) -> None:
        """Content has come."""
        self.content = True
        self.text_chars += len(text)
        if self.text_chars <= MAX_KEPT_TEXT:
            self.text.append(text)


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
