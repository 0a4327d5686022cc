"""What failures of a live upstream cost their accounts outlives the process."""

from pathlib import Path

from omniroute.gateway.health import keeping
from tests import scripted_upstream as script
from tests.running_gateway import CHAT, asking, running_gateway
from tests.scripted_upstream import ScriptedUpstream


async def test_a_cooldown_holds_after_the_process_was_killed(
    tmp_path: Path, upstream: ScriptedUpstream
) -> None:
    async with running_gateway(tmp_path) as running:
        first = await running.add_node(upstream.url)
        upstream.script(script.error(429, headers={"Retry-After": "600"}))
        await running.ask(CHAT, asking(CHAT))
        gateway = running.gateway
        await keeping.flush(gateway.health, gateway.database, gateway.clock)
    async with running_gateway(tmp_path) as running:
        held = running.gateway.health.obstacle_of_account(first, "m-1")
        assert held is not None
        assert 590 < held.until_s - running.gateway.health.now_s <= 600
        got = await running.ask(CHAT, asking(CHAT))
        assert got.status == 429
        assert 590 < int(got.headers["Retry-After"]) <= 600
    assert len(upstream.requests) == 1
