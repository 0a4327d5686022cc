"""The frames of one stream of OpenAI Responses, numbered."""

from typing import Any

import msgspec

_ENCODER = msgspec.json.Encoder()


class Frames:
    """Gathers events; each gets the next sequence number."""

    __slots__ = ("_number", "_pieces")

    def __init__(self) -> None:
        self._number = 0
        self._pieces: list[bytes] = []

    def add(self, kind: str, members: dict[str, Any]) -> None:  # JSON of any shape
        """One event."""
        event = {"type": kind, "sequence_number": self._number, **members}
        self._number += 1
        self._pieces.append(b"event: %b\ndata: %b\n\n" % (kind.encode(), _ENCODER.encode(event)))

    def add_delta(self, head: bytes, text: str) -> None:
        """One event that only grows a part; `head` is all of it before the text, by `delta_head`."""
        number = self._number
        self._number = number + 1
        self._pieces.append(b'%b%b,"sequence_number":%d}\n\n' % (head, _ENCODER.encode(text), number))

    def take(self) -> bytes:
        """What was gathered since the last time."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def delta_head(kind: str, members: dict[str, Any]) -> bytes:  # JSON of any shape
    """All of a delta event that is the same in each of a part."""
    event = _ENCODER.encode({"type": kind, **members})
    return b'event: %b\ndata: %b,"delta":' % (kind.encode(), event[:-1])
