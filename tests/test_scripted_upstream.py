"""The scripted upstream does what its script says, over real sockets."""

import json

import aiohttp
import pytest

from tests import scripted_upstream as script
from tests.scripted_upstream import ScriptedUpstream

PATHS = ("/v1/chat/completions", "/v1/messages", "/v1/responses")


async def post(url: str, body: dict[str, object], path: str = PATHS[0]) -> tuple[int, bytes]:
    async with aiohttp.ClientSession() as session, session.post(url + path, json=body) as answer:
        return answer.status, await answer.read()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_holds_the_text_in_the_dialect_of_the_path(path: str, stream: bool) -> None:
    async with ScriptedUpstream() as upstream:
        status, body = await post(upstream.url, {"model": "m", "stream": stream}, path)
    assert status == 200
    assert body.startswith((b"data:", b"event:")) is stream
    assert (b"Hello" if stream else b"Hello from the script") in body


async def test_requests_are_recorded_and_the_queue_is_used_up() -> None:
    async with ScriptedUpstream(script.error(429, "slow down", headers={"Retry-After": "7"})) as upstream:
        upstream.by_model["broken"] = script.html(502)
        first = await post(upstream.url, {"model": "m"})
        second = await post(upstream.url, {"model": "m"})
        third = await post(upstream.url, {"model": "broken"})
    assert [first[0], second[0], third[0]] == [429, 200, 502]
    assert json.loads(first[1])["error"]["message"] == "slow down"
    assert [request.json["model"] for request in upstream.requests] == ["m", "m", "broken"]
    assert upstream.requests[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize("behaviour", [script.cut_before_content(), script.cut_after_content()])
async def test_a_cut_breaks_the_body_off(behaviour: script.Behaviour) -> None:
    async with ScriptedUpstream(behaviour) as upstream:
        with pytest.raises(aiohttp.ClientPayloadError):
            await post(upstream.url, {"stream": True})
    assert upstream.cancelled == 0


async def test_a_reset_gives_no_byte() -> None:
    async with ScriptedUpstream(script.reset()) as upstream:
        with pytest.raises(aiohttp.ClientOSError):
            await post(upstream.url, {})


async def test_nobody_listens_at_a_refused_address() -> None:
    with pytest.raises(aiohttp.ClientConnectorError):
        await post(script.refused_url(), {})


@pytest.mark.parametrize("behaviour", [script.stall_after_content(), script.slow_first_byte()])
async def test_a_client_that_leaves_during_silence_is_noticed(behaviour: script.Behaviour) -> None:
    async with ScriptedUpstream(behaviour) as upstream:
        timeout = aiohttp.ClientTimeout(sock_read=0.05)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            with pytest.raises(TimeoutError):
                async with session.post(f"{upstream.url}{PATHS[0]}", json={"stream": True}) as answer:
                    await answer.read()
        await upstream.until(lambda up: up.cancelled == 1)
    assert upstream.finished == 0


async def test_a_released_stall_ends_normally() -> None:
    async with ScriptedUpstream(script.stall_after_content()) as upstream:
        upstream.release()
        status, _ = await post(upstream.url, {"stream": True})
        await upstream.until(lambda up: up.finished == 1)
    assert status == 200


@pytest.mark.parametrize(
    "behaviour",
    [
        script.gzipped(script.answer()),
        script.dripped(script.answer()),
        script.cut_at(script.answer()),
        script.cut_at(script.answer(), 3, 70),
    ],
)
async def test_bytes_are_the_same_however_they_are_sent(behaviour: script.Behaviour) -> None:
    async with ScriptedUpstream(script.answer(), behaviour) as upstream:
        plain = await post(upstream.url, {"stream": True})
        other = await post(upstream.url, {"stream": True})
    assert plain == other
