"""The failure table live: for every way to fail, what the client sees, who is asked, how health is left."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from omniroute.gateway.health.book import HealthBook
from omniroute.records import Account, FormatName, Outcome
from omniroute.routing.health import CLOSED
from omniroute.store.key_value import JSON
from tests import scripted_upstream as script
from tests.gateway.five import FIVE, NODES, asking, content_of, is_told_as_broken
from tests.gateway.ways_to_fail import BREAKS, EACH_WAY, LIMIT_MS, Helps, Way
from tests.running_gateway import Got, RunningGateway, running_gateway
from tests.scripted_upstream import Behaviour, ScriptedUpstream

STEADY: JSON = {"apikey": {"transientCooldown": 30_000}}
"""Cooldowns that no test outlives."""
CHAT, ANTHROPIC = FormatName.OPENAI_CHAT, FormatName.ANTHROPIC


@asynccontextmanager
async def failing(
    tmp_path: Path, upstream: ScriptedUpstream, way: Way, dialect: FormatName
) -> AsyncIterator[tuple[RunningGateway, Account]]:
    """A gateway whose first account of `up` fails that way, as often as it is asked before another is."""
    limit_ms = LIMIT_MS if way.is_quiet else 9000
    async with running_gateway(
        tmp_path, fetch_timeout_ms=limit_ms, whole_timeout_ms=limit_ms, stream_idle_timeout_ms=limit_ms
    ) as running:
        members = {} if way.behaviour is not None else {"base_url": unreachable(dialect)}
        first = await running.add_node(upstream.url, type=NODES[dialect], **members)
        upstream.script(*[way.behaviour or script.answer()] * (way.tries if way.behaviour else 0))
        yield running, first


def unreachable(dialect: FormatName) -> str:
    url = script.refused_url()
    return url if dialect is ANTHROPIC else f"{url}/v1"


def held(book: HealthBook, account: Account, model: str = "m-1") -> str | None:
    """What of the account is left alone, and why; also when the time of that is over."""
    if (cooldown := book.cooldowns.get(account.id)) is not None:
        return f"account {cooldown.reason}"
    lock = book.locks.get((account.id, model))
    return None if lock is None else f"model {lock.reason}"


def failures_of(book: HealthBook, provider_id: str) -> int:
    """How many in a row count for the provider's breaker."""
    return book.breakers.get(provider_id, CLOSED).failures


def error_told(dialect: FormatName, body: bytes) -> str:
    """The message of an error of this dialect, which has the members that its clients look at."""
    told = json.loads(body)
    if dialect is FormatName.OLLAMA:
        assert isinstance(told["error"], str)
        return str(told["error"])
    if dialect is ANTHROPIC:
        assert (told["type"], isinstance(told["error"]["type"], str)) == ("error", True)
    elif dialect is FormatName.GEMINI:
        assert isinstance(told["error"]["status"], str)
        assert isinstance(told["error"]["code"], int)
    else:
        assert {"message", "type", "param", "code"} <= told["error"].keys()
        assert isinstance(told["error"]["type"], str)
    return str(told["error"]["message"])


async def ask(running: RunningGateway, dialect: FormatName, model: str = "up/m-1", *, stream: bool) -> Got:
    asked = asking(dialect, model, stream=stream)
    return await running.ask(asked.path, asked.body)


@pytest.mark.parametrize("dialect", FIVE)
@pytest.mark.parametrize(("way", "stream"), EACH_WAY)
async def test_alone_the_client_is_told_with_a_status_in_its_dialect(
    tmp_path: Path, upstream: ScriptedUpstream, way: Way, stream: bool, dialect: FormatName
) -> None:
    async with failing(tmp_path, upstream, way, dialect) as (running, first):
        upstream.otherwise = way.behaviour or script.answer()
        got = await ask(running, dialect, stream=stream)
        assert got.status == way.status, got.body
        assert got.headers["Content-Type"].startswith("application/json")
        assert way.says in error_told(dialect, got.body)
        assert got.headers.get("Retry-After") == way.retry_after
        assert got.headers.get("x-should-retry") == (None if way.heals else "false")
        assert got.headers["X-OmniRoute-Attempts"] == str(way.alone)
        assert len(upstream.requests) == (way.alone if way.behaviour else 0)

        book = running.gateway.health
        assert held(book, first) == way.holds
        assert failures_of(book, "node-up") == (way.alone if way.breaks else 0)
        assert book.uses.in_flight() == {}

        row = await running.row()
        assert (row.outcome, row.status, row.ttft_ms) == (Outcome.ERROR, way.status, None)
        assert (row.provider, row.model, row.account_name, row.stream) == ("up", "m-1", "first", stream)
        assert [(one.failure or "").partition(":")[0] for one in row.attempts] == [way.kind] * way.alone
        assert row.error is not None


@pytest.mark.parametrize("dialect", [CHAT, ANTHROPIC, FormatName.OPENAI_RESPONSES])
@pytest.mark.parametrize(("way", "stream"), EACH_WAY)
async def test_with_a_second_account_that_one_answers_where_it_could(
    tmp_path: Path, upstream: ScriptedUpstream, way: Way, stream: bool, dialect: FormatName
) -> None:
    async with failing(tmp_path, upstream, way, dialect) as (running, first):
        await running.set("providerProfiles", STEADY)
        second = await running.add_account("node-up", "second")
        goes_on = way.helps is Helps.ACCOUNT
        got = await ask(running, dialect, stream=stream)
        assert got.status == (200 if goes_on else way.status), got.body
        assert got.headers["X-OmniRoute-Attempts"] == str(way.tries + goes_on)
        assert len({request.body for request in upstream.requests}) == 1, "all were asked the same"

        book = running.gateway.health
        assert (held(book, first), held(book, second)) == (way.holds, None)
        assert failures_of(book, "node-up") == 0, "an answer of any account ends the row"
        assert book.uses.in_flight() == {}

        row = await running.row()
        assert row.account_name == ("second" if goes_on else "first")
        assert row.outcome is (Outcome.OK if goes_on else Outcome.ERROR)
        assert row.usage.prompt is not None if goes_on else row.usage.output is None

        again = await ask(running, dialect, stream=stream)
        assert (again.status, again.headers["X-OmniRoute-Attempts"]) == (200, "1")
        assert (await running.rows())[-1].account_name == ("second" if way.holds else "first")


@pytest.mark.parametrize(("way", "stream"), EACH_WAY)
async def test_in_a_combo_another_member_answers_where_it_could(
    tmp_path: Path, upstream: ScriptedUpstream, way: Way, stream: bool
) -> None:
    async with (
        ScriptedUpstream() as works,
        failing(tmp_path, upstream, way, ANTHROPIC) as (running, first),
    ):
        await running.set("providerProfiles", STEADY)
        other = await running.add_node(works.url, "works", type=NODES[CHAT])
        await running.add_combo("daily", "up/m-1", "works/m-1")
        goes_on = way.helps is not Helps.NOBODY
        got = await ask(running, ANTHROPIC, "daily", stream=stream)
        assert got.status == (200 if goes_on else way.status), got.body
        assert got.headers["X-OmniRoute-Attempts"] == str(way.tries + goes_on)
        assert got.headers["X-OmniRoute-Model"] == ("works/m-1" if goes_on else "up/m-1")
        assert len(works.requests) == goes_on

        book = running.gateway.health
        assert (held(book, first), held(book, other)) == (way.holds, None)
        assert failures_of(book, "node-up") == (way.tries if way.breaks else 0)
        assert failures_of(book, "node-works") == 0
        assert book.uses.in_flight() == {}


@pytest.mark.parametrize("dialect", FIVE)
@pytest.mark.parametrize(("behaviour", "holds"), BREAKS.values(), ids=BREAKS)
async def test_after_content_the_client_is_told_in_band_and_nobody_else_is_asked(
    tmp_path: Path, upstream: ScriptedUpstream, behaviour: Behaviour, holds: str, dialect: FormatName
) -> None:
    async with (
        ScriptedUpstream() as works,
        running_gateway(tmp_path, stream_idle_timeout_ms=LIMIT_MS) as running,
    ):
        await running.set("providerProfiles", STEADY)
        first = await running.add_node(upstream.url, type=NODES[dialect])
        second = await running.add_account("node-up", "second")
        await running.add_node(works.url, "works")
        await running.add_combo("daily", "up/m-1", "works/m-1")
        stalls = behaviour.ending is script.Ending.STALL
        upstream.script(behaviour if stalls else script.waiting_before_last(behaviour))
        asked = asking(dialect, "daily", stream=True)
        async with running.open("POST", asked.path, asked.body) as answer:
            body = await answer.content.readany()
            if not stalls:
                upstream.release()
            body += await answer.read()
        assert (answer.status, answer.headers["X-OmniRoute-Attempts"]) == (200, "1")
        body = body.replace(b"data: {nonsense\n\n", b"")  # a passing stream's events are not all looked into
        assert is_told_as_broken(dialect, body, ours=False), body
        assert script.TEXT.startswith(content_of(dialect, body))
        assert (len(upstream.requests), len(works.requests)) == (1, 0)

        book = running.gateway.health
        assert (held(book, first), held(book, second)) == (holds, None)
        assert (failures_of(book, "node-up"), failures_of(book, "node-works")) == (1, 0)
        assert book.uses.in_flight() == {}
        row = await running.row()
        assert (row.outcome, row.status, row.account_name) == (Outcome.CUT, 200, "first")

        await ask(running, dialect, "daily", stream=True)
        assert (await running.rows())[-1].account_name == "second"
