"""Requests for upstreams that speak Chat."""

import json

import msgspec
import pytest

from omniroute.conversation.abilities import Abilities, EffortStyle, ReasoningBack, plain
from omniroute.conversation.parts import (
    Base64,
    CacheMark,
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
    CustomTool,
    HostedTool,
    Message,
    Reasoning,
    Request,
    Role,
    ToolChoice,
)
from omniroute.errors import ErrorKind, Refused
from omniroute.formats import openai_chat
from omniroute.formats.openai_chat.node import as_raw
from tests.formats.openai_chat.asking import ALL, PNG, asked, read, written


def test_one_plain_text_is_a_string() -> None:
    assert written(asked(Text("Hi")))["messages"] == [{"role": "user", "content": "Hi"}]
    assert written(asked(Text("a"), Text("b")))["messages"][0]["content"] == [
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b"},
    ]


HISTORY = Request(
    model="x",
    messages=(
        Message(Role.USER, (Text("one"),)),
        Message(Role.ASSISTANT, (Thinking("old"), Text("a"))),
        Message(Role.USER, (Text("two"),)),
        Message(Role.ASSISTANT, (Thinking("new"), ToolUse("abc", "f", "{}"))),
        Message(Role.USER, (ToolResult("abc", (Text("42"),)),)),
    ),
)


@pytest.mark.parametrize(
    ("back", "seen", "losses"),
    [
        (ReasoningBack.NEVER, [], ("thinking",)),
        (ReasoningBack.TOOL_TURNS, ["new"], ("thinking",)),
        (ReasoningBack.ALWAYS, ["old", "new"], ()),
    ],
)
@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_thoughts_go_back_to_whom_wants_them(
    back: ReasoningBack, seen: list[str], losses: tuple[str, ...], field: str
) -> None:
    abilities = Abilities(model="m", reasoning_back=back, reasoning_field=field)

    encoded = openai_chat.encode_request(HISTORY, abilities)

    messages = json.loads(encoded.body)["messages"]
    assert [message[field] for message in messages if field in message] == seen
    assert encoded.losses == losses


def test_signatures_go_back_to_their_origin_only() -> None:
    thoughts = (
        Thinking("own", "mine", origin="openai-chat"),
        Thinking("theirs", "secret", origin="anthropic"),
        Thinking("", "sealed", redacted=True, origin="anthropic"),
    )
    request = asked(*thoughts, Text("a"), role=Role.ASSISTANT)

    encoded = openai_chat.encode_request(request, ALL)
    never = openai_chat.encode_request(request, plain("m"))

    (message,) = json.loads(encoded.body)["messages"]
    assert message["reasoning_content"] == "owntheirs"
    assert message["reasoning_details"] == [{"type": "reasoning.text", "text": "own", "signature": "mine"}]
    assert encoded.losses == ("redacted_thinking",)
    assert b"mine" in never.body
    assert b"theirs" not in never.body


def test_images_of_results_follow_the_last_of_the_tool_messages() -> None:
    image = Media(MediaKind.IMAGE, Base64("image/png", "QQ=="))
    request = Request(
        model="x",
        messages=(
            Message(Role.ASSISTANT, (ToolUse("a", "f", ""), ToolUse("b", "f", "{}"))),
            Message(Role.USER, (ToolResult("a", (Text("see"), image)), ToolResult("b", (image,)))),
            Message(Role.USER, (Text("and?"),)),
        ),
    )

    messages = written(request)["messages"]

    shown = {"type": "image_url", "image_url": {"url": PNG}}
    assert [message["role"] for message in messages] == ["assistant", "tool", "tool", "user", "user"]
    assert messages[0]["tool_calls"][0]["function"]["arguments"] == "{}"
    assert messages[1]["content"] == "see"
    assert messages[2]["content"] != ""
    assert messages[3]["content"] == [shown, shown]
    assert messages[4]["content"] == "and?"


def test_results_in_a_message_with_words_come_first() -> None:
    request = asked(Text("and?"), ToolResult("a", (Text("1"),), is_error=True))

    assert [message["role"] for message in written(request)["messages"]] == ["tool", "user"]


def test_ids_are_shaped_alike_for_calls_and_results() -> None:
    request = Request(
        model="x",
        messages=(
            Message(
                Role.ASSISTANT, (ToolUse("toolu_01abc", "f"), ToolUse("abcdefghi", "f"), ToolUse("", "f"))
            ),
            Message(Role.USER, tuple(ToolResult(id) for id in ("toolu_01abc", "abcdefghi", ""))),
        ),
    )

    messages = written(request, Abilities(model="m", tool_id_pattern="[A-Za-z0-9]{9}"))["messages"]

    ids = [call["id"] for call in messages[0]["tool_calls"]]
    assert ids == [message["tool_call_id"] for message in messages[1:]]
    assert ids[1] == "abcdefghi"
    assert all(len(id) == 9 and id.isalnum() for id in ids)
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    ("style", "reasoning", "members"),
    [
        (EffortStyle.EFFORT, Reasoning(effort="low"), {"reasoning_effort": "low"}),
        (EffortStyle.EFFORT, Reasoning(enabled=False), {"reasoning_effort": "none"}),
        (EffortStyle.SWITCH, Reasoning(enabled=True), {"thinking": {"type": "enabled"}}),
        (EffortStyle.SWITCH, Reasoning(enabled=False), {"thinking": {"type": "disabled"}}),
        (
            EffortStyle.ENABLE,
            Reasoning(enabled=True, budget_tokens=9),
            {"enable_thinking": True, "thinking_budget": 9},
        ),
        (
            EffortStyle.BUDGET,
            Reasoning(budget_tokens=9),
            {"thinking": {"type": "enabled", "budget_tokens": 9}},
        ),
        (
            EffortStyle.ADAPTIVE,
            Reasoning(adaptive=True, effort="high"),
            {"thinking": {"type": "adaptive"}, "reasoning_effort": "high"},
        ),
        (EffortStyle.NONE, Reasoning(effort="low"), {}),
    ],
)
def test_how_a_target_is_told_to_think(
    style: EffortStyle, reasoning: Reasoning, members: dict[str, object]
) -> None:
    request = msgspec.structs.replace(asked(Text("Hi")), reasoning=reasoning)

    body = written(request, Abilities(model="m", effort_style=style))

    assert {name: body[name] for name in body if name not in ("model", "messages")} == members


def test_a_target_is_told_in_its_own_words() -> None:
    request = read(
        max_tokens=9,
        stream=True,
        user="ann",
        parallel_tool_calls=True,
        tools=[{"type": "function", "function": {"name": "f"}}],
    )
    abilities = Abilities(
        model="up",
        max_tokens_field="max_completion_tokens",
        user_field=False,
        stream_usage=False,
        parallel_tools=False,
    )

    encoded = openai_chat.encode_request(request, abilities)

    body = json.loads(encoded.body)
    assert (body["model"], body["max_completion_tokens"], body["stream"]) == ("up", 9, True)
    assert not {"max_tokens", "user", "stream_options", "parallel_tool_calls"} & body.keys()
    assert encoded.losses == ("parallel_tools", "user")
    assert written(request)["stream_options"] == {"include_usage": True}


def test_cache_marks_stay_away_from_targets_that_refuse_them() -> None:
    encoded = openai_chat.encode_request(asked(Text("Hi", cache=CacheMark())), plain("m"))

    assert b"cache_control" not in encoded.body
    assert encoded.losses == ("cache_control",)


def test_a_document_of_plain_text_is_text() -> None:
    part = Media(MediaKind.DOCUMENT, PlainText("words"), "title")

    assert written(asked(part))["messages"][0]["content"] == "title\nwords"


@pytest.mark.parametrize(
    "part",
    [
        Media(MediaKind.IMAGE, FileId("f")),
        Media(MediaKind.AUDIO, Url("https://x")),
        Media(MediaKind.DOCUMENT, Url("https://x")),
        Opaque("anthropic", "search_result", as_raw({})),
    ],
)
def test_what_cannot_be_carried_is_refused_by_its_place(part: Part) -> None:
    with pytest.raises(Refused) as refused:
        written(asked(Text("a"), part))

    assert refused.value.kind is ErrorKind.UNSUPPORTED
    assert refused.value.param == "messages[0].content[1]"


def test_foreign_tools_are_refused_and_foreign_blocks_of_the_history_are_losses() -> None:
    hosted = HostedTool("anthropic", "bash_20250124", as_raw({}))
    history = asked(Opaque("anthropic", "server_tool_use", as_raw({})), Text("a"), role=Role.ASSISTANT)

    with pytest.raises(Refused, match="bash_20250124"):
        written(msgspec.structs.replace(history, tools=(hosted,)))
    assert openai_chat.encode_request(history, ALL).losses == ("server_tool_use",)


def test_a_custom_tool_is_chosen_by_its_kind() -> None:
    request = msgspec.structs.replace(
        asked(Text("Hi")), tools=(CustomTool("p"),), tool_choice=ToolChoice(ChoiceMode.NAMED, "p")
    )

    assert written(request)["tool_choice"] == {"type": "custom", "custom": {"name": "p"}}
