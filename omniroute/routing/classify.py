"""From an upstream's refusal to the kind of failure it is."""

from collections.abc import Mapping

from omniroute.errors import Failure, FailureKind
from omniroute.formats.refusal_words import refused_as
from omniroute.formats.wire_error import WireError
from omniroute.routing.waits import retry_after_s, told_wait_s

_PASSES = frozenset({FailureKind.RATE_LIMITED, FailureKind.QUOTA, FailureKind.OVERLOADED})
"""Kinds for which it counts when the upstream wants to be asked again."""
_WHOLE_DAY = ("perday", "limit: 0,")
"""Limits beside which Google tells the pause of another one, which is shorter."""


def classify(status: int, headers: Mapping[str, str], body: bytes, *, now_s: float) -> Failure:
    """The failure an error answer is. `now_s`: epoch seconds, for instants."""
    error = WireError.of(body)
    message = error.message or _plain(status, headers, body)
    kind = refused_as(status, error.words)
    wait_s = retry_after_s(headers, now_s=now_s)
    if not wait_s and kind in _PASSES and not any(limit in error.words for limit in _WHOLE_DAY):
        told_s = told_wait_s(body, message, now_s=now_s)
        wait_s = wait_s if told_s is None else told_s
    return Failure(
        kind=kind,
        message=message,
        status=status,
        code=error.code or error.type,
        retry_after_s=wait_s,
        body=body if error.message is not None else None,
    )


def _plain(status: int, headers: Mapping[str, str], body: bytes) -> str:
    """Something for people when the body is no JSON error: HTML is not shown to anybody."""
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind == "text/plain" and body.strip():
        return body[:300].decode("utf-8", "replace").strip()
    described = f" with {kind} instead of an API error" if kind and body else " without a body"
    return f"the upstream answered {status}{described}"
