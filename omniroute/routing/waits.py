"""When an upstream wants to be asked again, as its headers and bodies tell it."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec

LONGEST_S = 24 * 3600.0
_MOST_NODES = 300
_MILLISECONDS = 100_000_000_000
"""Instants above are in milliseconds."""
_SPANS = frozenset({"retrydelay", "quotaresetdelay", "resets_in_seconds", "retry_after", "retry-after"})
_INSTANTS = frozenset({"resets_at", "x-ratelimit-reset", "quotaresettimestamp"})

_UNIT_S = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_AMOUNT = r"\d+(?:\.\d+)?\s*(?:milliseconds?|ms|days?|d|hours?|h|minutes?|mins?|m|seconds?|secs?|s)"
_PIECE = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)")
_IN_WORDS = re.compile(rf"(?:again|retry|resets?)\s+(?:in|after)\s+((?:{_AMOUNT}\s*)+)", re.IGNORECASE)
_ON_DAY = re.compile(r"access on (\d{4}-\d\d-\d\d)(?: at (\d\d:\d\d) UTC)?")


def retry_after_s(headers: Mapping[str, str], *, now_s: float) -> float | None:
    """What the headers say, in seconds from now; at most a day."""
    if (ms := headers.get("retry-after-ms")) is not None and (seconds := _number(ms)):
        return min(seconds / 1000, LONGEST_S)
    value = headers.get("Retry-After")
    if value is None:
        return None
    seconds = _number(value)
    if seconds is None:
        seconds = _until_date(value, now_s)
    return None if seconds is None else min(max(seconds, 0.0), LONGEST_S)


def told_wait_s(body: bytes, message: str, *, now_s: float) -> float | None:
    """What an error body says, in members or in words, in seconds from now; at most a day."""
    members = list(_members(body))
    spans = [span for name, value in members if name in _SPANS and (span := _span(value)) is not None]
    instants = [at for name, value in members if name in _INSTANTS and (at := _instant(value)) is not None]
    if spans:
        wait_s = max(spans)
    elif instants:
        wait_s = max(instants) - now_s
    else:
        told_s = _in_words(message, now_s)
        if told_s is None:
            return None
        wait_s = told_s
    return min(max(wait_s, 0.0), LONGEST_S)


def _members(body: bytes) -> Iterator[tuple[str, object]]:
    """Members of all objects in the body, by their names in lower case."""
    try:
        nodes: list[object] = [msgspec.json.decode(body)]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return
    for _ in range(_MOST_NODES):
        if not nodes:
            return
        node = nodes.pop()
        if isinstance(node, dict):
            yield from ((str(name).lower(), value) for name, value in node.items())
            nodes.extend(node.values())
        elif isinstance(node, list):
            nodes.extend(node[:_MOST_NODES])


def _span(value: object) -> float | None:
    """Seconds, of a number, of `48.9s`, or of Google's `{seconds, nanos}`."""
    if isinstance(value, dict):
        value = value.get("seconds")
    if isinstance(value, str):
        return _number(value.removesuffix("s"))
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return _number(str(value)) if is_number else None


def _instant(value: object) -> float | None:
    """Epoch seconds, of a number or of a date."""
    if isinstance(value, str) and "T" in value:
        try:
            return datetime.fromisoformat(value).timestamp()
        except (ValueError, OverflowError, OSError):
            return None
    seconds = _span(value)
    return seconds / 1000 if seconds is not None and seconds > _MILLISECONDS else seconds


def _in_words(message: str, now_s: float) -> float | None:
    """`try again in 6m0s`, `retry after 26 seconds`, `will reset after 8h44m7s`, a day."""
    if (found := _IN_WORDS.search(message)) is not None:
        return sum(_amounts(found[1].lower()))
    if (day := _ON_DAY.search(message)) is not None:
        try:
            at = datetime.fromisoformat(f"{day[1]}T{day[2] or '00:00'}+00:00")
        except ValueError:
            return None
        return at.timestamp() - now_s
    return None


def _amounts(text: str) -> Iterator[float]:
    for number, unit in _PIECE.findall(text):
        short = "ms" if unit.startswith(("ms", "milli")) else unit[0]
        yield float(number) * _UNIT_S[short]


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None


def _until_date(text: str, now_s: float) -> float | None:
    """Seconds to an HTTP date."""
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return (at - datetime.fromtimestamp(now_s, UTC)).total_seconds()
