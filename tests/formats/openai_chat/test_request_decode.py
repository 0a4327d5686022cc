"""What clients of Chat ask."""

import json

import msgspec
import pytest

from omniroute.conversation.parts import Text, Thinking, ToolResult, ToolUse
from omniroute.conversation.request import ChoiceMode, FunctionTool, Message, OutputKind, Role, ToolChoice
from omniroute.errors import ErrorKind, Refused
from omniroute.formats import openai_chat
from tests.formats.openai_chat.asking import read, tool_call, written


def test_every_role_has_its_place() -> None:
    request = read(
        {"role": "system", "content": "s"},
        {"role": "developer", "content": [{"type": "text", "text": "d"}]},
        {"role": "user", "content": "u", "name": "ann"},
        {"role": "assistant", "content": None, "tool_calls": [tool_call()]},
        {"role": "tool", "tool_call_id": "abc", "content": "42"},
    )

    assert request.messages == (
        Message(Role.SYSTEM, (Text("s"),)),
        Message(Role.DEVELOPER, (Text("d"),)),
        Message(Role.USER, (Text("u"),), "ann"),
        Message(Role.ASSISTANT, (ToolUse("abc", "f", "{}"),)),
        Message(Role.USER, (ToolResult("abc", (Text("42"),)),)),
    )


def test_the_old_form_of_tools_is_the_same_in_new_words() -> None:
    request = read(
        {"role": "user", "content": "u"},
        {"role": "assistant", "content": "", "function_call": {"name": "f", "arguments": '{"a":1}'}},
        {"role": "function", "name": "f", "content": "42"},
        functions=[{"name": "f", "description": "d", "parameters": {"type": "object"}}],
        function_call={"name": "f"},
    )

    call, result = request.messages[1].parts[0], request.messages[2].parts[0]
    assert isinstance(call, ToolUse)
    assert isinstance(result, ToolResult)
    assert call.id == result.tool_use_id != ""
    assert request.tools == (FunctionTool("f", "d", msgspec.Raw(b'{"type": "object"}')),)
    assert request.tool_choice == ToolChoice(ChoiceMode.NAMED, "f")
    assert written(request)["tool_choice"] == {"type": "function", "function": {"name": "f"}}


def test_a_thought_told_twice_counts_once() -> None:
    message = read(
        {
            "role": "assistant",
            "content": "b",
            "reasoning": "hm",
            "reasoning_content": "hm",
            "reasoning_details": [{"type": "reasoning.text", "text": "hm", "index": 0}],
        }
    ).messages[0]

    assert [part.text for part in message.parts if isinstance(part, Thinking)] == ["hm"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": [{"role": "user", "content": "x"}]}, "model"),
        ({"model": "m"}, "messages"),
        ({"model": "m", "messages": []}, "messages"),
        ({"model": "m", "messages": {}}, "messages"),
        ({"model": "m", "messages": ["x"]}, "messages[0]"),
        ({"model": "m", "messages": [{"role": "bard"}]}, "messages[0].role"),
        ({"model": "m", "messages": [{"role": "user", "content": 3}]}, "messages[0].content"),
        (
            {"model": "m", "messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "messages[0].content[0].image_url",
        ),
        ({"model": "m", "messages": [{"role": "user"}], "temperature": "warm"}, "temperature"),
        (
            {"model": "m", "messages": [{"role": "user"}], "tools": [{"type": "function", "function": {}}]},
            None,
        ),
        ({"model": "m", "messages": [{"role": "user"}], "tool_choice": "perhaps"}, "tool_choice"),
        ({"model": "m", "messages": [{"role": "user"}], "response_format": {"type": "xml"}}, None),
    ],
)
def test_a_wrong_field_is_refused_by_its_name(body: object, param: str | None) -> None:
    with pytest.raises(Refused) as refused:
        openai_chat.decode_request(json.dumps(body).encode())

    assert refused.value.kind is ErrorKind.BAD_REQUEST
    assert param in (refused.value.param, None)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"3", b'{"a":}', b"[" * 5000, b'{"model":"m","messages":' * 3000]
)
def test_what_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        openai_chat.decode_request(body)

    assert refused.value.kind is ErrorKind.INVALID_JSON


def test_half_an_emoji_is_no_reason_to_refuse() -> None:
    request = openai_chat.decode_request(
        b'{"model":"m","messages":[{"role":"user","content":"a\\ud83d"}],"temperature":NaN}'
    )

    assert request.messages[0].parts == (Text("a?"),)


def test_null_counts_as_absent() -> None:
    nothing = dict.fromkeys(
        [
            "tools",
            "tool_choice",
            "stop",
            "temperature",
            "stream_options",
            "response_format",
            "reasoning",
            "whatever",
        ]
    )

    assert read(**nothing) == read()


def test_the_shape_of_the_answer_is_read() -> None:
    request = read(
        response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": {"a": 1.0}}}
    )

    assert request.output.kind is OutputKind.SCHEMA
    assert request.output.schema == msgspec.Raw(b'{"a": 1.0}')
