"""What clients of Ollama's dialect ask."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.conversation.abilities import plain
from omniroute.conversation.parts import Base64, Extra, Media, MediaKind, Text, Thinking, ToolResult, ToolUse
from omniroute.conversation.request import (
    FunctionTool,
    Message,
    Output,
    OutputKind,
    Reasoning,
    Role,
    Sampling,
)
from omniroute.errors import ErrorKind, Refused
from omniroute.formats.ollama import decode_request, encode_request
from tests.formats.ollama.asking import PNG, WEATHER, decoded


def test_a_request_without_a_word_about_it_streams() -> None:
    assert decoded().stream is True
    assert decoded(stream=None).stream is True
    assert decoded(stream=False).stream is False


def test_the_path_can_say_the_model_and_whether_to_stream() -> None:
    request = decode_request(b'{"messages":[]}', model="there", stream=False)
    assert (request.model, request.stream) == ("there", False)


def test_messages_of_all_roles_are_read() -> None:
    request = decoded(
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "What is this?", "images": [PNG]},
            {"role": "assistant", "content": "A dot.", "thinking": "It is small."},
            {"role": "user", "content": ""},
        ]
    )
    assert request.messages == (
        Message(Role.SYSTEM, (Text("Be brief."),)),
        Message(Role.USER, (Media(MediaKind.IMAGE, Base64("image/png", PNG)), Text("What is this?"))),
        Message(Role.ASSISTANT, (Thinking("It is small."), Text("A dot."))),
        Message(Role.USER),
    )


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (PNG, "image/png"),
        ("/9j/4AAQSkZJRgABAQ==", "image/jpeg"),
        ("R0lGODlhAQABAIAAAAAA", "image/gif"),
        ("UklGRiQAAABXRUJQVlA4IA==", "image/webp"),
        ("AAAAHGZ0eXBhdmlmAAAA", "image/avif"),
        ("AAAAHGZ0eXBoZWljAAAA", "image/heic"),
        ("AAAA", ""),
        ("not base64!", ""),
        ("ünïcödé", ""),
    ],
)
def test_what_an_image_is_shows_in_its_first_bytes(data: str, media_type: str) -> None:
    (message,) = decoded(messages=[{"role": "user", "images": [data]}]).messages
    assert message.parts == (Media(MediaKind.IMAGE, Base64(media_type, data)),)


def test_an_image_given_as_a_data_url_is_taken_apart() -> None:
    (message,) = decoded(messages=[{"role": "user", "images": [f"data:image/x;base64,{PNG}"]}]).messages
    assert message.parts == (Media(MediaKind.IMAGE, Base64("image/x", PNG)),)


def test_arguments_stay_as_they_stood_in_the_body() -> None:
    body = b"""{"model":"m","messages":[{"role":"assistant","content":"","tool_calls":[
        {"function":{"index":0,"name":"f","arguments":{"b": 1.50, "a":[1e3, "\\u00e9"]}}},
        {"id":"call_x","type":"function","function":{"name":"g"}},
        {"function":{"name":"h","arguments":"{\\"text\\": true}"}}]}]}"""
    (message,) = decode_request(body).messages
    calls = [part for part in message.parts if isinstance(part, ToolUse)]
    assert [(call.name, call.arguments) for call in calls] == [
        ("f", '{"b": 1.50, "a":[1e3, "\\u00e9"]}'),
        ("g", ""),
        ("h", '{"text": true}'),
    ]
    assert calls[1].id == "call_x"
    assert calls[0].id != calls[2].id


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([{"tool_name": "b"}, {"tool_name": "a"}], [1, 0]),
        ([{"tool_name": "a"}, {"tool_name": "a"}], [0, 2]),
        ([{}, {}, {}], [0, 1, 2]),
        ([{"tool_name": "b"}, {}], [1, 0]),
    ],
)
def test_results_without_ids_find_their_calls_by_name_else_by_order(
    results: list[dict[str, str]], expected: list[int]
) -> None:
    calls: list[Any] = [{"function": {"name": name, "arguments": {}}} for name in ("a", "b", "a")]
    said: list[dict[str, Any]] = [{"role": "assistant", "tool_calls": calls}]
    said += [{"role": "tool", "content": "done", **result} for result in results]
    first, *rest = decoded(messages=said).messages
    ids = [part.id for part in first.parts if isinstance(part, ToolUse)]
    found = [part.tool_use_id for message in rest for part in message.parts if isinstance(part, ToolResult)]
    assert [ids.index(id_) for id_ in found] == expected


def test_results_with_ids_find_their_calls_by_id() -> None:
    calls = [{"id": id_, "function": {"name": "f", "arguments": {}}} for id_ in ("x", "y")]
    request = decoded(
        messages=[
            {"role": "assistant", "tool_calls": calls},
            {"role": "tool", "content": "2", "tool_call_id": "y"},
            {"role": "tool", "content": "1", "tool_name": "f"},
        ]
    )
    assert request.messages[1].parts == (ToolResult("y", (Text("2"),), name="f"),)
    assert request.messages[2].parts == (ToolResult("x", (Text("1"),), name="f"),)


def test_a_result_of_no_call_has_no_id() -> None:
    (message,) = decoded(messages=[{"role": "tool", "content": "4", "tool_name": "f"}]).messages
    assert message == Message(Role.USER, (ToolResult("", (Text("4"),), name="f"),))


def test_made_ids_are_the_same_when_the_conversation_has_grown() -> None:
    said = [
        {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": {}}}]},
        {"role": "tool", "content": "1"},
    ]
    assert decoded(messages=said).messages == decoded(messages=[*said, *said]).messages[:2]


def test_options_are_read_and_unknown_ones_kept_by_name() -> None:
    request = decoded(
        keep_alive="5m",
        logprobs=True,
        top_logprobs=3,
        options={
            "temperature": 0.5,
            "top_p": 1,
            "top_k": 40,
            "min_p": 0.05,
            "num_predict": 128.0,
            "num_ctx": 4096,
            "stop": ["END", "\n"],
            "seed": 42,
            "presence_penalty": 0.1,
            "frequency_penalty": -0.2,
            "mirostat": None,
        },
    )
    assert request.sampling == Sampling(
        max_tokens=128,
        temperature=0.5,
        top_p=1,
        top_k=40,
        stop=("END", "\n"),
        seed=42,
        presence_penalty=0.1,
        frequency_penalty=-0.2,
        logprobs=True,
        top_logprobs=3,
    )
    assert request.extra == Extra(
        "ollama",
        {
            "keep_alive": msgspec.Raw(b'"5m"'),
            "options.min_p": msgspec.Raw(b"0.05"),
            "options.num_ctx": msgspec.Raw(b"4096"),
        },
    )


@pytest.mark.parametrize("limit", [-1, -2, 0, None])
def test_no_limit_of_tokens_is_none(limit: int | None) -> None:
    assert decoded(options={"num_predict": limit}).sampling.max_tokens is None


def test_one_stop_sequence_may_stand_alone() -> None:
    assert decoded(options={"stop": "END"}).sampling.stop == ("END",)


@pytest.mark.parametrize(
    ("think", "reasoning"),
    [
        (None, Reasoning()),
        (True, Reasoning(enabled=True)),
        (False, Reasoning(enabled=False)),
        ("high", Reasoning(effort="high")),
        ("", Reasoning()),
    ],
)
def test_think_is_a_switch_or_a_word(think: bool | str | None, reasoning: Reasoning) -> None:
    assert decoded(think=think).reasoning == reasoning


@pytest.mark.parametrize(
    ("shape", "output"),
    [
        (None, Output()),
        ("", Output()),
        ("json", Output(kind=OutputKind.JSON)),
        ({"type": "object"}, Output(kind=OutputKind.SCHEMA, schema=msgspec.Raw(b'{"type": "object"}'))),
    ],
)
def test_format_is_a_word_or_a_schema(shape: object, output: Output) -> None:
    assert decoded(format=shape).output == output


def test_tools_keep_their_schema_as_it_stood() -> None:
    (tool,) = decoded(tools=[WEATHER]).tools
    parameters = json.dumps(WEATHER["function"]["parameters"]).encode()  # type: ignore[index]  # a constant
    assert tool == FunctionTool("get_weather", "Weather of a city.", msgspec.Raw(parameters))


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": ""}, "model"),
        ({"model": 5}, "model"),
        ({"messages": {}}, "messages"),
        ({"messages": ["hi"]}, "messages[0]"),
        ({"messages": [{"content": "hi"}]}, "messages[0].role"),
        ({"messages": [{"role": "wizard"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": ["hi"]}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "images": [1]}]}, "messages[0].images[0]"),
        ({"messages": [{"role": "assistant", "tool_calls": [{}]}]}, "messages[0].tool_calls[0].function"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": ""}}]}]},
            "messages[0].tool_calls[0].function.name",
        ),
        (
            {
                "messages": [
                    {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": 1}}]}
                ]
            },
            "messages[0].tool_calls[0].function.arguments",
        ),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"stream": "yes"}, "stream"),
        ({"options": []}, "options"),
        ({"options": {"top_k": 1.5}}, "options.top_k"),
        ({"options": {"stop": [1]}}, "options.stop[0]"),
        ({"format": "xml"}, "format"),
        ({"format": 1}, "format"),
        ({"think": 1}, "think"),
    ],
)
def test_a_wrong_member_is_named(members: dict[str, Any], param: str) -> None:
    with pytest.raises(Refused) as refused:
        decoded(**members)
    assert refused.value.kind is ErrorKind.BAD_REQUEST
    assert refused.value.param == param
    assert refused.value.message.startswith(f"{param}: ") or param == "model"


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"model":', b"\xff", b'"' * 9, b"[" * 5000])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(Refused):
        decode_request(body)


def test_half_an_emoji_does_no_harm() -> None:
    request = decode_request(b'{"model":"m","messages":[{"role":"user","content":"hi \\ud83d"}]}')
    assert request.messages[0].parts == (Text("hi ?"),)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


_WORDS = (
    "model messages tools format options think stream role content images tool_calls function name arguments"
)


NAMES = st.sampled_from([*_WORDS.split(), "tool_name", "stop", "num_predict", "thinking", "keep"])


ROLES = st.sampled_from(["user", "assistant", "tool", "system"])


SHAPED = st.recursive(
    JSON | ROLES,
    lambda inner: st.dictionaries(NAMES, inner, max_size=6) | st.lists(inner, max_size=3),
    max_leaves=16,
)


@given(members=st.dictionaries(NAMES, SHAPED, max_size=6), messages=st.lists(SHAPED, max_size=3))
def test_whatever_comes_is_read_or_refused(members: dict[str, object], messages: list[object]) -> None:
    body = {"model": "m", "messages": messages} | members
    try:
        request = decode_request(json.dumps(body).encode())
    except Refused:
        return
    again = encode_request(request, plain(request.model))
    assert decode_request(again.body) == request
