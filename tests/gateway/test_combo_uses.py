"""What combos did counts at once for the next request, and after a restart."""

from dataclasses import replace
from pathlib import Path

from omniroute.records import Strategy
from omniroute.store import combo_hours, combos
from omniroute.store.combos import ComboRow
from tests.running_gateway import CHAT, RunningGateway, asking, running_gateway
from tests.scripted_upstream import ScriptedUpstream

COMBO = ComboRow(id="c-1", name="fair", strategy=Strategy.LEAST_USED, models=("up/a", "up/b", "up/c"))


async def combo_is_there(
    running: RunningGateway, upstream: ScriptedUpstream, combo: ComboRow = COMBO
) -> None:
    await running.add_node(upstream.url)
    await running.gateway.database.write(lambda c: combos.create(c, combo))
    await running.gateway.reload()


async def ask(running: RunningGateway, times: int) -> list[str]:
    """The models that answered, one after the other."""
    answered = []
    for _ in range(times):
        got = await running.ask(CHAT, asking(CHAT, "fair"))
        assert got.status == 200, got.body
        assert got.headers["X-OmniRoute-Combo"] == "fair"
        answered.append(got.headers["X-OmniRoute-Model"])
        await running.gateway.usage_log.flush()
    return answered


async def test_the_least_used_member_is_asked(running: RunningGateway, upstream: ScriptedUpstream) -> None:
    await combo_is_there(running, upstream)

    assert sorted(await ask(running, 6)) == ["up/a", "up/a", "up/b", "up/b", "up/c", "up/c"]

    found = await running.gateway.database.read(combo_hours.totals)
    assert found["c-1"].whole.requests == 6
    assert {name: counts.successes for name, counts in found["c-1"].by_model.items()} == {
        "up/a": 2,
        "up/b": 2,
        "up/c": 2,
    }


async def test_counts_outlive_a_restart(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    async with running_gateway(tmp_path) as running:
        await combo_is_there(running, upstream)
        await ask(running, 2)
    async with running_gateway(tmp_path) as running:
        assert running.gateway.health.combo_counts("c-1") == {"up/a": 1, "up/b": 1}
        assert await ask(running, 1) == ["up/c"]


async def test_a_restart_begins_with_the_member_whose_turn_it_is(
    tmp_path: Path, upstream: ScriptedUpstream
) -> None:
    in_turn = replace(COMBO, strategy=Strategy.ROUND_ROBIN)
    async with running_gateway(tmp_path) as running:
        await combo_is_there(running, upstream, in_turn)
        assert await ask(running, 5) == ["up/a", "up/b", "up/c", "up/a", "up/b"]
    async with running_gateway(tmp_path) as running:
        assert await ask(running, 2) == ["up/c", "up/a"]
