"""An answer that is cut off is finished by another member of the combo, where the user wants that."""

from dataclasses import replace

import pytest

from omniroute.records import Combo, ComboConfig, ComboEntry, NodeType, Outcome
from tests import scripted_upstream as script
from tests.running_gateway import CHAT, CONVERSATIONS, MESSAGES, RunningGateway, asking
from tests.scripted_upstream import TEXT, ScriptedUpstream


async def connect(
    running: RunningGateway, first: ScriptedUpstream, other: ScriptedUpstream, go_on: bool = False
) -> None:
    """A combo of two servers of different dialects."""
    await running.add_node(first.url, "one")
    await running.add_node(other.url, "two", type=NodeType.ANTHROPIC)
    entries = (ComboEntry(model="one/m-1"), ComboEntry(model="two/m-2"))
    combo = Combo(id="c", name="daily", entries=entries, config=ComboConfig(continue_after_cut=go_on))
    running.gateway.snapshot = replace(running.gateway.snapshot, combos={"daily": combo})


@pytest.mark.parametrize("path", CONVERSATIONS)
async def test_another_member_goes_on_in_the_same_stream(
    running: RunningGateway, upstream: ScriptedUpstream, path: str
) -> None:
    async with ScriptedUpstream() as other:
        await connect(running, upstream, other, go_on=True)
        upstream.script(script.cut_after_content())
        got = await running.ask(path, asking(path, "daily", stream=True))
    assert got.status == 200
    assert b'"error"' not in got.body.replace(b'"error":null', b"")
    (asked,) = other.requests
    said = asked.json["messages"][1]
    assert said["role"] == "assistant"
    assert TEXT.startswith(said["content"][0]["text"])
    assert len(said["content"][0]["text"]) > 0
    row = (await running.rows())[0]
    assert row.outcome is Outcome.OK
    assert [attempt.failure is None for attempt in row.attempts] == [False, True]


async def test_without_the_wish_a_cut_stream_is_told_as_cut(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    async with ScriptedUpstream() as other:
        await connect(running, upstream, other)
        upstream.script(script.cut_after_content())
        got = await running.ask(MESSAGES, asking(MESSAGES, "daily", stream=True))
        assert b"event: error" in got.body
        assert b"message_stop" not in got.body
        assert other.requests == []
    assert (await running.rows())[0].outcome is Outcome.CUT


async def test_when_nobody_can_go_on_the_stream_ends_with_an_error(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    async with ScriptedUpstream() as other:
        await connect(running, upstream, other, go_on=True)
        upstream.script(script.cut_after_content())
        other.script(script.cut_before_content(), script.cut_before_content())
        got = await running.ask(CHAT, asking(CHAT, "daily", stream=True))
    assert got.status == 200
    assert b'"error"' in got.body
    assert b"[DONE]" not in got.body
    assert b'"finish_reason":"stop"' not in got.body
    assert (await running.rows())[0].outcome is Outcome.CUT
