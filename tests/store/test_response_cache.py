"""Answers on disk."""

from functools import partial

import pytest

from omniroute.store import response_cache as store
from omniroute.store.database import SqliteDatabase
from omniroute.store.response_cache import CachedRow, Day, Extent


def row(
    signature: str, at_ms: int = 0, *, until_ms: int = 100, size: int = 10, model: str = "m"
) -> CachedRow:
    return CachedRow(
        signature=signature,
        tenant="local",
        model=model,
        answer=b"x" * size,
        tokens_saved=1,
        cost_saved_nano_usd=None,
        created_at_ms=at_ms,
        expires_at_ms=until_ms,
    )


async def test_an_answer_is_found_by_the_first_of_its_names_until_its_time_is_over(
    database: SqliteDatabase,
) -> None:
    await database.write(lambda c: store.put(c, [row("a"), row("b", size=3)]))

    assert await database.read(lambda c: store.find(c, ["z", "b", "a"], now_ms=99)) == row("b", size=3)
    assert await database.read(lambda c: store.find(c, ["a"], now_ms=100)) is None
    assert await database.write(lambda c: store.delete_expired(c, now_ms=100)) == 2


async def test_a_newer_answer_takes_the_place_of_the_older(database: SqliteDatabase) -> None:
    for size in (1, 2):
        await database.write(partial(store.put, rows=[row("a", size=size)]))

    assert await database.read(lambda c: store.extent(c, now_ms=0)) == Extent(1, 2)


@pytest.mark.parametrize(("most", "most_bytes"), [(3, 10**9), (100, 30)])
async def test_the_oldest_go_when_there_are_too_many_or_too_much(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch, most: int, most_bytes: int
) -> None:
    monkeypatch.setattr(store, "MAX_ROWS", most)
    monkeypatch.setattr(store, "MAX_BYTES", most_bytes)
    rows = [row(str(at_ms), at_ms) for at_ms in (5, 1, 4, 2, 3)]
    await database.write(lambda c: store.put(c, rows))

    kept = [
        name
        for name in "12345"
        if await database.read(partial(store.find, signatures=[name], now_ms=0)) is not None
    ]
    assert kept == ["3", "4", "5"]


async def test_answers_of_one_model_are_deleted_alone(database: SqliteDatabase) -> None:
    await database.write(lambda c: store.put(c, [row("a"), row("b", model="n"), row("c", model="o")]))

    assert await database.write(lambda c: store.delete(c, ["n"])) == 1
    assert await database.write(store.delete) == 2


async def test_days_add_up(database: SqliteDatabase) -> None:
    one = Day(hits=1, misses=2, tokens_saved=3, cost_saved_nano_usd=4)
    for day in ("2026-11-21", "2026-11-22", "2026-11-22"):
        await database.write(partial(store.add_days, days={day: one}))

    days = await database.read(store.days)
    assert list(days) == ["2026-11-22", "2026-11-21"]
    assert days["2026-11-22"] == Day(hits=2, misses=4, tokens_saved=6, cost_saved_nano_usd=8)
    await database.write(store.clear_days)
    assert await database.read(store.days) == {}
