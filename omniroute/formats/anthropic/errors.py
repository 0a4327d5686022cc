"""Errors as Anthropic Messages tells them (API reference, read 2026-11-22)."""

import msgspec

from omniroute.errors import ErrorKind

_TYPES: dict[ErrorKind, str] = {
    ErrorKind.INVALID_KEY: "authentication_error",
    ErrorKind.NOT_ALLOWED: "permission_error",
    ErrorKind.SCOPE_NOT_ALLOWED: "permission_error",
    ErrorKind.ORIGIN_NOT_ALLOWED: "permission_error",
    ErrorKind.PROVIDER_NOT_ALLOWED: "permission_error",
    ErrorKind.POLICY_BLOCKED: "permission_error",
    ErrorKind.IP_BLOCKED: "permission_error",
    ErrorKind.LOCKED_OUT: "rate_limit_error",
    ErrorKind.NOT_FOUND: "not_found_error",
    ErrorKind.MODEL_NOT_FOUND: "not_found_error",
    ErrorKind.NO_CREDENTIALS: "not_found_error",
    ErrorKind.TOO_LARGE: "request_too_large",
    ErrorKind.RATE_LIMITED: "rate_limit_error",
    ErrorKind.QUOTA: "rate_limit_error",
    ErrorKind.BUDGET_EXCEEDED: "rate_limit_error",
    ErrorKind.INTERNAL: "api_error",
    ErrorKind.BAD_GATEWAY: "api_error",
    ErrorKind.TIMEOUT: "api_error",
    ErrorKind.UNAVAILABLE: "overloaded_error",
}


def encode_error(
    kind: ErrorKind, message: str, *, request_id: str, param: str | None = None, retry_at: str | None = None
) -> bytes:
    """The error body of the Messages dialect; it has no place for a parameter or an instant."""
    del param, retry_at
    error = {"type": _TYPES.get(kind, "invalid_request_error"), "message": message}
    return msgspec.json.encode({"type": "error", "error": error, "request_id": request_id})


def stream_error(kind: ErrorKind, message: str, *, request_id: str) -> bytes:
    """The same as an event of a stream that has begun; no `message_stop` follows."""
    return b"event: error\ndata: " + encode_error(kind, message, request_id=request_id) + b"\n\n"
