"""Sums: against the same sums made in Python."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

from omniroute.conversation.usage import UNKNOWN, Usage
from omniroute.records import Outcome, RequestRow
from omniroute.store import requests, usage
from omniroute.store.database import SqliteDatabase
from omniroute.store.tables import METADATA
from omniroute.store.usage import EVERYTHING, By, Filter, Minute, Sums
from tests.store.samples import NOON_MS, request_row

HOUR_MS = 3_600_000
COUNTS = st.none() | st.integers(0, 1000)


@st.composite
def rows(draw: st.DrawFn) -> list[RequestRow]:
    return [
        request_row(
            number,
            started_at_ms=NOON_MS + draw(st.integers(-400 * 24, 0)) * HOUR_MS,
            outcome=draw(st.sampled_from(Outcome)),
            provider=draw(st.sampled_from([None, "openai", "anthropic"])),
            model=draw(st.sampled_from(["m1", "m2"])),
            api_key_id=draw(st.sampled_from([None, "k1"])),
            usage=Usage(
                input=draw(COUNTS),
                cache_read=draw(COUNTS),
                cache_write=draw(COUNTS),
                cache_write_1h=draw(COUNTS),
                output=draw(COUNTS),
                reasoning=draw(COUNTS),
                estimated=draw(st.booleans()),
            ),
            cost_nano_usd=draw(COUNTS),
        )
        for number in range(draw(st.integers(0, 8)))
    ]


def summed(rows: list[RequestRow]) -> Sums:
    return Sums(
        requests=len(rows),
        errors=sum(row.outcome in (Outcome.ERROR, Outcome.CUT) for row in rows),
        prompt=sum(row.usage.prompt or 0 for row in rows),
        completion=sum(row.usage.completion or 0 for row in rows),
        cache_read=sum(row.usage.cache_read or 0 for row in rows),
        cache_write=sum((row.usage.cache_write or 0) + (row.usage.cache_write_1h or 0) for row in rows),
        reasoning=sum(row.usage.reasoning or 0 for row in rows),
        estimated=sum(row.usage.estimated for row in rows),
        cost_nano_usd=sum(row.cost_nano_usd or 0 for row in rows),
        unpriced=sum(
            row.cost_nano_usd is None and (row.usage.input is not None or row.usage.output is not None)
            for row in rows
        ),
        last_used_ms=max((row.started_at_ms for row in rows), default=None),
    )


@settings(deadline=None)
@given(rows=rows())
def test_sums_are_those_of_the_rows(rows: list[RequestRow]) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        METADATA.create_all(connection)
        requests.append(connection, rows)

        assert usage.totals(connection) == summed(rows)
        chosen = Filter(provider="openai", model="m1", api_key_id="k1", since_ms=NOON_MS - 100 * 24 * HOUR_MS)
        assert usage.totals(connection, chosen) == summed([row for row in rows if _chosen(row, chosen)])
        for by, name in ((By.PROVIDER, "provider"), (By.KEY, "api_key_id")):
            groups = usage.grouped(connection, EVERYTHING, by)
            for group in groups:
                value = getattr(group, name)
                assert group.sums == summed([row for row in rows if getattr(row, name) == value])
            assert sum(group.sums.requests for group in groups) == len(rows)
        days = usage.grouped(connection, EVERYTHING, By.DAY, timezone=berlin)
        for group in days:
            assert group.sums == summed([row for row in rows if _day(row, berlin) == group.day])
        assert [group.day for group in days] == sorted({_day(row, berlin) for row in rows})
    engine.dispose()


def _chosen(row: RequestRow, chosen: Filter) -> bool:
    same = (row.provider, row.model, row.api_key_id) == (chosen.provider, chosen.model, chosen.api_key_id)
    return same and row.started_at_ms >= (chosen.since_ms or 0)


def _day(row: RequestRow, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(row.started_at_ms / 1000, zone).date().isoformat()


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


async def test_days_begin_at_midnight_of_their_zone_on_both_sides_of_a_clock_change(
    database: SqliteDatabase,
) -> None:
    times = (
        "2026-03-28T22:59:59+00:00",  # 23:59:59 CET on the 28th
        "2026-03-28T23:00:00+00:00",  # 00:00 CET on the 29th, whose 2 o'clock is 3
        "2026-03-29T21:59:59+00:00",  # 23:59:59 CEST on the 29th
        "2026-03-29T22:00:00+00:00",  # 00:00 CEST on the 30th
    )
    rows = [request_row(number, started_at_ms=ms(time)) for number, time in enumerate(times)]
    await database.write(lambda c: requests.append(c, rows))

    berlin = ZoneInfo("Europe/Berlin")
    days = await database.read(lambda c: usage.grouped(c, EVERYTHING, By.DAY, timezone=berlin))
    assert [(group.day, group.sums.requests) for group in days] == [
        ("2026-03-28", 1),
        ("2026-03-29", 2),
        ("2026-03-30", 1),
    ]


@pytest.mark.parametrize(
    ("hours", "day"),
    [(-12.0, "2026-11-22"), (11.75, "2026-11-22"), (12.0, "2026-11-23"), (-12.25, "2026-11-21")],
)
async def test_zones_far_from_utc_have_days_of_their_own(
    database: SqliteDatabase, hours: float, day: str
) -> None:
    await database.write(lambda c: requests.append(c, [request_row(0)]))

    zone = timezone(timedelta(hours=hours))
    (group,) = await database.read(lambda c: usage.grouped(c, EVERYTHING, By.DAY, timezone=zone))
    assert group.day == day


async def test_without_a_zone_days_are_the_machines(database: SqliteDatabase) -> None:
    await database.write(lambda c: requests.append(c, [request_row(0)]))

    (group,) = await database.read(lambda c: usage.grouped(c, EVERYTHING, By.DAY))
    assert group.day == datetime.fromtimestamp(NOON_MS / 1000, UTC).astimezone().date().isoformat()


async def test_groups_carry_what_they_are_grouped_by_most_used_first(database: SqliteDatabase) -> None:
    rows = [
        request_row(1),
        request_row(2),
        request_row(3, provider="anthropic", model="claude", account_id="a2", account_name="home"),
        request_row(4, api_key_id=None, api_key_name=None),
    ]
    await database.write(lambda c: requests.append(c, rows))

    models = await database.read(lambda c: usage.grouped(c, EVERYTHING, By.MODEL))
    assert [(group.provider, group.model, group.sums.requests) for group in models] == [
        ("openai", "gpt-large", 3),
        ("anthropic", "claude", 1),
    ]
    accounts = await database.read(lambda c: usage.grouped(c, EVERYTHING, By.ACCOUNT))
    assert [(group.model, group.account_id, group.account_name) for group in accounts] == [
        ("gpt-large", "a1", "work"),
        ("claude", "a2", "home"),
    ]
    by_key = await database.read(lambda c: usage.grouped(c, EVERYTHING, By.KEY))
    assert [(group.api_key_id, group.api_key_name) for group in by_key] == [("k1", "laptop"), (None, None)]


async def test_the_last_ten_minutes_are_ten_oldest_first(database: SqliteDatabase) -> None:
    minute = 60_000
    rows = [
        request_row(1, started_at_ms=NOON_MS - 9 * minute, usage=UNKNOWN, cost_nano_usd=None),
        request_row(2, started_at_ms=NOON_MS - 9 * minute - 1),  # too old
        request_row(3, started_at_ms=NOON_MS + minute),  # a minute that has not begun
        request_row(4, started_at_ms=NOON_MS + minute - 1, usage=Usage(input=5, output=7), cost_nano_usd=3),
    ]
    await database.write(lambda c: requests.append(c, rows))

    minutes = await database.read(lambda c: usage.last_ten_minutes(c, NOON_MS + 30_000))
    assert minutes == (
        Minute(requests=1),
        *[Minute()] * 8,
        Minute(requests=1, prompt=5, completion=7, cost_nano_usd=3),
    )
