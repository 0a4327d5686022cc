"""Days, weeks and months of the calendar, wherever clocks are set forward and back."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.routing.periods import Period, span_of

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",  # set its clocks forward at midnight until 2019
    "America/St_Johns",  # set them back at one minute past midnight until 2011
    "Asia/Kathmandu",
    "Australia/Lord_Howe",  # by half an hour
    "Pacific/Apia",  # had no 2011-12-30
)
instants = st.integers(946_684_800_000, 2_524_608_000_000)  # 2000 to 2050


def ms(zone: str, *parts: int) -> int:
    return int(datetime(*parts, tzinfo=ZoneInfo(zone)).timestamp() * 1000)  # type: ignore[arg-type,misc]


@given(period=st.sampled_from(Period), at_ms=instants, zone=st.sampled_from(ZONES))
def test_an_instant_lies_in_its_period_and_the_next_begins_where_it_ends(
    period: Period, at_ms: int, zone: str
) -> None:
    span = span_of(period, at_ms, ZoneInfo(zone))

    assert at_ms in span
    assert span_of(period, span.start_ms, ZoneInfo(zone)) == span
    assert span_of(period, span.end_ms - 1, ZoneInfo(zone)) == span
    assert span_of(period, span.end_ms, ZoneInfo(zone)).start_ms == span.end_ms


@given(period=st.sampled_from(Period), at_ms=instants, zone=st.sampled_from(ZONES))
def test_a_period_has_the_length_of_the_calendar(period: Period, at_ms: int, zone: str) -> None:
    span = span_of(period, at_ms, ZoneInfo(zone))

    length = timedelta(milliseconds=span.end_ms - span.start_ms)
    shortest, longest = {Period.DAILY: (1, 1), Period.WEEKLY: (7, 7), Period.MONTHLY: (28, 31)}[period]
    one_change = timedelta(days=1) if zone == "Pacific/Apia" else timedelta(hours=1)
    assert timedelta(days=shortest) - one_change <= length <= timedelta(days=longest) + one_change


@given(at_ms=instants, zone=st.sampled_from(ZONES))
def test_weeks_begin_on_monday_and_months_on_the_first(at_ms: int, zone: str) -> None:
    week = span_of(Period.WEEKLY, at_ms, ZoneInfo(zone))
    month = span_of(Period.MONTHLY, at_ms, ZoneInfo(zone))

    assert datetime.fromtimestamp(week.start_ms / 1000, ZoneInfo(zone)).weekday() == 0
    assert datetime.fromtimestamp(month.start_ms / 1000, ZoneInfo(zone)).day == 1


@pytest.mark.parametrize(
    ("zone", "at", "hours"),
    [
        ("Europe/Berlin", (2026, 3, 29, 12), 23),
        ("Europe/Berlin", (2026, 10, 25, 12), 25),
        ("Europe/Berlin", (2026, 10, 26, 12), 24),
        ("America/Sao_Paulo", (2018, 11, 4, 12), 23),
        ("Australia/Lord_Howe", (2026, 4, 5, 12), 24.5),
    ],
)
def test_a_day_on_which_clocks_change_is_shorter_or_longer(
    zone: str, at: tuple[int, ...], hours: float
) -> None:
    span = span_of(Period.DAILY, ms(zone, *at), ZoneInfo(zone))

    assert (span.end_ms - span.start_ms) / 3_600_000 == hours


def test_a_day_begins_at_its_first_midnight_though_the_clock_shows_the_old_date_again() -> None:
    zone = ZoneInfo("America/St_Johns")
    midnight_ms = ms("America/St_Johns", 2009, 11, 1)
    later_ms = midnight_ms + 30 * 60_000
    assert datetime.fromtimestamp(later_ms / 1000, zone).day == 31

    assert span_of(Period.DAILY, later_ms, zone).start_ms == midnight_ms


def test_without_a_zone_it_is_the_machines_own() -> None:
    at = datetime(2026, 11, 22, 12, tzinfo=UTC)

    span = span_of(Period.DAILY, int(at.timestamp() * 1000), None)

    local = at.astimezone().replace(hour=0, minute=0)
    assert span.start_ms == int(local.timestamp() * 1000)
