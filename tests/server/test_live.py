"""`GET /api/live`: the state of the gateway, once a second and when there is news."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import msgspec
import pytest

from omniroute.api.live import LiveStats
from omniroute.records import Scope
from tests import scripted_upstream as script
from tests.running_gateway import CHAT, TOKEN, RunningGateway, asking
from tests.scripted_upstream import ScriptedUpstream

AUTHORISED = {"Authorization": f"Bearer {TOKEN}"}


async def states(answer: aiohttp.ClientResponse) -> AsyncIterator[LiveStats]:
    """The states as they come."""
    rest = b""
    async for chunk in answer.content.iter_any():
        *frames, rest = (rest + chunk).split(b"\n\n")
        for frame in frames:
            assert frame.startswith(b"event: stats\ndata: ")
            yield msgspec.json.decode(frame.partition(b"data: ")[2], type=LiveStats)


async def test_the_state_comes_at_once_and_again_when_there_is_news(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    async with asyncio.timeout(10), running.open("GET", "/api/live", None, AUTHORISED) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-store"
        following = states(answer)
        first = await anext(following)
        assert (first.active_requests, first.last_15_min.requests) == (0, 0)
        [provider] = first.providers
        assert (provider.provider, provider.accounts, provider.state) == ("up", 1, "idle")
        await running.ask(CHAT, asking(CHAT))
        await running.gateway.usage_log.flush()
        running.gateway.live.tell()
        async for state in following:
            if state.last_15_min.requests:
                break
    assert state.last_15_min.tokens_in == 100
    assert state.cache_hit_rate == 0.3
    assert state.last_15_min.unpriced == 1
    assert state.providers[0].state == "ok"
    [request] = state.requests
    assert (request.state, request.status, request.provider, request.account) == ("ok", 200, "up", "first")


async def test_a_running_request_is_shown(running: RunningGateway, upstream: ScriptedUpstream) -> None:
    await running.add_node(upstream.url)
    upstream.script(script.stall_after_content())
    async with running.open("POST", CHAT, asking(CHAT, stream=True)) as asked:
        await asked.content.readany()
        async with running.open("GET", "/api/live", None, AUTHORISED) as answer:
            state = await anext(states(answer))
    assert state.active_requests == 1
    [request] = state.requests
    assert (request.state, request.status, request.model, request.stream) == ("running", None, "m-1", True)
    assert request.ttft_ms is not None


async def test_a_failing_provider_is_called_so_with_its_reason(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    upstream.otherwise = script.error(500, "out of order")
    await running.ask(CHAT, asking(CHAT))
    await running.gateway.usage_log.flush()
    async with running.open("GET", "/api/live", None, AUTHORISED) as answer:
        state = await anext(states(answer))
    [provider] = state.providers
    assert (provider.state, provider.errors) == ("failing", 1)
    assert provider.last_error is not None
    assert "out of order" in provider.last_error


async def test_a_client_that_left_is_not_the_providers_failure(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    upstream.script(script.stall_after_content())
    async with running.open("POST", CHAT, asking(CHAT, stream=True)) as asked:
        await asked.content.readany()
        asked.close()
    await upstream.until(lambda up: up.cancelled == 1)
    await running.rows()
    [provider] = running.gateway.live.stats().providers
    assert (provider.state, provider.errors, provider.last_error) == ("ok", 0, None)


@pytest.mark.parametrize(("scopes", "status"), [(None, 401), ((Scope.PROXY,), 401), ((Scope.MANAGE,), 200)])
async def test_the_state_is_for_those_who_manage(
    running: RunningGateway, scopes: tuple[Scope, ...] | None, status: int
) -> None:
    headers = {}
    if scopes is not None:
        headers["Authorization"] = f"Bearer {await running.add_key(scopes=scopes)}"
    async with running.open("GET", "/api/live", None, headers) as answer:
        assert answer.status == status


async def test_a_follower_that_leaves_is_forgotten(running: RunningGateway) -> None:
    async with running.open("GET", "/api/live", None, AUTHORISED) as answer:
        await anext(states(answer))
        answer.close()
    async with asyncio.timeout(10):
        while running.gateway.live._listeners:  # noqa: ASYNC110 - what ends has no event
            await asyncio.sleep(0.005)


async def test_a_server_that_ends_tells_its_followers(running: RunningGateway) -> None:
    async with asyncio.timeout(10), running.open("GET", "/api/live", None, AUTHORISED) as answer:
        following = states(answer)
        assert not (await anext(following)).draining
        running.gateway.live.draining = True
        running.gateway.live.tell()
        assert [state.draining async for state in following] == [True]
