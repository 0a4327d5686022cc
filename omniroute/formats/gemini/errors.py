"""Errors as Gemini generateContent tells them (API reference, read 2026-11-22)."""

import msgspec

from omniroute.errors import HTTP_STATUS, ErrorKind

_STATUSES: dict[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def encode_error(
    kind: ErrorKind, message: str, *, request_id: str, param: str | None = None, retry_at: str | None = None
) -> bytes:
    """The error body of the dialect; `code` has to be a number and `status` must not be missing."""
    del request_id, param, retry_at
    code = HTTP_STATUS[kind]
    status = "UNIMPLEMENTED" if kind is ErrorKind.UNSUPPORTED else _STATUSES.get(code)
    status = status or ("INTERNAL" if code >= 500 else "INVALID_ARGUMENT")
    return msgspec.json.encode({"error": {"code": code, "message": message, "status": status}})


def stream_error(kind: ErrorKind, message: str, *, request_id: str) -> bytes:
    """The same as an event of a stream that has begun."""
    return b"data: " + encode_error(kind, message, request_id=request_id) + b"\n\n"
