"""What failures of real upstreams cost their accounts, and that clients who leave cost nothing."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from omniroute.gateway.health import keeping
from omniroute.gateway.health.book import HealthBook
from omniroute.records import Account, AccountStrategy, Outcome
from omniroute.store.key_value import JSON
from tests import scripted_upstream as script
from tests.gateway.test_clients_that_leave import connect, leave
from tests.running_gateway import CHAT, RunningGateway, asking, running_gateway
from tests.scripted_upstream import Behaviour, ScriptedUpstream

FLAKY: JSON = {"apikey": {"transientCooldown": 20, "circuitBreakerThreshold": 100}}
STEADY: JSON = {"apikey": {"transientCooldown": 30_000}}
"""Cooldowns that no test outlives."""


@dataclass(frozen=True, slots=True)
class Case:
    """One way to fail, and what is left of it."""

    behaviour: Behaviour
    status: int
    holds_up: str | None
    """`account` or `model` and the reason."""
    calls: int = 1
    """Of the first account."""
    streams: tuple[bool, ...] = (False, True)


def refused(status: int, message: str = "no", **headers: str) -> Behaviour:
    return script.error(
        status, message, headers={key.replace("_", "-"): text for key, text in headers.items()}
    )


BEFORE = {
    "reset": Case(script.reset(), 200, "model server_error", calls=2),
    "401": Case(refused(401), 200, "account auth_error"),
    "402": Case(refused(402), 200, "account quota_exhausted"),
    "403": Case(refused(403), 200, "account auth_error"),
    "404": Case(refused(404), 404, "model model_not_found"),
    "408": Case(refused(408), 200, "model model_capacity"),
    "413": Case(refused(413), 413, None),
    "400": Case(refused(400), 400, None),
    "too long": Case(refused(400, "maximum context length is 9"), 400, None),
    "content": Case(refused(400, "content_policy_violation"), 400, None),
    "429": Case(refused(429), 200, "model rate_limit_exceeded"),
    "429 with a wait": Case(refused(429, Retry_After="20"), 200, "model rate_limit_exceeded"),
    "429 quota": Case(refused(429, "insufficient_quota"), 200, "account quota_exhausted"),
    "500": Case(refused(500), 200, "model model_capacity"),
    "503": Case(refused(503, Retry_After="20"), 200, "model model_capacity"),
    "529": Case(refused(529), 200, "model model_capacity"),
    "page": Case(script.html(), 200, "model server_error"),
    "502 page": Case(script.html(502), 200, "model model_capacity"),
    "nothing": Case(script.empty(), 200, "model server_error"),
    "garbage": Case(script.garbage(), 200, "model server_error"),
    "slow": Case(script.slow_first_byte(), 200, "model timeout"),
    "cut whole": Case(script.cut_short(script.answer()), 200, "model server_error", streams=(False,)),
    "cut": Case(script.cut_before_content(), 200, "model server_error", streams=(True,)),
    "ended": Case(script.answer(ending="opening"), 200, "model server_error", streams=(True,)),
    "error in band": Case(script.error_in_band(), 200, "model model_capacity", streams=(True,)),
    "stall": Case(
        script.ending_with(script.answer(ending="opening"), script.Ending.STALL),
        200,
        "model timeout",
        streams=(True,),
    ),
}


def what_holds_up(book: HealthBook, account: Account) -> str | None:
    held = book.obstacle_of_account(account, "m-1")
    return None if held is None else f"{held.scope.value} {held.reason}"


@pytest.mark.parametrize(
    ("case", "stream"),
    [
        pytest.param(case, stream, id=f"{name}-{'stream' if stream else 'whole'}")
        for name, case in BEFORE.items()
        for stream in case.streams
    ],
)
async def test_before_content_the_other_account_answers_and_the_first_is_held_up_as_it_deserves(
    tmp_path: Path, upstream: ScriptedUpstream, case: Case, stream: bool
) -> None:
    async with running_gateway(
        tmp_path, fetch_timeout_ms=200, whole_timeout_ms=200, stream_idle_timeout_ms=200
    ) as running:
        await running.set("providerProfiles", STEADY)
        first = await running.add_node(upstream.url)
        second = await running.add_account("node-up", "second")
        upstream.script(*[case.behaviour] * case.calls)
        got = await running.ask(CHAT, asking(CHAT, stream=stream))
        book = running.gateway.health
        assert got.status == case.status, got.body
        assert int(got.headers["X-OmniRoute-Attempts"]) == case.calls + (case.status == 200)
        assert what_holds_up(book, first) == case.holds_up
        assert what_holds_up(book, second) is None
        assert book.uses.in_flight() == {}
        row = await running.row()
        assert row.account_name == ("second" if case.status == 200 else "first")
        assert row.outcome is (Outcome.OK if case.status == 200 else Outcome.ERROR)
        asked_before = len(upstream.requests)
        again = await running.ask(CHAT, asking(CHAT, stream=stream))
        assert again.status == 200
        assert len(upstream.requests) == asked_before + 1
        after = (await running.rows())[-1]
        assert after.account_name == ("second" if case.holds_up else "first")


AFTER = {
    "cut": (script.cut_after_content(), "model server_error"),
    "ended": (script.ended_after_content(), "model server_error"),
    "error": (script.error_in_band(after_content=True), "model model_capacity"),
    "garbage": (script.answer(ending="garbage after content"), "model server_error"),
    "stall": (script.stall_after_content(), "model timeout"),
}


@pytest.mark.parametrize("name", AFTER)
async def test_after_content_nobody_else_is_asked_and_the_account_is_held_up(
    tmp_path: Path, upstream: ScriptedUpstream, name: str
) -> None:
    behaviour, holds_up = AFTER[name]
    async with running_gateway(tmp_path, stream_idle_timeout_ms=200) as running:
        await running.set("providerProfiles", STEADY)
        first = await running.add_node(upstream.url)
        await running.add_account("node-up", "second")
        stalls = behaviour.ending is script.Ending.STALL
        upstream.script(behaviour if stalls else script.waiting_before_last(behaviour))
        async with running.open("POST", CHAT, asking(CHAT, stream=True)) as answer:
            body = await answer.content.readany()
            if not stalls:
                upstream.release()
            body += await answer.read()
        assert (answer.status, b"[DONE]" in body, b'"error"' in body) == (200, False, True)
        assert len(upstream.requests) == 1
        assert what_holds_up(running.gateway.health, first) == holds_up
        assert (await running.row()).outcome is Outcome.CUT


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


async def test_five_hundred_requests_over_five_flaky_accounts_are_all_answered(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.set("fallbackStrategy", AccountStrategy.RANDOM.value)
    await running.set(
        "providerProfiles", {"apikey": {"transientCooldown": 20, "circuitBreakerThreshold": 100}}
    )
    await running.add_node(upstream.url)
    for name in ("b", "c", "d", "e"):
        await running.add_account("node-up", name)
    faults = [script.error(500), script.reset(), script.html(), script.cut_before_content()]
    for number in range(500):
        upstream.script(faults[number // 6 % 4] if number % 6 == 0 else script.answer())
    statuses = []
    for batch in range(50):
        async with asyncio.TaskGroup() as group:
            asked = [
                group.create_task(
                    running.ask(CHAT, asking(CHAT, stream=True, user=f"{batch}-{number}")), name="client"
                )
                for number in range(10)
            ]
        statuses += [one.result().status for one in asked]
    assert statuses == [200] * 500
    rows = await running.rows()
    assert {row.outcome for row in rows} == {Outcome.OK}
    attempts = sum(len(row.attempts) for row in rows)
    assert 540 < attempts <= len(upstream.requests), "a reused connection's reset is no attempt of its own"
    served = [row.account_name for row in rows]
    assert all(served.count(name) > 50 for name in ("first", "b", "c", "d", "e"))
    assert running.gateway.health.uses.in_flight() == {}


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
