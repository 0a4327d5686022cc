"""A closed loop of clients: each sends its next request when its last answer is whole."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import cast


@dataclass(slots=True)
class Result:
    """What a run of clients saw."""

    requests: int = 0
    failed: int = 0
    seconds: float = 0.0
    latencies_ms: list[float] = field(default_factory=list)


class _Client(asyncio.Protocol):
    """One keep-alive connection that knows when an answer is whole, and nothing else."""

    def __init__(self, request: bytes, result: Result, until_s: float) -> None:
        self._request = request
        self._result = result
        self._until_s = until_s
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by class, only by shape
        self._send()

    def _send(self) -> None:
        self._buffer = bytearray()
        self._sent_s = time.monotonic()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Take note of an answer that is whole, and send the next request."""
        self._buffer += data
        if not _is_whole(self._buffer):
            return
        now_s = time.monotonic()
        self._result.requests += 1
        self._result.failed += not self._buffer.startswith(b"HTTP/1.1 200")
        self._result.latencies_ms.append((now_s - self._sent_s) * 1000)
        if now_s < self._until_s:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The time is up, or the server hung up."""
        if time.monotonic() < self._until_s:
            self._result.failed += 1
        if not self.done.done():
            self.done.set_result(None)


def _is_whole(buffer: bytearray) -> bool:
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = bytes(buffer[:end]).lower()
    if b"transfer-encoding: chunked" in head:
        return buffer.endswith(b"0\r\n\r\n")
    _, _, rest = head.partition(b"content-length:")
    return len(buffer) >= end + 4 + int(rest.partition(b"\r\n")[0] or 0)


async def run(port: int, body: bytes, *, clients: int, seconds: float) -> Result:
    """What `clients` see in `seconds`."""
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    result = Result()
    started_s = time.monotonic()
    loop = asyncio.get_running_loop()
    waiting = []
    for _ in range(clients):
        _, client = await loop.create_connection(
            lambda: _Client(head.encode() + body, result, started_s + seconds), "127.0.0.1", port
        )
        waiting.append(client.done)
    await asyncio.gather(*waiting)
    result.seconds = time.monotonic() - started_s
    return result
