"""64 clients under one budget of a real gateway: what is spent, what is told, and what a restart repeats."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, field

import pytest

from omniroute.gateway.budgets.notices import dollars
from omniroute.server.lock import is_alive
from tests.journeys.living import Living, living_on
from tests.scripted_upstream import answer, error, stall_after_content, waiting_before_last
from tests.server.installation import PATIENCE_S, Installation, eventually

CLIENTS = 64
EACH = 4
"""Requests of a client."""
NANO = 10**9
WHOLE, CUT, FAILING = (
    f"groq/{name}" for name in ("openai/gpt-oss-120b", "openai/gpt-oss-20b", "qwen/qwen3.8-27b")
)
TEXT = "budget " * 100
"""A prompt that is guessed to be no shorter than what the upstream says of it."""
LIMIT = 800_000
"""Nano-USD."""
RESERVED = 45_000
"""More than is reserved for a request, and more than one costs."""
SUBJECTS = {"*": "all requests", "key:laptop": "key 'laptop'", "account:groq/work": "account 'work'"}


@pytest.fixture
async def living(installation: Installation) -> AsyncIterator[Living]:
    """A provider with prices, which answers, falls silent, and fails."""
    async with living_on(installation) as made:
        made.upstream.by_model |= {
            CUT.partition("/")[2]: stall_after_content(),
            FAILING.partition("/")[2]: error(400, "no"),
        }
        yield made


@dataclass(slots=True)
class Play:
    """What 64 clients met."""

    living: Living
    statuses: Counter[int] = field(default_factory=Counter)

    async def client(self, number: int) -> None:
        """One after the other: whole, streamed, cut by the client, failing."""
        for turn in range(EACH):
            match (number + turn) % 4:
                case 0:
                    await self._ask(WHOLE)
                case 1:
                    await self._ask(WHOLE, stream=True)
                case 2:
                    await self._leave()
                case _:
                    await self._ask(FAILING)

    async def _ask(self, model: str, **members: object) -> None:
        got = await self.living.ask(model, key="laptop", text=TEXT, max_tokens=20, **members)
        self.statuses[got.status] += 1

    async def _leave(self) -> None:
        async with self.living.post(CUT, key="laptop", text=TEXT, max_tokens=20, stream=True) as response:
            self.statuses[response.status] += 1
            if response.status == 200:
                await response.content.readany()
                response.close()


def costs(installation: Installation) -> list[int]:
    """Of every row that is written, in nano-USD."""
    with closing(sqlite3.connect(installation.paths.database)) as connection:
        rows = connection.execute("SELECT coalesce(cost_nano_usd, 0) FROM usage").fetchall()
    return [cost for (cost,) in rows]


async def notices(living: Living) -> Counter[str]:
    """What the audit log was told of budgets."""
    entries = (await living.command("audit", "--limit", "1000"))["entries"]
    return Counter(one["action"] for one in entries if one["action"] in ("budget.warning", "budget.exceeded"))


@pytest.mark.parametrize("subject", SUBJECTS)
async def test_no_crowd_overspends_a_budget_and_each_level_is_told_once(living: Living, subject: str) -> None:
    await living.apply(
        {
            "accounts": {"groq/work": living.priced()},
            "keys": {"laptop": {}},
            "budgets": {subject: {"dailyUsd": LIMIT / NANO}},
        }
    )
    play = Play(living)
    async with asyncio.TaskGroup() as group:
        for number in range(CLIENTS):
            group.create_task(play.client(number))
    assert sum(play.statuses.values()) == CLIENTS * EACH
    assert set(play.statuses) == {200, 400, 429}

    last = await ask_until_used_up(living)

    assert f"the daily budget of {SUBJECTS[subject]}" in last
    await living.command("usage")  # writes the last rows
    spent = costs(living.installation)
    assert LIMIT - RESERVED < sum(spent) <= LIMIT + RESERVED
    assert max(spent) <= RESERVED
    [budget] = [one for one in (await living.command("budgets", "list"))["budgets"] if one["limit"]]
    assert round(budget["dailyUsed"] * NANO) == sum(spent)
    assert await notices(living) == {"budget.warning": 1, "budget.exceeded": 1}

    await living.kill()
    await living.start()

    assert await ask_until_used_up(living) == last
    assert await notices(living) == {"budget.warning": 1, "budget.exceeded": 1}
    await living.command("usage")
    assert sum(costs(living.installation)) == sum(spent)


async def ask_until_used_up(living: Living, *, max_tokens: int = 20) -> str:
    """The refusal that no request under way is to blame for."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            got = await living.ask(WHOLE, key="laptop", text=TEXT, max_tokens=max_tokens)
            if got.status == 429 and "reserved" not in got.message:
                return got.message


async def test_what_the_old_gateway_still_serves_at_a_restart_counts_in_the_new_one(living: Living) -> None:
    await living.apply(
        {
            "accounts": {"groq/work": living.priced()},
            "keys": {"laptop": {}},
            "budgets": {"*": {"dailyUsd": LIMIT / NANO}},
        }
    )
    model = WHOLE.partition("/")[2]
    living.upstream.by_model[model] = waiting_before_last(answer())
    before = living.installation.server()
    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(living.ask(WHOLE, text=TEXT, max_tokens=20, stream=True))
        await living.upstream.until(lambda _: living.asked() == [model] * 8)
        restart = group.create_task(asyncio.to_thread(living.installation.run, "restart"))
        await asyncio.to_thread(eventually, lambda: living.installation.server().pid != before.pid)
        living.upstream.release()
    assert restart.result().returncode == 0
    await asyncio.to_thread(eventually, lambda: not is_alive(before))

    refusal = await ask_until_used_up(living, max_tokens=1024)
    spent = sum(costs(living.installation))
    assert spent > 0
    assert f": {dollars(spent)} of {dollars(LIMIT)} USD spent" in refusal
