"""The official Python SDKs against a real gateway in front of a scripted upstream."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import anthropic
import openai
import pytest

from tests.journeys.ledger import Counted, Ledger, counted
from tests.journeys.upstream import upstream_in_thread
from tests.recorded import Recorded
from tests.scripted_upstream import SSE, TEXT, Behaviour, ScriptedUpstream, answer, error
from tests.server.installation import Installation
from tests.wire_samples import (
    CHAT_USAGE,
    MESSAGES_USAGE,
    chat_chunk,
    chat_usage_chunk,
    chat_whole,
    event_frame,
    messages_whole,
)

UPSTREAM_KEY = "sk-upstream-0123456789abcdef"
GPT = "openai/gpt-6-luna"
CLAUDE = "anthropic/claude-opus-5"
NO_KEY = {"Authorization": openai.Omit()}
"""For a call: the SDK insists on a key, and the gateway on none that it does not know."""
QUESTION = "What is the weather in Paris?"
REPORT = "18 degrees"
CITY = {"city": "Paris"}
CITY_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}

CHAT_ROW = Counted(path="/v1/chat/completions", model=GPT, status=200, fresh=70, cached=30, out=15)
RESPONSES_ROW = replace(CHAT_ROW, path="/v1/responses")
EMBEDDINGS_ROW = Counted(
    path="/v1/embeddings", model="openai/text-embedding-3-small", status=200, fresh=4, out=0
)
MESSAGES_ROW = Counted(path="/v1/messages", model=CLAUDE, status=200, fresh=70, cached=30, out=20)
# 70 fresh, 30 cached and 20 written tokens at the catalogue's prices per million.
GPT_USD = (70 * 0.1 + 30 * 0.01 + 20 * 0.5) / 1e6
CLAUDE_USD = (70 * 5 + 30 * 0.5 + 20 * 25) / 1e6


@dataclass(frozen=True)
class Journey:
    """A gateway with two accounts at one upstream."""

    installation: Installation
    upstream: ScriptedUpstream
    url: str
    key: str
    clients: ExitStack
    """Closes what the tests open."""

    def openai(self, key: str = "none needed", *, max_retries: int = 0) -> openai.OpenAI:
        """The SDK as a program of a user makes it."""
        made = openai.OpenAI(base_url=f"{self.url}/v1", api_key=key, max_retries=max_retries)
        return self.clients.enter_context(made)

    def anthropic(self, key: str | None = None) -> anthropic.Anthropic:
        """The same of the other vendor; without a key when the gateway asks for none."""
        absent: Any = anthropic.Omit()  # at work it may stand for a header, in the SDK's types it may not
        headers = {} if key else {"Authorization": absent, "X-Api-Key": absent}
        made = anthropic.Anthropic(
            base_url=self.url, api_key=key or "none needed", default_headers=headers, max_retries=0
        )
        return self.clients.enter_context(made)


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    """Set up as a person does it, by commands."""
    installation = Installation(tmp_path_factory.mktemp("sdks"))
    with upstream_in_thread() as upstream, ExitStack() as clients:
        url = installation.serve().url
        try:
            for provider, path in (("openai", "/v1"), ("anthropic", "/v1")):
                place = ("--base-url", upstream.url + path, "--allow-private", "--api-key-env", "KEY")
                added = installation.run("providers", "add", provider, *place, KEY=UPSTREAM_KEY)
                assert added.returncode == 0, added.stderr
            made = installation.run("keys", "create", "sdk", "--json")
            assert made.returncode == 0, made.stderr
            yield Journey(installation, upstream, url, json.loads(made.stdout)["key"], clients)
        finally:
            installation.clean_up()


@pytest.fixture
def ledger(journey: Journey) -> Iterator[Ledger]:
    """The rows of this test alone; the upstream answers plainly again after it."""
    yield Ledger(journey.installation)
    journey.upstream.by_model.clear()


def script(journey: Journey, model: str, behaviour: Behaviour) -> None:
    """How the upstream answers for a model from now on."""
    journey.upstream.by_model[model.partition("/")[2]] = behaviour


def test_openai_chats(journey: Journey, ledger: Ledger) -> None:
    for client, headers in ((journey.openai(), NO_KEY), (journey.openai(journey.key), {})):
        done = client.chat.completions.create(
            model=GPT, messages=[{"role": "user", "content": QUESTION}], extra_headers=headers
        )
        assert done.choices[0].message.content == TEXT
        assert done.usage is not None
        assert done.usage.total_tokens == 120
    rows = ledger.new_rows()
    assert [counted(row) for row in rows] == [CHAT_ROW, CHAT_ROW]
    assert [row["apiKeyName"] for row in rows] == [None, "sdk"]
    assert [row["costUsd"] for row in rows] == [pytest.approx(GPT_USD)] * 2
    asked = journey.upstream.requests[-1]
    assert asked.headers["Authorization"] == f"Bearer {UPSTREAM_KEY}"
    assert asked.json["model"] == "gpt-6-luna"


def test_openai_streams_a_chat_and_its_usage(journey: Journey, ledger: Ledger) -> None:
    stream = journey.openai(journey.key).chat.completions.create(
        model=GPT,
        messages=[{"role": "user", "content": QUESTION}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == TEXT
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.prompt_tokens == 100
    assert ledger.counted() == [replace(CHAT_ROW, stream=True)]


def test_a_chat_stream_is_counted_though_the_client_asked_for_no_usage(
    journey: Journey, ledger: Ledger
) -> None:
    stream = journey.openai(journey.key).chat.completions.create(
        model=GPT, messages=[{"role": "user", "content": QUESTION}], stream=True
    )
    assert all(chunk.usage is None for chunk in stream)
    assert ledger.counted() == [replace(CHAT_ROW, stream=True)]


@pytest.mark.parametrize("streams", [False, True])
def test_openai_makes_a_tool_round_trip(journey: Journey, ledger: Ledger, streams: bool) -> None:
    script(journey, GPT, Behaviour(chunks=_chat_tool, content_type=_type_of))
    client = journey.openai(journey.key)
    tool: Any = {"type": "function", "function": {"name": "weather", "parameters": CITY_SCHEMA}}
    messages: list[Any] = [{"role": "user", "content": QUESTION}]
    for _ in range(2):
        if streams:
            with client.chat.completions.stream(model=GPT, messages=messages, tools=[tool]) as events:
                done = events.get_final_completion().choices[0]
        else:
            done = client.chat.completions.create(model=GPT, messages=messages, tools=[tool]).choices[0]  # type: ignore[assignment]
        if not done.message.tool_calls:
            break
        call = done.message.tool_calls[0]
        assert call.type == "function"
        assert json.loads(call.function.arguments) == CITY
        messages.append(done.message.model_dump(include={"role", "content", "tool_calls"}))
        messages.append({"role": "tool", "tool_call_id": call.id, "content": REPORT})
    assert done.message.content == f"It is {REPORT}."
    assert ledger.counted() == [replace(CHAT_ROW, stream=streams)] * 2


def test_openai_embeds_by_its_default_encoding(journey: Journey, ledger: Ledger) -> None:
    done = journey.openai(journey.key).embeddings.create(
        model="openai/text-embedding-3-small", input="weather"
    )
    assert journey.upstream.requests[-1].json["encoding_format"] == "base64"
    assert done.data[0].embedding == pytest.approx([0.6, -0.8])
    assert ledger.counted() == [EMBEDDINGS_ROW]


def test_the_demo_embeds_in_base64(journey: Journey) -> None:
    done = journey.openai().embeddings.create(
        model="demo/embed", input=["weather", "climate"], extra_headers=NO_KEY
    )
    assert [len(one.embedding) for one in done.data] == [64, 64]
    assert all(isinstance(number, float) for number in done.data[0].embedding)


def test_both_sdks_list_and_retrieve_models(journey: Journey, ledger: Ledger) -> None:
    for sdk, headers in ((journey.openai(), NO_KEY), (journey.openai(journey.key), {})):
        listed = {model.id for model in sdk.models.list(extra_headers=headers)}
        assert {GPT, CLAUDE, "openai/text-embedding-3-small"} <= listed
        assert sdk.models.retrieve(GPT, extra_headers=headers).id == GPT
    for client in (journey.anthropic(), journey.anthropic(journey.key)):
        page = client.models.list(limit=2)
        assert len(page.data) == 2
        found = {model.id: model for model in client.models.list(limit=1000)}
        assert found[CLAUDE].type == "model"
        assert client.models.retrieve(CLAUDE).id == CLAUDE
    assert ledger.counted() == []


def test_the_anthropic_sdk_pages_through_every_model_once(journey: Journey) -> None:
    client = journey.anthropic(journey.key)
    whole = [model.id for model in client.models.list(limit=1000)]
    paged = [model.id for model in client.models.list(limit=50)]
    assert len(whole) > 50
    assert paged == whole
    assert len(set(paged)) == len(paged)


def test_openai_creates_a_response(journey: Journey, ledger: Ledger) -> None:
    done = journey.openai(journey.key).responses.create(model=GPT, input=QUESTION)
    assert done.output_text == TEXT
    assert done.usage is not None
    assert done.usage.input_tokens == 100
    assert ledger.counted() == [RESPONSES_ROW]


def test_openai_streams_a_response(journey: Journey, ledger: Ledger) -> None:
    with journey.openai(journey.key).responses.create(model=GPT, input=QUESTION, stream=True) as stream:
        events = list(stream)
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == TEXT
    assert ledger.counted() == [replace(RESPONSES_ROW, stream=True)]


def test_anthropic_writes_messages(journey: Journey, ledger: Ledger) -> None:
    for key in (None, journey.key):
        done = journey.anthropic(key).messages.create(
            model=CLAUDE, max_tokens=100, messages=[{"role": "user", "content": QUESTION}]
        )
        assert _text(done) == TEXT
        assert done.usage.cache_read_input_tokens == 30
    rows = ledger.new_rows()
    assert [counted(row) for row in rows] == [MESSAGES_ROW] * 2
    assert [row["costUsd"] for row in rows] == [pytest.approx(CLAUDE_USD)] * 2
    assert journey.upstream.requests[-1].headers["x-api-key"] == UPSTREAM_KEY
    assert "Authorization" not in journey.upstream.requests[-1].headers


def test_anthropic_streams_messages(journey: Journey, ledger: Ledger) -> None:
    with journey.anthropic(journey.key).messages.stream(
        model=CLAUDE, max_tokens=100, messages=[{"role": "user", "content": QUESTION}]
    ) as stream:
        assert "".join(stream.text_stream) == TEXT
        assert stream.get_final_message().usage.output_tokens == 20
    assert ledger.counted() == [replace(MESSAGES_ROW, stream=True)]


@pytest.mark.parametrize("streams", [False, True])
def test_anthropic_makes_a_tool_round_trip(journey: Journey, ledger: Ledger, streams: bool) -> None:
    script(journey, CLAUDE, Behaviour(chunks=_messages_tool, content_type=_type_of))
    client = journey.anthropic(journey.key)
    asked: dict[str, Any] = {
        "model": CLAUDE,
        "max_tokens": 100,
        "tools": [{"name": "weather", "input_schema": CITY_SCHEMA}],
        "messages": [{"role": "user", "content": QUESTION}],
    }
    for _ in range(2):
        if streams:
            with client.messages.stream(**asked) as stream:
                done = stream.get_final_message()
        else:
            done = client.messages.create(**asked)
        if done.stop_reason != "tool_use":
            break
        call = next(block for block in done.content if block.type == "tool_use")
        assert call.input == CITY
        said = [block.model_dump(include={"type", "id", "name", "input"}) for block in done.content]
        result = {"type": "tool_result", "tool_use_id": call.id, "content": REPORT}
        asked["messages"] += [{"role": "assistant", "content": said}, {"role": "user", "content": [result]}]
    assert _text(done) == f"It is {REPORT}."
    assert ledger.counted() == [replace(MESSAGES_ROW, stream=streams)] * 2


def test_errors_are_the_sdks_own_exceptions(journey: Journey, ledger: Ledger) -> None:
    """Each of them leaves a row, a refused key too."""
    with pytest.raises(openai.AuthenticationError) as wrong_key:
        _chat(journey.openai("sk-wrong"))
    assert wrong_key.value.response.headers["x-should-retry"] == "false"
    with pytest.raises(anthropic.AuthenticationError):
        _message(journey.anthropic("sk-wrong"))

    with pytest.raises(openai.NotFoundError) as unknown:
        _chat(journey.openai(journey.key), model="nowhere/gpt")
    assert unknown.value.code == "model_not_found"
    with pytest.raises(anthropic.NotFoundError):
        _message(journey.anthropic(journey.key), model="nowhere/claude")

    script(journey, GPT, error(400, "temperature is too hot", kind="invalid_request_error"))
    script(journey, CLAUDE, error(400, "temperature is too hot", kind="invalid_request_error"))
    with pytest.raises(openai.BadRequestError, match="temperature is too hot"):
        _chat(journey.openai(journey.key))
    with pytest.raises(anthropic.BadRequestError, match="temperature is too hot"):
        _message(journey.anthropic(journey.key))

    busy = error(429, "slow down", kind="rate_limit_error", headers={"Retry-After": "7"})
    script(journey, GPT, busy)
    script(journey, CLAUDE, busy)
    with pytest.raises(openai.RateLimitError, match="slow down") as limited:
        _chat(journey.openai(journey.key))
    assert limited.value.response.headers["retry-after"] == "7"
    with pytest.raises(anthropic.RateLimitError, match="slow down") as limited_too:
        _message(journey.anthropic(journey.key))
    assert limited_too.value.response.headers["retry-after"] == "7"

    rows = [(row.path, row.status, row.outcome, row.out) for row in ledger.counted()]
    chat, messages = "/v1/chat/completions", "/v1/messages"
    assert rows == [
        (path, status, "error", None) for status in (401, 404, 400, 429) for path in (chat, messages)
    ]


def test_a_failing_upstream_is_asked_again_by_the_sdk(journey: Journey, ledger: Ledger) -> None:
    journey.upstream.by_model.clear()
    restarting = error(503, "restarting", headers={"Retry-After": "0.01", "retry-after-ms": "1"})
    journey.upstream.script(restarting, restarting, answer())  # the gateway itself tries twice
    assert _chat(journey.openai(journey.key, max_retries=1)) == TEXT
    assert [row.status for row in ledger.counted()] == [503, 200]


def _chat(client: openai.OpenAI, *, model: str = GPT) -> str | None:
    done = client.chat.completions.create(model=model, messages=[{"role": "user", "content": QUESTION}])
    return done.choices[0].message.content


def _message(client: anthropic.Anthropic, *, model: str = CLAUDE) -> anthropic.types.Message:
    return client.messages.create(
        model=model, max_tokens=10, messages=[{"role": "user", "content": QUESTION}]
    )


def _text(message: anthropic.types.Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def _type_of(request: Recorded) -> str:
    return SSE if request.json.get("stream") else "application/json"


def _chat_tool(request: Recorded) -> list[bytes]:
    """The call of a tool; the text once its result is there."""
    function = {"name": "weather", "arguments": json.dumps(CITY)}
    call = {"id": "call_1", "type": "function", "function": function}
    results = [message for message in request.json["messages"] if message["role"] == "tool"]
    text = f"It is {results[0]['content']}." if results else None
    if not request.json.get("stream"):
        whole = chat_whole(text or "")
        if text is None:
            whole["choices"][0]["finish_reason"] = "tool_calls"
            whole["choices"][0]["message"]["tool_calls"] = [call]
        return [json.dumps(whole).encode()]
    ends = [chat_usage_chunk(CHAT_USAGE), b"data: [DONE]\n\n"]
    if text is not None:
        return [chat_chunk({"role": "assistant", "content": text}), chat_chunk({}, "stop"), *ends]
    halves = function["arguments"][:5], function["arguments"][5:]
    opened = {"index": 0, **call, "function": {**function, "arguments": ""}}
    return [
        chat_chunk({"role": "assistant", "tool_calls": [opened]}),
        *(chat_chunk({"tool_calls": [{"index": 0, "function": {"arguments": half}}]}) for half in halves),
        chat_chunk({}, "tool_calls"),
        *ends,
    ]


def _messages_tool(request: Recorded) -> list[bytes]:
    """As above, in the other dialect."""
    last = request.json["messages"][-1]["content"]
    result = last[0]["content"] if isinstance(last, list) else None
    block: Mapping[str, Any]
    if result is None:
        block, stop = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": CITY}, "tool_use"
        empty, argument = {**block, "input": {}}, json.dumps(CITY)
        deltas = [{"type": "input_json_delta", "partial_json": half} for half in (argument[:5], argument[5:])]
    else:
        block, stop = {"type": "text", "text": f"It is {result}."}, "end_turn"
        empty, deltas = {"type": "text", "text": ""}, [{"type": "text_delta", "text": block["text"]}]
    whole = messages_whole("") | {"content": [block], "stop_reason": stop}
    if not request.json.get("stream"):
        return [json.dumps(whole).encode()]
    begun = whole | {"content": [], "stop_reason": None, "usage": MESSAGES_USAGE | {"output_tokens": 1}}
    ended = {"stop_reason": stop, "stop_sequence": None}
    return [
        event_frame({"type": "message_start", "message": begun}),
        event_frame({"type": "content_block_start", "index": 0, "content_block": empty}),
        *(event_frame({"type": "content_block_delta", "index": 0, "delta": delta}) for delta in deltas),
        event_frame({"type": "content_block_stop", "index": 0}),
        event_frame({"type": "message_delta", "delta": ended, "usage": {"output_tokens": 20}}),
        event_frame({"type": "message_stop"}),
    ]
