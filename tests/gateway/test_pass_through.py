"""Bytes go through as they came, but for the model's name and the one chunk we asked for ourselves."""

import json

import pytest

from omniroute.records import ModelFacts, Outcome
from tests import scripted_upstream as script
from tests.recorded import Recorded
from tests.running_gateway import (
    CHAT,
    CONVERSATIONS,
    EMBEDDINGS,
    MESSAGES,
    NODE_TYPES,
    RESPONSES,
    RunningGateway,
    asking,
)
from tests.scripted_upstream import ScriptedUpstream
from tests.wire_samples import BY_PATH, CHAT_USAGE

EVERY_PATH = (*CONVERSATIONS, EMBEDDINGS)
ODD = (
    b'{ "messages" : [ {"role":"user","content":"caf\\u00e9 \xe2\x82\xac m-1 up\\/m-1"} ],\n\t'
    b'"input":"x", "temperature":1.50, "model" : "up/m-1","unheard_of":{"b":1,"a":[1e3,null]} ,'
    b'"max_tokens":9 }'
)
"""Blanks, escapes, number forms and an order that no encoder would write."""


def stream_of(path: str, model: str = "m-1") -> bytes:
    """What the scripted upstream streams to a request on this path."""
    request = Recorded(path, {}, json.dumps({"model": model, "stream": True}).encode())
    return b"".join(script.answer().chunks(request))


@pytest.mark.parametrize("path", EVERY_PATH)
async def test_a_body_goes_on_with_only_the_models_name_replaced(
    running: RunningGateway, upstream: ScriptedUpstream, path: str
) -> None:
    await running.add_node(upstream.url, type=NODE_TYPES[path])
    got = await running.ask(path, ODD)
    assert got.status == 200, got.body
    assert upstream.requests[0].path.endswith(path)
    assert upstream.requests[0].body == ODD.replace(b'"up/m-1"', b'"m-1"')


@pytest.mark.parametrize("path", EVERY_PATH)
async def test_a_whole_answer_comes_back_byte_for_byte(
    running: RunningGateway, upstream: ScriptedUpstream, path: str
) -> None:
    await running.add_node(upstream.url, type=NODE_TYPES[path])
    sample = next(sample for end, sample in BY_PATH.items() if path.endswith(end))
    content = json.dumps(sample.whole("caf\u00e9 \u20ac", True), indent=3).encode() + b"\n"
    upstream.script(script.body(content, content_type="application/json; odd=1"))
    got = await running.ask(path, asking(path))
    assert (got.status, got.body) == (200, content)
    assert got.headers["Content-Type"] == "application/json; odd=1"


@pytest.mark.parametrize("path", CONVERSATIONS)
@pytest.mark.parametrize("how", ["whole", "frames", "dripped"])
async def test_a_stream_comes_back_byte_for_byte(
    running: RunningGateway, upstream: ScriptedUpstream, path: str, how: str
) -> None:
    await running.add_node(upstream.url, type=NODE_TYPES[path])
    ways = {"whole": script.cut_at, "frames": lambda behaviour: behaviour, "dripped": script.dripped}
    upstream.script(ways[how](script.answer()))
    got = await running.ask(path, asking(path, stream=True))
    assert (got.status, got.body) == (200, stream_of(path))
    assert got.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert got.headers["Cache-Control"] == "no-cache, no-transform"


async def test_the_next_turn_of_a_conversation_has_the_last_one_as_its_beginning(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_account("openai", "first", base_url=f"{upstream.url}/v1")
    turn = b'{"model":"openai/gpt-6-sol","stream":true,"messages":[{"role":"user","content":"gpt-6-sol?"}'
    await running.ask(CHAT, turn + b"]}")
    await running.ask(CHAT, turn + b',{"role":"assistant","content":"yes"}]}')
    first, second = (request.body for request in upstream.requests)
    assert second.startswith(first.removesuffix(b"]}"))


async def test_usage_is_asked_for_where_it_is_supported_and_taken_out_again(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_account("openai", "first", base_url=f"{upstream.url}/v1")
    sent = b'{"model": "openai/gpt-6-sol", "stream": true,  "messages": []}'
    got = await running.ask(CHAT, sent)
    assert upstream.requests[0].body == (
        b'{"stream_options":{"include_usage":true},"model": "gpt-6-sol", "stream": true,  "messages": []}'
    )
    frames = stream_of(CHAT).split(b"\n\n")
    [usage_frame] = [frame for frame in frames if b'"choices": [], "usage"' in frame]
    assert got.body == stream_of(CHAT).replace(usage_frame + b"\n\n", b"")
    row = await running.row()
    assert (row.usage.prompt, row.usage.completion, row.usage.estimated) == (100, 20, False)


@pytest.mark.parametrize("how", [script.cut_at, script.dripped])
async def test_the_usage_chunk_is_taken_out_however_the_stream_is_cut(
    running: RunningGateway, upstream: ScriptedUpstream, how: script.Cutting
) -> None:
    await running.add_account("openai", "first", base_url=f"{upstream.url}/v1")
    upstream.script(how(script.answer()))
    got = await running.ask(CHAT, asking(CHAT, "openai/gpt-6-sol", stream=True))
    assert b"usage" not in got.body
    assert got.body.endswith(b"data: [DONE]\n\n")


async def test_a_client_that_asks_for_usage_gets_it(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_account("openai", "first", base_url=f"{upstream.url}/v1")
    body = asking(CHAT, "openai/gpt-6-sol", stream=True, stream_options={"include_usage": True})
    got = await running.ask(CHAT, body)
    assert got.body == stream_of(CHAT)
    assert json.dumps(CHAT_USAGE).encode() in got.body
    assert upstream.requests[0].json == body | {"model": "gpt-6-sol"}


async def test_other_stream_options_stay(running: RunningGateway, upstream: ScriptedUpstream) -> None:
    await running.add_account("openai", "first", base_url=f"{upstream.url}/v1")
    options = {"include_usage": False, "include_obfuscation": False}
    await running.ask(CHAT, asking(CHAT, "openai/gpt-6-sol", stream=True, stream_options=options))
    assert upstream.requests[0].json["stream_options"] == options | {"include_usage": True}


async def test_usage_is_not_asked_of_a_server_that_may_not_know_it(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    body = asking(CHAT, stream=True)
    got = await running.ask(CHAT, body)
    assert upstream.requests[0].json == body | {"model": "m-1"}
    assert got.body == stream_of(CHAT)


@pytest.mark.parametrize(
    ("path", "header"),
    [(CHAT, "Authorization"), (RESPONSES, "Authorization"), (MESSAGES, "x-api-key")],
)
async def test_the_accounts_key_goes_out_and_the_clients_stays_here(
    running: RunningGateway, upstream: ScriptedUpstream, path: str, header: str
) -> None:
    account = await running.add_node(upstream.url, type=NODE_TYPES[path])
    ours = await running.add_key()
    sent = {
        "Authorization": f"Bearer {ours}",
        "x-api-key": ours,
        "x-goog-api-key": ours,
        "Cookie": f"k={ours}",
        "User-Agent": "sdk/1",
        "X-Stainless-Os": "Linux",
        "anthropic-beta": "one,two",
        "anthropic-version": "2026-10-21",
        "x-session-id": "s-1",
        "Accept-Encoding": "br",
    }
    got = await running.ask(path + f"?key={ours}&beta=true", asking(path), sent)
    assert got.status == 200
    [request] = upstream.requests
    assert account.secret is not None
    assert request.headers[header].removeprefix("Bearer ") == account.secret
    assert ours not in repr(request.headers) + request.path
    assert "cookie" not in request.headers
    assert "x-stainless-os" not in request.headers
    assert request.headers["user-agent"].startswith("OmniRoute/")
    assert request.headers["anthropic-beta"] == "one,two"
    versions = [value for name, value in request.headers.items() if name.lower() == "anthropic-version"]
    assert versions == ["2026-10-21"]
    assert request.headers["x-session-id"] == "s-1"


async def test_a_compressed_answer_is_decoded_and_not_called_compressed(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    upstream.script(script.gzipped(script.answer()))
    got = await running.ask(CHAT, asking(CHAT))
    assert got.json["choices"][0]["message"]["content"] == script.TEXT
    assert "Content-Encoding" not in got.headers
    assert int(got.headers["Content-Length"]) == len(got.body)


@pytest.mark.parametrize("stream", [False, True])
async def test_only_listed_headers_of_the_upstream_come_back(
    running: RunningGateway, upstream: ScriptedUpstream, stream: bool
) -> None:
    await running.add_node(upstream.url)
    upstream.script(
        script.with_headers(
            script.answer(),
            {"x-ratelimit-remaining-tokens": "7", "Set-Cookie": "a=b", "Server": "vendor", "x-other": "1"},
        )
    )
    got = await running.ask(CHAT, asking(CHAT, stream=stream), {"X-Request-Id": "mine-1"})
    assert got.headers["x-ratelimit-remaining-tokens"] == "7"
    assert got.headers["X-OmniRoute-Model"] == "up/m-1"
    assert got.headers["X-OmniRoute-Attempts"] == "1"
    assert got.headers["X-Request-Id"] == "mine-1"
    assert "Set-Cookie" not in got.headers
    assert "x-other" not in got.headers
    assert got.headers.get("Server") != "vendor"
    assert upstream.requests[0].headers["x-request-id"] == "mine-1"


async def test_messages_carry_their_request_id_where_its_sdk_looks(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url, type=NODE_TYPES[MESSAGES])
    got = await running.ask(MESSAGES, asking(MESSAGES), {"X-Request-Id": "not a valid id"})
    assert got.headers["request-id"] == got.headers["X-Request-Id"]
    assert got.headers["request-id"] != "not a valid id"


async def test_a_path_of_one_provider_never_leaves_it(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    await running.add_node(upstream.url, "other")
    plain = await running.ask("/v1/providers/up/chat/completions", asking(CHAT, "vendor/m-1"))
    named = await running.ask("/v1/providers/up/chat/completions", asking(CHAT, "up/m-1"))
    strange = await running.ask("/v1/providers/up/chat/completions", asking(CHAT, "other/m-1"))
    assert [plain.status, named.status, strange.status] == [200, 200, 400]
    assert [request.json["model"] for request in upstream.requests] == ["vendor/m-1", "m-1"]


async def test_a_models_own_name_may_hold_slashes(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    await running.add_model("node-up", ModelFacts(id="vendor/big:free", custom=True))
    for name in ("up/vendor/big:free", "vendor/big:free"):
        await running.ask(CHAT, asking(CHAT, name))
    assert [request.json["model"] for request in upstream.requests] == ["vendor/big:free"] * 2


@pytest.mark.parametrize("path", CONVERSATIONS)
@pytest.mark.parametrize("stream", [False, True])
async def test_half_an_emoji_of_an_upstream_is_passed_on_and_counted(
    running: RunningGateway, upstream: ScriptedUpstream, path: str, stream: bool
) -> None:
    await running.add_node(upstream.url, type=NODE_TYPES[path])
    pieces = ("half \ud83d", "\ude00 done") if stream else ("cut off \ud83d",)
    upstream.script(script.answer(pieces, usage=False))
    got = await running.ask(path, asking(path, stream=stream))
    assert got.status == 200, got.body
    assert b"\\ud83d" in got.body
    assert b"error" not in got.body
    row = await running.row()
    assert row.outcome is Outcome.OK
    assert row.usage.output


async def test_what_no_json_has_is_passed_on(running: RunningGateway, upstream: ScriptedUpstream) -> None:
    await running.add_node(upstream.url)
    upstream.script(script.changed(script.answer(), {"score": float("nan")}))
    got = await running.ask(CHAT, asking(CHAT))
    assert (got.status, b'"score": NaN' in got.body) == (200, True)
    assert (await running.row()).usage.prompt == 100
