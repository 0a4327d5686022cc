"""What providers tell of their rate limits in their answers' headers, and what is left until the next."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

LIFE_S = 3600.0
"""What was learned is forgotten when it was not told again."""
_PREFIXES = ("x-ratelimit-", "anthropic-ratelimit-")
_PARTS = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_SCARCE = 0.1
"""With less than this share of the requests left, calls are spread over the time."""
_WINDOW_S = 60.0
"""A limit that was filled up lasts this long, unless an answer tells better."""
_EPOCH_FROM = 1_000_000_000
"""A plain number this large is an instant, not a span."""


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """One account's limits as last told. Instants are epoch seconds; `None`: not told."""

    requests: int | None = None
    requests_left: int | None = None
    requests_reset_s: float | None = None
    tokens: int | None = None
    tokens_left: int | None = None
    tokens_reset_s: float | None = None
    told_s: float = 0.0

    def blocked_until_s(self, now_s: float) -> float | None:
        """When something is left again; `None`: something is, or nobody knows."""
        ends = [
            reset
            for left, reset in (
                (self.requests_left, self.requests_reset_s),
                (self.tokens_left, self.tokens_reset_s),
            )
            if left is not None and left <= 0 and reset is not None and now_s < reset
        ]
        return max(ends, default=None)

    def free_at_s(self, now_s: float, last_used_s: float | None) -> float | None:
        """When it lets one more call through; `None`: now."""
        blocked_s = self.blocked_until_s(now_s)
        if blocked_s is not None:
            return blocked_s
        if last_used_s is None or not self.requests or self.requests_left is None:
            return None
        if self.requests_left >= self.requests * _SCARCE or not self._is_running(now_s):
            return None
        spread_s = last_used_s + 60.0 / self.requests
        return spread_s if spread_s > now_s else None

    def _is_running(self, now_s: float) -> bool:
        return self.requests_reset_s is not None and now_s < self.requests_reset_s

    def after_call(self, now_s: float, tokens: int = 0) -> "Limit":
        """What is left after one more call began; what is due to be filled up is full before."""
        requests, requests_reset_s = _less(
            self.requests, self.requests_left, self.requests_reset_s, 1, now_s=now_s
        )
        left, tokens_reset_s = _less(self.tokens, self.tokens_left, self.tokens_reset_s, tokens, now_s=now_s)
        return msgspec.structs.replace(
            self,
            requests_left=requests,
            requests_reset_s=requests_reset_s,
            tokens_left=left,
            tokens_reset_s=tokens_reset_s,
        )

    def share_left(self, now_s: float) -> float | None:
        """The scarcer of both, 0 to 1; `None`: nothing is known any more."""
        if now_s - self.told_s > LIFE_S:
            return None
        shares = [
            left / limit
            for limit, left in ((self.requests, self.requests_left), (self.tokens, self.tokens_left))
            if limit and left is not None
        ]
        return min(max(min(shares), 0.0), 1.0) if shares else None


def _less(
    limit: int | None, left: int | None, reset_s: float | None, used: int, *, now_s: float
) -> tuple[int | None, float | None]:
    """What is left, and when it is filled up."""
    if left is None:
        return None, reset_s
    if reset_s is not None and now_s >= reset_s:
        left, reset_s = limit, now_s + _WINDOW_S
    return (None if left is None else max(left - used, 0)), reset_s


def learned(headers: Mapping[str, str], *, now_s: float) -> Limit | None:
    """The limits an answer tells; `None` when it tells none."""
    for prefix in _PREFIXES:
        if f"{prefix}requests-limit" in headers or f"{prefix}requests-remaining" in headers:
            return _read(headers, prefix + "{what}-{kind}", now_s)
        if f"{prefix}limit-requests" in headers or f"{prefix}remaining-requests" in headers:
            return _read(headers, prefix + "{kind}-{what}", now_s)
    return None


def _read(headers: Mapping[str, str], form: str, now_s: float) -> Limit:
    def value(kind: str, what: str) -> str | None:
        return headers.get(form.format(kind=kind, what=what))

    return Limit(
        requests=_count(value("limit", "requests")),
        requests_left=_count(value("remaining", "requests")),
        requests_reset_s=instant_s(value("reset", "requests"), now_s=now_s),
        tokens=_count(value("limit", "tokens")),
        tokens_left=_count(value("remaining", "tokens")),
        tokens_reset_s=instant_s(value("reset", "tokens"), now_s=now_s),
        told_s=now_s,
    )


def _count(text: str | None) -> int | None:
    try:
        return int(float(text)) if text else None
    except (ValueError, OverflowError):
        return None


def instant_s(text: str | None, *, now_s: float) -> float | None:
    """When a limit is reset: `6m0s`, `20ms`, seconds, epoch seconds, or an ISO instant."""
    if not text:
        return None
    text = text.strip()
    parts = _PARTS.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return now_s + sum(float(number) * _SECONDS[unit] for number, unit in parts)
    try:
        number = float(text)
    except ValueError:
        return _iso_s(text)
    if not 0 <= number < 10**12:
        return None
    return number if number >= _EPOCH_FROM else now_s + number


def _iso_s(text: str) -> float | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
