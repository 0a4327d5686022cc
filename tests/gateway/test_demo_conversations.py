"""The demo converses as a good upstream of each dialect would."""

import json

import pytest
from anthropic.types import Message
from anthropic.types import RawMessageStreamEvent as AnthropicEvent
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from omniroute.conversation.tokens import count_tokens
from omniroute.conversation.usage import Usage
from omniroute.formats import FORMATS
from omniroute.formats.sse import Frame
from omniroute.gateway.demo import DEMO_PROVIDER
from omniroute.records import FormatName
from tests.gateway.demo_dialogue import (
    CHAT,
    MESSAGES,
    RESPONSES,
    JSONObject,
    ask,
    call_in,
    converse,
    request,
    text_in,
)

DIALECTS = (CHAT, MESSAGES, RESPONSES)


def fold(dialect: FormatName, frames: list[Frame]) -> JSONObject:
    """The whole answer a stream tells, having checked the order of its events."""
    return {CHAT: fold_chat, MESSAGES: fold_messages, RESPONSES: fold_responses}[dialect](frames)


def fold_chat(frames: list[Frame]) -> JSONObject:
    assert [frame.data for frame in frames].count(b"[DONE]") == 1
    assert frames[-1].data == b"[DONE]"
    chunks = [json.loads(frame.data) for frame in frames[:-1]]
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk, strict=True)
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    usage = chunks.pop()["usage"] if not chunks[-1]["choices"] else None
    choices = [chunk["choices"][0] for chunk in chunks]
    reasons = [choice["finish_reason"] for choice in choices]
    assert all(reason is None for reason in reasons[:-1])
    message: JSONObject = {"role": "assistant", "content": None, "refusal": None}
    for choice in choices:
        delta = choice["delta"]
        if (piece := delta.get("content")) is not None:
            message["content"] = (message["content"] or "") + piece
        for call in delta.get("tool_calls", ()):
            assert call.pop("index") == 0
            if "id" in call:
                message["tool_calls"] = [call]
            else:
                message["tool_calls"][0]["function"]["arguments"] += call["function"]["arguments"]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reasons[-1]}
    whole = {name: chunks[0][name] for name in ("id", "created", "model", "system_fingerprint")}
    return whole | {"object": "chat.completion", "choices": [choice], "usage": usage}


def fold_messages(frames: list[Frame]) -> JSONObject:
    events = [json.loads(frame.data) for frame in frames]
    for frame, event in zip(frames, events, strict=True):
        assert frame.event == event["type"]
        TypeAdapter(AnthropicEvent | dict[str, str]).validate_python(event)
    events = [event for event in events if event["type"] != "ping"]
    start, begun, *deltas, stopped, ending, end = events
    assert [event["type"] for event in (start, begun, stopped, ending, end)] == [
        "message_start",
        "content_block_start",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert {event["type"] for event in deltas} == {"content_block_delta"}
    assert {event["index"] for event in (begun, *deltas, stopped)} == {0}
    block = begun["content_block"]
    if block["type"] == "text":
        block["text"] += "".join(event["delta"]["text"] for event in deltas)
    else:
        block["input"] = json.loads("".join(event["delta"]["partial_json"] for event in deltas))
    message: JSONObject = start["message"]
    assert message["content"] == []
    return {**message, **ending["delta"], "content": [block], "usage": ending["usage"]}


def fold_responses(frames: list[Frame]) -> JSONObject:
    events = [json.loads(frame.data) for frame in frames]
    adapter: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)
    for frame, event in zip(frames, events, strict=True):
        assert frame.event == event["type"]
        adapter.validate_python(event)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    kinds = [event["type"].removeprefix("response.") for event in events]
    is_text = "output_text.delta" in kinds
    name = "output_text" if is_text else "function_call_arguments"
    part = ["content_part.{}"] if is_text else []
    deltas = [event["delta"] for event in events if event["type"].endswith(".delta")]
    assert kinds == [
        *("created", "in_progress", "output_item.added"),
        *(one.format("added") for one in part),
        *[f"{name}.delta"] * len(deltas),
        f"{name}.done",
        *(one.format("done") for one in part),
        *("output_item.done", "completed"),
    ]
    done = next(event for event in events if event["type"] == f"response.{name}.done")
    item = events[-2]["item"]
    told = item["content"][0]["text"] if is_text else item["arguments"]
    assert "".join(deltas) == told == done["text" if is_text else "arguments"]
    assert {event.get("item_id", item["id"]) for event in events} == {item["id"]}
    response: JSONObject = events[-1]["response"]
    assert response["output"] == [item]
    assert response["id"] == events[0]["response"]["id"]
    return response


def validate(dialect: FormatName, whole: JSONObject) -> None:
    """The official SDK takes it as its own."""
    if dialect is CHAT:
        ChatCompletion.model_validate(whole)
    elif dialect is MESSAGES:
        Message.model_validate(whole)
    else:
        Response.model_validate(whole)


def without_ids(value: object) -> object:
    """What two answers to one request have in common."""
    volatile = ("id", "call_id", "created", "created_at")
    if isinstance(value, dict):
        return {name: without_ids(one) for name, one in value.items() if name not in volatile}
    return [without_ids(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("tools", [False, True])
async def test_a_stream_folds_to_the_whole_answer(dialect: FormatName, tools: bool) -> None:
    body = request(dialect, "use get_weather for Paris, please and thank you", tools=tools)
    whole = await converse(dialect, body)
    options = {"stream_options": {"include_usage": True}} if dialect is CHAT else {}
    streamed = await converse(dialect, body | {"stream": True} | options)
    assert whole.headers["Content-Type"] == "application/json"
    assert streamed.headers["Content-Type"].startswith("text/event-stream")
    assert len(streamed.chunks) > 5
    validate(dialect, whole.json)
    folded = fold(dialect, streamed.frames)
    assert without_ids(folded) == without_ids(whole.json)
    assert (call_in if tools else text_in)(dialect, folded)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_the_answer_says_what_it_is_and_what_was_said(dialect: FormatName) -> None:
    text = text_in(dialect, (await converse(dialect, request(dialect, "Grüße \U0001f600"))).json)
    assert "no AI behind it" in text
    assert "You said: Grüße \U0001f600" in text
    assert "omniroute providers add " in text


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("stream", [False, True])
async def test_the_gateway_reads_text_and_usage_of_an_answer(dialect: FormatName, stream: bool) -> None:
    body = request(dialect, "count me in", stream=stream, stream_options={"include_usage": True})
    answer = await converse(dialect, body)
    if stream:
        watch = FORMATS[dialect].StreamWatch()
        for chunk in answer.chunks:
            assert watch.pass_on(chunk) == chunk
        seen = watch.seen
    else:
        seen = FORMATS[dialect].read_whole(answer.body)
    output = count_tokens(text_in(dialect, (await converse(dialect, body | {"stream": False})).json))
    assert seen.finished
    assert seen.content is stream  # of a whole answer whose tokens are told, no text is kept
    assert seen.failure is None
    assert seen.model == "demo/echo"
    assert isinstance(seen.usage, Usage)
    assert seen.usage.completion == output
    assert seen.usage.cache_read == 0
    assert seen.usage.prompt is not None
    assert seen.usage.prompt >= count_tokens("count me in")


async def test_a_streamed_chat_tells_usage_only_when_asked() -> None:
    body = request(CHAT, "hello", stream=True)
    assert fold_chat((await converse(CHAT, body)).frames)["usage"] is None
    assert b"usage" not in (await converse(CHAT, body)).body


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_ids_are_never_the_same_twice(dialect: FormatName) -> None:
    body = request(dialect, "use a tool", tools=True)
    first, second = [(await converse(dialect, body)).json for _ in range(2)]
    assert first["id"] != second["id"]
    assert call_in(dialect, first)[0] != call_in(dialect, second)[0]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("text", "expected"),
    [("please get_weather now", "get_weather"), ("call any tool", "look_around"), ("Tools!", "look_around")],
)
async def test_a_tool_asked_for_is_called(dialect: FormatName, text: str, expected: str) -> None:
    answer = await converse(dialect, request(dialect, text, tools=True))
    _, name, arguments = call_in(dialect, answer.json)
    assert name == expected
    assert arguments == {
        "city": text,
        "unit": "celsius",
        "days": 1,
        "detailed": False,
        "near": [],
        "place": {"lat": 0},
    }


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("text", ["what is the weather?", "a toolbox", "get_weather_report"])
async def test_no_tool_is_called_unasked(dialect: FormatName, text: str) -> None:
    answer = await converse(dialect, request(dialect, text, tools=True))
    assert text in text_in(dialect, answer.json)


FORCED = {
    CHAT: {"type": "function", "function": {"name": "get_weather"}},
    MESSAGES: {"type": "tool", "name": "get_weather"},
    RESPONSES: {"type": "function", "name": "get_weather"},
}
ANY = {CHAT: "required", MESSAGES: {"type": "any"}, RESPONSES: "required"}
NONE = {CHAT: "none", MESSAGES: {"type": "none"}, RESPONSES: "none"}


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_tool_choice_is_obeyed(dialect: FormatName) -> None:
    async def answer(text: str, choice: object) -> JSONObject:
        return (await converse(dialect, request(dialect, text, tools=True, tool_choice=choice))).json

    assert call_in(dialect, await answer("hello", FORCED[dialect]))[1] == "get_weather"
    assert call_in(dialect, await answer("hello", ANY[dialect]))[1] == "look_around"
    assert "use the tool" in text_in(dialect, await answer("use the tool", NONE[dialect]))


def with_result(dialect: FormatName, body: JSONObject, answer: JSONObject, result: str) -> JSONObject:
    """The next turn: the answer with its tool call, and what the tool gave."""
    call_id = call_in(dialect, answer)[0]
    if dialect is RESPONSES:
        output = {"type": "function_call_output", "call_id": call_id, "output": result}
        return body | {"input": [*body["input"], *answer["output"], output]}
    if dialect is CHAT:
        given = {"role": "tool", "tool_call_id": call_id, "content": result}
        return body | {"messages": [*body["messages"], answer["choices"][0]["message"], given]}
    block = {"type": "tool_result", "tool_use_id": call_id, "content": [{"type": "text", "text": result}]}
    turns = [{"role": "assistant", "content": answer["content"]}, {"role": "user", "content": [block]}]
    return body | {"messages": [*body["messages"], *turns]}


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_tool_result_is_answered_with_text_that_quotes_it(dialect: FormatName) -> None:
    body = request(dialect, "use the get_weather tool", tools=True)
    first = (await converse(dialect, body)).json
    second = await converse(dialect, with_result(dialect, body, first, "sunny, 21 degrees"))
    assert "sunny, 21 degrees" in text_in(dialect, second.json)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"model": "echo"}', 400),
        (b'{"model": "echo", "messages": 7, "input": 7}', 400),
        (b'{"model": "gpt-9", "messages": [{}], "input": "x"}', 404),
        (b'{"model": "demo/embed", "messages": [{}], "input": "x"}', 404),
    ],
)
async def test_a_request_that_cannot_be_answered_is_refused_in_its_dialect(
    dialect: FormatName, body: bytes, status: int
) -> None:
    answer = await ask(DEMO_PROVIDER.formats[dialect], body)
    assert answer.status == status
    error = answer.json["error"]
    assert error["message"]
    assert error["type"] == ("not_found_error" if (dialect, status) == (MESSAGES, 404) else error["type"])
    assert ("request_id" in answer.json) is (dialect is MESSAGES)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "odd", ['"\\ud83d cut"', '[{"type": "image_url", "image_url": {"url": "x"}}]', "null"]
)
async def test_odd_content_is_answered(dialect: FormatName, odd: str) -> None:
    name = "input" if dialect is RESPONSES else "messages"
    body = f'{{"model": "demo/echo", "{name}": [{{"role": "user", "content": {odd}}}]}}'
    answer = await ask(DEMO_PROVIDER.formats[dialect], body.encode())
    assert answer.status == 200
    assert "You said:" in text_in(dialect, answer.json)


async def test_half_a_surrogate_in_a_tool_is_refused_not_a_crash() -> None:
    body = (
        b'{"model":"echo","messages":[{"role":"user","content":"use a tool"}],'
        b'"tools":[{"type":"function","function":{"name":"a\\ud800"}}]}'
    )
    assert (await ask(DEMO_PROVIDER.formats[CHAT], body)).status == 400
