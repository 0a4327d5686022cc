"""Requests in Gemini's dialect."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.conversation.abilities import Abilities, EffortStyle, plain
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
from omniroute.errors import Refused
from omniroute.formats import gemini

PLAIN = plain("gemini-3-pro")


def decoded(**body: Any) -> Request:
    body.setdefault("contents", [{"parts": [{"text": "hi"}]}])
    return gemini.decode_request(json.dumps(body).encode(), model="m")


def encoded(request: Request, abilities: Abilities = PLAIN) -> tuple[dict[str, Any], tuple[str, ...]]:
    out = gemini.encode_request(request, abilities)
    return json.loads(out.body), out.losses


def asked(*messages: Message, **more: Any) -> Request:
    return Request(model="m", messages=messages, **more)


def user(*parts: Part) -> Message:
    return Message(Role.USER, parts)


def model(*parts: Part) -> Message:
    return Message(Role.ASSISTANT, parts)


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


HI = (user(Text("hi")),)


@pytest.mark.parametrize(
    ("contents", "messages"),
    [
        ("hi", HI),
        (["hi"], HI),
        ({"parts": {"text": "hi"}}, HI),
        ({"role": "user", "parts": [{"text": "hi"}]}, HI),
        ([{"text": "hi"}], HI),
        ([{"role": "user", "parts": ["hi", {"text": ""}]}], HI),
        ([{"role": None, "parts": [{"text": "hi", "thought": False}]}], HI),
        ([{"role": "user"}, {"parts": [{"text": "hi"}]}], HI),
        ([{"role": "model", "parts": [{"text": "yes"}]}], (model(Text("yes")),)),
        (
            [{"role": "model", "parts": [{"text": "hm", "thought": True}]}],
            (model(Thinking("hm")),),
        ),
    ],
)
def test_contents_are_read_as_sdks_write_them(contents: Any, messages: tuple[Message, ...]) -> None:
    assert decoded(contents=contents).messages == messages


@pytest.mark.parametrize(
    "system", ["be terse", {"parts": [{"text": "be terse"}]}, {"role": "user", "parts": {"text": "be terse"}}]
)
def test_the_system_instruction_comes_first(system: Any) -> None:
    for name in ("systemInstruction", "system_instruction"):
        assert decoded(**{name: system}).messages == (Message(Role.SYSTEM, (Text("be terse"),)), *HI)


def test_names_may_be_written_either_way() -> None:
    camel = {
        "contents": [
            {
                "role": "model",
                "parts": [{"functionCall": {"name": "f", "args": {"a_b": 1}}, "thoughtSignature": "s"}],
            },
            {"parts": [{"inlineData": {"mimeType": "image/png", "data": "AA"}}]},
        ],
        "generationConfig": {"maxOutputTokens": 5, "thinkingConfig": {"includeThoughts": True}},
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
        "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"a_b": {}}}]}],
    }
    snake = {
        "contents": [
            {
                "role": "model",
                "parts": [{"function_call": {"name": "f", "args": {"a_b": 1}}, "thought_signature": "s"}],
            },
            {"parts": [{"inline_data": {"mime_type": "image/png", "data": "AA"}}]},
        ],
        "generation_config": {"max_output_tokens": 5, "thinking_config": {"include_thoughts": True}},
        "tool_config": {"function_calling_config": {"mode": "ANY", "allowed_function_names": ["f"]}},
        "tools": [{"function_declarations": [{"name": "f", "parameters_json_schema": {"a_b": {}}}]}],
    }
    assert decoded(**camel) == decoded(**snake)
    assert decoded(**snake).tool_choice == ToolChoice(ChoiceMode.NAMED, "f")
    assert decoded(**snake).messages[0].parts == (
        ToolUse("gemini_0_0", "f", '{"a_b": 1}', signature="s", origin="gemini"),
    )


def test_calls_without_ids_are_matched_by_order_and_name() -> None:
    contents = [
        {"role": "user", "parts": [{"text": "go"}]},
        {
            "role": "model",
            "parts": [
                {"functionCall": {"name": "f", "args": {"n": 1}}},
                {"functionCall": {"name": "f"}},
                {"functionCall": {"name": "g", "args": {}}},
            ],
        },
        {
            "role": "function",
            "parts": [
                {"functionResponse": {"name": "g", "response": {"result": "3"}}},
                {"functionResponse": {"name": "f", "response": {"output": "1"}}},
                {"functionResponse": {"name": "f", "response": {"error": "2"}}},
                {"functionResponse": {"name": "f", "response": {"n": 1}}},
            ],
        },
    ]
    request = decoded(contents=contents)
    assert request.messages[1].parts == (
        ToolUse("gemini_1_0", "f", '{"n": 1}'),
        ToolUse("gemini_1_1", "f", "{}"),
        ToolUse("gemini_1_2", "g", "{}"),
    )
    assert request.messages[2].parts == (
        ToolResult("gemini_1_2", (Text("3"),), name="g"),
        ToolResult("gemini_1_0", (Text("1"),), name="f"),
        ToolResult("gemini_1_1", (Text("2"),), is_error=True, name="f"),
        ToolResult("gemini_2_r3", (Text('{"n": 1}'),), name="f"),
    )
    wire = encoded(request)[0]["contents"]
    assert [part["functionResponse"]["response"] for part in wire[2]["parts"]] == [
        {"result": "1"},
        {"error": "2"},
        {"result": "3"},
        {"n": 1},
    ]
    assert "id" not in str(wire)


def test_an_unanswered_call_of_an_earlier_turn_takes_no_later_result() -> None:
    call = {"role": "model", "parts": [{"functionCall": {"name": "f"}}]}
    contents = [
        call,
        {"parts": [{"text": "never mind"}]},
        call,
        {"parts": [{"functionResponse": {"name": "f"}}]},
    ]
    assert decoded(contents=contents).messages[3].parts == (ToolResult("gemini_2_0", name="f"),)


def test_ids_of_gemini_go_back_and_others_do_not() -> None:
    given = [
        {"role": "model", "parts": [{"functionCall": {"id": "abc", "name": "f", "args": {}}}]},
        {
            "role": "user",
            "parts": [{"functionResponse": {"id": "abc", "name": "f", "response": {"result": "1"}}}],
        },
    ]
    assert encoded(decoded(contents=given))[0]["contents"] == given
    foreign = asked(model(ToolUse("call_9x", "f", "")), user(ToolResult("call_9x", (Text("1"),))))
    assert encoded(foreign)[0]["contents"] == [
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"result": "1"}}}]},
    ]


def test_signatures_stand_where_they_stood() -> None:
    contents = [
        {"role": "user", "parts": [{"text": "go"}]},
        {
            "role": "model",
            "parts": [
                {"text": "deep", "thought": True, "thoughtSignature": "s0"},
                {"text": "said", "thoughtSignature": "s1"},
                {"text": "", "thoughtSignature": "s2"},
                {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "s3"},
            ],
        },
    ]
    wire, losses = encoded(decoded(contents=contents))
    assert wire["contents"] == contents
    assert losses == ()


def test_signatures_of_others_stay_out_and_unsigned_thoughts_too() -> None:
    said = model(
        Thinking("a", "sig", origin="anthropic"),
        Thinking(signature="x", redacted=True, origin="anthropic"),
        Thinking("b"),
        ToolUse("1", "f", "{}", signature="zz", origin="anthropic"),
    )
    wire, losses = encoded(asked(*HI, said))
    assert wire["contents"][1]["parts"] == [{"functionCall": {"name": "f", "args": {}}}]
    assert losses == ("thinking", "redacted_thinking")


def test_the_first_unsigned_call_of_each_step_of_the_current_turn_gets_what_stands_for_a_signature() -> None:
    abilities = Abilities(model="gemini-3", unsigned_call="skip")
    call, result = model(ToolUse("1", "f"), ToolUse("2", "f")), user(ToolResult("1"), ToolResult("2"))
    wire, losses = encoded(asked(*HI, call, result, *HI, call, result, call, result), abilities)
    signed = [
        [part.get("thoughtSignature") for part in content["parts"]]
        for content in wire["contents"]
        if content["role"] == "model"
    ]
    assert signed == [[None, None], ["skip", None], ["skip", None]]
    assert losses == ("thought_signature",)


@pytest.mark.parametrize(
    ("arguments", "args", "losses"),
    [
        ("", {}, ()),
        ('{"n": 12345678901234567890}', {"n": 12345678901234567890}, ()),
        ("not json", {"_arguments": "not json"}, ("arguments",)),
        ("[1]", {"_arguments": "[1]"}, ("arguments",)),
    ],
)
def test_arguments_are_an_object(arguments: str, args: Any, losses: tuple[str, ...]) -> None:
    wire, lost = encoded(asked(*HI, model(ToolUse("1", "f", arguments))))
    assert wire["contents"][1]["parts"][0]["functionCall"]["args"] == args
    assert lost == losses


@pytest.mark.parametrize(
    ("part", "media"),
    [
        (
            {"inlineData": {"mimeType": "audio/wav", "data": "AA=="}},
            Media(MediaKind.AUDIO, Base64("audio/wav", "AA==")),
        ),
        (
            {"fileData": {"mimeType": "application/pdf", "fileUri": "https://example.org/x.pdf"}},
            Media(MediaKind.DOCUMENT, Url("https://example.org/x.pdf", "application/pdf")),
        ),
        (
            {"fileData": {"fileUri": "https://www.youtube.com/watch?v=1"}, "videoMetadata": {"fps": 1}},
            Media(
                MediaKind.VIDEO,
                Url("https://www.youtube.com/watch?v=1"),
                extra=Extra("gemini", {"videoMetadata": msgspec.Raw(b'{"fps": 1}')}),
            ),
        ),
        (
            {"fileData": {"mimeType": "image/png", "fileUri": "gs://bucket/x"}},
            Media(
                MediaKind.IMAGE,
                FileId("gs://bucket/x"),
                extra=Extra("gemini", {"mimeType": msgspec.Raw(b'"image/png"')}),
            ),
        ),
    ],
)
def test_media_there_and_back(part: Any, media: Media) -> None:
    request = decoded(contents=[{"role": "user", "parts": [part]}])
    assert request.messages == (user(media),)
    assert encoded(request)[0]["contents"] == [{"role": "user", "parts": [part]}]


def test_a_file_of_the_files_api_is_an_id() -> None:
    uri = "https://generativelanguage.googleapis.com/v1beta/files/abc-1"
    part = decoded(contents=[{"parts": [{"file_data": {"file_uri": uri}}]}]).messages[0].parts[0]
    assert isinstance(part, Media)
    assert part.source == FileId(uri)


@pytest.mark.parametrize(
    ("media", "wire"),
    [
        (
            Media(MediaKind.IMAGE, Base64("", "iVBORw0KGgo=")),
            {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}},
        ),
        (
            Media(MediaKind.IMAGE, Url("https://e.org/a.JPG?x=1")),
            {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://e.org/a.JPG?x=1"}},
        ),
        (
            Media(MediaKind.DOCUMENT, PlainText("é")),
            {"inlineData": {"mimeType": "text/plain", "data": "w6k="}},
        ),
    ],
)
def test_media_of_others_are_told_with_their_type(media: Media, wire: Any) -> None:
    assert encoded(asked(user(media)))[0]["contents"][0]["parts"] == [wire]


@pytest.mark.parametrize(
    "part",
    [
        Media(MediaKind.IMAGE, Url("https://e.org/picture")),
        Media(MediaKind.DOCUMENT, FileId("file-abc")),
        Media(MediaKind.IMAGE, Base64("", "AAAA")),
        Opaque("anthropic", "search_result", raw({"type": "search_result"})),
    ],
)
def test_content_it_cannot_hold_is_refused_by_its_place(part: Part) -> None:
    with pytest.raises(Refused) as refusal:
        encoded(asked(*HI, model(Text("ok")), user(Text("see"), part)))
    assert refusal.value.param == "messages[2].content[1]"


def test_media_of_results_stand_inside_or_beside_by_the_model() -> None:
    image = Media(MediaKind.IMAGE, Base64("image/png", "AA"))
    request = asked(*HI, model(ToolUse("1", "f")), user(ToolResult("1", (Text("see"), image)), Text("and")))
    picture = {"inlineData": {"mimeType": "image/png", "data": "AA"}}
    response = {"name": "f", "response": {"result": "see"}}
    new = encoded(request, plain("gemini-3-pro"))[0]["contents"][2]["parts"]
    old = encoded(request, plain("gemini-2.5-pro"))[0]["contents"][2]["parts"]
    assert new == [{"functionResponse": response | {"parts": [picture]}}, {"text": "and"}]
    assert old == [{"functionResponse": response}, picture, {"text": "and"}]
    nested = decoded(contents=[{"role": "user", "parts": new}]).messages[0].parts[0]
    assert nested == ToolResult("gemini_0_r0", (Text("see"), image), name="f")


def test_system_texts_go_to_their_place_and_turns_of_one_side_are_one() -> None:
    request = asked(
        Message(Role.SYSTEM, (Text("a"),)),
        user(Text("1")),
        user(Text("2", cache=CacheMark())),
        Message(Role.DEVELOPER, (Text("b"),)),
        model(Text("3")),
        model(Opaque("openai-responses", "web_search_call", raw({})), Text("4")),
    )
    wire, losses = encoded(request)
    assert wire["systemInstruction"] == {"parts": [{"text": "a"}, {"text": "b"}]}
    assert wire["contents"] == [
        {"role": "user", "parts": [{"text": "1"}, {"text": "2"}]},
        {"role": "model", "parts": [{"text": "3"}, {"text": "4"}]},
    ]
    assert losses == ("cache_control", "web_search_call")


def test_tools_of_google_go_back_as_they_stood_and_others_are_refused() -> None:
    tools = [
        {"functionDeclarations": [{"name": "f", "description": "d", "behavior": "BLOCKING"}]},
        {"googleSearch": {}},
        {"codeExecution": {}},
    ]
    request = decoded(tools=tools)
    assert [type(tool) for tool in request.tools] == [FunctionTool, HostedTool, HostedTool]
    assert encoded(request)[0]["tools"] == tools
    for tool in (HostedTool("anthropic", "web_search_20250305", raw({})), CustomTool("apply_patch")):
        with pytest.raises(Refused, match=r"tools\[0\]"):
            encoded(asked(*HI, tools=(tool,)))


def test_schemas_in_googles_notation_become_json_schema() -> None:
    googles = {
        "type": "OBJECT",
        "properties": {
            "type": {"type": "STRING", "nullable": True},
            "nullable": {"type": "ARRAY", "items": {"type": "INTEGER"}, "minItems": "2"},
        },
        "propertyOrdering": ["type", "nullable"],
    }
    tool = decoded(tools=[{"functionDeclarations": [{"name": "f", "parameters": googles}]}]).tools[0]
    assert isinstance(tool, FunctionTool)
    assert tool.schema is not None
    assert json.loads(bytes(tool.schema)) == {
        "type": "object",
        "properties": {
            "type": {"type": ["string", "null"]},
            "nullable": {"type": "array", "items": {"type": "integer"}, "minItems": 2},
        },
    }


@pytest.mark.parametrize(
    ("config", "choice"),
    [
        ({"mode": "AUTO"}, ToolChoice(ChoiceMode.AUTO)),
        ({"mode": "NONE"}, ToolChoice(ChoiceMode.NONE)),
        ({"mode": "ANY"}, ToolChoice(ChoiceMode.REQUIRED)),
        ({"mode": "ANY", "allowedFunctionNames": ["f"]}, ToolChoice(ChoiceMode.NAMED, "f")),
        (
            {"mode": "ANY", "allowedFunctionNames": ["f", "g"]},
            ToolChoice(ChoiceMode.REQUIRED, allowed=("f", "g")),
        ),
        ({"mode": "VALIDATED"}, ToolChoice(ChoiceMode.AUTO)),
        ({"mode": "VALIDATED", "allowedFunctionNames": ["f"]}, ToolChoice(ChoiceMode.AUTO, allowed=("f",))),
    ],
)
def test_tool_choice_there_and_back(config: Any, choice: ToolChoice) -> None:
    request = decoded(
        toolConfig={"functionCallingConfig": config}, tools=[{"functionDeclarations": [{"name": "f"}]}]
    )
    assert request.tool_choice == choice
    assert encoded(request)[0]["toolConfig"] == {"functionCallingConfig": config}


def test_the_configuration_there_and_back() -> None:
    config = {
        "maxOutputTokens": 10,
        "temperature": 0.5,
        "topP": 0.9,
        "topK": 40,
        "stopSequences": ["x"],
        "seed": 7,
        "presencePenalty": 0.1,
        "frequencyPenalty": 0.2,
        "candidateCount": 2,
        "responseLogprobs": True,
        "logprobs": 3,
        "responseModalities": ["TEXT", "AUDIO"],
        "thinkingConfig": {"includeThoughts": True, "thinkingBudget": -1},
        "speechConfig": {"voice": "x"},
        "mediaResolution": "MEDIA_RESOLUTION_LOW",
    }
    others = {
        "safetySettings": [{"category": "c", "threshold": "t"}],
        "labels": {"team_name": "x"},
        "cachedContent": "cachedContents/1",
    }
    request = decoded(generationConfig=config, **others)
    assert request.sampling == Sampling(
        max_tokens=10,
        temperature=0.5,
        top_p=0.9,
        top_k=40,
        stop=("x",),
        seed=7,
        presence_penalty=0.1,
        frequency_penalty=0.2,
        candidates=2,
        logprobs=True,
        top_logprobs=3,
    )
    assert request.reasoning == Reasoning(budget_tokens=-1, summary="auto")
    assert request.pin == "cachedContents/1"
    wire, losses = encoded(request)
    assert (
        wire
        == {"contents": [{"role": "user", "parts": [{"text": "hi"}]}], "generationConfig": config} | others
    )
    assert losses == ()


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({"responseMimeType": "application/json"}, OutputKind.JSON),
        ({"responseMimeType": "text/plain"}, OutputKind.TEXT),
        ({"responseMimeType": "application/json", "responseSchema": {"type": "STRING"}}, OutputKind.SCHEMA),
        ({"responseJsonSchema": {"type": "string"}}, OutputKind.SCHEMA),
        ({"response_json_schema": {"type": "string"}}, OutputKind.SCHEMA),
    ],
)
def test_the_shape_of_the_answer_is_read(config: Any, kind: OutputKind) -> None:
    output = decoded(generationConfig=config).output
    assert output.kind is kind
    if kind is OutputKind.SCHEMA:
        assert output.schema is not None
        assert json.loads(bytes(output.schema)) == {"type": "string"}
        assert (
            encoded(decoded(generationConfig=config))[0]["generationConfig"]["responseMimeType"]
            == "application/json"
        )


def test_an_enum_as_text_stays_with_gemini() -> None:
    config = {"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["a"]}}
    request = decoded(generationConfig=config)
    assert request.output.kind is OutputKind.TEXT
    assert encoded(request)[0]["generationConfig"] == config


@pytest.mark.parametrize(
    ("reasoning", "style", "wire"),
    [
        (Reasoning(effort="low"), EffortStyle.EFFORT, {"thinkingLevel": "LOW"}),
        (Reasoning(effort="xhigh"), EffortStyle.EFFORT, {"thinkingLevel": "HIGH"}),
        (Reasoning(effort="low"), EffortStyle.BUDGET, {"thinkingBudget": 1024}),
        (Reasoning(budget_tokens=5), EffortStyle.EFFORT, {"thinkingBudget": 5}),
        (Reasoning(enabled=False), EffortStyle.BUDGET, {"thinkingBudget": 0}),
        (
            Reasoning(enabled=True, budget_tokens=9),
            EffortStyle.BUDGET,
            {"includeThoughts": True, "thinkingBudget": 9},
        ),
        (Reasoning(summary="omitted"), EffortStyle.BUDGET, {"includeThoughts": False}),
        (Reasoning(adaptive=True), EffortStyle.BUDGET, {"thinkingBudget": -1}),
    ],
)
def test_thinking_is_asked_for_in_the_targets_terms(
    reasoning: Reasoning, style: EffortStyle, wire: Any
) -> None:
    out, _ = encoded(asked(*HI, reasoning=reasoning), Abilities(model="m", effort_style=style))
    assert out["generationConfig"]["thinkingConfig"] == wire


def test_what_the_dialect_lacks_is_told() -> None:
    request = asked(
        Message(Role.USER, (Text("hi"),), name="bob"),
        sampling=Sampling(logit_bias=raw({"1": 2})),
        user="u",
        metadata=raw({}),
        service_tier="flex",
        cache_key="k",
        parallel_tools=False,
        store=True,
        extra=Extra("openai-chat", {"prediction": raw({})}),
        tools=(FunctionTool("f", strict=True),),
    )
    assert set(encoded(request)[1]) == {
        "logit_bias",
        "user",
        "metadata",
        "service_tier",
        "cache_key",
        "parallel_tools",
        "store",
        "name",
        "prediction",
        "strict",
    }


def test_the_state_of_another_provider_is_refused() -> None:
    with pytest.raises(Refused):
        encoded(asked(*HI, pin="resp_1"))


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "contents"),
        ({"contents": []}, "contents"),
        ({"contents": 3}, "contents"),
        ({"contents": [{"parts": [{"text": 3}]}]}, "contents[0].parts[0].text"),
        ({"contents": [{"role": "robot", "parts": []}]}, "contents[0].role"),
        ({"contents": "x", "generationConfig": {"topP": "y"}}, "generationConfig.topP"),
        ({"contents": "x", "tools": 5}, "tools"),
        ({"contents": "x", "systemInstruction": 5}, "systemInstruction"),
        ({"contents": [{"parts": [{"functionResponse": 1}]}]}, "contents[0].parts[0].functionResponse"),
    ],
)
def test_a_wrong_request_is_refused_by_the_field(body: Any, param: str) -> None:
    with pytest.raises(Refused) as refusal:
        gemini.decode_request(json.dumps(body).encode(), model="m")
    assert refusal.value.param == param


def test_half_a_surrogate_is_read_leniently() -> None:
    body = b'{"contents":[{"parts":[{"text":"a\\ud83d"}]}],"generationConfig":{"temperature":NaN}}'
    assert gemini.decode_request(body, model="m").messages == (user(Text("a?")),)


@pytest.mark.parametrize("body", [b"", b"[", b"{", b"[]", b"3", b"\xff", b'{"contents":' + b"[" * 100_000])
def test_what_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(Refused):
        gemini.decode_request(body, model="m")


def test_the_model_may_stand_in_the_body() -> None:
    body = json.dumps({"model": "models/gemini-x", "contents": "hi"}).encode()
    assert gemini.decode_request(body).model == "gemini-x"
    assert gemini.decode_request(body, model="other", stream=True) == Request(
        model="other", messages=HI, stream=True
    )
    with pytest.raises(Refused):
        gemini.decode_request(b'{"contents":"hi"}')


def test_a_count_may_be_of_contents_or_of_a_whole_request() -> None:
    inner = {"model": "models/x", "contents": "hi", "systemInstruction": "s"}
    assert gemini.decode_count_request(b'{"contents":"hi"}', "m").messages == HI
    whole = gemini.decode_count_request(json.dumps({"generateContentRequest": inner}).encode(), "m")
    assert whole.messages == (Message(Role.SYSTEM, (Text("s"),)), *HI)


def test_blocks_of_tools_google_ran_go_back_as_they_stood() -> None:
    parts = [
        {"executableCode": {"code": "1", "language": "PYTHON"}, "thoughtSignature": "s"},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK"}},
        {"toolCall": {"id": "1"}},
        {"somethingNew": {"a_b": 1}},
        {"text": "done"},
    ]
    request = decoded(contents=[{"role": "model", "parts": parts}])
    assert [getattr(part, "type", "") for part in request.messages[0].parts] == [
        "executableCode",
        "codeExecutionResult",
        "toolCall",
        "somethingNew",
        "",
    ]
    assert encoded(request)[0]["contents"] == [{"role": "model", "parts": parts}]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "contents",
                    "parts",
                    "text",
                    "role",
                    "functionCall",
                    "functionResponse",
                    "name",
                    "args",
                    "response",
                    "inlineData",
                    "fileData",
                    "fileUri",
                    "tools",
                    "functionDeclarations",
                    "parameters",
                    "mode",
                    "id",
                    "thought",
                    "thoughtSignature",
                    "thinkingConfig",
                    "executableCode",
                    "mime_type",
                    "thinkingBudget",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)
_FIELDS = st.sampled_from(
    ["contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "cachedContent", "labels"]
)


@given(body=st.dictionaries(_FIELDS, _JSON), contents=st.none() | st.lists(_JSON, max_size=3))
def test_any_json_is_read_or_refused_and_what_is_read_can_be_written_and_read(
    body: dict[str, Any], contents: list[Any] | None
) -> None:
    if contents is not None:
        body["contents"] = [{"role": "model", "parts": contents}, {"parts": contents}]
    try:
        request = gemini.decode_request(json.dumps(body).encode(), model="m")
        out = gemini.encode_request(request, PLAIN)
    except Refused:
        return
    assert json.loads(out.body)["contents"] is not None
