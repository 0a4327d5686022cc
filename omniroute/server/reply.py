"""The way back to a client, over aiohttp."""

from collections.abc import Mapping

from aiohttp import web

from omniroute.clock import iso
from omniroute.errors import ErrorKind
from omniroute.gateway.answers import retry_headers
from omniroute.gateway.call import ErrorAnswer, Operation, TellInBand


class HttpReply:
    """One answer: whole, a stream, or an error in the client's dialect."""

    def __init__(
        self, request: web.BaseRequest, operation: Operation, headers: Mapping[str, str], *, now_ms: int
    ) -> None:
        self._request = request
        self._operation = operation
        self._headers = headers
        self._now_ms = now_ms
        self.response: web.StreamResponse | None = None

    @property
    def begun(self) -> bool:
        """The status is spent."""
        return self.response is not None

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send a whole answer. Raises ConnectionError when the client is gone."""
        response = web.Response(status=status, headers={**self._headers, **headers}, body=body)
        self.response = response
        await response.prepare(self._request)
        await response.write_eof()

    async def begin(self, headers: Mapping[str, str]) -> None:
        """Send the head of a stream, once."""
        if self.response is not None:
            return  # a comment has sent it already
        response = web.StreamResponse(headers={**self._headers, **headers})
        response.headers["Content-Type"] = self._operation.writer.STREAM_TYPE
        if self.wants_progress:
            response.headers["X-OmniRoute-Progress"] = "enabled"
        response.headers["Cache-Control"] = "no-cache, no-transform"
        response.headers["X-Accel-Buffering"] = "no"
        self.response = response
        await response.prepare(self._request)

    async def write(self, chunk: bytes) -> None:
        """Send whole events; waits while the client is slow. Raises ConnectionError when it is gone."""
        assert self.response is not None, "write before begin"  # noqa: S101 - a mistake of ours, not of a peer
        await self.response.write(chunk)

    async def end(self) -> None:
        """Close the stream normally."""
        assert self.response is not None, "end before begin"  # noqa: S101
        await self.response.write_eof()

    async def fail(
        self, error: ErrorAnswer, headers: Mapping[str, str], *, in_band: TellInBand | None = None
    ) -> None:
        """Tell of an error: with its status, or when the status is spent in-band, as `in_band` words it."""
        request_id = self._headers["X-Request-Id"]
        if self.response is None:
            body = error.body or self._encoded(error, request_id)
            headers = {**headers, **retry_headers(error), "Content-Type": "application/json"}
            await self.whole(error.status, headers, body)
            return
        in_band = in_band or self._operation.writer.stream_error
        event = in_band(error.kind, error.message, request_id=request_id)
        await self.write(event)
        await self.end()

    async def break_off(self) -> None:
        """End an answer that we cannot go on with; a second head would stand in the middle of it."""
        if isinstance(self.response, web.Response):
            self.response.force_close()
            return
        message = "the gateway failed; its log says more"
        await self.fail(ErrorAnswer(kind=ErrorKind.INTERNAL, message=message, status=500), {})

    async def keep_alive(self) -> None:
        """Send a comment, unless the client does not read."""
        transport = self._request.transport
        comment = self._operation.codec.KEEPALIVE
        if not comment or transport is None or transport.is_closing():
            return
        if self.response is not None and transport.get_write_buffer_size() > 0:
            return
        await self.begin({})
        await self.write(comment)

    @property
    def wants_progress(self) -> bool:
        """The client asks to be told how far its stream is, and the dialect has events for it."""
        asked = self._request.headers.get("X-OmniRoute-Progress", "").strip().lower() in ("true", "1")
        return asked and self._operation.writer.STREAM_TYPE.startswith("text/event-stream")

    async def progress(self, event: bytes) -> None:
        """Send an event about the stream, where the dialect's own events allow it."""
        transport = self._request.transport
        if transport is None or transport.is_closing():
            return
        await self.begin({})
        await self.write(event)

    def _encoded(self, error: ErrorAnswer, request_id: str) -> bytes:
        wait_s = error.retry_after_s
        return self._operation.codec.encode_error(
            error.kind,
            error.message,
            request_id=request_id,
            param=error.param,
            retry_at=None if wait_s is None else iso(self._now_ms + int(wait_s * 1000)),
        )
