"""What failures of real upstreams cost their accounts, and that clients who leave cost nothing."""

import asyncio
from pathlib import Path

import psutil
import pytest

from omniroute.gateway.health import keeping
from omniroute.gateway.health.book import HealthBook
from omniroute.records import Outcome
from tests import scripted_upstream as script
from tests.gateway.test_clients_that_leave import connect, leave
from tests.running_gateway import CHAT, RunningGateway, asking, running_gateway
from tests.scripted_upstream import ScriptedUpstream


def state_of(book: HealthBook) -> tuple[object, ...]:
    return dict(book.breakers), dict(book.cooldowns), dict(book.locks), dict(book.uses.in_flight())


@pytest.mark.parametrize("begun", [False, True], ids=["before content", "mid-stream"])
async def test_a_thousand_clients_that_leave_change_no_health_and_leak_nothing(
    running: RunningGateway, upstream: ScriptedUpstream, begun: bool
) -> None:
    await running.add_node(upstream.url)
    await running.add_account("node-up", "second")
    upstream.otherwise = script.stall_after_content() if begun else script.slow_first_byte()
    before = state_of(running.gateway.health)
    tasks, files, gone = len(asyncio.all_tasks()), 0, 0
    for wave in range(20):
        clients = [await connect(running, CHAT, asking(CHAT, stream=True)) for _ in range(50)]
        await upstream.until(lambda up, asked=gone + 50: len(up.requests) == asked)  # type: ignore[misc]
        for number, client in enumerate(clients):
            if begun:
                await asyncio.get_running_loop().sock_recv(client, 64)
            leave(client, by_reset=number % 2 == 0)
        gone += 50
        await upstream.until(lambda up, left=gone: up.cancelled == left)  # type: ignore[misc]
        if wave == 0:
            files = psutil.Process().num_fds()
    rows = await running.rows()
    assert len(rows) == 1000
    assert {row.outcome for row in rows} == {Outcome.CANCELLED}
    assert len(upstream.requests) == 1000
    assert state_of(running.gateway.health) == before
    assert running.gateway.live.running() == []
    assert not running.gateway.keepalive._waiting
    assert psutil.Process().num_fds() <= files + 5
    for _ in range(100):
        await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) <= tasks + 2


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
