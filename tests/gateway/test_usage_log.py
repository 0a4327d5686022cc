"""Every request leaves one row, also when the disk takes none for a while."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from omniroute.errors import Refused, StoreError
from omniroute.gateway import usage_log as module
from omniroute.gateway.accounting import finish
from omniroute.gateway.usage_log import UsageEntry, UsageLog
from omniroute.records import Outcome, RequestRow
from tests import scripted_upstream as script
from tests.running_gateway import CHAT, RunningGateway, asking, running_gateway
from tests.scripted_upstream import ScriptedUpstream

SLOTS = 5


@pytest.fixture
async def few_slots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RunningGateway]:
    """A gateway that keeps few rows in memory, waits little for a slot, and writes when told to."""
    monkeypatch.setattr(module, "SLOTS", SLOTS)
    monkeypatch.setattr(module, "WAIT_FOR_SLOT_S", 0.05)
    async with running_gateway(tmp_path, writes_behind=False) as running:
        yield running


def limit(connection: Connection) -> None:
    """No page more, which is what a full disk looks like to SQLite."""
    connection.exec_driver_sql("create table ballast (x)")
    pages = connection.execute(text("pragma page_count")).scalar_one()
    connection.exec_driver_sql(f"pragma max_page_count = {pages}")


async def fill(running: RunningGateway) -> None:
    """Make the disk full."""
    await running.gateway.database.write(limit)
    full = False
    while not full:
        try:
            await running.gateway.database.write(
                lambda c: c.exec_driver_sql("insert into ballast values (zeroblob(3000))")
            )
        except StoreError:
            full = True


async def make_room(running: RunningGateway) -> None:
    """The disk is no longer full."""
    await running.gateway.database.write(lambda c: c.exec_driver_sql("pragma max_page_count = 1000000"))


async def test_rows_wait_in_memory_while_the_disk_is_full_then_every_one_is_written_once(
    few_slots: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await few_slots.add_node(upstream.url)
    await few_slots.add_account("node-up", "second")
    await fill(few_slots)
    # Rows that are larger than a page, for there may be room left in one.
    upstream.script(*[script.error(402, "x" * 1900)] * (2 * SLOTS))
    ids = [f"r-{number}" for number in range(SLOTS)]
    for request_id in ids:
        got = await few_slots.ask(CHAT, asking(CHAT), {"X-Request-Id": request_id})
        assert got.status == 429
        few_slots.gateway.health.clear()
    log = few_slots.gateway.usage_log
    for _ in range(2):
        with pytest.raises(StoreError):
            await log.flush()
    refused = await few_slots.ask(CHAT, asking(CHAT))
    assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
    assert "usage log" in refused.error["message"]
    assert "x-should-retry" not in refused.headers
    assert len(upstream.requests) == 2 * SLOTS
    await make_room(few_slots)
    rows = await few_slots.rows()
    assert sorted(row.request_id for row in rows) == sorted(ids)
    assert (await few_slots.ask(CHAT, asking(CHAT), {"X-Request-Id": "again"})).status == 200
    assert len(await few_slots.rows()) == SLOTS + 1


async def test_a_request_that_waits_for_a_slot_goes_on_when_rows_are_written(
    few_slots: RunningGateway, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAIT_FOR_SLOT_S", 20.0)
    await few_slots.add_node(upstream.url)
    for _ in range(SLOTS):
        await few_slots.ask(CHAT, asking(CHAT))
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(few_slots.ask(CHAT, asking(CHAT)), name="waiting")
        asked = group.create_task(upstream.until(lambda up: len(up.requests) > SLOTS), name="asked")
        await asyncio.sleep(0)
        assert not asked.done()
        await few_slots.gateway.usage_log.flush()
    assert waiting.result().status == 200
    assert len(await few_slots.rows()) == SLOTS + 1


async def test_running_requests_hold_their_slots(
    few_slots: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await few_slots.add_node(upstream.url)
    upstream.otherwise = script.slow_first_byte()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(few_slots.ask(CHAT, asking(CHAT)), name="running") for _ in range(SLOTS)]
        await upstream.until(lambda up: len(up.requests) == SLOTS)
        refused = await few_slots.ask(CHAT, asking(CHAT))
        upstream.release()
    assert refused.status == 503
    assert {task.result().status for task in tasks} == {200}
    assert len(await few_slots.rows()) == SLOTS


async def test_the_writer_tells_of_rows_that_wait_and_writes_them_when_it_can(
    tmp_path: Path,
    upstream: ScriptedUpstream,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(module, "FLUSH_S", 0.01)
    async with running_gateway(tmp_path) as running:
        await running.add_node(upstream.url)
        await running.add_account("node-up", "second")
        upstream.otherwise = script.error(500, "x" * 1900)
        written = asyncio.Event()
        running.gateway.usage_log.on_rows = lambda rows: written.set()
        await fill(running)
        await running.ask(CHAT, asking(CHAT))
        async with asyncio.timeout(10):
            while "usage rows wait in memory" not in caplog.text:  # noqa: ASYNC110 - a log has no event
                await asyncio.sleep(0.005)
        assert not written.is_set()
        await make_room(running)
        async with asyncio.timeout(10):
            await written.wait()
        assert len(await running.rows()) == 1


async def test_a_full_batch_does_not_wait_for_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FLUSH_S", 3600.0)
    monkeypatch.setattr(module, "FLUSH_ROWS", 3)
    async with running_gateway(tmp_path) as running:
        written = asyncio.Event()
        running.gateway.usage_log.on_rows = lambda rows: written.set()
        for _ in range(3):
            await running.ask(CHAT, asking(CHAT, "demo/echo"))
        async with asyncio.timeout(10):
            await written.wait()


async def test_a_flush_that_is_cancelled_while_it_writes_writes_no_row_twice(
    few_slots: RunningGateway,
) -> None:
    gateway = few_slots.gateway
    writing, cancelled = threading.Event(), threading.Event()

    def slowly(ended: UsageEntry) -> RequestRow:
        writing.set()
        assert cancelled.wait(10)
        return finish(ended, gateway.prices)

    log = UsageLog(gateway.database, gateway.clock, slowly)
    for number in range(3):
        async with log.entry(entry(f"r-{number}")):
            pass
    async with asyncio.TaskGroup() as group:
        flush = group.create_task(log.flush(), name="flush")
        await asyncio.to_thread(writing.wait)
        flush.cancel()
        cancelled.set()
    await log.flush()
    assert sorted(row.request_id for row in await few_slots.rows()) == ["r-0", "r-1", "r-2"]


def entry(request_id: str) -> UsageEntry:
    return UsageEntry(
        request_id=request_id, method="POST", path="/", operation="chat", client_format="openai-chat"
    )


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, asyncio.CancelledError])
async def test_whatever_ends_a_request_its_row_is_kept(
    few_slots: RunningGateway, error: type[BaseException]
) -> None:
    log: UsageLog = few_slots.gateway.usage_log
    with pytest.raises(error):  # noqa: PT012 - it is what goes on inside that matters
        async with log.entry(entry("mine")):
            assert [running.request_id for running in log.running.values()] == ["mine"]
            raise error
    assert not log.running
    row = await few_slots.row()
    assert (row.request_id, row.outcome, row.status) == ("mine", Outcome.CANCELLED, 499)


async def test_a_request_refused_for_want_of_a_slot_takes_none(few_slots: RunningGateway) -> None:
    log = few_slots.gateway.usage_log
    for number in range(SLOTS):
        async with log.entry(entry(f"r-{number}")):
            pass
    for _ in range(3):
        with pytest.raises(Refused):
            async with log.entry(entry("refused")):
                pytest.fail("let in")
    await log.flush()
    for number in range(SLOTS):
        async with log.entry(entry(f"s-{number}")):
            pass
    assert len(await few_slots.rows()) == 2 * SLOTS
