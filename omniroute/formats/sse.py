"""Server-sent events: bytes in, whole frames out (WHATWG HTML, section 9.2)."""

import re
from dataclasses import dataclass

from omniroute.errors import ProtocolError

MAX_FRAME_BYTES = 32 * 1024 * 1024
"""A frame that grows past this is no event any more; images in base64 stay below."""

_SHORT_REST = 64 * 1024
"""A longer rest is not searched from its start again with every read."""

_FRAME_END = re.compile(rb"\r\n\r\n|\n\n|\r\r|\n\r\n|\r\n\n")


@dataclass(frozen=True, slots=True)
class Frame:
    """One event; comments and events without data are not shown."""

    event: str | None
    data: bytes
    """The `data` lines joined by a line feed."""


class RawFrameReader:
    """Cuts a stream where its frames end, keeping every byte."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """The frames these bytes complete, their ends included. Raises ProtocolError past the size cap."""
        if len(self._rest) < _SHORT_REST and b"\r" not in chunk and b"\r" not in self._rest:
            # Six times as fast as looking for every kind of end.
            *frames, self._rest = (self._rest + chunk).split(b"\n\n")
            frames = [frame + b"\n\n" for frame in frames]
        else:
            frames = self._search(chunk)
        if len(self._rest) > MAX_FRAME_BYTES:
            raise ProtocolError(f"an event of the stream is over {MAX_FRAME_BYTES} bytes")
        return frames

    def _search(self, chunk: bytes) -> list[bytes]:
        # What was searched before is not searched again, but for an end that was cut in two.
        searched = max(len(self._rest) - 3, 0)
        buffer = self._rest + chunk if self._rest else chunk
        frames: list[bytes] = []
        start = 0
        for end in _FRAME_END.finditer(buffer, searched):
            frames.append(buffer[start : end.end()])
            start = end.end()
        self._rest = buffer[start:] if start else buffer
        return frames

    def is_aligned(self, chunk: bytes) -> bool:
        """True when these bytes begin and end where frames do, however many they are."""
        return not self._rest and chunk.endswith(b"\n\n")

    @property
    def rest(self) -> bytes:
        """What has come since the last whole frame."""
        return self._rest

    def take_rest(self) -> bytes:
        """The same, once: no bytes follow."""
        rest, self._rest = self._rest, b""
        return rest


class FrameReader:
    """Whole events of a stream."""

    def __init__(self) -> None:
        self._frames = RawFrameReader()

    def feed(self, chunk: bytes) -> list[Frame]:
        """The events these bytes complete, often none. Raises ProtocolError past the size cap."""
        parsed = (parse_frame(raw) for raw in self._frames.feed(chunk))
        return [frame for frame in parsed if frame is not None]


def frame_data(raw: bytes) -> bytes | None:
    """The data of a whole frame without its event's name; `None` for comments and frames without data."""
    if raw.startswith(b"data: ") and raw.find(b"\n") == len(raw) - 2:
        return raw[6:-2].rstrip(b"\r") or None  # some vendors mix line ends
    frame = parse_frame(raw)
    return None if frame is None else frame.data or None


def parse_frame(raw: bytes) -> Frame | None:
    """The event a whole frame holds; `None` for comments and frames without data."""
    event: str | None = None
    data: list[bytes] = []
    for line in raw.removeprefix(b"\xef\xbb\xbf").splitlines():  # a byte order mark may open a stream
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"event":
            event = value.decode("utf-8", "replace")
    return Frame(event, b"\n".join(data)) if data else None
