"""A Gemini stream as one JSON array, element by element: what it is to clients without `alt=sse`."""

from collections.abc import Mapping

from aiohttp import web

from omniroute.formats.sse import RawFrameReader, frame_data
from omniroute.gateway.call import GENERATE, ErrorAnswer, TellInBand
from omniroute.server.incoming import Incoming
from omniroute.server.reply import HttpReply
from omniroute.server.serving import reply_headers


class ArrayReply(HttpReply):
    """Takes a stream of events and sends what they hold as the elements of an array."""

    def __init__(self, incoming: Incoming) -> None:
        headers = reply_headers(incoming, GENERATE)
        super().__init__(incoming.http, GENERATE, headers, now_ms=incoming.gateway.clock.now_ms())
        self._frames = RawFrameReader()
        self._has_elements = False

    async def begin(self, headers: Mapping[str, str]) -> None:
        """Send the head of the array, once."""
        if self.response is None:
            self.response = web.StreamResponse(headers={**self._headers, **headers})
            self.response.headers["Content-Type"] = "application/json"
            self.response.headers["Cache-Control"] = "no-cache, no-transform"
            self.response.headers["X-Accel-Buffering"] = "no"
            await self.response.prepare(self._request)

    async def write(self, chunk: bytes) -> None:
        """Send the elements that these bytes of a stream complete; a comment becomes a blank line."""
        frames = self._frames.feed(chunk)
        elements = [data for frame in frames if (data := frame_data(frame)) is not None]
        if elements:
            opening = b",\n" if self._has_elements else b"["
            self._has_elements = True
            await self._send(opening + b",\n".join(elements))
        elif frames:
            await self._send(b"\n")

    async def end(self) -> None:
        """Close the array."""
        if self._frames.rest.strip():
            await self.write(b"\n\n")
        await self._send(b"]" if self._has_elements else b"[]")
        await super().end()

    async def fail(
        self, error: ErrorAnswer, headers: Mapping[str, str], *, in_band: TellInBand | None = None
    ) -> None:
        """Tell of an error: with its status, or when that is spent as the last element."""
        self._frames = RawFrameReader()  # half an event is none
        await super().fail(error, headers, in_band=in_band)

    @property
    def wants_progress(self) -> bool:
        """An array has no place for events about itself."""
        return False

    async def _send(self, content: bytes) -> None:
        assert self.response is not None, "write before begin"  # noqa: S101 - a mistake of ours
        await self.response.write(content)
