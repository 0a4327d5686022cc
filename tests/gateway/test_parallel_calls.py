"""Tool calls that come interleaved in one stream stay apart, before and after an answer is committed."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from omniroute.conversation.events import Delta, Field, PartStarted
from omniroute.conversation.parts import ToolUse
from omniroute.records import FormatName, Outcome
from tests import scripted_upstream as script
from tests.gateway.five import FIVE, asking, events_of, is_told_as_broken, read, text_of
from tests.recorded import Recorded
from tests.running_gateway import RunningGateway
from tests.scripted_upstream import Behaviour, Ending, ScriptedUpstream
from tests.wire_samples import chat_chunk

AT_ONCE = 10
"""Clients of one dialect."""
CALLS = 4
PIECE = 7


def arguments_of(asked: str, place: int) -> str:
    """What the model writes for one call: no two calls of any two requests have the same."""
    return json.dumps({"of": asked, "place": place, "text": f"{asked}/{place} " * 5})


def interleaved(asked: str, *, pieces: int = 10_000) -> Iterator[bytes]:
    """Chunks in which the arguments of four calls come by chance's turns, so many pieces of them."""
    chance = Random(asked)  # noqa: S311 - chance that repeats
    yield chat_chunk({"role": "assistant", "content": None})
    left: dict[int, str] = {}
    for place in range(CALLS):
        function = {"name": f"tool_{place}", "arguments": ""}
        call = {"index": place, "id": f"call_{asked}_{place}", "type": "function", "function": function}
        yield chat_chunk({"tool_calls": [call]})
        left[place] = arguments_of(asked, place)
    while left and pieces:
        pieces -= 1
        place = chance.choice(list(left))
        text, left[place] = left[place][:PIECE], left[place][PIECE:]
        yield chat_chunk({"tool_calls": [{"index": place, "function": {"arguments": text}}]})
        if not left[place]:
            del left[place]


def calling(*, pieces: int = 10_000, ending: Ending = Ending.NORMAL) -> Behaviour:
    """A stream of interleaved calls, made of what was asked."""

    def chunks(request: Recorded) -> list[bytes]:
        sent = list(interleaved(request.json["messages"][-1]["content"], pieces=pieces))
        if ending is Ending.NORMAL:
            sent += [chat_chunk({}, "tool_calls"), b"data: [DONE]\n\n"]
        return sent

    return replace(script.answer(stream=True), chunks=chunks, ending=ending)


def question(dialect: FormatName, text: str) -> tuple[str, bytes]:
    """One that names itself."""
    asked = asking(dialect, "both", stream=True)
    return asked.path, json.dumps(asked.body).replace("Say hello", text).encode()


async def connect(running: RunningGateway, first: ScriptedUpstream, second: ScriptedUpstream) -> None:
    await running.set("providerProfiles", {"apikey": {"transientCooldown": 1, "circuitBreakerThreshold": 99}})
    await running.add_node(first.url, "first")
    await running.add_node(second.url, "second")
    await running.add_combo("both", "first/m-1", "second/m-1", continueAfterCut=True)


@pytest.mark.parametrize("dialect", FIVE)
async def test_calls_of_the_member_that_answers_come_whole_and_apart(
    running: RunningGateway, upstream: ScriptedUpstream, dialect: FormatName
) -> None:
    upstream.otherwise = script.cut_before_content()
    async with ScriptedUpstream() as second, asyncio.TaskGroup() as group:
        second.otherwise = calling()
        await connect(running, upstream, second)
        texts = [f"q{number}" for number in range(AT_ONCE)]
        asked = [
            group.create_task(running.ask(*question(dialect, text)), name=f"client {text}") for text in texts
        ]
        for text, one in zip(texts, asked, strict=True):
            answer = read(dialect, await one, stream=True)
            calls = [part for part in answer.candidates[0].parts if isinstance(part, ToolUse)]
            assert [call.name for call in calls] == [f"tool_{place}" for place in range(CALLS)]
            assert [json.loads(call.arguments) for call in calls] == [
                json.loads(arguments_of(text, place)) for place in range(CALLS)
            ]
            assert len({call.id for call in calls}) == CALLS or dialect is FormatName.OLLAMA
    assert upstream.requests
    assert {row.provider for row in await running.rows()} == {"second"}


@pytest.mark.parametrize("dialect", FIVE)
async def test_calls_that_were_cut_off_are_nobody_elses_to_finish(
    running: RunningGateway, upstream: ScriptedUpstream, dialect: FormatName
) -> None:
    upstream.otherwise = calling(pieces=18, ending=Ending.CUT)
    async with ScriptedUpstream() as second:
        await connect(running, upstream, second)
        got = await running.ask(*question(dialect, "q"))
    if dialect in (
        FormatName.GEMINI,
        FormatName.OLLAMA,
    ):  # calls come whole there: none was, so nothing was told
        answer = read(dialect, got, stream=True)
        assert text_of(answer) == script.TEXT
        assert len(answer.candidates[0].parts) == len(second.requests) == 1
        return
    assert is_told_as_broken(dialect, got.body, ours=dialect is not FormatName.OPENAI_CHAT), got.body
    assert second.requests == []
    assert (await running.row()).outcome is Outcome.CUT
    told: dict[int, str] = {}
    for event in events_of(dialect, got.body):
        match event:
            case PartStarted(index=index, part=ToolUse(arguments=arguments)):
                told[index] = arguments
            case Delta(index=index, field=Field.ARGUMENTS, text=text):
                told[index] += text
            case _:
                pass
    assert told
    for place, arguments in enumerate(told.values()):
        assert arguments_of("q", place).startswith(arguments)
