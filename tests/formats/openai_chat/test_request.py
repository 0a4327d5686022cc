"""Requests of Chat, read and written."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    OutputKind,
    Reasoning,
    Request,
    Role,
    ToolChoice,
)
from omniroute.errors import ErrorKind, Refused
from omniroute.formats import openai_chat
from omniroute.formats.openai_chat.node import as_raw

ALL = Abilities(model="m", reasoning_back=ReasoningBack.ALWAYS, cache_marks=True)
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
PNG = "data:image/png;base64,QQ=="


def read(*messages: object, **members: object) -> Request:
    body = {"model": "m", "messages": messages or [{"role": "user", "content": "Hi"}], **members}
    return openai_chat.decode_request(json.dumps(body).encode())


def written(request: Request, abilities: Abilities = ALL) -> Any:
    return json.loads(openai_chat.encode_request(request, abilities).body)


def asked(*parts: Part, role: Role = Role.USER) -> Request:
    return Request(model="x", messages=(Message(role, parts),))


def only_part(content: object) -> Part:
    (part,) = read({"role": "user", "content": [content]}).messages[0].parts
    return part


def tool_call(id: str = "abc", arguments: str = "{}", **more: object) -> dict[str, object]:
    return {"id": id, "type": "function", "function": {"name": "f", "arguments": arguments}, **more}


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


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ({"type": "text", "text": "Hi"}, Text("Hi")),
        (
            {"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
            Text("Hi", cache=CacheMark("1h")),
        ),
        (
            {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}},
            Media(MediaKind.IMAGE, Base64("image/png", "QQ=="), detail="low"),
        ),
        (
            {"type": "image_url", "image_url": "https://x/y.png"},
            Media(MediaKind.IMAGE, Url("https://x/y.png")),
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "QQ==", "format": "mp3"}},
            Media(MediaKind.AUDIO, Base64("audio/mpeg", "QQ==")),
        ),
        ({"type": "video_url", "video_url": {"url": "https://x"}}, Media(MediaKind.VIDEO, Url("https://x"))),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,QQ=="}},
            Media(MediaKind.DOCUMENT, Base64("application/pdf", "QQ=="), "a.pdf"),
        ),
        ({"type": "file", "file": {"file_id": "file-1"}}, Media(MediaKind.DOCUMENT, FileId("file-1"))),
        ({"type": "refusal", "refusal": "No."}, Refusal("No.")),
    ],
)
def test_a_part_is_read_and_written_as_it_was(content: object, part: Part) -> None:
    read_part = only_part(content)

    assert read_part == part
    encoded = openai_chat.encode_request(asked(read_part), ALL)
    assert openai_chat.decode_request(encoded.body).messages[0].parts == (part,)


def test_unknown_parts_go_back_as_they_stood() -> None:
    part = only_part({"type": "hologram", "n": 1})

    assert part == Opaque("openai-chat", "hologram", msgspec.Raw(b'{"type": "hologram", "n": 1}'))
    assert written(asked(part))["messages"][0]["content"] == [{"type": "hologram", "n": 1}]


def test_one_plain_text_is_a_string() -> None:
    assert written(asked(Text("Hi")))["messages"] == [{"role": "user", "content": "Hi"}]
    assert written(asked(Text("a"), Text("b")))["messages"][0]["content"] == [
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b"},
    ]


@pytest.mark.parametrize(
    "request_members",
    [
        {"max_tokens": 5, "temperature": 0.5, "top_p": 1, "seed": 3, "n": 2, "stop": "x"},
        {"stop": ["x", "y"], "logprobs": True, "top_logprobs": 2, "logit_bias": {"1": -100}},
        {
            "presence_penalty": 0.1,
            "frequency_penalty": -0.1,
            "user": "u",
            "metadata": {"a": "b"},
            "store": True,
        },
        {"service_tier": "flex", "prompt_cache_key": "k", "verbosity": "low", "parallel_tool_calls": None},
        {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}},
        {"response_format": {"type": "json_object"}},
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "n", "schema": SCHEMA, "strict": True},
            }
        },
        {
            "web_search_options": {},
            "prediction": {"type": "content", "content": "x"},
            "provider": {"only": ["a"]},
        },
        {"stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}},
        {"reasoning_effort": "high"},
        {"reasoning_effort": "none"},
        {"thinking": {"type": "enabled", "budget_tokens": 2000, "clear_thinking": False}},
        {"thinking": {"type": "disabled"}},
        {"enable_thinking": False},
        {"thinking_budget": 100},
        {"reasoning": {"effort": "low"}},
        {
            "tools": [
                {
                    "type": "function",
                    "function": {"name": "f", "parameters": SCHEMA, "strict": True},
                },
                {"type": "custom", "custom": {"name": "p", "format": {"type": "text"}}},
                {"type": "web_search_preview", "user_location": {}},
            ],
            "tool_choice": {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "required",
                    "tools": [
                        {"type": "function", "function": {"name": "f"}},
                        {"type": "custom", "custom": {"name": "p"}},
                    ],
                },
            },
            "parallel_tool_calls": False,
        },
    ],
)
def test_what_a_client_asks_reads_the_same_when_written_anew(request_members: dict[str, object]) -> None:
    request = read(**request_members)

    encoded = openai_chat.encode_request(request, ALL)

    assert openai_chat.decode_request(encoded.body) == request
    assert encoded.losses == ()


def test_messages_read_the_same_when_written_anew() -> None:
    details = [
        {"type": "reasoning.text", "text": "hm", "signature": "sig", "format": "x", "index": 0},
        {"type": "reasoning.encrypted", "data": "zz", "id": "r", "index": 1},
    ]
    request = read(
        {"role": "system", "content": "s", "cache_control": {"type": "ephemeral"}},
        {
            "role": "user",
            "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": PNG}}],
        },
        {
            "role": "assistant",
            "content": "b",
            "reasoning": "hm",
            "reasoning_details": details,
            "prefix": True,
        },
        {"role": "assistant", "content": "b", "reasoning_content": "hm"},
        {"role": "assistant", "refusal": "No.", "audio": {"id": "a1"}},
        {
            "role": "assistant",
            "tool_calls": [
                tool_call(extra_content={"google": {"thought_signature": "s"}}),
                {"id": "abd", "type": "custom", "custom": {"name": "p", "input": "x"}},
            ],
        },
        {"role": "tool", "tool_call_id": "abc", "content": [{"type": "text", "text": "1"}], "name": "f"},
        {"role": "tool", "tool_call_id": "abd", "content": "2", "cache_control": {"type": "ephemeral"}},
    )

    encoded = openai_chat.encode_request(request, ALL)

    assert openai_chat.decode_request(encoded.body) == request
    assert encoded.losses == ()
    assert json.loads(encoded.body)["messages"][2]["reasoning_details"] == [
        {"type": "reasoning.text", "text": "hm", "signature": "sig", "format": "x", "index": 0},
        {"type": "reasoning.encrypted", "data": "zz", "id": "r", "index": 1},
    ]


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


def test_a_custom_tool_is_chosen_by_its_kind() -> None:
    request = msgspec.structs.replace(
        asked(Text("Hi")), tools=(CustomTool("p"),), tool_choice=ToolChoice(ChoiceMode.NAMED, "p")
    )

    assert written(request)["tool_choice"] == {"type": "custom", "custom": {"name": "p"}}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=5)
    | st.sampled_from(["user", "text", "data:,"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["role", "content", "type", "text", "image_url", "url", "tool_calls", "function", "name", "file",
             "arguments", "reasoning_details", "thinking", "input_audio", "data", "cache_control", "custom"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=15,
)  # fmt: skip
NAMES = [
    "tools",
    "tool_choice",
    "reasoning",
    "stop",
    "response_format",
    "thinking",
    "stream_options",
    "functions",
]


@given(st.lists(VALUES, max_size=3), st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=3))
def test_no_request_raises_anything_but_a_refusal(messages: list[object], members: dict[str, object]) -> None:
    try:
        request = read(*messages, **members)
        again = openai_chat.decode_request(openai_chat.encode_request(request, ALL).body)
    except Refused:
        return

    assert again.tools == request.tools
