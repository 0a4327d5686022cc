"""From an upstream's refusal to the kind of failure it is."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from omniroute.errors import Failure, FailureKind
from omniroute.formats.wire_error import WireError

_QUOTA_WORDS = ("insufficient_quota", "quota exceeded", "exceeded your current quota", "credit balance",
                "insufficient balance", "billing", "out of credits", "payment required")  # fmt: skip
_TOO_LONG_WORDS = ("context_length_exceeded", "context length", "context window", "prompt is too long",
                   "maximum context", "too many tokens", "input is too long")  # fmt: skip
_NO_MODEL_WORDS = ("model_not_found", "model not found", "does not exist", "not_found_error", "unknown model",
                   "model not supported", "no such model", "invalid model")  # fmt: skip
_CONTENT_WORDS = ("content_policy", "content_filter", "content policy", "safety system", "moderation_blocked")
_MAX_RETRY_AFTER_S = 24 * 3600.0


def classify(status: int, headers: Mapping[str, str], body: bytes, *, now_s: float) -> Failure:
    """The failure an error answer is. `now_s`: epoch seconds, for dates in `Retry-After`."""
    error = WireError.of(body)
    message = error.message or _plain(status, headers, body)
    return Failure(
        kind=_kind(status, error.words),
        message=message,
        status=status,
        code=error.code or error.type,
        retry_after_s=retry_after_s(headers, now_s=now_s),
        body=body if error.message is not None else None,
    )


def _kind(status: int, words: str) -> FailureKind:
    if status in (400, 404, 413, 422):
        return _request_kind(status, words)
    if status == 402 or (status in (403, 429) and _says(words, _QUOTA_WORDS)):
        return FailureKind.QUOTA
    if status in (401, 403):
        return FailureKind.CONTENT if _says(words, _CONTENT_WORDS) else FailureKind.AUTH
    if status == 429:
        return FailureKind.RATE_LIMITED
    if status >= 500 or status == 408:
        return FailureKind.OVERLOADED
    return FailureKind.BAD_REQUEST if status >= 400 else FailureKind.PROTOCOL


def _request_kind(status: int, words: str) -> FailureKind:
    """What is wrong with a request that is refused as such."""
    if _says(words, _TOO_LONG_WORDS):
        return FailureKind.TOO_LONG
    if _says(words, _CONTENT_WORDS):
        return FailureKind.CONTENT
    if status == 404 or (status == 400 and "model" in words and _says(words, _NO_MODEL_WORDS)):
        return FailureKind.NO_MODEL
    if status == 400 and _says(words, _QUOTA_WORDS):
        return FailureKind.QUOTA
    return FailureKind.BAD_REQUEST


def _says(words: str, phrases: tuple[str, ...]) -> bool:
    return any(phrase in words for phrase in phrases)


def _plain(status: int, headers: Mapping[str, str], body: bytes) -> str:
    """Something for people when the body is no JSON error: HTML is not shown to anybody."""
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind == "text/plain" and body.strip():
        return body[:300].decode("utf-8", "replace").strip()
    described = f" with {kind} instead of an API error" if kind and body else " without a body"
    return f"the upstream answered {status}{described}"


def retry_after_s(headers: Mapping[str, str], *, now_s: float) -> float | None:
    """When the upstream wants to be asked again, in seconds from now; at most a day."""
    if (ms := headers.get("retry-after-ms")) is not None and (seconds := _number(ms)) is not None:
        return min(seconds / 1000, _MAX_RETRY_AFTER_S)
    value = headers.get("Retry-After")
    if value is None:
        return None
    seconds = _number(value)
    if seconds is None:
        seconds = _until(value, now_s)
    return None if seconds is None else min(max(seconds, 0.0), _MAX_RETRY_AFTER_S)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None


def _until(text: str, now_s: float) -> float | None:
    """Seconds to an HTTP date."""
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return (at - datetime.fromtimestamp(now_s, UTC)).total_seconds()
