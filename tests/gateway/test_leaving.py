"""Clients that leave change no health and leave nothing; `python -m benchmarks.leaving` has thousands."""

import pytest

from omniroute.records import Outcome
from tests import scripted_upstream as script
from tests.gateway.leaving import PLACES, WAVE, Place, clients_leave, set_up, state_of, until
from tests.gateway.test_clients_that_leave import connect, leave
from tests.running_gateway import CHAT, RunningGateway, asking
from tests.scripted_upstream import ScriptedUpstream


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
async def test_clients_that_leave_change_no_health_and_leave_nothing(
    running: RunningGateway, upstream: ScriptedUpstream, place: Place
) -> None:
    await set_up(running, upstream)
    left = await clients_leave(running, upstream, place, 3 * WAVE)
    assert left.rows == {Outcome.CANCELLED: 3 * WAVE}
    assert left.state == left.state_before
    assert left.objects == {}
    assert left.connections == 0
    assert left.files[-1] <= left.files[0] + 5
    assert left.tasks[-1] <= left.tasks[0] + 2
    running.gateway.health.clear()
    upstream.otherwise = script.answer()
    assert (await running.ask(CHAT, asking(CHAT, place.model))).status == 200


async def test_a_probe_whose_client_leaves_makes_room_for_the_next(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    upstream.script(script.error(500), script.error(500), script.slow_first_byte())
    await running.ask(CHAT, asking(CHAT))
    health = running.gateway.health
    await until(lambda: all(lock.until_s <= health.now_s for lock in health.locks.values()))
    before = state_of(running)
    client = await connect(running, CHAT, asking(CHAT))
    await upstream.until(lambda up: len(up.requests) == 3)
    assert health._probes
    leave(client)
    await upstream.until(lambda up: up.cancelled == 1)
    await until(lambda: not running.gateway.live.running())
    assert state_of(running) == before
    assert health._probes == {}
    assert (await running.ask(CHAT, asking(CHAT))).status == 200
    assert health.locks == {}
