"""Tokens, cost, times and names in the row of a request."""

import json
from typing import Any

import pytest

from omniroute.conversation.usage import UNKNOWN, Usage
from omniroute.gateway.accounting import finish
from omniroute.gateway.usage_log import UsageEntry
from omniroute.providers.pricing import Prices
from omniroute.records import Outcome, Scope
from tests import scripted_upstream as script
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

TOLD = {
    CHAT: Usage(input=70, cache_read=30, output=15, reasoning=5),
    RESPONSES: Usage(input=70, cache_read=30, output=15, reasoning=5),
    MESSAGES: Usage(input=70, cache_read=30, cache_write=0, output=20),
    EMBEDDINGS: Usage(input=4, output=0),
}
"""What the samples' usage means in buckets that do not overlap."""
BOTH = [(path, stream) for path in CONVERSATIONS for stream in (False, True)]


@pytest.mark.parametrize(("path", "stream"), [*BOTH, (EMBEDDINGS, False)])
async def test_what_the_provider_told_is_kept_in_disjoint_buckets(
    running: RunningGateway, upstream: ScriptedUpstream, path: str, stream: bool
) -> None:
    await running.add_node(upstream.url, type=NODE_TYPES[path])
    await running.ask(path, asking(path, stream=stream))
    assert (await running.row()).usage == TOLD[path]


@pytest.mark.parametrize(("path", "stream"), BOTH)
async def test_what_the_provider_did_not_tell_is_counted_and_marked(
    running: RunningGateway, upstream: ScriptedUpstream, path: str, stream: bool
) -> None:
    await running.add_node(upstream.url, type=NODE_TYPES[path])
    upstream.otherwise = script.answer(("one two three ", "four five six"), usage=False)
    await running.ask(path, asking(path, stream=stream))
    usage = (await running.row()).usage
    assert usage.estimated
    assert usage.input is not None
    assert usage.input >= 2  # "Say hello"
    assert usage.output is not None
    assert 4 <= usage.output <= 100
    assert usage.cache_read is None


async def test_a_picture_is_not_counted_as_words(running: RunningGateway, upstream: ScriptedUpstream) -> None:
    await running.add_node(upstream.url)
    upstream.otherwise = script.answer(usage=False)
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "QUJD" * 100_000}}
    text = {"type": "text", "text": "What is this?"}
    await running.ask(CHAT, asking(CHAT, messages=[{"role": "user", "content": [text, picture]}]))
    usage = (await running.row()).usage
    assert usage.input is not None
    assert usage.input < 50


async def test_a_request_without_an_answer_has_used_nothing_we_know_of(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    upstream.otherwise = script.error(500)
    await running.ask(CHAT, asking(CHAT))
    row = await running.row()
    assert row.usage == Usage()
    assert (row.cost_nano_usd, row.ttft_ms) == (None, None)


async def test_a_price_that_is_known_makes_a_cost_with_its_source(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_account("openai", "first", base_url=f"{upstream.url}/v1")
    await running.ask(CHAT, asking(CHAT, "openai/gpt-6-sol"))
    row = await running.row()
    # 70 input at 2, 30 cached at 0.2 and 20 output at 10 dollars a million, in billionths of a dollar.
    assert row.cost_nano_usd == 70 * 2_000 + 30 * 200 + 20 * 10_000
    assert row.price_source is not None
    assert row.price_source.startswith("catalogue")


async def test_a_price_that_is_not_known_is_not_zero(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    await running.ask(CHAT, asking(CHAT, "up/nobody-knows-this-model"))
    row = await running.row()
    assert (row.cost_nano_usd, row.price_source) == (None, None)


@pytest.mark.parametrize(("model", "provider"), [("demo/echo", None), ("ollama/any", "ollama")])
async def test_what_runs_here_costs_nothing(
    running: RunningGateway, upstream: ScriptedUpstream, model: str, provider: str | None
) -> None:
    if provider is not None:
        await running.add_account(provider, "first", base_url=f"{upstream.url}/v1", secret=None)
    got = await running.ask(CHAT, asking(CHAT, model))
    assert got.status == 200, got.body
    row = await running.row()
    assert row.cost_nano_usd == 0
    assert row.usage.output is not None


@pytest.mark.parametrize("path", CONVERSATIONS)
async def test_the_built_in_model_is_counted_like_any_other(running: RunningGateway, path: str) -> None:
    for stream in (False, True):
        assert (await running.ask(path, asking(path, "demo/echo", stream=stream))).status == 200
    for row in await running.rows():
        assert (row.outcome, row.provider, row.model) == (Outcome.OK, "demo", "echo")
        assert row.usage.prompt
        assert not row.usage.estimated


async def test_a_row_says_what_was_asked_and_how_long_it_took(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    upstream.script(script.waiting_before_last(script.answer()))
    async with running.open("POST", CHAT, asking(CHAT, stream=True), {"X-Request-Id": "mine"}) as answer:
        await answer.content.readany()
        [entry] = running.gateway.live.running()
        assert (entry.request_id, entry.provider, entry.model) == ("mine", "up", "m-1")
        before_ms = running.gateway.clock.monotonic_s() * 1000
        upstream.release()
        await answer.read()
    row = await running.row()
    assert (row.request_id, row.method, row.path, row.operation) == ("mine", "POST", CHAT, "chat")
    assert (row.client_format, row.upstream_format) == ("openai-chat", "openai-chat")
    assert (row.requested_model, row.account_id, row.stream) == ("up/m-1", "node-up-first", True)
    assert row.ttft_ms is not None
    assert entry.first_byte_s is not None
    assert entry.first_byte_s * 1000 <= before_ms
    assert 0 <= row.ttft_ms <= row.duration_ms
    assert abs(row.started_at_ms - running.gateway.clock.now_ms()) < 30_000
    assert row.attempts[0].duration_ms <= row.duration_ms + 1


async def test_a_row_says_whose_key_it_was(running: RunningGateway, upstream: ScriptedUpstream) -> None:
    await running.add_node(upstream.url)
    ours = await running.add_key("laptop", scopes=(Scope.PROXY,))
    await running.ask(CHAT, asking(CHAT), {"Authorization": f"Bearer {ours}"})
    await running.ask(CHAT, asking(CHAT))
    first, second = await running.rows()
    assert (first.api_key_id, first.api_key_name) == ("key-laptop", "laptop")
    assert (second.api_key_id, second.api_key_name) == (None, None)
    await running.gateway.reload()
    [key] = running.gateway.snapshot.keys.values()
    assert key.last_used_at_ms == first.started_at_ms


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Session-Id": "s-7"},
        {"session_id": "s-7"},
        {"conversation_id": "s-7"},
        {"x-session-affinity": "s-7"},
    ],
)
async def test_a_session_named_in_a_header_is_kept(
    running: RunningGateway, upstream: ScriptedUpstream, headers: dict[str, str]
) -> None:
    await running.add_node(upstream.url)
    await running.ask(CHAT, asking(CHAT), headers)
    assert (await running.row()).session_id == "s-7"


@pytest.mark.parametrize(
    ("members", "session"),
    [
        ({"prompt_cache_key": "s-7"}, "s-7"),
        ({"metadata": {"user_id": "user_ab_account__session_s-7"}}, "s-7"),
        ({"metadata": {"user_id": json.dumps({"device_id": "d", "session_id": "s-7"})}}, "s-7"),
        ({"metadata": {"user_id": "somebody"}}, None),
        ({"metadata": {"user_id": "{broken"}}, None),
        ({"metadata": {"user_id": 7}}, None),
        ({"metadata": [1]}, None),
        ({"prompt_cache_key": 7}, None),
        ({}, None),
        ({"prompt_cache_key": "x" * 500}, "x" * 128),
    ],
)
async def test_a_session_named_in_the_body_is_kept(
    running: RunningGateway, upstream: ScriptedUpstream, members: dict[str, Any], session: str | None
) -> None:
    await running.add_node(upstream.url)
    assert (await running.ask(CHAT, asking(CHAT, **members))).status == 200
    assert (await running.row()).session_id == session


async def test_absurd_numbers_of_an_upstream_do_not_stop_the_log(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    prompts: list[object] = [10**30, -5, 1.5, "7", None, [], {"a": 1}]
    for prompt in prompts:
        upstream.script(script.changed(script.answer(), {"usage": {"prompt_tokens": prompt}}))
        assert (await running.ask(CHAT, asking(CHAT))).status == 200
    rows = await running.rows()
    assert len(rows) == 7
    assert all(row.usage.input is None or 0 <= row.usage.input < 10**15 for row in rows)


async def test_a_mistake_of_ours_is_answered_500_and_leaves_an_error_row(
    running: RunningGateway, upstream: ScriptedUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def obstacle(self, *_: object) -> object:
            raise ZeroDivisionError

    await running.add_node(upstream.url)
    running.gateway.health = Broken()  # type: ignore[assignment]  # on purpose
    got = await running.ask(CHAT, asking(CHAT))
    assert (got.status, got.error["code"]) == (500, "internal_server_error")
    assert "ZeroDivisionError" in caplog.text
    row = await running.row()
    assert (row.outcome, row.status) == (Outcome.ERROR, 500)


def test_a_row_that_cannot_be_counted_is_written_all_the_same() -> None:
    def broken() -> str:
        raise LookupError("a bug")

    entry = UsageEntry(request_id="r", method="POST", path="/", operation="chat", client_format="openai-chat")
    entry.first_byte_s, entry.output_text = 1.0, broken
    row = finish(entry, Prices({}))
    assert row.request_id == "r"
    assert row.usage == UNKNOWN
