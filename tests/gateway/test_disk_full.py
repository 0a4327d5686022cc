"""A disk that is full stops no answer, and what could not be written is written when there is room."""

from pathlib import Path

import pytest
from sqlalchemy import Connection

from omniroute.errors import StoreError
from omniroute.records import EVERYTHING, Budget
from omniroute.store import budgets
from omniroute.store import response_cache as kept_answers
from tests.running_gateway import CHAT, RunningGateway, asking, running_gateway
from tests.scripted_upstream import ScriptedUpstream

MODEL = "groq/openai/gpt-oss-120b"
LONG = "long " * 4000


async def fill_disk(running: RunningGateway) -> None:
    """No page more than there are."""

    def fill(connection: Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    await running.gateway.database.write(fill)


async def make_room(running: RunningGateway) -> None:
    await running.gateway.database.write(
        lambda connection: connection.exec_driver_sql("PRAGMA max_page_count = 1073741823")
    )


def question(number: int) -> dict[str, object]:
    """One that is too large for what is left of the last page."""
    words = [{"role": "user", "content": f"{number} {LONG}"}]
    return asking(CHAT, MODEL, temperature=0, max_tokens=20, messages=words)


async def test_answers_go_on_and_nothing_is_lost(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    async with running_gateway(tmp_path, writes_behind=False) as running:
        gateway = running.gateway
        await running.add_account("groq", "first", base_url=f"{upstream.url}/openai/v1")
        budget = Budget(subject=EVERYTHING, daily_nano_usd=10**9, warning_threshold=10**-9)
        await gateway.database.write(lambda c: budgets.put(c, budget))
        await gateway.reload()
        await fill_disk(running)

        for number in range(20):
            got = await running.ask(CHAT, question(number))
            assert (got.status, got.headers["X-OmniRoute-Cache"]) == (200, "MISS")
        for flush in (gateway.usage_log.flush, gateway.cache.flush):
            with pytest.raises(StoreError, match="full"):
                await flush()
        again = await running.ask(CHAT, question(3))
        assert (again.status, again.headers["X-OmniRoute-Cache"]) == (200, "HIT")

        await make_room(running)
        await gateway.cache.flush()
        rows = await running.rows()
        extent = await gateway.database.read(lambda c: kept_answers.extent(c, now_ms=gateway.clock.now_ms()))
        assert len(rows) == 21
        assert extent.rows == 20
        assert gateway.budgets.room.reserved == {}
