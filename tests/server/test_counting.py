"""How many tokens a request would have: as the provider counts, or as the gateway does."""

import json
from typing import Any

import pytest

from omniroute.conversation.tokens import count_tokens
from omniroute.gateway import counting
from omniroute.records import NodeType
from tests import scripted_upstream as script
from tests.running_gateway import RunningGateway
from tests.scripted_upstream import ScriptedUpstream, refused_url

COUNT = "/v1/messages/count_tokens"
INPUT_TOKENS = "/v1/responses/input_tokens"
GEMINI = "/v1beta/models/{model}:countTokens"
TEXT = "The quick brown fox jumps over the lazy dog, and then it does so again."
MESSAGES: dict[str, Any] = {"messages": [{"role": "user", "content": TEXT}]}
CONTENTS: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": TEXT}]}]}
DECLARED = {"name": "look_up", "description": "Looks a word up.", "input_schema": {"type": "object"}}
IMAGE = "iVBORw0KGgoAAAANSUhEUgAAA+gAAALuCAIAAAAQP4q1AAAAAElFTkSuQmCC"  # 1000 by 750, and nothing in it


def told(tokens: int, member: str = "input_tokens") -> script.Behaviour:
    return script.body(json.dumps({member: tokens}).encode())


async def tokens(running: RunningGateway, model: str = "demo/echo", **members: object) -> int:
    got = await running.ask(COUNT, {"model": model, **MESSAGES, **members})
    assert got.status == 200, got.body
    assert got.json.keys() == {"input_tokens"}
    return int(got.json["input_tokens"])


async def test_a_message_is_counted_about_right(running: RunningGateway) -> None:
    assert count_tokens(TEXT) < await tokens(running) <= count_tokens(TEXT) + 12


async def test_everything_in_a_message_counts(running: RunningGateway) -> None:
    plain = await tokens(running)
    blocks = [{"type": "text", "text": TEXT}]
    source = {"type": "base64", "media_type": "image/png", "data": IMAGE}
    image = [{"role": "user", "content": [*blocks, {"type": "image", "source": source}]}]
    result = [
        {"role": "user", "content": "?"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": blocks}]},
    ]
    assert await tokens(running, messages=[{"role": "user", "content": blocks}]) == plain
    assert await tokens(running, system="Be brief.") > plain
    assert await tokens(running, tools=[DECLARED]) > plain
    assert await tokens(running, messages=image) == plain + 1000
    assert await tokens(running, messages=result) > plain


async def test_a_limit_of_tokens_changes_nothing(running: RunningGateway) -> None:
    assert await tokens(running, max_tokens=5) == await tokens(running)


@pytest.mark.parametrize("path", [COUNT, "/v1/providers/up/messages/count_tokens"])
async def test_anthropics_own_counter_is_asked(
    running: RunningGateway, upstream: ScriptedUpstream, path: str
) -> None:
    await running.add_node(upstream.url, type=NodeType.ANTHROPIC)
    upstream.script(told(321))
    headers = {"anthropic-version": "2026-10-21", "anthropic-beta": "token-things"}
    got = await running.ask(path, {"model": "up/m-1", **MESSAGES, "max_tokens": 9, "stream": True}, headers)
    assert (got.status, got.json) == (200, {"input_tokens": 321})
    [asked] = upstream.requests
    assert asked.path == "/v1/messages/count_tokens"
    assert asked.json == {"model": "m-1", **MESSAGES}
    assert asked.headers["x-api-key"] == "sk-of-first-0123456789"
    assert asked.headers["anthropic-beta"] == "token-things"
    assert asked.headers["anthropic-version"] == "2026-10-21"


async def test_a_count_is_kept_for_a_while(running: RunningGateway, upstream: ScriptedUpstream) -> None:
    await running.add_node(upstream.url, type=NodeType.ANTHROPIC)
    upstream.script(told(1), told(2), told(3))
    assert [await tokens(running, "up/m-1") for _ in range(3)] == [1, 1, 1]
    assert await tokens(running, "up/m-1", system="other") == 2
    assert await tokens(running, "up/m-2") == 3


@pytest.mark.parametrize(
    "behaviour",
    [
        script.error(404),
        script.error(500),
        script.html(),
        script.body(b'{"input_tokens": "many"}'),
        script.cut_before_content(),
    ],
)
async def test_a_counter_that_fails_is_done_without(
    running: RunningGateway, upstream: ScriptedUpstream, behaviour: script.Behaviour
) -> None:
    await running.add_node(upstream.url, type=NodeType.ANTHROPIC)
    upstream.script(behaviour)
    assert await tokens(running, "up/m-1") == await tokens(running)
    assert len(upstream.requests) == 1


async def test_a_counter_that_is_not_there_is_done_without(running: RunningGateway) -> None:
    await running.add_node(refused_url(), type=NodeType.ANTHROPIC)
    assert await tokens(running, "up/m-1") == await tokens(running)


async def test_a_slow_counter_is_not_waited_for(
    running: RunningGateway, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "TIMEOUT_S", 0.05)
    await running.add_node(upstream.url, type=NodeType.ANTHROPIC)
    upstream.script(script.slow_first_byte())
    assert await tokens(running, "up/m-1") == await tokens(running)


async def test_geminis_own_counter_is_asked(running: RunningGateway, upstream: ScriptedUpstream) -> None:
    await running.add_node(upstream.url, type=NodeType.GEMINI)
    answer = {"totalTokens": 12, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 12}]}
    upstream.script(script.body(json.dumps(answer).encode()))
    got = await running.ask(GEMINI.format(model="up/m-1"), CONTENTS)
    assert (got.status, got.json) == (200, answer)
    [asked] = upstream.requests
    assert asked.path == "/v1/models/m-1:countTokens"
    assert asked.json == CONTENTS


@pytest.mark.parametrize(
    "body",
    [
        {"generateContentRequest": {"model": "models/up/m-1", **CONTENTS, "tools": []}},
        {**CONTENTS, "tools": []},
    ],
)
async def test_a_whole_request_is_wrapped_for_geminis_counter(
    running: RunningGateway, upstream: ScriptedUpstream, body: dict[str, Any]
) -> None:
    await running.add_node(upstream.url, type=NodeType.GEMINI)
    upstream.script(told(7, "totalTokens"))
    got = await running.ask(GEMINI.format(model="up/m-1"), body)
    assert got.json["totalTokens"] == 7
    inner = {"model": "models/m-1", **CONTENTS, "tools": []}
    assert upstream.requests[0].json == {"generateContentRequest": inner}


async def test_a_request_of_another_dialect_is_translated_for_the_counter(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url, "goo", type=NodeType.GEMINI)
    await running.add_node(upstream.url, "ant", type=NodeType.ANTHROPIC)
    upstream.script(told(70, "totalTokens"), told(80))
    assert await tokens(running, "goo/m-1") == 70
    asked = upstream.requests[0].json["generateContentRequest"]
    assert (asked["model"], asked["contents"][0]["parts"]) == ("models/m-1", [{"text": TEXT}])
    got = await running.ask(GEMINI.format(model="ant/m-1"), CONTENTS)
    assert got.json["totalTokens"] == 80
    assert upstream.requests[1].json["messages"][0]["role"] == "user"
    assert "max_tokens" not in upstream.requests[1].json


async def test_all_dialects_count_alike(running: RunningGateway) -> None:
    messages = await tokens(running)
    responses = await running.ask(INPUT_TOKENS, {"model": "demo/echo", "input": TEXT})
    gemini = await running.ask(GEMINI.format(model="demo/echo"), CONTENTS)
    wrapped = await running.ask(GEMINI.format(model="demo/echo"), {"generateContentRequest": CONTENTS})
    assert responses.json == {"object": "response.input_tokens", "input_tokens": messages}
    assert gemini.json["totalTokens"] == wrapped.json["totalTokens"] == messages


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        (COUNT, {"model": "demo/echo"}, 400, "messages"),
        (COUNT, {"model": "demo/echo", "messages": []}, 400, "messages"),
        (COUNT, MESSAGES, 400, "model"),
        (COUNT, {"model": "nobody/m", **MESSAGES}, 404, "nobody/m"),
        (COUNT, {"model": "demo/echo", "messages": 3}, 400, "messages"),
        (INPUT_TOKENS, {"model": "demo/echo"}, 400, "input"),
        (GEMINI.format(model="demo/echo"), {}, 400, "contents"),
        (GEMINI.format(model="nobody/m"), CONTENTS, 404, "nobody/m"),
    ],
)
async def test_what_cannot_be_counted_is_told_in_the_dialect(
    running: RunningGateway, path: str, body: dict[str, Any], status: int, said: str
) -> None:
    got = await running.ask(path, body)
    assert got.status == status
    assert said in got.error["message"]
    assert (got.json.get("type") == "error") is (path == COUNT)
    assert isinstance(got.error.get("code"), int) is path.startswith("/v1beta/")


async def test_a_count_leaves_no_row(running: RunningGateway, upstream: ScriptedUpstream) -> None:
    await running.add_node(upstream.url, type=NodeType.ANTHROPIC)
    upstream.script(told(5))
    await tokens(running, "up/m-1")
    await tokens(running)
    wrong = {"x-api-key": "wrong"}
    for path in (COUNT, INPUT_TOKENS, GEMINI.format(model="demo/echo")):
        assert (await running.ask(path, MESSAGES, wrong)).status == 401
        assert (await running.ask(path, b"{", {})).status == 400
    assert await running.rows() == []


async def test_a_key_counts_only_the_models_it_may_use(running: RunningGateway) -> None:
    key = {"x-api-key": await running.add_key(allowed_models=("other/*",))}
    got = await running.ask(COUNT, {"model": "demo/echo", **MESSAGES}, key)
    assert (got.status, got.error["type"]) == (403, "permission_error")
