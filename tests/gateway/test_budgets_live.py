"""Budgets stop requests of a running gateway before they cost too much."""

import asyncio
from dataclasses import replace

import pytest

from omniroute.records import EVERYTHING, Budget
from tests.running_gateway import CHAT, MESSAGES, Got, RunningGateway, asking
from tests.scripted_upstream import ScriptedUpstream

MODEL = "groq/llama-3.3-70b-versatile"


async def connect(running: RunningGateway, upstream: ScriptedUpstream) -> int:
    """One priced model; what one answer costs, in nano-USD."""
    await running.add_account("groq", "first", base_url=f"{upstream.url}/openai/v1")
    assert (await ask(running)).status == 200
    (cost,) = await spend(running)
    assert cost > 0
    upstream.requests.clear()
    return cost


def limit(running: RunningGateway, budget: Budget) -> None:
    """The only budget there is."""
    running.gateway.snapshot = replace(running.gateway.snapshot, budgets={budget.subject: budget})


async def spend(running: RunningGateway) -> list[int]:
    """What each answered request has cost."""
    return [row.cost_nano_usd or 0 for row in await running.rows() if row.status == 200]


async def ask(running: RunningGateway, path: str = CHAT) -> Got:
    """A request of no fewer tokens than the scripted upstream says it had."""
    words = [{"role": "user", "content": "budget " * 100}]
    return await running.ask(path, asking(path, MODEL, max_tokens=20, messages=words))


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_a_used_up_budget_refuses_before_any_upstream_is_called(
    running: RunningGateway, upstream: ScriptedUpstream, path: str
) -> None:
    cost = await connect(running, upstream)
    limit(running, Budget(subject=EVERYTHING, daily_nano_usd=cost))
    got = await ask(running, path)
    assert got.status == 429
    assert got.headers["x-should-retry"] == "false"
    assert int(got.headers["Retry-After"]) > 0
    assert upstream.requests == []


async def test_many_at_once_overspend_by_no_more_than_one_reservation(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    cost = await connect(running, upstream)
    limit(running, Budget(subject=EVERYTHING, daily_nano_usd=11 * cost))
    got = await asyncio.gather(*(ask(running) for _ in range(64)))
    assert {one.status for one in got} == {200, 429}
    costs = await spend(running)
    assert 5 * cost <= sum(costs) <= 12 * cost
    assert len(costs) == len(upstream.requests) + 1


async def test_answers_carry_a_warning_past_the_threshold(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    cost = await connect(running, upstream)
    limit(running, Budget(subject=EVERYTHING, monthly_nano_usd=50 * cost, warning_threshold=0.5))
    assert "X-OmniRoute-Budget" not in (await ask(running)).headers
    limit(running, Budget(subject=EVERYTHING, monthly_nano_usd=50 * cost, warning_threshold=0.01))
    assert (await ask(running)).headers["X-OmniRoute-Budget"] == "warning"


async def test_the_budget_of_a_key_leaves_others_alone(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    key = await running.add_key("laptop")
    await connect(running, upstream)
    limit(running, Budget(subject="key-laptop", daily_nano_usd=1))
    body = asking(CHAT, MODEL, max_tokens=20)
    held = await running.ask(CHAT, body, headers={"Authorization": f"Bearer {key}"})
    assert held.status == 429
    assert (await ask(running)).status == 200
