"""What of budgets outlives the process, and what people are told."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from omniroute.errors import Refused
from omniroute.gateway.budgets import keeping
from omniroute.paths import Paths
from omniroute.records import EVERYTHING, Budget
from omniroute.store import audit, requests
from omniroute.store.database import SqliteDatabase, open_database
from tests.gateway.budgets.world import World

WEEKLY = Budget(subject="k1", weekly_nano_usd=10_000_000_000, warning_threshold=0.5)
USD = 10**9


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    opened = await open_database(Paths(tmp_path, tmp_path / "config.toml"), World().clock)
    yield opened
    await opened.close()


async def notes(database: SqliteDatabase) -> list[tuple[str, str | None, dict[str, str]]]:
    rows, _ = await database.read(lambda c: audit.listing(c, limit=100))
    return [(row.action, row.target, dict(row.details)) for row in reversed(rows)]


async def spend(world: World, database: SqliteDatabase, nano_usd: int, **members: Any) -> None:
    world.clock.pass_s(1)
    row = world.row(cost_nano_usd=nano_usd, **members)
    await database.write(lambda c: requests.append(c, [row]))
    world.book.observe([row])
    await keeping.flush(world.book, database)


async def restarted(before: World, database: SqliteDatabase, *budgets: Budget) -> World:
    """The same after the process was killed."""
    after = World(*budgets)
    after.clock = before.clock
    after.book = type(after.book)(
        after.clock, None, snapshot=lambda: after.snapshot, price=lambda *target: None
    )
    after._rows = before._rows
    await keeping.load(after.book, database, after.clock)
    return after


async def test_each_level_is_noted_once_a_period(database: SqliteDatabase) -> None:
    world = World(WEEKLY)
    for _ in range(12):
        await spend(world, database, USD)

    resets = "2026-11-30T00:00:00.000Z"
    about = {"period": "weekly", "limitUsd": "10", "resetsAt": resets}
    assert await notes(database) == [
        ("budget.warning", "k1", {**about, "spentUsd": "5"}),
        ("budget.exceeded", "k1", {**about, "spentUsd": "10"}),
    ]

    world.clock.pass_s(7 * 86_400)
    await spend(world, database, 11 * USD)
    both = {action for action, _, _ in (await notes(database))[2:]}
    assert both == {"budget.warning", "budget.exceeded"}


async def test_a_refusal_is_noted_though_the_limit_itself_is_never_reached(database: SqliteDatabase) -> None:
    world = World(WEEKLY)
    for _ in range(2):
        with pytest.raises(Refused):
            world.book.reserve(
                world.snapshot, row_id="r", key_id="k1", account_id=None, estimate_nano=11 * USD
            )
    await keeping.flush(world.book, database)

    assert [action for action, _, _ in await notes(database)] == ["budget.exceeded"]


async def test_waiting_for_requests_under_way_is_not_worth_a_note(database: SqliteDatabase) -> None:
    world = World(WEEKLY)
    reserve = partial(world.book.reserve, world.snapshot, key_id="k1", account_id=None, estimate_nano=6 * USD)
    reserve(row_id="r1")

    with pytest.raises(Refused, match="6 reserved by requests under way"):
        reserve(row_id="r2")
    await keeping.flush(world.book, database)

    assert await notes(database) == []


async def test_after_a_restart_all_is_as_it_was(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "UTC")
    before = World(WEEKLY)
    await spend(before, database, 6 * USD)
    await spend(before, database, USD, api_key_id=None)

    after = await restarted(before, database, WEEKLY, Budget(subject=EVERYTHING, daily_nano_usd=8 * USD))

    for key_id, amount in (("k1", 4 * USD + 1), (None, USD + 1)):
        with pytest.raises(Refused):
            after.book.reserve(
                after.snapshot, row_id="r", key_id=key_id, account_id=None, estimate_nano=amount
            )
    after.book.reserve(after.snapshot, row_id="r", key_id="k1", account_id=None, estimate_nano=USD)
    await spend(after, database, USD // 2)
    actions = [(action, target) for action, target, _ in await notes(database)]
    assert actions.count(("budget.warning", "k1")) == 1


async def test_a_limit_that_was_changed_is_noted_anew(database: SqliteDatabase) -> None:
    world = World(WEEKLY)
    await spend(world, database, 6 * USD)

    world.set(Budget(subject="k1", weekly_nano_usd=7 * USD))
    await spend(world, database, USD // 2)

    assert [(action, details["limitUsd"]) for action, _, details in await notes(database)] == [
        ("budget.warning", "10"),
        ("budget.warning", "7"),
    ]
