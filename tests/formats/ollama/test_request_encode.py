"""Requests for upstreams that speak Ollama's dialect."""

from typing import Any

import msgspec
import pytest

from omniroute.conversation.abilities import EffortStyle, plain
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
    Refusal,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
    Url,
)
from omniroute.conversation.request import (
    ChoiceMode,
    CustomTool,
    FunctionTool,
    HostedTool,
    Message,
    Output,
    Reasoning,
    Request,
    Role,
    Sampling,
    ToolChoice,
)
from omniroute.errors import ErrorKind, Refused
from omniroute.formats.ollama import decode_request, encode_request
from tests.formats.ollama.asking import PNG, WEATHER, asking, decoded, encoded


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u", "images": [PNG]}]},
        {
            "messages": [
                {"role": "user", "content": "u", "mood": "good"},
                {
                    "role": "assistant",
                    "content": "t",
                    "thinking": "hm",
                    "tool_calls": [{"id": "1", "at": 2, "function": {"name": "f", "arguments": {}, "x": 1}}],
                },
                {"role": "tool", "content": "r", "tool_name": "f", "images": [PNG], "more": [1]},
                {"role": "tool", "content": "", "tool_call_id": "zz"},
            ]
        },
        {"tools": [WEATHER, {"type": "web", "value": 1}, {**WEATHER, "items": 1}], "think": "low"},
        {"format": {"type": "object"}, "options": {"num_ctx": 1, "seed": 2, "stop": "x"}, "keep_alive": -1},
        {"format": "json", "stream": False, "think": False, "logprobs": True, "truncate": True},
    ],
)
def test_what_was_read_and_written_reads_the_same(body: dict[str, Any]) -> None:
    request = decoded(**body)
    written = encode_request(request, plain("m"))
    assert decode_request(written.body) == request
    assert written.losses == ()


def test_results_become_messages_of_their_own_where_they_stand() -> None:
    request = Request(
        model="m",
        messages=(
            Message(
                Role.ASSISTANT, (Thinking("hm", "sig", origin="anthropic"), ToolUse("c1", "f", '{"a":1}'))
            ),
            Message(
                Role.USER,
                (
                    ToolResult(
                        "c1", (Text("one"), Media(MediaKind.IMAGE, Base64("image/png", PNG)), Text("two"))
                    ),
                    Text("and now?"),
                ),
            ),
        ),
    )
    assert encoded(request)["messages"] == [
        {
            "role": "assistant",
            "content": "",
            "thinking": "hm",
            "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": {"a": 1}}}],
        },
        {
            "role": "tool",
            "content": "one\n\ntwo",
            "images": [PNG],
            "tool_name": "f",
            "tool_call_id": "c1",
        },
        {"role": "user", "content": "and now?"},
    ]


@pytest.mark.parametrize(
    ("parts", "content"),
    [
        ((Text("a"), Text("b")), "a\n\nb"),
        ((Media(MediaKind.DOCUMENT, PlainText("body"), name="a.txt"), Text("?")), "a.txt\n\nbody\n\n?"),
        ((), ""),
    ],
)
def test_pieces_of_a_question_are_set_apart(parts: tuple[Part, ...], content: str) -> None:
    assert encoded(asking(*parts))["messages"] == [{"role": "user", "content": content}]


def test_pieces_of_an_answer_are_one_text() -> None:
    body = encoded(asking(Text("a"), Text("b"), Refusal("c"), role=Role.ASSISTANT))
    assert body["messages"] == [{"role": "assistant", "content": "abc"}]


def test_a_developer_speaks_as_the_system() -> None:
    assert encoded(asking(Text("a"), role=Role.DEVELOPER))["messages"][0]["role"] == "system"


@pytest.mark.parametrize(
    "part",
    [
        Media(MediaKind.IMAGE, Url("https://pictures.example/a.png")),
        Media(MediaKind.IMAGE, FileId("file-1")),
        Media(MediaKind.AUDIO, Base64("audio/wav", "AAAA")),
        Media(MediaKind.DOCUMENT, Base64("application/pdf", "AAAA")),
        Opaque("anthropic", "container_upload", msgspec.Raw(b"{}")),
    ],
)
def test_content_that_cannot_be_carried_is_refused_by_its_place(part: Part) -> None:
    with pytest.raises(Refused) as refused:
        encode_request(asking(Text("look"), part), plain("m"))
    assert refused.value.kind is ErrorKind.UNSUPPORTED
    assert refused.value.param == "messages[0].content[1]"


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        (Request(model="m", messages=(), sampling=Sampling(candidates=2)), "n"),
        (Request(model="m", messages=(), pin="resp_1"), "previous_response_id"),
        (Request(model="m", messages=(), tools=(CustomTool("patch"),)), "tools[0]"),
        (
            Request(
                model="m", messages=(), tools=(HostedTool("gemini", "googleSearch", msgspec.Raw(b"{}")),)
            ),
            "tools[0]",
        ),
    ],
)
def test_what_a_server_could_not_honour_is_refused(request_: Request, param: str) -> None:
    with pytest.raises(Refused) as refused:
        encode_request(request_, plain("m"))
    assert (refused.value.kind, refused.value.param) == (ErrorKind.UNSUPPORTED, param)


def test_what_is_left_out_is_named_once() -> None:
    mark = CacheMark()
    request = Request(
        model="m",
        messages=(
            Message(Role.USER, (Text("a", cache=mark), Text("b", cache=mark)), name="Ann"),
            Message(
                Role.ASSISTANT,
                (
                    Thinking(signature="x", redacted=True, origin="anthropic"),
                    Opaque("anthropic", "server_tool_use", msgspec.Raw(b"{}")),
                    ToolUse("c", "f", "not json"),
                ),
            ),
            Message(Role.USER, (ToolResult("c", is_error=True),)),
        ),
        tools=(FunctionTool("f", strict=True),),
        tool_choice=ToolChoice(ChoiceMode.REQUIRED),
        parallel_tools=False,
        sampling=Sampling(logit_bias=msgspec.Raw(b"{}")),
        output=Output(verbosity="low"),
        user="ann",
        metadata=msgspec.Raw(b"{}"),
        extra=Extra("openai-chat", {"prediction": msgspec.Raw(b"{}")}),
    )
    losses = encode_request(request, plain("m")).losses
    assert sorted(losses) == [
        "arguments",
        "cache_control",
        "is_error",
        "logit_bias",
        "metadata",
        "name",
        "parallel_tools",
        "prediction",
        "redacted_thinking",
        "server_tool_use",
        "strict",
        "tool_choice",
        "user",
        "verbosity",
    ]


def test_arguments_that_are_no_object_are_wrapped() -> None:
    body = encoded(asking(ToolUse("c", "f", "[1"), ToolUse("d", "g", ""), role=Role.ASSISTANT))
    calls = body["messages"][0]["tool_calls"]
    assert [call["function"]["arguments"] for call in calls] == [{"_arguments": "[1"}, {}]


def test_a_model_that_must_not_call_tools_gets_none() -> None:
    tools = (FunctionTool("f"), FunctionTool("g"))
    none = Request(model="m", messages=(), tools=tools, tool_choice=ToolChoice(ChoiceMode.NONE))
    some = Request(model="m", messages=(), tools=tools, tool_choice=ToolChoice(allowed=("g",)))
    assert "tools" not in encoded(none)
    assert [tool["function"]["name"] for tool in encoded(some)["tools"]] == ["g"]


@pytest.mark.parametrize(
    ("reasoning", "style", "think"),
    [
        (Reasoning(), EffortStyle.EFFORT, None),
        (Reasoning(enabled=True), EffortStyle.EFFORT, True),
        (Reasoning(enabled=False, effort="high"), EffortStyle.EFFORT, False),
        (Reasoning(effort="none"), EffortStyle.EFFORT, False),
        (Reasoning(effort="high"), EffortStyle.EFFORT, "high"),
        (Reasoning(effort="high"), EffortStyle.SWITCH, True),
        (Reasoning(budget_tokens=0), EffortStyle.EFFORT, False),
        (Reasoning(budget_tokens=2048), EffortStyle.EFFORT, True),
        (Reasoning(adaptive=True), EffortStyle.EFFORT, True),
    ],
)
def test_how_much_to_think_is_told_in_the_models_way(
    reasoning: Reasoning, style: EffortStyle, think: bool | str | None
) -> None:
    request = Request(model="m", messages=(), reasoning=reasoning)
    assert encoded(request, effort_style=style).get("think") == think
