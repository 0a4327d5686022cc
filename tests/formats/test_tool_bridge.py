"""Tools reach dialects that have fewer kinds of them, and come back as the client declared them."""

import json
import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omniroute.conversation.abilities import Abilities, Structured
from omniroute.conversation.events import (
    Delta,
    Ended,
    Event,
    Field,
    Finished,
    PartEnded,
    PartStarted,
    Started,
)
from omniroute.conversation.fold import fold, unfold
from omniroute.conversation.parts import Part, Text, Thinking, ToolResult, ToolUse
from omniroute.conversation.request import (
    ChoiceMode,
    CustomTool,
    FunctionTool,
    HostedTool,
    Message,
    Output,
    OutputKind,
    Request,
    Role,
    ToolChoice,
)
from omniroute.conversation.response import Candidate, Finish, FinishReason, Response
from omniroute.formats.tool_bridge import bridge

DIALECTS = ["anthropic", "gemini", "ollama", "openai-chat", "openai-responses"]
LEGAL = {
    "anthropic": r"[a-zA-Z0-9_-]{1,128}",
    "gemini": r"[a-zA-Z_][a-zA-Z0-9_.-]{0,63}",
    "ollama": r"\S{1,128}",
    "openai-chat": r"[a-zA-Z0-9_-]{1,64}",
    "openai-responses": r"[a-zA-Z0-9_-]{1,64}",
}
SCHEMA = msgspec.Raw(b'{"type":"object","properties":{"a":{"type":"integer"}}}')
LARK = msgspec.Raw(b'{"type":"grammar","syntax":"lark","definition":"start: /x+/"}')
BY_TOOL = Abilities(model="m", structured=Structured.TOOL)


def _request(**fields: object) -> Request:
    return msgspec.structs.replace(Request(model="m", messages=()), **fields)


def _answer(*parts: Part, finish: FinishReason = FinishReason.TOOL_USE) -> Response:
    return Response(candidates=(Candidate(parts=parts, finish=Finish(finish)),))


def _parts(response: Response) -> tuple[Part, ...]:
    return response.candidates[0].parts


@pytest.mark.parametrize("dialect", ["anthropic", "gemini", "ollama", "openai-chat"])
def test_a_custom_tool_is_a_function_with_one_string(dialect: str) -> None:
    tool = CustomTool("apply_patch", "Edits files.", LARK)
    use = ToolUse("c1", "apply_patch", '*** "x"\n', custom=True)
    result = ToolResult("c1", (Text("ok"),), custom=True, name="apply_patch")
    history = (Message(Role.ASSISTANT, (use,)), Message(Role.USER, (result,)))
    request, back = bridge(_request(tools=(tool,), messages=history), dialect)
    declared = request.tools[0]
    assert isinstance(declared, FunctionTool)
    assert declared.schema is not None
    schema = json.loads(bytes(declared.schema))
    assert schema["required"] == ["input"]
    assert schema["properties"] == {"input": {"type": "string"}}
    assert declared.description is not None
    assert "Edits files." in declared.description
    assert "lark grammar:\nstart: /x+/" in declared.description
    assert request.messages[0].parts == (ToolUse("c1", "apply_patch", '{"input":"*** \\"x\\"\\n"}'),)
    assert request.messages[1].parts == (ToolResult("c1", (Text("ok"),), name="apply_patch"),)
    assert not back.is_plain
    assert _parts(back.response(_answer(*request.messages[0].parts))) == (use,)


def test_responses_keeps_custom_tools_and_groups() -> None:
    tools = (
        CustomTool("patch", format=LARK),
        FunctionTool("run", namespace="shell", namespace_description="d"),
    )
    use = ToolUse("c1", "run", "{}", namespace="shell")
    request = _request(tools=tools, messages=(Message(Role.ASSISTANT, (use,)),))
    bridged, back = bridge(request, "openai-responses")
    assert bridged == request
    assert back.is_plain


def test_chat_keeps_custom_tools_when_the_target_has_them() -> None:
    request = _request(tools=(CustomTool("patch", format=LARK),))
    bridged, back = bridge(request, "openai-chat", custom_tools=True)
    assert bridged == request
    assert back.is_plain


@pytest.mark.parametrize(
    "written",
    ["plain text", '{"input": 5}', '{"input":"x","more":1}', '["x"]', '{"input":"x"', ""],
)
def test_custom_input_that_is_not_the_wrapping_stays(written: str) -> None:
    _, back = bridge(_request(tools=(CustomTool("patch"),)), "anthropic")
    assert _parts(back.response(_answer(ToolUse("1", "patch", written)))) == (
        ToolUse("1", "patch", written, custom=True),
    )


def test_groups_are_part_of_the_name_and_come_off_again() -> None:
    tools = (
        FunctionTool("run", "Runs.", SCHEMA, namespace="shell", namespace_description="A shell."),
        FunctionTool("stop", namespace="shell", namespace_description="A shell."),
        FunctionTool("plain"),
    )
    request, back = bridge(_request(tools=tools), "anthropic")
    assert [tool.name for tool in request.tools if isinstance(tool, FunctionTool)] == [
        "shell__run",
        "shell__stop",
        "plain",
    ]
    first, second, _ = request.tools
    assert isinstance(first, FunctionTool)
    assert first.description == "Runs.\n\nThe tools shell__*: A shell."
    assert first.namespace is None
    assert isinstance(second, FunctionTool)
    assert second.description is None
    assert _parts(back.response(_answer(ToolUse("1", "shell__run", "{}"), ToolUse("2", "plain")))) == (
        ToolUse("1", "run", "{}", namespace="shell"),
        ToolUse("2", "plain"),
    )


def test_names_that_would_be_the_same_stay_apart() -> None:
    tools = (
        FunctionTool("b__c", namespace="a"),
        FunctionTool("c", namespace="a__b"),
        FunctionTool("a__b__c"),
    )
    request, back = bridge(_request(tools=tools), "openai-chat")
    wires = [tool.name for tool in request.tools if isinstance(tool, FunctionTool)]
    assert len(set(wires)) == 3
    assert wires[2] == "a__b__c"
    parts = _parts(back.response(_answer(*(ToolUse(str(n), wire) for n, wire in enumerate(wires)))))
    assert [(part.namespace, part.name) for part in parts if isinstance(part, ToolUse)] == [
        ("a", "b__c"),
        ("a__b", "c"),
        (None, "a__b__c"),
    ]


@pytest.mark.parametrize(
    ("dialect", "name", "legal"),
    [
        ("openai-chat", "a.b", False),
        ("openai-responses", "a.b", False),
        ("anthropic", "a.b", False),
        ("gemini", "a.b", True),
        ("gemini", "1a", False),
        ("anthropic", "1a", True),
        ("openai-chat", "x" * 64, True),
        ("openai-chat", "x" * 65, False),
        ("anthropic", "x" * 128, True),
        ("gemini", "x" * 65, False),
        ("gemini", "日本", False),
        ("ollama", "日本", True),
    ],
)
def test_only_names_that_are_refused_change(dialect: str, name: str, legal: bool) -> None:
    request, back = bridge(_request(tools=(FunctionTool(name),)), dialect)
    tool = request.tools[0]
    assert isinstance(tool, FunctionTool)
    assert (tool.name == name) is legal
    assert back.is_plain is legal
    again, _ = bridge(_request(tools=(FunctionTool("other"), FunctionTool(name))), dialect)
    assert again.tools[1] == tool


@pytest.mark.parametrize("dialect", DIALECTS)
def test_choices_follow_the_names(dialect: str) -> None:
    tools = (FunctionTool("a.b c"), FunctionTool("run", namespace="shell"), HostedTool("x", "y", SCHEMA))
    choice = ToolChoice(ChoiceMode.NAMED, "a.b c", ("run", "a.b c", "y"))
    request, _ = bridge(_request(tools=tools, tool_choice=choice), dialect)
    names = [tool.name for tool in request.tools if isinstance(tool, FunctionTool)]
    assert request.tool_choice == ToolChoice(ChoiceMode.NAMED, names[0], (names[1], names[0], "y"))


_NAMES = st.one_of(
    st.sampled_from(["a", "b", "a__b", "apply_patch", "x" * 70, "x" * 71, "x" * 140, "1", "a b"]),
    st.text(min_size=1, max_size=12),
)
_KEYS = st.lists(
    st.tuples(st.none() | _NAMES, _NAMES, st.booleans()), max_size=8, unique_by=lambda key: key[:2]
)


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=200, deadline=None)
@given(keys=_KEYS, text=st.text(max_size=20))
def test_what_is_bridged_and_restored_is_what_it_was(
    dialect: str, keys: list[tuple[str | None, str, bool]], text: str
) -> None:
    tools = tuple(
        CustomTool(name, namespace=group) if custom else FunctionTool(name, namespace=group)
        for group, name, custom in keys
    )
    uses = tuple(
        ToolUse(f"c{n}", name, text, custom=custom, namespace=group)
        for n, (group, name, custom) in enumerate(keys)
    )
    request, back = bridge(_request(tools=tools, messages=(Message(Role.ASSISTANT, uses),)), dialect)
    wires = [
        (tool.namespace, tool.name) for tool in request.tools if isinstance(tool, FunctionTool | CustomTool)
    ]
    assert len(set(wires)) == len(wires)
    assert all(
        re.fullmatch(LEGAL[dialect], name, re.ASCII if dialect != "ollama" else 0) for _, name in wires
    )
    said = request.messages[0].parts
    assert [(part.namespace, part.name) for part in said if isinstance(part, ToolUse)] == wires
    answer = _answer(Text("hm"), *said)
    assert _parts(back.response(answer)) == (Text("hm"), *uses)
    _, fresh = bridge(_request(tools=tools), dialect)
    assert fold(fresh.events(list(unfold(answer)))) == back.response(answer)


def test_custom_input_is_told_at_once_when_its_part_ends() -> None:
    _, back = bridge(_request(tools=(CustomTool("patch"), FunctionTool("f"))), "anthropic")
    wire: list[Event] = [
        Started(),
        PartStarted(0, ToolUse("1", "patch")),
        PartStarted(1, ToolUse("2", "f")),
        Delta(0, Field.ARGUMENTS, '{"inp'),
        Delta(1, Field.ARGUMENTS, "{}"),
        Delta(0, Field.ARGUMENTS, 'ut":"a\\nb"}'),
        PartEnded(0),
        PartEnded(1),
        Finished(Finish(FinishReason.TOOL_USE)),
        Ended(),
    ]
    told = [event for step in wire for event in back.events([step])]
    assert told == [
        Started(),
        PartStarted(0, ToolUse("1", "patch", custom=True)),
        PartStarted(1, ToolUse("2", "f")),
        Delta(1, Field.ARGUMENTS, "{}"),
        Delta(0, Field.ARGUMENTS, "a\nb"),
        PartEnded(0),
        PartEnded(1),
        Finished(Finish(FinishReason.TOOL_USE)),
        Ended(),
    ]


def _asked_for_json(schema: bytes = bytes(SCHEMA), **fields: object) -> Request:
    output = Output(kind=OutputKind.SCHEMA, schema=msgspec.Raw(schema), name="n", verbosity="low")
    return _request(output=output, **fields)


def test_a_json_answer_is_asked_for_by_a_forced_tool() -> None:
    request, back = bridge(_asked_for_json(), "anthropic", abilities=BY_TOOL)
    tool = request.tools[0]
    assert isinstance(tool, FunctionTool)
    assert tool.name == "json_answer"
    assert tool.schema == SCHEMA
    assert request.tool_choice == ToolChoice(ChoiceMode.NAMED, "json_answer")
    assert request.output == Output(verbosity="low")
    thought = Thinking("hm")
    answer = _answer(thought, Text("Here:"), ToolUse("1", "json_answer", '{"a": 1}'), Text("!"))
    whole = back.response(answer)
    assert _parts(whole) == (thought, Text('{"a": 1}'))
    assert whole.candidates[0].finish == Finish(FinishReason.STOP)
    assert fold(back.events(list(unfold(answer)))) == whole


def test_a_json_answer_streams_as_text() -> None:
    _, back = bridge(_asked_for_json(), "anthropic", abilities=BY_TOOL)
    wire: list[Event] = [
        PartStarted(0, Text("")),
        Delta(0, Field.TEXT, "Sure."),
        PartEnded(0),
        PartStarted(1, ToolUse("1", "json_answer")),
        Delta(1, Field.ARGUMENTS, '{"a":'),
        Delta(1, Field.ARGUMENTS, " 1}"),
        PartEnded(1),
        Finished(Finish(FinishReason.TOOL_USE, "tool_use")),
        Ended(),
    ]
    told = [event for step in wire for event in back.events([step])]
    assert told == [
        PartStarted(0, Text("")),
        Delta(0, Field.TEXT, '{"a":'),
        Delta(0, Field.TEXT, " 1}"),
        PartEnded(0),
        Finished(Finish(FinishReason.STOP, "tool_use")),
        Ended(),
    ]


def test_text_of_a_model_that_gave_no_json_answer_is_not_lost() -> None:
    _, back = bridge(_asked_for_json(), "anthropic", abilities=BY_TOOL)
    answer = _answer(Text("I will not."), finish=FinishReason.STOP)
    assert back.response(answer) == answer
    assert fold(back.events(list(unfold(answer)))) == answer


@pytest.mark.parametrize("written", ['{"value": [1.50, 2]}', '{"value":[1.50, 2]}'])
def test_a_json_answer_that_is_no_object_comes_out_of_its_wrapping(written: str) -> None:
    request, back = bridge(_asked_for_json(b'{"type":"array"}'), "anthropic", abilities=BY_TOOL)
    tool = request.tools[0]
    assert isinstance(tool, FunctionTool)
    assert tool.schema is not None
    assert json.loads(bytes(tool.schema))["properties"] == {"value": {"type": "array"}}
    answer = _answer(ToolUse("1", "json_answer", written))
    whole = back.response(answer)
    assert _parts(whole) == (Text("[1.50, 2]"),)
    assert fold(back.events(list(unfold(answer)))) == whole


def test_beside_tools_of_the_client_a_json_answer_is_asked_for_in_words() -> None:
    messages = (Message(Role.SYSTEM, (Text("Be brief."),)), Message(Role.USER, (Text("Hi"),)))
    request = _asked_for_json(tools=(FunctionTool("f"),), messages=messages)
    bridged, back = bridge(request, "anthropic", abilities=BY_TOOL)
    assert bridged.tools == request.tools
    assert bridged.tool_choice is None
    assert bridged.output.kind is OutputKind.TEXT
    first, second = bridged.messages[0].parts
    assert first == Text("Be brief.")
    assert isinstance(second, Text)
    assert bytes(SCHEMA).decode() in second.text
    assert back.is_plain


def test_words_go_to_the_user_where_there_is_no_system_role() -> None:
    request = _asked_for_json(tools=(FunctionTool("f"),), messages=(Message(Role.USER, (Text("Hi"),)),))
    abilities = Abilities(model="m", structured=Structured.TOOL, system_role=False)
    bridged, _ = bridge(request, "anthropic", abilities=abilities)
    assert [message.role for message in bridged.messages] == [Role.USER]
    assert bridged.messages[0].parts[1] == Text("Hi")


def test_custom_text_with_half_a_surrogate_pair_is_carried() -> None:
    use = ToolUse("1", "patch", "\ud800", custom=True)
    request, _ = bridge(_request(messages=(Message(Role.ASSISTANT, (use,)),)), "anthropic")
    assert request.messages[0].parts == (ToolUse("1", "patch", '{"input": "\\ud800"}'),)
