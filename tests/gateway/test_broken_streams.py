"""A stream that broke after content never looks finished, whichever way it broke."""

import json
from pathlib import Path

import pytest

from omniroute.records import Outcome
from tests import scripted_upstream as script
from tests.running_gateway import CHAT, CONVERSATIONS, MESSAGES, NODE_TYPES, asking, running_gateway
from tests.running_gateway import RunningGateway as Running
from tests.scripted_upstream import Behaviour, Ending, ScriptedUpstream

ENDINGS = (b"finish_reason", b"[DONE]", b"message_stop", b"message_delta", b"response.completed")
"""What clients take for a normal end; the chat samples say `"finish_reason": null` before it."""

BREAKS = {
    "cut": script.cut_after_content(),
    "cut inside a frame": script.cut_short(script.answer()),
    "ended": script.ended_after_content(),
    "error": script.waiting_before_last(script.error_in_band(after_content=True)),
    "error and then the ending": script.waiting_before_last(script.answer(ending="error, then ending")),
    "garbage": script.waiting_before_last(script.answer(ending="garbage after content")),
    "stalled": script.stall_after_content(),
}


def frames_of(body: bytes) -> list[bytes]:
    """Every event of a stream that ends with a whole one."""
    assert body.endswith(b"\n\n")
    return [frame for frame in body.split(b"\n\n") if frame]


def looks_finished(body: bytes) -> bool:
    """Whether a client could take the stream for a whole answer."""
    text = body.replace(b'"finish_reason": null', b"")
    return any(ending in text for ending in ENDINGS)


@pytest.mark.parametrize("path", CONVERSATIONS)
@pytest.mark.parametrize("name", BREAKS)
async def test_a_broken_stream_ends_with_an_error_in_its_dialect(
    tmp_path: Path, upstream: ScriptedUpstream, path: str, name: str
) -> None:
    async with running_gateway(tmp_path, stream_idle_timeout_ms=150) as running:
        await running.add_node(upstream.url, type=NODE_TYPES[path])
        upstream.script(BREAKS[name])
        async with running.open("POST", path, asking(path, stream=True)) as answer:
            body = await answer.content.readany()
            if BREAKS[name].waits_before_last:
                upstream.release()
            body += await answer.read()
        assert answer.status == 200
        assert script.PIECES[0].encode() in body
        assert not looks_finished(body)
        frames = frames_of(body)
        check_error(path, frames[-1])
        assert sum(b"error" in frame for frame in frames) == 1
        row = await running.row()
        assert (row.outcome, row.status) == (Outcome.CUT, 200)
        assert row.error is not None
        assert row.usage.estimated
        assert row.usage.output is not None
        assert row.usage.output > 0
        assert row.ttft_ms is not None
        assert [attempt.failure is None for attempt in row.attempts] == [False]


def check_error(path: str, frame: bytes) -> None:
    """The event is the one that clients of this path understand."""
    event, _, data = frame.rpartition(b"data: ")
    shown = json.loads(data)
    if path == CHAT:
        assert event == b""
        assert shown["error"]["message"]
    elif path == MESSAGES:
        assert event == b"event: error\n"
        assert (shown["type"], bool(shown["error"]["message"])) == ("error", True)
    else:
        assert event == b"event: response.failed\n"
        assert (shown["type"], shown["response"]["status"]) == ("response.failed", "failed")
        assert shown["response"]["error"]["message"]


@pytest.mark.parametrize("path", CONVERSATIONS)
async def test_half_an_event_is_not_handed_on(
    running: Running, upstream: ScriptedUpstream, path: str
) -> None:
    await running.add_node(upstream.url, type=NODE_TYPES[path])
    whole = script.cut_at(script.answer(ending="content"))
    upstream.script(script.cut_off(whole, 9))
    got = await running.ask(path, asking(path, stream=True))
    last, error = frames_of(got.body)[-2:]
    check_error(path, error)
    json.loads(last.rpartition(b"data: ")[2])


@pytest.mark.parametrize("path", CONVERSATIONS)
async def test_a_stream_whose_connection_breaks_after_its_end_is_whole(
    running: Running, upstream: ScriptedUpstream, path: str
) -> None:
    await running.add_node(upstream.url, type=NODE_TYPES[path])
    upstream.script(script.ending_with(script.answer(), Ending.CUT))
    got = await running.ask(path, asking(path, stream=True))
    assert looks_finished(got.body)
    assert b"error" not in got.body
    assert (await running.row()).outcome is Outcome.OK


async def test_what_the_upstream_said_stands_in_the_error(
    running: Running, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    upstream.script(script.waiting_before_last(script.error_in_band(after_content=True)))
    async with running.open("POST", CHAT, asking(CHAT, stream=True)) as answer:
        await answer.content.readany()
        upstream.release()
        assert b"the model fell over" in await answer.read()
    row = await running.row()
    assert row.error is not None
    assert "the model fell over" in row.error


SLOW: dict[str, tuple[Behaviour, int]] = {
    "no head": (script.slow_first_byte(), 504),
    "no content": (script.ending_with(script.answer(ending="opening"), Ending.STALL), 504),
}


@pytest.mark.parametrize("path", CONVERSATIONS)
@pytest.mark.parametrize("name", SLOW)
async def test_silence_before_content_is_a_timeout_with_a_status(
    tmp_path: Path, upstream: ScriptedUpstream, path: str, name: str
) -> None:
    behaviour, status = SLOW[name]
    async with running_gateway(tmp_path, fetch_timeout_ms=150, stream_idle_timeout_ms=150) as running:
        await running.add_node(upstream.url, type=NODE_TYPES[path])
        upstream.script(behaviour)
        got = await running.ask(path, asking(path, stream=True))
        assert got.status == status
        assert "x-should-retry" not in got.headers
        row = await running.row()
        assert (row.outcome, row.status) == (Outcome.ERROR, status)
        await upstream.until(lambda up: up.cancelled == 1)


@pytest.mark.parametrize("behaviour", [script.slow_first_byte(), script.stalled_whole()])
async def test_a_whole_answer_has_its_own_longest_wait(
    tmp_path: Path, upstream: ScriptedUpstream, behaviour: Behaviour
) -> None:
    async with running_gateway(tmp_path, whole_timeout_ms=150) as running:
        await running.add_node(upstream.url)
        await running.add_account("node-up", "second")
        upstream.script(behaviour)
        got = await running.ask(CHAT, asking(CHAT))
        assert (got.status, got.headers["X-OmniRoute-Attempts"]) == (200, "2")
        await upstream.until(lambda up: up.cancelled == 1)


async def test_an_event_without_end_is_not_collected_for_ever(
    running: Running, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    endless = b"data: " + b"x" * (33 * 1024 * 1024)
    upstream.script(script.with_type(script.body(endless), script.SSE))
    got = await running.ask(CHAT, asking(CHAT, stream=True))
    if got.status == 200:  # what is held back has its limit too
        check_error(CHAT, frames_of(got.body)[-1])
    else:
        assert got.status == 502
    assert (await running.row()).outcome is not Outcome.OK
