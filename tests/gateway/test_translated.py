"""A client of any dialect is served by an upstream of any, and never takes what broke for an answer."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omniroute.conversation.response import FinishReason
from omniroute.records import Combo, ComboEntry, FormatName, ModelFacts, Outcome
from tests import scripted_upstream as script
from tests.gateway.five import (
    FIVE,
    NODES,
    PAIRS,
    TRANSLATED,
    asking,
    content_of,
    is_told_as_broken,
    read,
    text_of,
)
from tests.running_gateway import Got, RunningGateway, running_gateway
from tests.scripted_upstream import TEXT, Behaviour, ScriptedUpstream

TWELVE_HOURS_S = 12 * 3600
PATHS = {
    FormatName.OPENAI_CHAT: "/v1/chat/completions",
    FormatName.OPENAI_RESPONSES: "/v1/responses",
    FormatName.ANTHROPIC: "/v1/messages",
    FormatName.GEMINI: "/v1/models/m-1:generateContent",
    FormatName.OLLAMA: "/api/chat",
}


async def connect(running: RunningGateway, url: str, dialect: FormatName, prefix: str = "up") -> None:
    root = {"base_url": url} if dialect is FormatName.OLLAMA else {}
    await running.add_node(url, prefix, type=NODES[dialect], **root)


async def ask(running: RunningGateway, dialect: FormatName, *, stream: bool) -> Got:
    asked = asking(dialect, stream=stream)
    return await running.ask(asked.path, asked.body)


@pytest.mark.parametrize(("client", "dialect"), PAIRS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_every_client_gets_every_upstreams_answer_in_its_own_shape(
    running: RunningGateway, upstream: ScriptedUpstream, client: FormatName, dialect: FormatName, stream: bool
) -> None:
    await connect(running, upstream.url, dialect)
    got = await ask(running, client, stream=stream)
    assert got.status == 200, got.body
    response = read(client, got, stream=stream, ours=client is not dialect)
    assert text_of(response) == TEXT
    assert response.candidates[0].finish.reason is FinishReason.STOP
    assert (response.usage.prompt, response.usage.completion) == (100, 20)
    [asked] = upstream.requests
    assert asked.wants_stream is stream
    assert asked.path.partition("?")[0] == PATHS[dialect].replace(
        "generateContent", "streamGenerateContent" if stream else "generateContent"
    )
    row = await running.row()
    assert (row.outcome, row.status, row.stream) == (Outcome.OK, 200, stream)
    assert (row.client_format, row.upstream_format) == (client, dialect)
    assert (row.usage.prompt, row.usage.completion) == (100, 20)
    assert not row.usage.estimated


@pytest.mark.parametrize(("client", "dialect"), PAIRS)
async def test_a_whole_answer_to_a_request_for_a_stream_is_streamed(
    running: RunningGateway, upstream: ScriptedUpstream, client: FormatName, dialect: FormatName
) -> None:
    await connect(running, upstream.url, dialect)
    upstream.otherwise = script.answer(stream=False)
    got = await ask(running, client, stream=True)
    assert got.status == 200, got.body
    response = read(client, got, stream=True)
    assert text_of(response) == TEXT
    assert (response.usage.prompt, response.usage.completion) == (100, 20)


@pytest.mark.parametrize(("client", "dialect"), PAIRS)
async def test_a_stream_in_answer_to_a_request_for_a_whole_is_gathered(
    running: RunningGateway, upstream: ScriptedUpstream, client: FormatName, dialect: FormatName
) -> None:
    await connect(running, upstream.url, dialect)
    upstream.otherwise = script.answer(stream=True)
    got = await ask(running, client, stream=False)
    assert (got.status, got.headers["Content-Type"].partition(";")[0]) == (200, "application/json"), got.body
    response = read(client, got, stream=False)
    assert text_of(response) == TEXT
    assert (response.usage.prompt, response.usage.completion) == (100, 20)


@pytest.mark.parametrize(("client", "dialect"), TRANSLATED)
@pytest.mark.parametrize("size", [1, 67])
async def test_where_an_upstreams_bytes_are_cut_changes_nothing(
    running: RunningGateway, upstream: ScriptedUpstream, client: FormatName, dialect: FormatName, size: int
) -> None:
    await connect(running, upstream.url, dialect)
    upstream.otherwise = script.cut_at(script.answer(), *range(size, 6000, size))
    response = read(client, await ask(running, client, stream=True), stream=True)
    assert text_of(response) == TEXT


BREAKS = {
    "cut": script.cut_after_content(),
    "cut inside a frame": script.cut_short(script.answer(("Hello",) * 40)),
    "ended": script.ended_after_content(),
    "error": script.waiting_before_last(script.error_in_band(after_content=True)),
    "garbage": script.waiting_before_last(script.answer(ending="garbage after content")),
    "stalled": script.stall_after_content(),
}


@pytest.mark.parametrize(("client", "dialect"), PAIRS)
@pytest.mark.parametrize("name", BREAKS)
async def test_a_stream_that_broke_after_content_never_looks_finished(
    tmp_path: Path, upstream: ScriptedUpstream, client: FormatName, dialect: FormatName, name: str
) -> None:
    async with running_gateway(tmp_path, stream_idle_timeout_ms=150) as running:
        await connect(running, upstream.url, dialect)
        upstream.script(BREAKS[name])
        asked = asking(client, stream=True)
        async with running.open("POST", asked.path, asked.body) as answer:
            body = await answer.content.readany()
            upstream.release()
            body += await answer.read()
        assert answer.status == 200
        assert is_told_as_broken(client, body, ours=client is not dialect), body
        assert content_of(client, body).startswith("Hello")
        row = await running.row()
        assert (row.outcome, row.status) == (Outcome.CUT, 200)
        assert len(upstream.requests) == 1


BEFORE_CONTENT = {
    "refused": script.error(500),
    "reset": script.reset(),
    "cut": script.cut_before_content(),
    "ended": script.answer(ending="opening"),
    "error": script.error_in_band(),
    "page": script.html(),
    "nothing": script.empty(),
    "garbage": script.garbage(),
}


@pytest.mark.parametrize(("client", "dialect"), PAIRS)
@pytest.mark.parametrize("name", BEFORE_CONTENT)
async def test_what_breaks_before_content_is_answered_by_another_account(
    running: RunningGateway, upstream: ScriptedUpstream, client: FormatName, dialect: FormatName, name: str
) -> None:
    await connect(running, upstream.url, dialect)
    await running.add_account("node-up", "second")
    upstream.script(*[BEFORE_CONTENT[name]] * (2 if name == "reset" else 1))
    got = await ask(running, client, stream=True)
    assert got.status == 200, got.body
    assert text_of(read(client, got, stream=True, ours=client is not dialect)) == TEXT
    row = await running.row()
    assert [attempt.account_name for attempt in row.attempts][-2:] == ["first", "second"]
    assert (row.outcome, row.account_name) == (Outcome.OK, "second")


@pytest.mark.parametrize(("client", "dialect"), TRANSLATED)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_an_upstreams_refusal_is_told_in_the_clients_dialect(
    running: RunningGateway, upstream: ScriptedUpstream, client: FormatName, dialect: FormatName, stream: bool
) -> None:
    await connect(running, upstream.url, dialect)
    upstream.otherwise = script.error(429, "slow down there", headers={"Retry-After": "77"})
    got = await ask(running, client, stream=stream)
    assert (got.status, got.headers["Retry-After"]) == (429, "77")
    told = got.json["error"]
    assert "slow down there" in (told if client is FormatName.OLLAMA else told["message"])
    match client:
        case FormatName.ANTHROPIC:
            assert (got.json["type"], told["type"]) == ("error", "rate_limit_error")
        case FormatName.GEMINI:
            assert (told["code"], told["status"]) == (429, "RESOURCE_EXHAUSTED")
        case FormatName.OLLAMA:
            assert isinstance(told, str)
        case _:
            assert {"message", "type", "param", "code"} <= told.keys()


async def test_what_the_upstreams_dialect_has_no_word_for_is_named(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await connect(running, upstream.url, FormatName.ANTHROPIC)
    body = asking(FormatName.OPENAI_CHAT, seed=7, presence_penalty=1.0).body
    for stream in (False, True):
        got = await running.ask("/v1/chat/completions", body | {"stream": stream})
        assert got.status == 200
        assert {"seed", "presence_penalty"} <= set(got.headers["X-OmniRoute-Dropped"].split(", "))
    for row in await running.rows():
        assert {"seed", "presence_penalty"} <= set(row.dropped)
    assert "seed" not in upstream.requests[0].json


async def test_nothing_is_named_where_nothing_was_lost(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await connect(running, upstream.url, FormatName.OPENAI_CHAT)
    got = await running.ask("/v1/chat/completions", asking(FormatName.OPENAI_CHAT, seed=7).body)
    assert "X-OmniRoute-Dropped" not in got.headers


AUDIO = {"type": "input_audio", "input_audio": {"data": "aGVsbG8=", "format": "wav"}}


@pytest.mark.parametrize("dialect", [FormatName.ANTHROPIC, FormatName.OLLAMA])
async def test_content_that_cannot_be_carried_is_refused_by_its_place_and_nobody_is_asked(
    running: RunningGateway, upstream: ScriptedUpstream, dialect: FormatName
) -> None:
    await connect(running, upstream.url, dialect)
    said = [{"type": "text", "text": "What is this?"}, AUDIO]
    body = asking(FormatName.OPENAI_CHAT).body | {"messages": [{"role": "user", "content": said}]}
    got = await running.ask("/v1/chat/completions", body)
    assert got.status == 400
    assert got.error["param"] == "messages[0].content[1]"
    assert "audio" in got.error["message"]
    assert upstream.requests == []
    assert (await running.row()).status == 400


async def test_of_two_members_the_one_that_can_carry_the_content_is_asked(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await connect(running, upstream.url, FormatName.ANTHROPIC, "deaf")
    await connect(running, upstream.url, FormatName.OPENAI_CHAT, "hears")
    entries = (ComboEntry(model="deaf/m-1"), ComboEntry(model="hears/m-1"))
    combo = Combo(id="c", name="both", entries=entries)
    running.gateway.snapshot = replace(running.gateway.snapshot, combos={"both": combo})
    body = asking(FormatName.OPENAI_CHAT, "both").body
    got = await running.ask(
        "/v1/chat/completions", body | {"messages": [{"role": "user", "content": [AUDIO]}]}
    )
    assert got.status == 200, got.body
    assert [request.path for request in upstream.requests] == ["/v1/chat/completions"]


CALL = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "sky"}}
THOUGHT = {"type": "thinking", "thinking": "Let me look.", "signature": "c2lnbmF0dXJl"}
TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]


def thoughtful() -> Behaviour:
    message = {"content": [THOUGHT, CALL], "stop_reason": "tool_use"}
    return script.changed(script.answer(stream=False), message)


async def ask_twice(running: RunningGateway, second: str = "up/m-1", wait_s: float = 0.0) -> None:
    """A chat client's first turn, and its second one with the call and its result but no thoughts."""
    first = asking(FormatName.OPENAI_CHAT, tools=TOOLS).body
    got = await running.ask("/v1/chat/completions", first)
    assert got.status == 200, got.body
    said = got.json["choices"][0]["message"]
    call = {"role": "assistant", "tool_calls": said["tool_calls"]}
    result = {"role": "tool", "tool_call_id": said["tool_calls"][0]["id"], "content": "It is blue."}
    if wait_s:
        for kept in running.gateway.replay._turns.values():  # time that no test can wait for
            kept.used_s -= wait_s
    again = first | {"model": second, "messages": [*first["messages"], call, result]}
    got = await running.ask("/v1/chat/completions", again)
    assert got.status == 200, got.body


async def test_what_a_model_thought_before_a_call_goes_back_to_it_signed(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await connect(running, upstream.url, FormatName.ANTHROPIC)
    upstream.script(thoughtful())
    await ask_twice(running)
    _, assistant, user = upstream.requests[1].json["messages"]
    assert assistant["role"] == "assistant"
    thought, call = assistant["content"]
    assert thought == THOUGHT
    assert call["id"].startswith(str(CALL["id"]))
    assert (call["name"], call["input"]) == (CALL["name"], CALL["input"])
    assert user["content"][0]["tool_use_id"] == call["id"]


async def test_another_provider_never_sees_the_signature(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await connect(running, upstream.url, FormatName.ANTHROPIC)
    await connect(running, upstream.url, FormatName.ANTHROPIC, "other")
    upstream.script(thoughtful())
    await ask_twice(running, "other/m-1")
    assert b"c2lnbmF0dXJl" not in upstream.requests[1].body
    assert upstream.requests[1].json["messages"][1]["content"][0]["type"] == "tool_use"


async def test_what_was_thought_long_ago_is_forgotten(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await connect(running, upstream.url, FormatName.ANTHROPIC)
    upstream.script(thoughtful())
    await ask_twice(running, wait_s=TWELVE_HOURS_S + 1)
    assert b"c2lnbmF0dXJl" not in upstream.requests[1].body


def turns(client: FormatName) -> tuple[str, list[dict[str, Any]]]:
    """The member that holds the conversation, and three messages of it."""
    if client is FormatName.GEMINI:
        said = [("user", "Say hello"), ("model", "Hello"), ("user", "Say it again")]
        return "contents", [{"role": role, "parts": [{"text": text}]} for role, text in said]
    said = [("user", "Say hello"), ("assistant", "Hello"), ("user", "Say it again")]
    name = "input" if client is FormatName.OPENAI_RESPONSES else "messages"
    return name, [{"role": role, "content": text} for role, text in said]


@pytest.mark.parametrize(("client", "dialect"), PAIRS)
async def test_the_next_turn_begins_as_the_last_did_so_that_prompt_caches_stay_warm(
    running: RunningGateway, upstream: ScriptedUpstream, client: FormatName, dialect: FormatName
) -> None:
    await connect(running, upstream.url, dialect)
    asked = asking(client)
    name, messages = turns(client)
    bodies = [asked.body | {name: messages[:1]}, asked.body | {name: messages}]
    for body in bodies:
        assert (await running.ask(asked.path, body)).status == 200
    first, second = (request.body for request in upstream.requests)
    place, _ = turns(dialect)
    before = json.dumps(json.loads(first)[place])[1:-1].encode()
    whole = json.dumps(json.loads(second)[place])[1:].encode()
    assert whole.startswith(before + b", ")
    alike = next(at for at, (a, b) in enumerate(zip(first, second, strict=False)) if a != b)
    assert first[:alike].rindex(b"hello") > 0, "the bytes are the same to the end of the first turn"


@pytest.mark.parametrize("dialect", [FormatName.OPENAI_CHAT, FormatName.ANTHROPIC])
async def test_progress_is_told_to_clients_that_ask_for_it(
    running: RunningGateway, upstream: ScriptedUpstream, dialect: FormatName
) -> None:
    await connect(running, upstream.url, dialect)
    asked = asking(FormatName.OPENAI_CHAT, stream=True)
    told = await running.ask(asked.path, asked.body, {"X-OmniRoute-Progress": "true"})
    quiet = await running.ask(asked.path, asked.body)
    event, data = next(
        block.split(b"\ndata: ") for block in told.body.split(b"\n\n") if block.startswith(b"event: progress")
    )
    assert event == b"event: progress"
    assert json.loads(data)["done"] is True
    assert json.loads(data)["tokens_generated"] > 0
    assert b"event: progress" not in quiet.body
    assert told.body.endswith(b"data: [DONE]\n\n")


THINKER = "qwen3:8b"
"""It is known to think, so it may be told to where not every model takes that."""
PIRATE = "Speak like a pirate."
SETTINGS: dict[str, Any] = {
    "systemPrompt": {"enabled": True, "prompt": PIRATE},
    "thinkingBudget": {"mode": "custom", "customBudget": 4096},
}


def budget_of(dialect: FormatName, body: dict[str, Any]) -> object:
    """What a request says of thinking, where its dialect says it."""
    match dialect:
        case FormatName.ANTHROPIC:
            return body.get("thinking", {}).get("budget_tokens")
        case FormatName.GEMINI:
            return body.get("generationConfig", {}).get("thinkingConfig", {}).get("thinkingBudget")
        case FormatName.OPENAI_CHAT:
            return body.get("reasoning_effort")
        case FormatName.OPENAI_RESPONSES:
            return body.get("reasoning", {}).get("effort")
        case FormatName.OLLAMA:
            return body.get("think") or None


@pytest.mark.parametrize("client", [FormatName.OPENAI_CHAT, FormatName.ANTHROPIC])
@pytest.mark.parametrize("dialect", FIVE)
async def test_system_prompt_and_thinking_budget_act_on_requests_and_after_a_restart_too(
    tmp_path: Path, upstream: ScriptedUpstream, client: FormatName, dialect: FormatName
) -> None:
    asked = asking(client, model=f"up/{THINKER}", max_tokens=9000)
    async with running_gateway(tmp_path) as running:
        await connect(running, upstream.url, dialect)
        await running.add_model("node-up", ModelFacts(id=THINKER, reasoning=True, custom=True))
        assert (await running.ask(asked.path, asked.body)).status == 200
        for name, value in SETTINGS.items():
            await running.set(name, value)
        assert (await running.ask(asked.path, asked.body)).status == 200
    async with running_gateway(tmp_path) as running:
        assert (await running.ask(asked.path, asked.body)).status == 200
    before, changed, restarted = upstream.requests
    assert PIRATE.encode() not in before.body
    assert PIRATE.encode() in changed.body
    assert budget_of(dialect, before.json) is None
    assert budget_of(dialect, changed.json) is not None
    assert restarted.json == changed.json
    if dialect in (FormatName.ANTHROPIC, FormatName.GEMINI):
        assert budget_of(dialect, changed.json) == 4096
