"""Requests of OpenAI Responses, read and written."""

from typing import Any

import msgspec
import pytest

from omniroute.conversation.abilities import plain
from omniroute.conversation.parts import (
    Base64,
    Extra,
    FileId,
    Media,
    MediaKind,
    Opaque,
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
    Sampling,
    ToolChoice,
)
from omniroute.errors import ErrorKind, Refused
from omniroute.formats.openai_responses import decode_request, encode_request

JSON = dict[str, Any]  # JSON of any shape


def decoded(**members: object) -> Request:
    """The request with these members."""
    return decode_request(msgspec.json.encode({"model": "m", "input": "hi"} | members))


def encoded(request: Request) -> JSON:
    """The body for an upstream."""
    body: JSON = msgspec.json.decode(encode_request(request, plain("m")).body)
    return body


def losses(request: Request) -> tuple[str, ...]:
    """What the body leaves out."""
    return encode_request(request, plain("m")).losses


def asked(*messages: Message, **members: Any) -> Request:  # members of any type
    """A request of no dialect."""
    return Request(model="m", messages=messages, **members)


def user(*parts: Any) -> Message:  # parts of any kind
    """A message of the user."""
    return Message(Role.USER, parts)


CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_abc", "name": "f", "arguments": '{"a": 1.0}'}
REASONING = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "First."}, {"type": "summary_text", "text": "Then."}],
    "content": None,
    "encrypted_content": "sealed",
}
SEARCH = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}}
SAID = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "phase": "commentary",
    "content": [
        {"type": "output_text", "text": "One", "annotations": [], "logprobs": []},
        {"type": "refusal", "refusal": "No"},
    ],
}
STRICT = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
ODD = {"type": "object", "x-odd": 1.50, "properties": {}}
BODIES: dict[str, JSON] = {
    "a string": {"input": "hi"},
    "instructions": {"instructions": "Be kind.", "input": [{"role": "user", "content": "hi"}]},
    "system item first": {"instructions": "A", "input": [{"role": "system", "content": "B"}]},
    "developer": {"input": [{"role": "developer", "content": "A"}, {"role": "user", "content": "b"}]},
    "a turn": {"input": ["hi", REASONING, SEARCH, SAID, CALL, {"role": "user", "content": "go on"}]},
    "two messages": {"input": [SAID, SAID | {"id": "msg_2"}]},
    "two plain messages": {
        "input": [{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}]
    },
    "thoughts themselves": {
        "input": [
            {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]},
            {"type": "reasoning", "id": "rs_9", "summary": []},
        ]
    },
    "results": {
        "input": [
            CALL,
            {"type": "function_call_output", "call_id": "call_abc", "output": "ok", "id": "fco_1"},
            CALL | {"call_id": "call_abd"},
            {
                "type": "function_call_output",
                "call_id": "call_abd",
                "output": [
                    {"type": "input_text", "text": "see"},
                    {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
                ],
            },
        ]
    },
    "custom tools": {
        "input": [
            {"type": "custom_tool_call", "call_id": "call_p", "name": "apply_patch", "input": "*** Begin"},
            {"type": "custom_tool_call_output", "call_id": "call_p", "output": "Done"},
        ],
        "tools": [{"type": "custom", "name": "apply_patch", "format": {"type": "grammar", "syntax": "lark"}}],
        "tool_choice": {"type": "custom", "name": "apply_patch"},
    },
    "media": {
        "input": [
            {
                "role": "user",
                "content": [
                    {"type": "input_image", "image_url": "https://x.example/a.png", "detail": "high"},
                    {"type": "input_image", "file_id": "file-1", "detail": "auto"},
                    {
                        "type": "input_file",
                        "file_data": "data:application/pdf;base64,AAAA",
                        "filename": "a.pdf",
                    },
                    {"type": "input_file", "file_data": "data:image/png;base64,AAAA"},
                    {"type": "input_file", "file_url": "https://x.example/a.pdf"},
                    {"type": "input_file", "file_id": "assistant-9"},
                    {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
                    {"type": "input_text", "text": "t", "prompt_cache_breakpoint": {"mode": "explicit"}},
                    {"type": "input_hologram", "rays": 3},
                ],
            }
        ]
    },
    "references": {
        "input": [{"type": "item_reference", "id": "msg_1"}, {"role": "user", "content": "x"}],
        "previous_response_id": "resp_1",
    },
    "unknown output": {"input": [{"type": "computer_call_output", "call_id": "c", "output": {"type": "x"}}]},
    "odd content": {"input": [{"role": "assistant", "content": [{"type": "whistle", "tune": 1}]}]},
    "namespaces": {
        "tools": [
            {
                "type": "namespace",
                "name": "mcp__files",
                "description": "Files",
                "tools": [
                    {
                        "type": "function",
                        "name": "read",
                        "parameters": {"type": "object", "properties": {}},
                        "strict": False,
                    },
                    {"type": "custom", "name": "write"},
                ],
            },
            {
                "type": "function",
                "name": "plain",
                "parameters": ODD,
            },
            {"type": "web_search", "external_web_access": True},
        ],
        "input": [CALL | {"namespace": "mcp__files", "name": "read"}],
        "tool_choice": {
            "type": "allowed_tools",
            "mode": "required",
            "tools": [{"type": "function", "name": "plain"}],
        },
    },
    "mcp choice": {
        "tools": [{"type": "mcp", "server_label": "s"}],
        "tool_choice": {"type": "mcp", "server_label": "s", "name": "n"},
    },
    "hosted choice": {"tools": [{"type": "web_search"}], "tool_choice": {"type": "web_search"}},
    "settings": {
        "max_output_tokens": 9,
        "temperature": 0.5,
        "top_p": 0.25,
        "top_logprobs": 2,
        "include": [
            "file_search_call.results",
            "message.output_text.logprobs",
            "reasoning.encrypted_content",
        ],
        "parallel_tool_calls": False,
        "reasoning": {"effort": "low", "summary": "auto", "context": "all"},
        "text": {
            "format": {"type": "json_schema", "name": "n", "schema": STRICT, "strict": True},
            "verbosity": "low",
        },
        "metadata": {"a": "b"},
        "store": True,
        "service_tier": "flex",
        "prompt_cache_key": "k",
        "safety_identifier": "me",
        "truncation": "auto",
        "client_metadata": {"x": 1},
        "stream": True,
    },
    "both names of the user": {"user": "a", "safety_identifier": "b"},
    "json object": {"text": {"format": {"type": "json_object"}}},
    "nulls": dict.fromkeys(
        ("instructions", "tools", "tool_choice", "reasoning", "text", "store", "temperature")
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_request_is_the_same_after_a_way_there_and_back(name: str) -> None:
    members = {key: value for key, value in BODIES[name].items() if key != "input"}
    given = BODIES[name].get("input", "hi")
    items = [{"role": "user", "content": item} if isinstance(item, str) else item for item in given]
    request = decoded(**members, input=given if isinstance(given, str) else items)
    again = decode_request(encode_request(request, plain("m")).body)
    assert again == request
    assert losses(request) == ()


def test_the_items_of_one_turn_are_one_message_and_come_back_as_they_stood() -> None:
    items = [REASONING, SEARCH, SAID, CALL]
    request = decoded(input=items)
    (turn,) = request.messages
    kinds = [type(part) for part in turn.parts]
    assert kinds == [Thinking, Opaque, Text, Refusal, ToolUse]
    thinking = turn.parts[0]
    assert isinstance(thinking, Thinking)
    assert (thinking.text, thinking.signature, thinking.origin) == (
        "First.\n\nThen.",
        "sealed",
        "openai-responses",
    )
    written = encoded(request)["input"]
    assert [item["type"] for item in written] == ["reasoning", "web_search_call", "message", "function_call"]
    assert written[0] == {name: value for name, value in REASONING.items() if value is not None}
    assert written[1] == SEARCH
    assert written[2]["phase"] == "commentary"
    assert written[2]["id"] == "msg_1"
    assert [part["type"] for part in written[2]["content"]] == ["output_text", "refusal"]
    assert written[3] == CALL


def test_instructions_are_the_first_system_message_and_become_instructions_again() -> None:
    request = decoded(instructions="Be kind.", input=[{"role": "system", "content": "Also."}])
    assert [message.role for message in request.messages] == [Role.SYSTEM, Role.SYSTEM]
    body = encoded(request)
    assert body["instructions"] == "Be kind."
    assert body["input"][0]["role"] == "system"


def test_leading_system_messages_of_other_dialects_are_joined_into_the_instructions() -> None:
    system = Message(Role.SYSTEM, (Text("A"), Text("B")))
    late = Message(Role.SYSTEM, (Text("D"),))
    body = encoded(asked(system, Message(Role.SYSTEM, (Text("C"),)), user(Text("hi")), late))
    assert body["instructions"] == "A\n\nB\n\nC"
    assert [item["role"] for item in body["input"]] == ["user", "system"]


def test_nothing_is_stored_upstream_unless_the_client_asks_and_then_reasoning_comes_sealed() -> None:
    body = encoded(asked(user(Text("hi")), reasoning=Reasoning(effort="high")))
    assert body["store"] is False
    assert body["include"] == ["reasoning.encrypted_content"]
    stored = encoded(asked(user(Text("hi")), reasoning=Reasoning(effort="high"), store=True))
    assert stored["store"] is True
    assert "include" not in stored
    assert "include" not in encoded(asked(user(Text("hi"))))


@pytest.mark.parametrize(
    ("reasoning", "told"),
    [
        (Reasoning(effort="minimal"), {"effort": "minimal"}),
        (Reasoning(enabled=False), {"effort": "none"}),
        (Reasoning(budget_tokens=800), {"effort": "low", "summary": "auto"}),
        (Reasoning(budget_tokens=9000), {"effort": "medium", "summary": "auto"}),
        (Reasoning(enabled=True, budget_tokens=32000), {"effort": "high", "summary": "auto"}),
        (Reasoning(effort="high", summary="omitted"), {"effort": "high"}),
        (Reasoning(budget_tokens=-1), {"summary": "auto"}),
    ],
)
def test_wishes_about_thinking_become_an_effort(reasoning: Reasoning, told: JSON) -> None:
    assert encoded(asked(user(Text("hi")), reasoning=reasoning))["reasoning"] == told


def test_what_other_providers_signed_stays_away() -> None:
    turn = Message(
        Role.ASSISTANT,
        (Thinking("Hm", "sig", origin="anthropic"), Thinking("", "x", redacted=True), Text("Yes")),
    )
    request = asked(user(Text("hi")), turn)
    assert encoded(request)["input"][1:] == [{"type": "message", "role": "assistant", "content": "Yes"}]
    assert losses(request) == ("thinking", "redacted_thinking")


def test_results_stand_between_what_the_user_says() -> None:
    message = user(Text("a"), ToolResult("call_1", (Text("r"),)), Text("b"))
    call = Message(Role.ASSISTANT, (ToolUse("call_1", "f"),))
    kinds = [(item["type"], item.get("output")) for item in encoded(asked(call, message))["input"]]
    assert kinds == [
        ("function_call", None),
        ("message", None),
        ("function_call_output", "r"),
        ("message", None),
    ]


def test_a_call_without_arguments_gets_an_empty_object() -> None:
    call = Message(Role.ASSISTANT, (ToolUse("call_1", "f"),))
    assert encoded(asked(call))["input"][0]["arguments"] == "{}"


def test_calls_without_ids_and_their_results_get_the_same_made_ids() -> None:
    calls = Message(Role.ASSISTANT, (ToolUse("", "f"), ToolUse("", "g")))
    items = encoded(asked(calls, user(ToolResult("", (Text("1"),)), ToolResult("", (Text("2"),)))))["input"]
    assert items[0]["call_id"] != items[1]["call_id"]
    assert [item["call_id"] for item in items[2:]] == [item["call_id"] for item in items[:2]]


@pytest.mark.parametrize(
    ("members", "kind", "param"),
    [
        ({"background": True}, ErrorKind.UNSUPPORTED, "background"),
        ({"model": None}, ErrorKind.BAD_REQUEST, "model"),
        ({"input": None}, ErrorKind.BAD_REQUEST, "input"),
        ({"input": 3}, ErrorKind.BAD_REQUEST, "input"),
        ({"input": [3]}, ErrorKind.BAD_REQUEST, "input[0]"),
        ({"input": [{"role": "user", "content": 3}]}, ErrorKind.BAD_REQUEST, "input[0].content"),
        ({"input": [{"role": "user", "content": [3]}]}, ErrorKind.BAD_REQUEST, "input[0].content[0]"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image"}]}]},
            ErrorKind.BAD_REQUEST,
            "input[0].content[0]",
        ),
        ({"input": [{"role": "robot", "content": "x"}]}, ErrorKind.BAD_REQUEST, "input[0].role"),
        ({"input": [{"type": "function_call", "call_id": "c"}]}, ErrorKind.BAD_REQUEST, "input[0].name"),
        ({"tools": [{"type": "function"}]}, ErrorKind.BAD_REQUEST, "tools[0].name"),
        ({"tool_choice": "sometimes"}, ErrorKind.BAD_REQUEST, "tool_choice"),
        ({"temperature": "warm"}, ErrorKind.BAD_REQUEST, "temperature"),
        ({"text": {"format": {"type": "poem"}}}, ErrorKind.BAD_REQUEST, "text.format.type"),
    ],
)
def test_what_is_wrong_with_a_request_is_named(members: JSON, kind: ErrorKind, param: str) -> None:
    with pytest.raises(Refused) as refused:
        decoded(**members)
    assert (refused.value.kind, refused.value.param) == (kind, param)
    assert refused.value.message.startswith(("background", "the request names no model", param))


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"model":"m","input":' + b"[" * 9000 + b"]" * 9000 + b"}"]
)
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(Refused):
        decode_request(body)


def test_half_an_emoji_does_not_make_a_request_unreadable() -> None:
    request = decode_request(b'{"model":"m","input":"a\\ud83d"}')
    assert request.messages[0].parts == (Text("a?"),)


@pytest.mark.parametrize(
    ("part", "where"),
    [
        (Media(MediaKind.VIDEO, Url("https://x.example/v.mp4")), "messages[0].content[1]"),
        (Media(MediaKind.IMAGE, FileId("files/abc")), "messages[0].content[1]"),
        (Media(MediaKind.AUDIO, Url("https://x.example/a.wav")), "messages[0].content[1]"),
        (Opaque("anthropic", "container_upload", msgspec.Raw(b"{}")), "messages[0].content[1]"),
    ],
)
def test_content_without_a_place_is_refused_by_its_path(part: Media | Opaque, where: str) -> None:
    with pytest.raises(Refused) as refused:
        encode_request(asked(user(Text("a"), part)), plain("m"))
    assert (refused.value.kind, refused.value.param) == (ErrorKind.UNSUPPORTED, where)


@pytest.mark.parametrize(
    ("media", "told"),
    [
        (
            Media(MediaKind.IMAGE, Base64("image/png", "AA")),
            {"image_url": "data:image/png;base64,AA", "detail": "auto"},
        ),
        (
            Media(MediaKind.DOCUMENT, Base64("application/pdf", "AA")),
            {"file_data": "data:application/pdf;base64,AA", "filename": "document.pdf"},
        ),
        (
            Media(MediaKind.AUDIO, Base64("audio/mpeg", "AA")),
            {"input_audio": {"data": "AA", "format": "mp3"}},
        ),
        (Media(MediaKind.DOCUMENT, Url("https://x.example/a")), {"file_url": "https://x.example/a"}),
    ],
)
def test_media_of_other_dialects_are_written_in_full(media: Media, told: JSON) -> None:
    (part,) = encoded(asked(user(media)))["input"][0]["content"]
    assert part | told == part


def test_tools_of_a_group_know_their_group() -> None:
    request = decoded(**{key: value for key, value in BODIES["namespaces"].items() if key != "input"})
    read, write, alone, search = request.tools
    assert isinstance(read, FunctionTool)
    assert (read.name, read.namespace, read.namespace_description) == ("read", "mcp__files", "Files")
    assert isinstance(write, CustomTool)
    assert write.namespace == "mcp__files"
    assert isinstance(alone, FunctionTool)
    assert alone.schema == msgspec.Raw(b'{"type":"object","x-odd":1.5,"properties":{}}')
    assert isinstance(search, HostedTool)
    assert (search.format, search.type) == ("openai-responses", "web_search")
    assert request.tool_choice == ToolChoice(ChoiceMode.REQUIRED, allowed=("plain",))


def test_the_grammar_of_a_custom_tool_is_written_without_chats_extra_object() -> None:
    nested = msgspec.Raw(b'{"type":"grammar","grammar":{"syntax":"lark","definition":"start: x"}}')
    body = encoded(asked(user(Text("x")), tools=(CustomTool("patch", format=nested),)))
    assert body["tools"][0]["format"] == {"type": "grammar", "syntax": "lark", "definition": "start: x"}


def test_another_providers_hosted_tool_is_refused_by_name() -> None:
    tool = HostedTool("anthropic", "web_search_20250305", msgspec.Raw(b"{}"))
    with pytest.raises(Refused, match="web_search_20250305"):
        encode_request(asked(user(Text("x")), tools=(tool,)), plain("m"))


def test_settings_are_read() -> None:
    request = decoded(**BODIES["settings"])
    assert request.sampling == Sampling(
        max_tokens=9, temperature=0.5, top_p=0.25, logprobs=True, top_logprobs=2
    )
    assert request.reasoning == Reasoning(effort="low", summary="auto")
    assert (request.output.kind, request.output.verbosity) == (OutputKind.SCHEMA, "low")
    assert (request.user, request.cache_key, request.store, request.parallel_tools) == (
        "me",
        "k",
        True,
        False,
    )
    assert request.stream


def test_what_the_dialect_has_no_word_for_is_reported() -> None:
    request = asked(
        user(Text("x")),
        sampling=Sampling(top_k=3, seed=1, stop=("a",), presence_penalty=0.1),
        extra=Extra("anthropic", {"container": msgspec.Raw(b'"c"')}),
    )
    assert set(losses(request)) == {"top_k", "seed", "stop", "presence_penalty", "container"}


def test_state_at_another_provider_and_several_answers_are_refused() -> None:
    with pytest.raises(Refused):
        encode_request(asked(user(Text("x")), pin="cachedContents/1"), plain("m"))
    with pytest.raises(Refused) as refused:
        encode_request(asked(user(Text("x")), sampling=Sampling(candidates=2)), plain("m"))
    assert refused.value.param == "n"
    assert decoded(previous_response_id="resp_1").pin == "resp_1"


def test_the_path_of_the_request_may_name_the_model_and_the_stream() -> None:
    request = decode_request(b'{"input":"x"}', model="other", stream=True)
    assert (request.model, request.stream) == ("other", True)
