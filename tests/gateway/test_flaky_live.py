"""Live requests over five flaky accounts; `python -m benchmarks.flaky` has ten thousand by each strategy."""

import asyncio
from pathlib import Path

import pytest

from omniroute.gateway.health.book import PROBE_S
from omniroute.records import AccountStrategy
from tests import scripted_upstream as script
from tests.gateway.flaky_live import NAMES, STORM, JumpingClock, JumpingLoop, run
from tests.running_gateway import CHAT, asking, running_gateway
from tests.scripted_upstream import ScriptedUpstream

REQUESTS = 1000


@pytest.mark.parametrize("strategy", [AccountStrategy.ROUND_ROBIN, AccountStrategy.FILL_FIRST])
def test_every_request_is_served_and_shares_are_what_the_strategy_says(
    tmp_path: Path, strategy: AccountStrategy
) -> None:
    made = run(tmp_path, strategy, REQUESTS)
    assert made.statuses == {200: REQUESTS}
    assert made.failed == {}
    assert made.disturbed == [], "no account is called while it cools, but for its probe"
    assert made.failures.total() > 30, "they are flaky"
    assert made.probes > 10
    off = 0.01 if strategy is AccountStrategy.FILL_FIRST else 0.03
    for name in NAMES:
        assert made.first[name] / REQUESTS == pytest.approx(made.due[name] / REQUESTS, abs=off), name


def test_in_a_storm_no_request_fails_that_an_account_could_have_served(tmp_path: Path) -> None:
    made = run(tmp_path, AccountStrategy.ROUND_ROBIN, REQUESTS // 2, seed=3, weather=STORM)
    assert made.statuses.total() == REQUESTS // 2
    assert made.failed, "it is a storm"
    assert made.stranded == []
    assert made.disturbed == []


def test_who_waits_for_a_probe_goes_on_as_soon_as_it_has_ended(tmp_path: Path) -> None:
    loop = JumpingLoop()
    took_s: list[float] = []

    async def go() -> None:
        async with (
            ScriptedUpstream() as upstream,
            running_gateway(tmp_path, clock=JumpingClock(loop)) as running,
        ):
            await running.add_node(upstream.url)
            upstream.script(script.error(500), script.error(500), script.slow_first_byte())
            await running.ask(CHAT, asking(CHAT))
            await asyncio.sleep(1.0)
            began_s = loop.time()
            async with asyncio.TaskGroup() as group:
                for number in range(5):
                    group.create_task(running.ask(CHAT, asking(CHAT)), name=f"client {number}")
                await asyncio.sleep(0.2)
                assert len(upstream.requests) == 3, "one asks, the others wait"
                upstream.release()
            took_s.append(loop.time() - began_s)
            assert len(upstream.requests) == 7

    loop.run_until_complete(go())
    loop.close()
    assert took_s[0] < PROBE_S / 2
