"""What clients of Anthropic's dialect ask."""

import json

import pytest

from omniroute.conversation.parts import (
    Base64,
    CacheMark,
    Extra,
    FileId,
    Media,
    MediaKind,
    Opaque,
    Part,
    PlainText,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
    Url,
)
from omniroute.conversation.request import (
    ChoiceMode,
    FunctionTool,
    HostedTool,
    Output,
    OutputKind,
    Reasoning,
    Role,
    Sampling,
    ToolChoice,
)
from omniroute.errors import ErrorKind, Refused
from omniroute.formats import anthropic
from tests.formats.anthropic.asking import Json, decoded, raw

NAME = "anthropic"
DATA = {"type": "base64", "media_type": "image/png", "data": "aGk="}
PDF = {"type": "base64", "media_type": "application/pdf", "data": "aGk="}

BLOCKS: list[tuple[Json, Part]] = [
    ({"type": "text", "text": "hi"}, Text("hi")),
    (
        {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        Text("hi", cache=CacheMark("1h")),
    ),
    ({"type": "image", "source": DATA}, Media(MediaKind.IMAGE, Base64("image/png", "aGk="))),
    (
        {"type": "image", "source": {"type": "url", "url": "https://a.example/x.png"}},
        Media(MediaKind.IMAGE, Url("https://a.example/x.png")),
    ),
    (
        {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
        Media(MediaKind.IMAGE, FileId("file_1")),
    ),
    (
        {"type": "document", "source": PDF, "title": "T", "context": "C", "citations": {"enabled": True}},
        Media(
            MediaKind.DOCUMENT,
            Base64("application/pdf", "aGk="),
            name="T",
            extra=Extra(NAME, {"context": raw("C"), "citations": raw({"enabled": True})}),
        ),
    ),
    (
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}},
        Media(MediaKind.DOCUMENT, PlainText("words")),
    ),
    (
        {"type": "document", "source": {"type": "content", "content": "words"}},
        Opaque(
            NAME, "document", raw({"type": "document", "source": {"type": "content", "content": "words"}})
        ),
    ),
    (
        {"type": "container_upload", "file_id": "file_2"},
        Opaque(NAME, "container_upload", raw({"type": "container_upload", "file_id": "file_2"})),
    ),
    (
        {"type": "tool_result", "tool_use_id": "t", "content": "42", "is_error": True},
        ToolResult("t", (Text("42"),), is_error=True),
    ),
    (
        {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "image", "source": DATA}]},
        ToolResult("t", (Media(MediaKind.IMAGE, Base64("image/png", "aGk=")),)),
    ),
    (
        {
            "type": "tool_result",
            "tool_use_id": "t",
            "content": [{"type": "tool_reference", "tool_name": "look"}],
        },
        ToolResult(
            "t", (Opaque(NAME, "tool_reference", raw({"type": "tool_reference", "tool_name": "look"})),)
        ),
    ),
    ({"type": "tool_result", "tool_use_id": "t"}, ToolResult("t")),
    ({"type": "tool_use", "id": "t", "name": "look", "input": {}}, ToolUse("t", "look", "{}")),
    (
        {"type": "tool_use", "id": "t", "name": "look", "input": {}, "caller": {"type": "direct"}},
        ToolUse("t", "look", "{}"),
    ),
    (
        {"type": "thinking", "thinking": "hm", "signature": "S"},
        Thinking("hm", "S", origin=NAME),
    ),
    ({"type": "thinking", "thinking": "hm", "signature": ""}, Thinking("hm", origin=NAME)),
    ({"type": "thinking", "thinking": "", "signature": "S"}, Thinking("", "S", origin=NAME)),
    ({"type": "redacted_thinking", "data": "D"}, Thinking("", "D", redacted=True, origin=NAME)),
    (
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}},
        Opaque(
            NAME,
            "server_tool_use",
            raw({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}}),
        ),
    ),
]


@pytest.mark.parametrize(("block", "part"), BLOCKS)
def test_a_block_becomes_a_part(block: Json, part: Part) -> None:
    (message,) = decoded(messages=[{"role": "user", "content": [block]}]).messages
    assert message.parts == (part,)


@pytest.mark.parametrize("content", ["", [], [{"type": "text", "text": ""}], None])
def test_a_message_that_says_nothing_is_none(content: Json) -> None:
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": content}]
    assert [message.role for message in decoded(messages=messages).messages] == [Role.USER]


def test_the_input_of_a_call_stays_as_it_was_written() -> None:
    body = (
        b'{"model":"m","max_tokens":1,"messages":[{"role":"assistant","content":[{"type":"tool_use",'
        b'"id":"t","name":"n","input":{"b": 1.0, "a":12345678901234567890}}]}]}'
    )
    assert anthropic.decode_request(body).messages[0].parts == (
        ToolUse("t", "n", '{"b": 1.0, "a":12345678901234567890}'),
    )


def test_system_texts_stand_where_they_stood() -> None:
    billing = "x-anthropic-billing-header: cc_version=2"
    request = decoded(
        system=[{"type": "text", "text": billing}, {"type": "text", "text": "Be terse."}],
        messages=[
            {"role": "user", "content": "a"},
            {"role": "system", "content": "b", "output_config": {"effort": "low"}},
        ],
    )
    assert [message.role for message in request.messages] == [Role.SYSTEM, Role.USER, Role.SYSTEM]
    assert request.messages[0].parts == (Text(billing), Text("Be terse."))
    assert request.messages[2].extra == Extra(NAME, {"output_config": raw({"effort": "low"})})


def test_sampling_and_facts_are_read() -> None:
    request = decoded(
        stream=True,
        temperature=0.5,
        top_p=0.9,
        top_k=3,
        stop_sequences=["END"],
        metadata={"user_id": "ann", "more": 1},
        service_tier="auto",
        container="c_1",
        mcp_servers=[],
    )
    assert request.sampling == Sampling(max_tokens=5, temperature=0.5, top_p=0.9, top_k=3, stop=("END",))
    assert (request.stream, request.user, request.service_tier) == (True, "ann", "auto")
    assert request.extra == Extra(
        NAME, {"metadata": raw({"more": 1}), "container": raw("c_1"), "mcp_servers": raw([])}
    )


@pytest.mark.parametrize(
    ("members", "reasoning"),
    [
        ({}, Reasoning()),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 2000}},
            Reasoning(enabled=True, budget_tokens=2000),
        ),
        ({"thinking": {"type": "disabled"}}, Reasoning(enabled=False)),
        (
            {"thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "max"}},
            Reasoning(enabled=True, adaptive=True, summary="omitted", effort="max"),
        ),
        (
            {"thinking": {"type": "adaptive", "display": "summarized"}},
            Reasoning(enabled=True, adaptive=True, summary="auto"),
        ),
    ],
)
def test_the_wish_for_thinking_is_read(members: Json, reasoning: Reasoning) -> None:
    assert decoded(**members).reasoning == reasoning


@pytest.mark.parametrize("where", ["output_config", "output_format"])
def test_the_shape_of_the_answer_is_read(where: str) -> None:
    wanted = {"type": "json_schema", "schema": {"type": "object"}}
    members = {"output_config": {"format": wanted}} if where == "output_config" else {where: wanted}
    assert decoded(**members).output == Output(kind=OutputKind.SCHEMA, schema=raw({"type": "object"}))


def test_tools_are_read() -> None:
    request = decoded(
        tools=[
            {"name": "look", "description": "D", "input_schema": {"type": "object"}, "defer_loading": True},
            {"type": "custom", "name": "see", "input_schema": {"type": "object"}, "strict": True},
            {"type": "web_search_20250305", "name": "web_search", "max_uses": 2},
        ],
        tool_choice={"type": "tool", "name": "web_search", "disable_parallel_tool_use": True},
    )
    schema = raw({"type": "object"})
    hosted = {"name": "web_search", "max_uses": 2}
    assert request.tools[:2] == (
        FunctionTool("look", "D", schema, extra=Extra(NAME, {"defer_loading": raw(True)})),
        FunctionTool("see", None, schema, strict=True),
    )
    tool = request.tools[2]
    assert isinstance(tool, HostedTool)
    assert tool.type == "web_search_20250305"
    assert json.loads(bytes(tool.value)) == {"type": tool.type, **hosted}
    assert request.tool_choice == ToolChoice(ChoiceMode.NAMED, "web_search_20250305")
    assert request.parallel_tools is False


@pytest.mark.parametrize(
    ("word", "mode"),
    [("auto", ChoiceMode.AUTO), ("any", ChoiceMode.REQUIRED), ("none", ChoiceMode.NONE)],
)
def test_the_choice_among_tools_is_read(word: str, mode: ChoiceMode) -> None:
    request = decoded(tool_choice={"type": word})
    assert (request.tool_choice, request.parallel_tools) == (ToolChoice(mode), None)


WRONG: list[tuple[Json, str]] = [
    ({"messages": []}, "messages"),
    ({"messages": None}, "messages"),
    ({"messages": "hi"}, "messages"),
    ({"messages": ["hi"]}, "messages[0]"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
    ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
    ({"messages": [{"content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages[0].content[0].type"),
    (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": 5}]}]},
        "messages[0].content[0].text",
    ),
    (
        {"messages": [{"role": "user", "content": [{"type": "tool_result", "content": "x"}]}]},
        "messages[0].content[0].tool_use_id",
    ),
    ({"max_tokens": None}, "max_tokens"),
    ({"max_tokens": "5"}, "max_tokens"),
    ({"max_tokens": 1.5}, "max_tokens"),
    ({"system": 5}, "system"),
    ({"stop_sequences": [5]}, "stop_sequences[0]"),
    ({"tools": [{"input_schema": {}}]}, "tools[0].name"),
    ({"tools": {}}, "tools"),
    ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
    ({"tool_choice": "auto"}, "tool_choice"),
    ({"thinking": {"type": "much"}}, "thinking.type"),
    ({"output_config": {"format": {"type": "xml"}}}, "output_config.format.type"),
    ({"metadata": {"user_id": 5}}, "metadata.user_id"),
    ({"model": None}, "model"),
    ({"model": 5}, "model"),
]


@pytest.mark.parametrize(("members", "param"), WRONG)
def test_a_wrong_member_is_refused_by_name(members: Json, param: str) -> None:
    with pytest.raises(Refused) as caught:
        decoded(**members)
    assert (caught.value.kind, caught.value.param) == (ErrorKind.BAD_REQUEST, param)


def test_a_body_to_be_counted_needs_no_limit() -> None:
    assert decoded(need_max_tokens=False, max_tokens=None).sampling.max_tokens is None


def test_half_an_emoji_and_nan_are_forgiven() -> None:
    body = rb'{"model":"m","max_tokens":1,"x":NaN,"messages":[{"role":"user","content":"a\ud83d"}]}'
    assert anthropic.decode_request(body).messages[0].parts == (Text("a?"),)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"', b"\xff", b"[" * 200_000])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(Refused) as caught:
        anthropic.decode_request(body)
    assert caught.value.kind is ErrorKind.INVALID_JSON
