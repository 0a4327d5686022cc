"""Requests of OpenAI Responses, read and written."""

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
    Role,
    Sampling,
    ToolChoice,
)
from omniroute.errors import ErrorKind, Refused
from omniroute.formats.openai_responses import decode_request, encode_request
from tests.formats.openai_responses.asking import (
    BODIES,
    CALL,
    JSON,
    REASONING,
    SAID,
    SEARCH,
    asked,
    decoded,
    encoded,
    losses,
    user,
)


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
