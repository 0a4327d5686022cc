"""Limits that are the user's patience or ours say nothing of an account; those that every upstream has do."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from omniroute.gateway.health.book import HealthBook
from omniroute.records import Combo, ComboConfig, ComboEntry, Outcome, Strategy
from tests import scripted_upstream as script
from tests.gateway.test_clients_that_leave import connect, leave, read_until
from tests.running_gateway import CHAT, RunningGateway, asking, running_gateway
from tests.scripted_upstream import Behaviour, ScriptedUpstream

SHORT_MS, STANDING_MS = 50, 300


def combine(
    running: RunningGateway, *models: str, strategy: Strategy = Strategy.PRIORITY, **config: int
) -> None:
    """A combo with limits that the API would find too short for people."""
    entries = tuple(ComboEntry(model=model) for model in models)
    combo = Combo(
        id="c",
        name="daily",
        strategy=strategy,
        entries=entries,
        config=ComboConfig(**config),  # type: ignore[arg-type]  # all are numbers
    )
    running.gateway.snapshot = replace(running.gateway.snapshot, combos={"daily": combo})


def is_untouched(book: HealthBook) -> bool:
    return not (book.breakers or book.cooldowns or book.locks or book.changed or book.uses.in_flight())


SLOW = [
    pytest.param(script.slow_first_byte(), True, id="no first byte of a stream"),
    pytest.param(script.slow_first_byte(), False, id="no first byte of a whole"),
    pytest.param(script.stalled_whole(), False, id="half a whole"),
]


@pytest.mark.parametrize(("behaviour", "stream"), SLOW)
async def test_a_members_own_limit_passes_the_request_on_and_leaves_health_alone(
    tmp_path: Path, upstream: ScriptedUpstream, behaviour: Behaviour, stream: bool
) -> None:
    async with running_gateway(tmp_path, fetch_timeout_ms=9000, whole_timeout_ms=9000) as running:
        await running.add_node(upstream.url)
        await running.add_account("node-up", "second")
        combine(running, "up/slow", "up/m-1", timeout_ms=SHORT_MS)
        upstream.by_model["slow"] = behaviour
        got = await running.ask(CHAT, asking(CHAT, "daily", stream=stream))
        assert (got.status, got.headers["X-OmniRoute-Model"]) == (200, "up/m-1")
        assert is_untouched(running.gateway.health)
        row = await running.row()
        assert [(one.failure or "").partition(":")[0] for one in row.attempts] == ["overdue", ""]


async def test_when_no_other_model_is_left_the_other_account_is_asked_and_then_the_client_is_told(
    tmp_path: Path, upstream: ScriptedUpstream
) -> None:
    async with running_gateway(tmp_path, whole_timeout_ms=9000) as running:
        await running.add_node(upstream.url)
        await running.add_account("node-up", "second")
        combine(running, "up/slow", timeout_ms=SHORT_MS)
        upstream.by_model["slow"] = script.slow_first_byte()
        got = await running.ask(CHAT, asking(CHAT, "daily"))
        assert (got.status, got.headers["X-OmniRoute-Attempts"]) == (504, "2")
        assert is_untouched(running.gateway.health)


@pytest.mark.parametrize(("behaviour", "stream"), SLOW)
async def test_the_limit_that_every_upstream_has_counts_within_a_combo_too(
    tmp_path: Path, upstream: ScriptedUpstream, behaviour: Behaviour, stream: bool
) -> None:
    async with running_gateway(
        tmp_path, fetch_timeout_ms=STANDING_MS, whole_timeout_ms=STANDING_MS
    ) as running:
        first = await running.add_node(upstream.url)
        combine(running, "up/slow", "up/m-1", timeout_ms=STANDING_MS)
        upstream.by_model["slow"] = behaviour
        assert (await running.ask(CHAT, asking(CHAT, "daily", stream=stream))).status == 200
        assert running.gateway.health.locks[first.id, "slow"].reason == "timeout"


async def test_who_waits_too_long_for_a_turn_goes_elsewhere_and_nobody_pays(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    combine(
        running,
        "up/slow",
        "up/m-1",
        strategy=Strategy.ROUND_ROBIN,
        concurrency_per_model=1,
        queue_timeout_ms=SHORT_MS,
    )
    upstream.by_model["slow"] = script.slow_first_byte()
    async with asyncio.TaskGroup() as group:
        slow = group.create_task(running.ask(CHAT, asking(CHAT, "daily")), name="holds the turn")
        await upstream.until(lambda up: len(up.requests) == 1)
        others = [await running.ask(CHAT, asking(CHAT, "daily")) for _ in range(4)]
        assert [one.headers["X-OmniRoute-Model"] for one in others] == ["up/m-1"] * 4
        assert running.gateway.health.locks == {}
        upstream.release()
    assert slow.result().status == 200
    assert is_untouched(running.gateway.health)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_stop_in_the_middle_of_an_answer_costs_no_account_anything(
    tmp_path: Path, upstream: ScriptedUpstream, stream: bool
) -> None:
    async with running_gateway(tmp_path) as running:
        await running.add_node(upstream.url)
        upstream.otherwise = script.stall_after_content() if stream else script.slow_first_byte()
        client = await connect(running, CHAT, asking(CHAT, stream=stream))
        await upstream.until(lambda up: len(up.requests) == 1)
        if stream:
            await read_until(client, b"script")
    leave(client)
    async with running_gateway(tmp_path) as again:
        assert is_untouched(again.gateway.health)
        assert (await again.row()).outcome is Outcome.CANCELLED
