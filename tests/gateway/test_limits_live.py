"""Limits that the user sets hold for live requests: how many at once, how often, how long."""

import asyncio
from dataclasses import replace

import msgspec

from omniroute.records import Combo, ComboConfig, ComboEntry, Strategy
from omniroute.records.preferences import RateLimitDefaults
from tests import scripted_upstream as script
from tests.running_gateway import CHAT, RunningGateway, asking
from tests.scripted_upstream import ScriptedUpstream


async def test_calls_of_an_account_keep_their_distance(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    limit = RateLimitDefaults(enabled=True, requests_per_minute=1000, min_time_between_requests=150)
    snapshot = running.gateway.snapshot
    preferences = msgspec.structs.replace(snapshot.preferences, rate_limit_defaults=limit)
    running.gateway.snapshot = replace(snapshot, preferences=preferences)
    clock = running.gateway.clock
    started_s = clock.monotonic_s()
    got = [await running.ask(CHAT, asking(CHAT)) for _ in range(4)]
    assert [one.status for one in got] == [200] * 4
    assert clock.monotonic_s() - started_s >= 3 * 0.15


async def test_a_member_of_a_combo_in_turns_has_so_many_places(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    config = ComboConfig(concurrency_per_model=1, queue_timeout_ms=1)
    entries = (ComboEntry(model="up/m-1"),)
    combo = Combo(id="c", name="turns", strategy=Strategy.ROUND_ROBIN, entries=entries, config=config)
    running.gateway.snapshot = replace(running.gateway.snapshot, combos={"turns": combo})
    upstream.script(script.slow_first_byte())
    async with asyncio.TaskGroup() as group:
        first = group.create_task(running.ask(CHAT, asking(CHAT, "turns")))
        await upstream.until(lambda up: len(up.requests) == 1)
        second = await running.ask(CHAT, asking(CHAT, "turns"))
        upstream.release()
    assert second.status == 504
    assert "1 requests are under way" in second.error["message"]
    assert first.result().status == 200
    assert len(upstream.requests) == 1


async def test_a_member_that_does_not_answer_in_its_time_is_passed_over(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    async with ScriptedUpstream() as other:
        await running.add_node(upstream.url, "one")
        await running.add_node(other.url, "two")
        entries = (ComboEntry(model="one/m-1"), ComboEntry(model="two/m-2"))
        combo = Combo(id="c", name="quick", entries=entries, config=ComboConfig(timeout_ms=1000))
        running.gateway.snapshot = replace(running.gateway.snapshot, combos={"quick": combo})
        upstream.script(script.slow_first_byte())
        got = await running.ask(CHAT, asking(CHAT, "quick"))
        upstream.release()
    assert (got.status, got.headers["X-OmniRoute-Model"]) == (200, "two/m-2")


async def test_requests_for_an_account_at_its_limit_are_served_in_the_order_they_came(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    await running.set(
        "rateLimitDefaults", {"enabled": True, "minTimeBetweenRequests": 0, "concurrentRequests": 1}
    )
    upstream.script(script.slow_first_byte())
    health = running.gateway.health
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(running.ask(CHAT, asking(CHAT, seed=0)))]
        await upstream.until(lambda up: len(up.requests) == 1)
        for number in range(1, 9):
            tasks.append(group.create_task(running.ask(CHAT, asking(CHAT, seed=number))))
            while health.lines.length("node-up-first") < number:  # noqa: ASYNC110 - a line has no event
                await asyncio.sleep(0)
        tasks[3].cancel()
        upstream.release()
    assert [one.json["seed"] for one in upstream.requests] == [0, 1, 2, 4, 5, 6, 7, 8]
    assert {task.result().status for task in tasks if not task.cancelled()} == {200}
    assert not health.lines


async def test_nobody_waits_for_an_account_while_another_is_free(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    async with ScriptedUpstream() as other:
        await running.add_node(upstream.url)
        await running.add_account("node-up", "second", base_url=f"{other.url}/v1")
        await running.set(
            "rateLimitDefaults", {"enabled": True, "minTimeBetweenRequests": 0, "concurrentRequests": 1}
        )
        upstream.script(script.slow_first_byte())
        async with asyncio.TaskGroup() as group:
            group.create_task(running.ask(CHAT, asking(CHAT)))
            await upstream.until(lambda up: len(up.requests) == 1)
            assert (await running.ask(CHAT, asking(CHAT))).status == 200
            assert len(other.requests) == 1
            upstream.release()
