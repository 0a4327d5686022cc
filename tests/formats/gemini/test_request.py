"""Requests in Gemini's dialect: what is said in them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.conversation.abilities import Abilities
from omniroute.conversation.parts import (
    CacheMark,
    Opaque,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
)
from omniroute.conversation.request import (
    ChoiceMode,
    Message,
    Request,
    Role,
    ToolChoice,
)
from omniroute.errors import Refused
from omniroute.formats import gemini
from tests.formats.gemini.asking import HI, PLAIN, asked, decoded, encoded, model, raw, user


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
