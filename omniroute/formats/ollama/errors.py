"""Errors as Ollama tells them (API reference, read 2026-11-22)."""

import msgspec

from omniroute.errors import ErrorKind


def encode_error(
    kind: ErrorKind, message: str, *, request_id: str, param: str | None = None, retry_at: str | None = None
) -> bytes:
    """The error body of the dialect: a sentence."""
    del kind, request_id, param, retry_at
    return msgspec.json.encode({"error": message})


def stream_error(kind: ErrorKind, message: str, *, request_id: str) -> bytes:
    """The same as a line of a stream that has begun; no line with `done` follows."""
    return encode_error(kind, message, request_id=request_id) + b"\n"
