"""Stretches of time as people ask for them: ranges, days, instants, and how long ago."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

from omniroute.server.manage.call import invalid

_AGO = re.compile(r"(\d{1,6})\s*(s|m|h|d|w)")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DAYS = {"1d": 1, "7d": 7, "30d": 30, "90d": 90}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Span:
    """Milliseconds since 1970; `None` sets no limit."""

    since_ms: int | None = None
    until_ms: int | None = None
    """Not included."""


def read_span(
    query: Mapping[str, str], now_ms: int, zone: tzinfo | None, *, begin: str = "since", end: str = "until"
) -> Span:
    """The span a query asks for: `range`, or the members `begin` and `end`, or `since` and `until`.

    Days are the zone's, `None` the machine's own; a day as the end is included. Raises `ApiError` 400.
    """
    if (name := query.get("range")) is not None:
        return _range(name, now_ms, zone)
    first = _given(query, (begin, "since"))
    last = _given(query, (end, "until"))
    span = Span(
        None if first is None else _instant(*first, now_ms, zone, is_end=False),
        None if last is None else _instant(*last, now_ms, zone, is_end=True),
    )
    if span.since_ms is not None and span.until_ms is not None and span.since_ms > span.until_ms:
        raise invalid(end, "must not be before the beginning")
    return span


def _given(query: Mapping[str, str], names: tuple[str, str]) -> tuple[str, str] | None:
    return next(((name, query[name].strip()) for name in names if query.get(name, "").strip()), None)


def _range(name: str, now_ms: int, zone: tzinfo | None) -> Span:
    today = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone).date()
    if name == "all":
        return Span()
    if name == "ytd":
        return Span(_local_ms(datetime.combine(today.replace(month=1, day=1), time()), zone))
    if name not in _DAYS:
        raise invalid("range", f"must be one of {', '.join((*_DAYS, 'ytd', 'all'))}")
    return Span(_local_ms(datetime.combine(today - timedelta(days=_DAYS[name] - 1), time()), zone))


def _instant(name: str, text: str, now_ms: int, zone: tzinfo | None, *, is_end: bool) -> int:
    if ago := _AGO.fullmatch(text):
        return now_ms - int(ago[1]) * _UNIT_S[ago[2]] * 1000
    try:
        written = datetime.fromisoformat(text.replace(" ", "+"))  # a query's unquoted `+` is a blank
        if is_end and _DAY.fullmatch(text):
            written += timedelta(days=1)
        return _local_ms(written, zone) if written.tzinfo is None else int(written.timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise invalid(name, "must be an ISO 8601 day or instant, or how long ago: 24h, 7d") from None


def _local_ms(local: datetime, zone: tzinfo | None) -> int:
    """The instant of a zone's own time."""
    placed = local.astimezone() if zone is None else local.replace(tzinfo=zone)
    return int(placed.timestamp() * 1000)
