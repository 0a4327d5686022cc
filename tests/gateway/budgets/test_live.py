"""Budgets on live requests: which account is asked, what a restart keeps, what people are told."""

from functools import partial
from pathlib import Path

import msgspec
import pytest

from omniroute.gateway.budgets import keeping
from omniroute.records import EVERYTHING, Budget, of_account
from omniroute.store import audit, budgets
from tests.running_gateway import CHAT, Got, RunningGateway, asking, running_gateway
from tests.scripted_upstream import ScriptedUpstream, body

MODEL = "groq/llama-3.3-70b-versatile"


async def connect(running: RunningGateway, upstream: ScriptedUpstream, *names: str) -> None:
    """A provider whose models have prices."""
    for name in names:
        await running.add_account("groq", name, base_url=f"{upstream.url}/openai/v1")


async def limit(running: RunningGateway, subject: str, nano_usd: int) -> None:
    """A budget of a day, stored as the management API does."""
    budget = Budget(subject=subject, daily_nano_usd=nano_usd)
    await running.gateway.database.write(partial(budgets.put, budget=budget))
    await running.gateway.reload()


async def ask(running: RunningGateway, model: str = MODEL, *, stream: bool = False) -> Got:
    """A request whose prompt is not smaller than what the upstream says it was."""
    words = [{"role": "user", "content": "budget " * 100}]
    return await running.ask(CHAT, asking(CHAT, model, stream=stream, max_tokens=20, messages=words))


@pytest.mark.parametrize("stream", [False, True])
async def test_an_account_whose_budget_is_used_up_hands_over_to_the_next(
    running: RunningGateway, upstream: ScriptedUpstream, *, stream: bool
) -> None:
    await connect(running, upstream, "first", "second")
    await limit(running, of_account("groq-first"), 10**6)
    await ask(running, stream=stream)
    (row,) = await running.rows()
    assert row.account_name == "first"
    assert row.cost_nano_usd
    await limit(running, of_account("groq-first"), row.cost_nano_usd)

    got = await ask(running, stream=stream)

    assert got.status == 200
    assert [one.account_name for one in await running.rows()] == ["first", "second"]
    shown = msgspec.json.decode((await running.rows())[-1].decision or b"{}")
    assert any(one.get("skipped") == "budget_exceeded" for one in shown["candidates"])


async def test_what_was_spent_and_noted_is_there_after_a_restart(
    tmp_path: Path, upstream: ScriptedUpstream
) -> None:
    async with running_gateway(tmp_path) as running:
        await connect(running, upstream, "first")
        await ask(running)
        (row,) = await running.rows()
        await limit(running, EVERYTHING, row.cost_nano_usd or 0)
        await ask(running)
        await keeping.flush(running.gateway.budgets, running.gateway.database)
    upstream.requests.clear()

    async with running_gateway(tmp_path) as running:
        got = await ask(running)
        await keeping.flush(running.gateway.budgets, running.gateway.database)
        rows, _ = await running.gateway.database.read(lambda c: audit.listing(c, limit=10))

    assert got.status == 429
    assert (got.error["type"], got.error["code"]) == ("insufficient_quota", "budget_exceeded")
    assert upstream.requests == []
    assert [one.action for one in rows] == ["budget.exceeded"]


async def test_a_model_without_a_price_is_asked_or_refused_as_the_user_wants(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    await limit(running, EVERYTHING, 10**9)

    assert (await ask(running, "up/m-1")).status == 200
    shown = msgspec.json.decode((await running.row()).decision or b"{}")
    assert shown["notes"] == ["no price is known for up/m-1: nothing is reserved for it"]

    await running.set("unknownPrice", "refuse")
    got = await ask(running, "up/m-1")
    assert got.status == 429
    assert "no price is known for up/m-1" in got.error["message"]


@pytest.mark.parametrize("status", [400, 500])
async def test_a_request_that_failed_holds_nothing_once_it_is_written_down(
    running: RunningGateway, upstream: ScriptedUpstream, status: int
) -> None:
    await connect(running, upstream, "first")
    await limit(running, EVERYTHING, 10**9)
    upstream.script(*[body(b'{"error": {"message": "no"}}', status=status)] * 5)

    assert (await ask(running)).status >= 400

    await running.rows()
    assert running.gateway.budgets.room.reserved == {}
