"""Errors as OpenAI Responses tells them (API reference, read 2026-11-22)."""

import msgspec

from omniroute.errors import ErrorKind
from omniroute.formats.openai_chat.errors import encode_error

__all__ = ["encode_error", "stream_error"]


def stream_error(kind: ErrorKind, message: str, *, request_id: str, response_id: str | None = None) -> bytes:
    """The event of a response that failed in the middle; no `response.completed` follows.

    OpenAI's SDK refuses an event of another response than the one that `response_id` began.
    """
    error = {"code": kind.value, "message": message}
    response = {
        "id": response_id or f"resp_{request_id}",
        "object": "response",
        "status": "failed",
        "error": error,
    }
    event = msgspec.json.encode({"type": "response.failed", "response": response})
    return b"event: response.failed\ndata: " + event + b"\n\n"
