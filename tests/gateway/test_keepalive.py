"""Streams that wait are kept open by comments, which never stand inside an event."""

import json
from pathlib import Path

import pytest

from omniroute.formats import FORMATS
from omniroute.records import FormatName, Outcome
from tests import scripted_upstream as script
from tests.running_gateway import (
    CHAT,
    CONVERSATIONS,
    MESSAGES,
    NODE_TYPES,
    RESPONSES,
    asking,
    running_gateway,
)
from tests.scripted_upstream import Ending, ScriptedUpstream

COMMENTS = {
    CHAT: FORMATS[FormatName.OPENAI_CHAT].KEEPALIVE,
    MESSAGES: FORMATS[FormatName.ANTHROPIC].KEEPALIVE,
    RESPONSES: FORMATS[FormatName.OPENAI_RESPONSES].KEEPALIVE,
}


def test_a_comment_is_what_its_dialect_has_for_one() -> None:
    assert COMMENTS[CHAT] == COMMENTS[RESPONSES] == b": keep-alive\n\n"
    event, data, rest = COMMENTS[MESSAGES].split(b"\n", 2)
    assert (event, rest) == (b"event: ping", b"\n")
    assert json.loads(data.removeprefix(b"data: ")) == {"type": "ping"}


@pytest.mark.parametrize("path", CONVERSATIONS)
async def test_a_silent_stream_gets_comments_between_its_events(
    tmp_path: Path, upstream: ScriptedUpstream, path: str
) -> None:
    async with running_gateway(tmp_path, keepalive_ms=100) as running:
        await running.add_node(upstream.url, type=NODE_TYPES[path])
        upstream.script(script.waiting_before_last(script.answer()))
        async with running.open("POST", path, asking(path, stream=True)) as answer:
            seen = b""
            while seen.count(COMMENTS[path]) < 2:
                seen += await answer.content.readany()
            upstream.release()
            seen += await answer.read()
        plain = await running.ask(path, asking(path, stream=True))
        assert without_pings(seen, path) == without_pings(plain.body, path)
        assert (await running.rows())[0].outcome is Outcome.OK


def without_pings(body: bytes, path: str) -> bytes:
    """The stream itself: the scripted message stream has a ping of its own."""
    return body.replace(COMMENTS[path], b"")


@pytest.mark.parametrize("path", CONVERSATIONS)
async def test_comments_come_between_whole_events_though_the_upstream_stops_in_one(
    tmp_path: Path, upstream: ScriptedUpstream, path: str
) -> None:
    async with running_gateway(tmp_path, keepalive_ms=100, stream_idle_timeout_ms=600) as running:
        await running.add_node(upstream.url, type=NODE_TYPES[path])
        half = script.cut_off(script.answer(ending="content"), 9)
        upstream.script(script.ending_with(half, Ending.STALL))
        got = await running.ask(path, asking(path, stream=True))
        # Six times the wait has passed.
        assert COMMENTS[path] in got.body
        for frame in without_pings(got.body, path).split(b"\n\n"):
            assert not frame or frame.startswith(b":") or json.loads(frame.rpartition(b"data: ")[2])


@pytest.mark.parametrize("path", CONVERSATIONS)
async def test_a_comment_spends_the_status_and_the_failure_is_told_in_band(
    tmp_path: Path, upstream: ScriptedUpstream, path: str
) -> None:
    async with running_gateway(tmp_path, keepalive_ms=100) as running:
        await running.add_node(upstream.url, type=NODE_TYPES[path])
        silent = script.ending_with(script.answer(ending="opening"), Ending.STALL)
        upstream.script(silent)
        async with running.open("POST", path, asking(path, stream=True)) as answer:
            assert answer.status == 200
            first = await answer.content.readany()
            assert first.startswith(COMMENTS[path])
            upstream.release()
            rest = await answer.read()
        assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert b"error" in rest
        assert rest.endswith(b"\n\n")
        row = await running.row()
        assert (row.outcome, row.status) == (Outcome.CUT, 200)


@pytest.mark.parametrize("path", CONVERSATIONS)
async def test_another_account_may_still_answer_after_a_comment(
    tmp_path: Path, upstream: ScriptedUpstream, path: str
) -> None:
    async with running_gateway(tmp_path, keepalive_ms=100, stream_idle_timeout_ms=500) as running:
        await running.add_node(upstream.url, type=NODE_TYPES[path])
        await running.add_account("node-up", "second")
        upstream.script(script.ending_with(script.answer(ending="opening"), Ending.STALL))
        got = await running.ask(path, asking(path, stream=True))
        plain = await running.ask(path, asking(path, stream=True))
        assert got.body.startswith(COMMENTS[path])
        assert without_pings(got.body, path) == without_pings(plain.body, path)
        row = (await running.rows())[0]
        assert (row.outcome, row.status, row.account_name) == (Outcome.OK, 200, "second")


async def test_a_whole_answer_gets_no_comment(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    async with running_gateway(tmp_path, keepalive_ms=100, whole_timeout_ms=400) as running:
        await running.add_node(upstream.url)
        upstream.script(script.slow_first_byte())
        got = await running.ask(CHAT, asking(CHAT))
        assert got.status == 504
