"""Errors as OpenAI Responses tells them (API reference, read 2026-11-22)."""

import msgspec

from omniroute.errors import ErrorKind
from omniroute.formats.openai_chat.errors import encode_error

__all__ = ["encode_error", "stream_error"]


def stream_error(kind: ErrorKind, message: str, *, request_id: str) -> bytes:
    """The event of a response that failed in the middle; no `response.completed` follows."""
    error = {"code": kind.value, "message": message}
    response = {"id": f"resp_{request_id}", "object": "response", "status": "failed", "error": error}
    event = msgspec.json.encode({"type": "response.failed", "response": response})
    return b"event: response.failed\ndata: " + event + b"\n\n"
