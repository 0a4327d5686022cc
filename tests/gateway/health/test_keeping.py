"""What a restart finds of what held accounts up."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.errors import FailureKind, StoreError
from omniroute.gateway.health import keeping
from omniroute.gateway.health.book import HealthBook
from omniroute.gateway.health.keeping import encoded, flush, restore
from omniroute.paths import Paths
from omniroute.records import Account
from omniroute.routing.health import FOREVER, Breaker
from omniroute.store import audit, health
from omniroute.store.database import Database, open_database
from tests.gateway.health.world import ONE, TWO, A, B, C, HandClock, book_of, call

Kind = FailureKind


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty store."""
    opened = await open_database(Paths(tmp_path, tmp_path / "config.toml"), HandClock())
    yield opened
    await opened.close()


async def reopened(database: Database, clock: HandClock) -> HealthBook:
    """The book of a gateway that starts now; its steady clock begins anew."""
    clock.since_start_s = 3.0
    book = book_of(clock)
    restore(book, await database.read(health.listing), now_s=book.now_s)
    return book


async def test_after_a_restart_cooldowns_and_breakers_are_as_they_were(database: Database) -> None:
    clock = HandClock()
    book = book_of(clock)
    call(book, Kind.RATE_LIMITED, retry_after_s=100.0)
    call(book, Kind.QUOTA, B, retry_after_s=50.0)
    for _ in range(5):
        call(book, Kind.OVERLOADED, C, of=TWO)
    await flush(book, database, clock)
    clock.pass_s(10.0)

    found = await reopened(database, clock)

    assert (found.locks, found.cooldowns, found.breakers) == (book.locks, book.cooldowns, book.breakers)
    ends = {
        (of.id, who.id): held.until_s - found.now_s
        for of, who in ((ONE, A), (ONE, B), (TWO, C))
        if (held := found.obstacle(of, who, "m")) is not None
    }
    assert ends == {
        ("one", A.id): pytest.approx(90.0),
        ("one", B.id): pytest.approx(40.0),
        ("two", C.id): pytest.approx(20.0),
    }
    assert found.changed == set()


async def test_time_goes_on_while_nobody_runs_but_levels_and_probes_stay(database: Database) -> None:
    clock = HandClock()
    book = book_of(clock)
    call(book, Kind.OVERLOADED)
    await flush(book, database, clock)
    clock.wall_s += 3_600

    found = await reopened(database, clock)

    assert found.obstacle(ONE, A, "m") is None
    assert found.is_probe(ONE, A, "m")
    call(found, Kind.OVERLOADED)
    held = found.obstacle(ONE, A, "m")
    assert held is not None
    assert held.until_s - found.now_s == pytest.approx(6.0), "the second failure in a row"


async def test_a_key_given_up_stays_given_up(database: Database) -> None:
    clock = HandClock()
    book = book_of(clock)
    for _ in range(3):
        call(book, Kind.AUTH)
        clock.pass_s(200.0)
    await flush(book, database, clock)
    clock.wall_s += 10**7

    found = await reopened(database, clock)

    held = found.obstacle(ONE, A, "m")
    assert held is not None
    assert (held.reason, held.until_s) == ("auth_error", FOREVER)
    assert found.cooldowns == book.cooldowns


@pytest.mark.parametrize("back_s", [60.0, 86_400.0, 10.0**9])
async def test_a_clock_set_back_while_nobody_ran_makes_no_wait_longer_than_it_was(
    database: Database, back_s: float
) -> None:
    clock = HandClock()
    book = book_of(clock)
    call(book, Kind.RATE_LIMITED, retry_after_s=100.0)
    for _ in range(5):
        call(book, Kind.OVERLOADED, C, of=TWO)
    await flush(book, database, clock)
    clock.wall_s -= back_s

    found = await reopened(database, clock)

    for of, who, longest_s in ((ONE, A, 100.0), (TWO, C, 30.0)):
        held = found.obstacle(of, who, "m")
        assert held is not None
        assert held.until_s - found.now_s <= longest_s + 1e-6
    clock.pass_s(101.0)
    call(found)
    call(found, who=C, of=TWO)
    assert (found.locks, found.breakers) == ({}, {}), "an answer lifts them though they came from the future"


async def test_what_is_lifted_is_lifted_on_disk_too(database: Database) -> None:
    clock = HandClock()
    book = book_of(clock)
    call(book, Kind.OVERLOADED)
    call(book, Kind.QUOTA, B)
    await flush(book, database, clock)
    clock.pass_s(5.0)
    call(book)
    book.clear(accounts=[B.id])
    await flush(book, database, clock)
    found = await reopened(database, clock)
    assert (found.locks, found.cooldowns, found.breakers) == ({}, {}, {})


async def test_a_failed_write_loses_nothing(database: Database, tmp_path: Path) -> None:
    clock = HandClock()
    book = book_of(clock)
    call(book, Kind.QUOTA)
    broken = await open_database(Paths(tmp_path / "other", tmp_path / "config.toml"), clock)
    await broken.write(lambda c: c.exec_driver_sql("drop table health_states"))
    with pytest.raises(StoreError):
        await flush(book, broken, clock)
    await broken.close()
    call(book, Kind.QUOTA, B)
    await flush(book, database, clock)
    assert set((await reopened(database, clock)).cooldowns) == {A.id, B.id}


@pytest.mark.parametrize("who", [A, B])
async def test_the_loop_writes_soon_after_a_change(
    database: Database, who: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "EVERY_S", 0.001)
    clock = HandClock()
    book = book_of(clock)
    call(book, Kind.QUOTA, who)
    async with asyncio.TaskGroup() as group:
        loop = group.create_task(keeping.run(book, database, clock), name="keeping")
        async with asyncio.timeout(10):
            while not await database.read(health.listing):
                pass
        loop.cancel()
    assert set((await reopened(database, clock)).cooldowns) == {who.id}


@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["breaker", "account", "model", "else"]),
            st.text(max_size=5),
            st.text(max_size=20) | st.sampled_from(['{"until_s": 1}', "[]", "null", '{"forever": true}']),
        ),
        max_size=5,
    )
)
def test_what_nobody_can_read_is_dropped(rows: list[tuple[str, str, str]]) -> None:
    book = book_of(HandClock())
    restore(book, rows, now_s=book.now_s)
    assert book.cooldowns == {}
    assert book.locks == {}
    assert book.obstacle(ONE, A, "m") is None


def test_a_row_that_was_written_by_hand_does_not_last_for_ages() -> None:
    book = book_of(HandClock())
    row = '{"reason": "x", "until_s": 1e300, "since_s": 0}'
    restore(book, [("account", A.id, row)], now_s=book.now_s)
    held = book.obstacle(ONE, A, "m")
    assert held is not None
    assert held.until_s - book.now_s <= 86_400.0


def test_a_breaker_that_was_kept_without_its_accounts_stays_open() -> None:
    book = book_of(HandClock())
    until_s = book.now_s + 9.0
    row = f'{{"failures": 5, "until_s": {until_s}, "reset_s": 30.0, "last_failure_s": {book.now_s}}}'
    restore(book, [("breaker", ONE.id, row)], now_s=book.now_s)
    assert book.breakers[ONE.id] == Breaker(
        failures=5, until_s=until_s, reset_s=30.0, last_failure_s=book.now_s
    )


def test_a_breaker_that_was_written_by_hand_does_not_last_for_ages() -> None:
    book = book_of(HandClock())
    row = '{"failures": 9, "until_s": 1e300, "reset_s": 1e300}'
    restore(book, [("breaker", ONE.id, row)], now_s=book.now_s)
    held = book.obstacle(ONE, A, "m")
    assert held is not None
    assert held.until_s - book.now_s <= 86_400.0


@given(
    shift_s=st.floats(-1e9, 1e9),
    lasting_s=st.floats(1.0, 86_400.0),
    kind=st.sampled_from([Kind.QUOTA, Kind.RATE_LIMITED]),
)
def test_wherever_the_clock_stands_at_the_start_no_wait_is_longer_than_it_was_to_be(
    shift_s: float, lasting_s: float, kind: FailureKind
) -> None:
    clock = HandClock()
    book = book_of(clock)
    call(book, kind, retry_after_s=lasting_s)
    states = [(what, who, encoded(book, what, who) or "") for what, who in book.changed]
    clock.wall_s += shift_s
    found = book_of(clock)

    restore(found, states, now_s=found.now_s)

    held = found.obstacle(ONE, A, "m")
    left_s = 0.0 if held is None else held.until_s - found.now_s
    assert left_s == pytest.approx(max(min(lasting_s, lasting_s - shift_s), 0.0), abs=1e-3)


async def test_the_audit_log_is_told_once_of_each_breaker_that_opens_or_closes(database: Database) -> None:
    clock = HandClock()
    book = book_of(clock)
    for _ in range(5):
        call(book, Kind.OVERLOADED, C, of=TWO)
    await flush(book, database, clock)
    clock.pass_s(31.0)
    call(book, who=C, of=TWO)
    await flush(book, database, clock)
    await flush(book, database, clock)

    rows, _ = await database.read(lambda c: audit.listing(c, limit=10))
    assert [(row.action, row.target, row.actor) for row in rows] == [
        ("breaker.close", TWO.id, "system"),
        ("breaker.open", TWO.id, "system"),
    ]
