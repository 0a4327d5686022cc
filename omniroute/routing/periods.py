"""Calendar periods in a time zone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum


class Period(StrEnum):
    """What a limit counts over: whole days, weeks from Monday on, or months of the calendar."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True)
class Span:
    """From one instant to another, epoch milliseconds."""

    start_ms: int
    end_ms: int
    """Not included: the start of the next period."""

    def __contains__(self, at_ms: int) -> bool:
        return self.start_ms <= at_ms < self.end_ms


def span_of(period: Period, at_ms: int, zone: tzinfo | None) -> Span:
    """The period that an instant lies in; `None` is the machine's own zone.

    Each period ends where the next begins, on days without a midnight or with two as well.
    """
    day = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone).date()
    first, following = _bounds(period, day)
    start_ms, end_ms = _midnight_ms(first, zone), _midnight_ms(following, zone)
    # A clock set back across midnight shows the old date again after the new day has begun.
    if at_ms >= end_ms:
        return Span(end_ms, _midnight_ms(_bounds(period, following)[1], zone))
    return Span(start_ms, end_ms)


def _bounds(period: Period, day: date) -> tuple[date, date]:
    """The first day of the period that `day` is in, and of the next one."""
    match period:
        case Period.DAILY:
            return day, day + timedelta(days=1)
        case Period.WEEKLY:
            monday = day - timedelta(days=day.weekday())
            return monday, monday + timedelta(days=7)
        case Period.MONTHLY:
            first = day.replace(day=1)
            return first, (first + timedelta(days=32)).replace(day=1)


def _midnight_ms(day: date, zone: tzinfo | None) -> int:
    # Where the clock is set forward over midnight, fold 0 makes this the instant of the change (PEP 495).
    return round(datetime.combine(day, time.min, tzinfo=zone).timestamp() * 1000)
