"""A JSON array that arrives bit by bit: bytes in, whole elements out."""

import re

from omniroute.errors import ProtocolError
from omniroute.formats.sse import MAX_FRAME_BYTES

_OUTSIDE = re.compile(rb'["{}\[\]]')
_INSIDE = re.compile(rb'["\\]')


class ArrayReader:
    """The objects of one array."""

    def __init__(self) -> None:
        self._buffer = b""
        self._at = 0
        """Up to where the buffer was searched."""
        self._start = -1
        """Where the object began that is open; -1: none is."""
        self._depth = 0
        self._in_text = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The objects these bytes complete. Raises ProtocolError past the size cap."""
        self._buffer += chunk
        found: list[bytes] = []
        while self._step(found):
            pass
        if self._start < 0:
            self._buffer, self._at = self._buffer[self._at :], 0
        elif self._start:
            self._buffer = self._buffer[self._start :]
            self._at -= self._start
            self._start = 0
        if len(self._buffer) > MAX_FRAME_BYTES:
            raise ProtocolError(f"an element of the stream is over {MAX_FRAME_BYTES} bytes")
        return found

    def _step(self, found: list[bytes]) -> bool:
        """Go on to the next byte that means something; False when there is none yet."""
        sign = (_INSIDE if self._in_text else _OUTSIDE).search(self._buffer, self._at)
        if sign is None:
            self._at = len(self._buffer)
            return False
        byte = sign.group()
        if byte == b"\\":
            if sign.end() == len(self._buffer):
                self._at = sign.start()
                return False
            self._at = sign.end() + 1
            return True
        self._at = sign.end()
        if byte == b'"':
            self._in_text = not self._in_text
        elif byte in b"{[":
            self._opened(byte, sign.start())
        else:
            self._closed(found)
        return True

    def _opened(self, byte: bytes, at: int) -> None:
        self._depth += 1
        if self._depth == 2 and byte == b"{":
            self._start = at

    def _closed(self, found: list[bytes]) -> None:
        self._depth -= 1
        if self._depth == 1 and self._start >= 0:
            found.append(self._buffer[self._start : self._at])
            self._start = -1
