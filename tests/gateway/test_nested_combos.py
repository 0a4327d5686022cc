"""Combos inside combos take turns of their own, and many requests at once are spread."""

import asyncio
from functools import partial

import pytest

from omniroute.records import Strategy
from omniroute.store import combos
from omniroute.store.combos import ComboRow
from tests.running_gateway import CHAT, RunningGateway, asking
from tests.scripted_upstream import ScriptedUpstream


async def combos_are_there(running: RunningGateway, upstream: ScriptedUpstream, *rows: ComboRow) -> None:
    await running.add_node(upstream.url)
    for row in rows:
        await running.gateway.database.write(partial(combos.create, row=row))
    await running.gateway.reload()


async def ask(running: RunningGateway, times: int, name: str) -> list[str]:
    """The models that answered, one after the other."""
    answered = []
    for _ in range(times):
        got = await running.ask(CHAT, asking(CHAT, name))
        assert got.status == 200, got.body
        assert got.headers["X-OmniRoute-Combo"] == name
        answered.append(got.headers["X-OmniRoute-Model"])
    return answered


async def test_requests_at_one_time_do_not_all_ask_the_same_member(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    fair = ComboRow(id="c-1", name="fair", strategy=Strategy.LEAST_USED, models=("up/a", "up/b", "up/c"))
    await combos_are_there(running, upstream, fair)

    answered = await asyncio.gather(*(ask(running, 1, "fair") for _ in range(6)))

    assert sorted(answered) == [["up/a"], ["up/a"], ["up/b"], ["up/b"], ["up/c"], ["up/c"]]


INNER = (Strategy.LEAST_USED, Strategy.ROUND_ROBIN)
OUTER = (Strategy.PRIORITY, Strategy.ROUND_ROBIN, Strategy.RANDOM)


@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("outer", OUTER)
async def test_a_combo_inside_another_takes_turns_of_its_own(
    running: RunningGateway, upstream: ScriptedUpstream, inner: Strategy, outer: Strategy
) -> None:
    nested = ComboRow(id="c-2", name="inner", strategy=inner, models=("up/a", "up/b"))
    whole = ComboRow(id="c-3", name="outer", strategy=outer, models=("inner", "up/c"))
    await combos_are_there(running, upstream, nested, whole)

    answered = [model for model in await ask(running, 12, "outer") if model != "up/c"]

    assert answered == (["up/a", "up/b"] * 6)[: len(answered)]
    assert answered.count("up/b") >= (2 if outer is not Strategy.RANDOM else 0)


async def test_a_combo_that_is_only_fallen_back_on_keeps_its_turn(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    nested = ComboRow(id="c-2", name="inner", strategy=Strategy.ROUND_ROBIN, models=("up/a", "up/b"))
    whole = ComboRow(id="c-3", name="outer", models=("up/c", "inner"))
    await combos_are_there(running, upstream, nested, whole)

    assert await ask(running, 3, "outer") == ["up/c"] * 3
    assert await ask(running, 2, "inner") == ["up/a", "up/b"]
