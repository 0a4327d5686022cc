"""A canned upstream: answers at once with fixed bytes, so that what is measured is the gateway.

python -m benchmarks.upstream PORT
"""

import asyncio
import json
import sys
from typing import cast

CHUNKS = 100
_WORDS = "The quick brown fox jumps over the lazy dog near the river bank. " * 12


def _answer() -> bytes:
    body = {
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "bench",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": _WORDS}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 120, "completion_tokens": 180, "total_tokens": 300},
    }
    text = json.dumps(body).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
    return head.encode() + text


def _event(delta: dict[str, str], finish: str | None = None) -> bytes:
    chunk = {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "bench",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def _framed(event: bytes) -> bytes:
    return f"{len(event):x}\r\n".encode() + event + b"\r\n"


_WHOLE = _answer()
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_EVENTS = [_framed(_event({"content": f"word{number} "})) for number in range(CHUNKS)]
_END = _framed(_event({}, "stop")) + _framed(b"data: [DONE]\n\n") + b"0\r\n\r\n"


class Upstream(asyncio.Protocol):
    """One keep-alive connection; requests come one after another."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A gateway has connected."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by class, only by shape
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            size = _length(self._buffer[:end])
            if len(self._buffer) < end + 4 + size:
                return
            body = self._buffer[end + 4 : end + 4 + size]
            self._buffer = self._buffer[end + 4 + size :]
            self._answer(stream=b'"stream":true' in body)

    def _answer(self, *, stream: bool) -> None:
        if not stream:
            self._transport.write(_WHOLE)
            return
        self._transport.write(_HEAD)
        self._send(0)

    def _send(self, number: int) -> None:
        """One event a turn of the loop, so that a reader gets them one by one."""
        if number == len(_EVENTS):
            self._transport.write(_END)
            return
        self._transport.write(_EVENTS[number])
        asyncio.get_running_loop().call_soon(self._send, number + 1)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(_serve(int(sys.argv[1])))
