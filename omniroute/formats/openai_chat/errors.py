"""Errors as OpenAI Chat Completions tells them (API reference, read 2026-11-22)."""

import msgspec

from omniroute.errors import HEALS_BY_ITSELF, ErrorKind

_TYPES: dict[ErrorKind, str] = {
    ErrorKind.INVALID_KEY: "authentication_error",
    ErrorKind.NOT_ALLOWED: "permission_error",
    ErrorKind.SCOPE_NOT_ALLOWED: "permission_error",
    ErrorKind.ORIGIN_NOT_ALLOWED: "permission_error",
    ErrorKind.PROVIDER_NOT_ALLOWED: "permission_error",
    ErrorKind.POLICY_BLOCKED: "permission_error",
    ErrorKind.IP_BLOCKED: "permission_error",
    ErrorKind.LOCKED_OUT: "rate_limit_error",
    ErrorKind.RATE_LIMITED: "rate_limit_error",
    ErrorKind.QUOTA: "insufficient_quota",
    ErrorKind.BUDGET_EXCEEDED: "insufficient_quota",
}


def encode_error(
    kind: ErrorKind, message: str, *, request_id: str, param: str | None = None, retry_at: str | None = None
) -> bytes:
    """The error body of the OpenAI dialects; `retry_at` is an ISO instant."""
    del request_id  # the dialect has it in a header only
    default = "server_error" if kind in HEALS_BY_ITSELF else "invalid_request_error"
    error: dict[str, str | None] = {
        "message": message,
        "type": _TYPES.get(kind, default),
        "param": param,
        "code": kind.value,
    }
    if retry_at is not None:
        error["retryAfter"] = retry_at
    return msgspec.json.encode({"error": error})


def stream_error(kind: ErrorKind, message: str, *, request_id: str) -> bytes:
    """The same inside a stream that has begun: no finish reason and no `[DONE]` follow."""
    return b"data: " + encode_error(kind, message, request_id=request_id) + b"\n\n"
