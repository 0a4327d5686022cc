"""Requests for upstreams that speak Anthropic's dialect."""

from dataclasses import replace

import pytest

from omniroute.conversation.abilities import EffortStyle, plain
from omniroute.conversation.parts import (
    Base64,
    CacheMark,
    Citation,
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
    OutputKind,
    Reasoning,
    Role,
    Sampling,
    Tool,
    ToolChoice,
)
from omniroute.errors import ErrorKind, Refused
from tests.formats.anthropic.asking import Json, asked, encoded, raw


def user(*parts: Part) -> Message:
    return Message(Role.USER, parts)


def model(*parts: Part) -> Message:
    return Message(Role.ASSISTANT, parts)


HELLO = user(Text("hello"))
LOOK = FunctionTool("look", schema=raw({"type": "object"}))


def contents(*messages: Message) -> tuple[Json, tuple[str, ...]]:
    body, losses = encoded(asked(*messages))
    return [(turn["role"], turn["content"]) for turn in body["messages"]], losses


@pytest.mark.parametrize(("given", "known", "sent"), [(7, None, 7), (None, 900, 900), (None, None, 64_000)])
def test_there_is_always_a_limit(given: int | None, known: int | None, sent: int) -> None:
    request = asked(HELLO, sampling=Sampling(max_tokens=given))
    body, _ = encoded(request, replace(plain("up"), max_output_tokens=known))
    assert (body["max_tokens"], body["model"]) == (sent, "up")


def test_neighbours_of_one_role_are_one_turn_with_results_first() -> None:
    found, losses = contents(
        HELLO,
        model(ToolUse("a", "look", "{}")),
        model(ToolUse("b", "look", "")),
        user(ToolResult("a", (Text("1"),))),
        user(Text("and"), ToolResult("b", (), is_error=True)),
    )
    assert [role for role, _ in found] == ["user", "assistant", "user"]
    assert [block["input"] for block in found[1][1]] == [{}, {}]
    assert found[2][1] == [
        {"type": "tool_result", "tool_use_id": "a", "content": "1"},
        {"type": "tool_result", "tool_use_id": "b", "content": "error", "is_error": True},
        {"type": "text", "text": "and"},
    ]
    assert losses == ()


@pytest.mark.parametrize(
    ("mid_system", "system", "roles"),
    [
        (False, ["A", "B", "C"], ["user"]),
        (True, ["A", "B"], ["user", "system", "user"]),
    ],
)
def test_system_texts_go_to_the_top(mid_system: bool, system: list[str], roles: list[str]) -> None:
    request = asked(
        Message(Role.SYSTEM, (Text("A"),)),
        Message(Role.DEVELOPER, (Text("B"),)),
        HELLO,
        Message(Role.SYSTEM, (Text("C"),)),
        HELLO,
    )
    body, _ = encoded(request, replace(plain("up"), mid_system=mid_system))
    assert [block["text"] for block in body["system"]] == system
    assert [turn["role"] for turn in body["messages"]] == roles


def test_a_lone_system_text_is_a_string_and_one_with_a_mark_a_block() -> None:
    body, _ = encoded(asked(Message(Role.SYSTEM, (Text("A"),)), HELLO))
    assert body["system"] == "A"
    body, _ = encoded(asked(Message(Role.SYSTEM, (Text("A", cache=CacheMark()),)), HELLO))
    assert body["system"] == [{"type": "text", "text": "A", "cache_control": {"type": "ephemeral"}}]


def test_ids_are_made_legal_and_unique_and_results_follow_them() -> None:
    found, _ = contents(
        HELLO,
        model(ToolUse("functions.look:0", "look"), ToolUse("functions_look_0", "look"), ToolUse("", "look")),
        user(ToolResult("", ()), ToolResult("functions_look_0", ()), ToolResult("functions.look:0", ())),
        model(ToolUse("functions.look:0", "look")),
        user(ToolResult("functions.look:0", ())),
    )
    calls = [block["id"] for block in found[1][1] + found[3][1]]
    results = [block["tool_use_id"] for block in found[2][1] + found[4][1]]
    assert calls == ["functions_look_0", "functions_look_0_2", "call_omr2", "functions_look_0_3"]
    assert results == ["call_omr2", "functions_look_0_2", "functions_look_0", "functions_look_0_3"]


@pytest.mark.parametrize(
    ("part", "block", "losses"),
    [
        (Text(" "), {"type": "text", "text": " "}, ()),
        (Text(""), None, ()),
        (Refusal("no"), {"type": "text", "text": "no"}, ()),
        (
            Thinking("hm", "S", origin="anthropic"),
            {"type": "thinking", "thinking": "hm", "signature": "S"},
            (),
        ),
        (
            Thinking("", "D", redacted=True, origin="anthropic"),
            {"type": "redacted_thinking", "data": "D"},
            (),
        ),
        (Thinking("hm"), None, ("thinking",)),
        (Thinking("hm", origin="anthropic"), None, ("thinking",)),
        (Thinking("hm", "S", origin="gemini"), None, ("thinking",)),
        (Thinking("", "D", redacted=True, origin="openai-responses"), None, ("redacted_thinking",)),
        (Opaque("gemini", "executableCode", raw({})), None, ("executableCode",)),
        (
            ToolUse("a", "look", "not json", signature="G", origin="gemini"),
            {"type": "tool_use", "id": "a", "name": "look", "input": {"_arguments": "not json"}},
            ("arguments",),
        ),
        (Text("so", (Citation(url="https://a.example"),)), {"type": "text", "text": "so"}, ("citations",)),
        (Text("so", extra=Extra("gemini", {"x": raw(1)})), {"type": "text", "text": "so"}, ("x",)),
    ],
)
def test_a_part_of_the_model_is_told_or_lost_by_name(
    part: Part, block: Json, losses: tuple[str, ...]
) -> None:
    found, lost = contents(HELLO, model(part))
    assert (found[1:], lost) == ([("assistant", [block])] if block else [], losses)


DOCUMENT = MediaKind.DOCUMENT


@pytest.mark.parametrize(
    ("media", "block"),
    [
        (
            Media(MediaKind.IMAGE, Base64("image/jpg", "aGk="), detail="auto"),
            {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "aGk="}},
        ),
        (
            Media(MediaKind.IMAGE, Base64("", "/9j/aa")),
            {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "/9j/aa"}},
        ),
        (
            Media(DOCUMENT, Base64("", "aGk="), name="n.pdf"),
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="},
                "title": "n.pdf",
            },
        ),
        (
            Media(DOCUMENT, Base64("text/markdown", "aGk=")),
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hi"}},
        ),
        (
            Media(DOCUMENT, PlainText("hi")),
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hi"}},
        ),
        (
            Media(DOCUMENT, Url("https://a.example/x.pdf")),
            {"type": "document", "source": {"type": "url", "url": "https://a.example/x.pdf"}},
        ),
        (
            Media(MediaKind.IMAGE, FileId("odd"), extra=Extra("anthropic", {})),
            {"type": "image", "source": {"type": "file", "file_id": "odd"}},
        ),
    ],
)
def test_media_become_blocks(media: Media, block: Json) -> None:
    found, losses = contents(user(media))
    assert found == [("user", [block])]
    assert losses == ()


@pytest.mark.parametrize(
    "part",
    [
        Media(MediaKind.AUDIO, Base64("audio/wav", "aGk=")),
        Media(MediaKind.VIDEO, Url("https://a.example/x.mp4")),
        Media(MediaKind.IMAGE, FileId("file-abc")),
        Media(DOCUMENT, FileId("files/abc"), extra=Extra("gemini", {})),
        Media(DOCUMENT, Base64("application/zip", "aGk=")),
        Media(DOCUMENT, Base64("text/plain", "%%")),
        Media(MediaKind.IMAGE, Url("gs://bucket/x")),
        Opaque("openai-responses", "item_reference", raw({})),
    ],
)
def test_what_has_no_place_is_refused_by_its_path(part: Part) -> None:
    with pytest.raises(Refused) as caught:
        encoded(asked(HELLO, user(Text("see"), part)))
    assert (caught.value.kind, caught.value.param) == (ErrorKind.UNSUPPORTED, "messages[1].content[1]")


def test_what_has_no_place_in_a_result_is_refused_by_its_path() -> None:
    result = ToolResult("a", (Media(MediaKind.AUDIO, Base64("audio/wav", "aGk=")),))
    with pytest.raises(Refused) as caught:
        encoded(asked(HELLO, model(ToolUse("a", "look")), user(result)))
    assert caught.value.param == "messages[2].content[0].content[0]"


@pytest.mark.parametrize(
    "tool",
    [
        HostedTool("gemini", "googleSearch", raw({})),
        CustomTool("apply_patch"),
        FunctionTool("x", namespace="ns"),
    ],
)
def test_a_tool_of_another_dialect_is_refused(tool: Tool) -> None:
    with pytest.raises(Refused) as caught:
        encoded(asked(HELLO, tools=(LOOK, tool)))
    assert caught.value.param == "tools[1]"


@pytest.mark.parametrize(
    ("choice", "parallel", "sent"),
    [
        (None, None, None),
        (None, True, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice(ChoiceMode.REQUIRED), True, {"type": "any", "disable_parallel_tool_use": False}),
        (ToolChoice(ChoiceMode.NAMED, "look"), None, {"type": "tool", "name": "look"}),
        (ToolChoice(ChoiceMode.NONE), False, {"type": "none"}),
    ],
)
def test_the_choice_among_tools_is_told(choice: ToolChoice | None, parallel: bool | None, sent: Json) -> None:
    body, _ = encoded(asked(HELLO, tools=(LOOK,), tool_choice=choice, parallel_tools=parallel))
    assert body.get("tool_choice") == sent
    assert body["tools"] == [{"name": "look", "input_schema": {"type": "object"}}]


@pytest.mark.parametrize(
    ("reasoning", "style", "thinking", "config"),
    [
        (Reasoning(), EffortStyle.EFFORT, None, None),
        (Reasoning(enabled=False), EffortStyle.BUDGET, {"type": "disabled"}, None),
        (Reasoning(effort="none"), EffortStyle.EFFORT, {"type": "disabled"}, None),
        (
            Reasoning(enabled=True, budget_tokens=2048, summary="detailed"),
            EffortStyle.BUDGET,
            {"type": "enabled", "budget_tokens": 2048, "display": "summarized"},
            None,
        ),
        (
            Reasoning(enabled=True, adaptive=True, effort="high"),
            EffortStyle.ADAPTIVE,
            {"type": "adaptive"},
            {"effort": "high"},
        ),
        (Reasoning(enabled=True, effort="high"), EffortStyle.EFFORT, None, {"effort": "high"}),
        (Reasoning(enabled=True, effort="high"), EffortStyle.SWITCH, {"type": "enabled"}, {"effort": "high"}),
    ],
)
def test_the_wish_for_thinking_is_told(
    reasoning: Reasoning, style: EffortStyle, thinking: Json, config: Json
) -> None:
    body, _ = encoded(asked(HELLO, reasoning=reasoning), replace(plain("up"), effort_style=style))
    assert (body.get("thinking"), body.get("output_config")) == (thinking, config)


def test_what_the_dialect_lacks_is_lost_by_name() -> None:
    request = asked(
        replace_name(HELLO),
        sampling=Sampling(seed=1, presence_penalty=0.5, logit_bias=raw({}), stop=("\n", "END")),
        output=Output(kind=OutputKind.JSON, verbosity="low"),
        metadata=raw({"a": "b"}),
        service_tier="flex",
        cache_key="k",
        store=True,
        user="ann",
        extra=Extra("openai-chat", {"prediction": raw({})}),
    )
    body, losses = encoded(request)
    assert set(losses) == {
        "name",
        "seed",
        "presence_penalty",
        "logit_bias",
        "stop",
        "json_object",
        "verbosity",
        "metadata",
        "service_tier",
        "cache_key",
        "store",
        "prediction",
    }
    assert body["stop_sequences"] == ["END"]
    assert body["metadata"] == {"user_id": "ann"}


def replace_name(message: Message) -> Message:
    return Message(message.role, message.parts, name="ann")


def test_several_answers_and_states_of_others_are_refused() -> None:
    with pytest.raises(Refused) as caught:
        encoded(asked(HELLO, sampling=Sampling(candidates=2)))
    assert caught.value.param == "n"
    with pytest.raises(Refused):
        encoded(asked(HELLO, pin="resp_1"))


def test_a_prefill_keeps_its_trailing_space() -> None:
    found, _ = contents(HELLO, model(Text("So ")))
    assert found[-1] == ("assistant", [{"type": "text", "text": "So "}])
