"""Requests made to fit a target: roles, tools, fields, content."""

from typing import Any

import msgspec
import pytest

from omniroute.conversation.abilities import Structured
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
    ToolResult,
    ToolUse,
)
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
    Sampling,
    ToolChoice,
)
from omniroute.errors import ErrorKind, Refused
from tests.conversation.fit_samples import TOOL, asked, fitted, said

SYSTEM, DEVELOPER, USER, ASSISTANT = Role.SYSTEM, Role.DEVELOPER, Role.USER, Role.ASSISTANT
IMAGE = Media(MediaKind.IMAGE, Base64("image/png", "AA=="))
OTHER = FunctionTool("write")
SEARCH = HostedTool("openai-responses", "web_search", msgspec.Raw(b'{"type":"web_search"}'))


def refused(request: Request, dialect: str = "openai-chat", **abilities: Any) -> Refused:  # Any: abilities
    """The refusal of a request."""
    with pytest.raises(Refused) as caught:
        fitted(request, dialect, **abilities)
    return caught.value


def test_a_plain_request_stays_as_it_is() -> None:
    request = asked(said(SYSTEM, "rules"), said(USER, "a"), tools=(TOOL,), tool_choice=ToolChoice())
    result = fitted(request)
    assert result.request is request
    assert result.losses == ()


def test_a_developer_speaks_as_system_where_there_are_no_developers() -> None:
    request = asked(said(DEVELOPER, "rules"), said(USER, "a"))
    assert fitted(request).request.messages == (said(SYSTEM, "rules"), said(USER, "a"))
    assert fitted(request, developer_role=True).request is request


def test_system_texts_in_the_middle_stay_or_join_the_first() -> None:
    request = asked(said(SYSTEM, "x"), said(USER, "a"), said(SYSTEM, "y"), said(DEVELOPER, "z"))
    roles = [message.role for message in fitted(request).request.messages]
    assert roles == [SYSTEM, USER, SYSTEM, SYSTEM]
    joined = fitted(request, mid_system=False).request.messages
    assert joined == (said(SYSTEM, "x", "y", "z"), said(USER, "a"))


def test_a_system_text_after_the_start_goes_to_the_start() -> None:
    request = asked(said(USER, "a"), said(SYSTEM, "x"))
    assert fitted(request, mid_system=False).request.messages == (said(SYSTEM, "x"), said(USER, "a"))


def test_without_a_system_role_its_texts_stand_in_a_frame_before_the_users_words() -> None:
    parts: tuple[Part, ...] = (Text("what is this?"), IMAGE)
    request = asked(
        said(SYSTEM, "x"), said(DEVELOPER, "y"), said(ASSISTANT, "hi"), Message(USER, parts, name="ada")
    )
    framed = "[System Instructions]\nx\n\ny\n\n[User Message]\nwhat is this?"
    assert fitted(request, system_role=False).request.messages == (
        said(ASSISTANT, "hi"),
        Message(USER, (Text(framed), IMAGE), name="ada"),
    )


def test_the_frame_keeps_an_image_that_stands_first_and_tells_of_lost_cache_marks() -> None:
    system = Message(SYSTEM, (Text("x", cache=CacheMark()),))
    result = fitted(asked(system, Message(USER, (IMAGE, Text("what?")))), system_role=False)
    frame = Text("[System Instructions]\nx\n\n[User Message]\n")
    assert result.request.messages == (Message(USER, (frame, IMAGE, Text("what?"))),)
    assert result.losses == ("cache_control",)


def test_the_frame_stands_after_results_and_a_user_is_made_where_there_is_none() -> None:
    found = ToolResult("c1", (Text("found"),))
    framed = fitted(asked(said(SYSTEM, "x"), Message(USER, (found,))), system_role=False).request.messages
    frame = Text("[System Instructions]\nx\n\n[User Message]\n")
    assert framed == (Message(USER, (found, frame)),)
    assert fitted(asked(said(SYSTEM, "x")), system_role=False).request.messages == (Message(USER, (frame,)),)


def test_turns_are_merged_only_where_that_is_wanted() -> None:
    request = asked(
        said(USER, "a"), said(USER, "b"), said(ASSISTANT, "c"), said(ASSISTANT, "d"), said(USER, "e")
    )
    assert fitted(request).request is request
    assert fitted(request, merge_turns=True).request.messages == (
        said(USER, "a", "b"),
        said(ASSISTANT, "c", "d"),
        said(USER, "e"),
    )


def test_the_billing_line_of_claude_code_goes_to_anthropic_only() -> None:
    billing = "x-anthropic-billing-header: cc_version=2.1"
    request = asked(said(SYSTEM, billing, "rules"), said(USER, "a"))
    result = fitted(request)
    assert result.request.messages[0] == said(SYSTEM, "rules")
    assert result.losses == ("x-anthropic-billing-header",)
    assert fitted(request, "anthropic").request is request
    alone = asked(said(SYSTEM, billing), said(USER, "a"))
    assert fitted(alone).request.messages == (said(USER, "a"),)


FIELDS: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any], tuple[str, ...]]] = [
    # sampling, abilities, what differs then, losses
    (
        {"temperature": 0.5, "seed": 1},
        {"drop": frozenset({"temperature"})},
        {"temperature": None},
        ("temperature",),
    ),
    ({"temperature": 1.0}, {"drop": frozenset({"temperature"})}, {"temperature": None}, ()),
    ({"candidates": 1}, {"drop": frozenset({"candidates"})}, {"candidates": None}, ()),
    ({"candidates": 1}, {"reject": {"candidates": "one answer"}}, {}, ()),
    ({"stop": ("x",)}, {"drop": frozenset({"stop"})}, {"stop": ()}, ("stop",)),
    ({"temperature": 1.5}, {"clamp": {"temperature": (0, 1)}}, {"temperature": 1}, ("temperature",)),
    ({"temperature": 0.0}, {"clamp": {"temperature": (0.01, 1)}}, {"temperature": 0.01}, ("temperature",)),
    ({"temperature": 0.5}, {"clamp": {"temperature": (0, 1)}}, {}, ()),
    (
        {"temperature": 0.5, "top_p": 0.5},
        {"exclusive": ("temperature", "top_p")},
        {"top_p": None},
        ("top_p",),
    ),
    ({"top_p": 0.5}, {"exclusive": ("temperature", "top_p")}, {}, ()),
    ({"max_tokens": 9000}, {"max_output_tokens": 8000}, {"max_tokens": 8000}, ("max_tokens",)),
    ({"max_tokens": 8000}, {"max_output_tokens": 8000}, {}, ()),
    ({}, {"max_output_tokens": 8000}, {}, ()),
    ({}, {"max_output_tokens": 8000, "max_tokens_required": True}, {"max_tokens": 8000}, ()),
    ({}, {"max_tokens_required": True}, {"max_tokens": 64_000}, ()),
]


@pytest.mark.parametrize(("sampling", "abilities", "changed", "losses"), FIELDS)
def test_fields_are_dropped_bounded_and_filled_in(
    sampling: dict[str, Any], abilities: dict[str, Any], changed: dict[str, Any], losses: tuple[str, ...]
) -> None:
    result = fitted(asked(sampling=Sampling(**sampling)), **abilities)
    assert result.request.sampling == Sampling(**{**sampling, **changed})
    assert result.losses == losses


def test_fields_beside_sampling_can_be_dropped_too() -> None:
    request = asked(
        Message(USER, (Text("a"),), name="ada"), user="u", store=False, output=Output(verbosity="low")
    )
    result = fitted(request, drop=frozenset({"user", "store", "verbosity", "name", "metadata"}))
    assert result.request == asked(said(USER, "a"))
    assert result.losses == ("name", "user", "verbosity")


def test_a_rejected_field_is_refused_by_the_name_clients_know() -> None:
    error = refused(asked(sampling=Sampling(candidates=2)), reject={"candidates": "only one answer"})
    assert (error.kind, error.param, error.message) == (ErrorKind.UNSUPPORTED, "n", "n: only one answer")


CHOICES: list[tuple[ToolChoice, frozenset[str], ToolChoice | None, tuple[str, ...], tuple[str, ...]]] = [
    # what is asked, what the target knows, what it is told, the tools left, losses
    (ToolChoice(ChoiceMode.NONE), frozenset({"auto"}), None, (), ()),
    (
        ToolChoice(ChoiceMode.NONE),
        frozenset({"auto", "none"}),
        ToolChoice(ChoiceMode.NONE),
        ("read", "write"),
        (),
    ),
    (ToolChoice(ChoiceMode.REQUIRED), frozenset({"auto"}), ToolChoice(), ("read", "write"), ("tool_choice",)),
    (
        ToolChoice(ChoiceMode.NAMED, "read"),
        frozenset({"auto", "required"}),
        ToolChoice(ChoiceMode.REQUIRED),
        ("read",),
        (),
    ),
    (
        ToolChoice(ChoiceMode.NAMED, "read"),
        frozenset({"auto", "required", "allowed"}),
        ToolChoice(ChoiceMode.REQUIRED, allowed=("read",)),
        ("read", "write"),
        (),
    ),
    (ToolChoice(ChoiceMode.NAMED, "read"), frozenset({"auto"}), ToolChoice(), ("read",), ("tool_choice",)),
    (ToolChoice(allowed=("write",)), frozenset({"auto"}), ToolChoice(), ("write",), ()),
    (
        ToolChoice(allowed=("write",)),
        frozenset({"auto", "allowed"}),
        ToolChoice(allowed=("write",)),
        ("read", "write"),
        (),
    ),
]


@pytest.mark.parametrize(("choice", "known", "told", "left", "losses"), CHOICES)
def test_a_choice_the_target_lacks_becomes_the_nearest_it_has(
    choice: ToolChoice,
    known: frozenset[str],
    told: ToolChoice | None,
    left: tuple[str, ...],
    losses: tuple[str, ...],
) -> None:
    request = asked(tools=(TOOL, OTHER), tool_choice=choice, parallel_tools=False)
    result = fitted(request, tool_choices=known)
    assert result.request.tool_choice == told
    assert tuple(tool.name for tool in result.request.tools if isinstance(tool, FunctionTool)) == left
    assert result.request.parallel_tools is (False if left else None)
    assert result.losses == losses


@pytest.mark.parametrize("own", [TOOL, CustomTool("apply_patch")])
def test_tools_that_agents_always_declare_are_left_out_for_others(own: FunctionTool | CustomTool) -> None:
    result = fitted(asked(tools=(SEARCH, own)))
    assert (result.request.tools, result.losses) == ((own,), ("web_search",))
    assert fitted(asked(tools=(SEARCH, own)), "openai-responses").request.tools == (SEARCH, own)


@pytest.mark.parametrize(
    ("tools", "choice", "path"),
    [
        ((SEARCH,), None, "tools[0]"),
        ((TOOL, SEARCH), ToolChoice(ChoiceMode.NAMED, "web_search"), "tools[1]"),
        ((TOOL, HostedTool("openai-responses", "code_interpreter", SEARCH.value)), None, "tools[1]"),
        ((TOOL, HostedTool("anthropic", "web_search", SEARCH.value)), None, "tools[1]"),
    ],
)
def test_another_providers_own_tools_are_refused_by_name(
    tools: tuple[FunctionTool | HostedTool, ...], choice: ToolChoice | None, path: str
) -> None:
    error = refused(asked(tools=tools, tool_choice=choice))
    hosted = next(tool for tool in tools if isinstance(tool, HostedTool))
    assert (error.kind, error.param) == (ErrorKind.UNSUPPORTED, path)
    assert hosted.type in error.message


def test_tools_are_refused_where_the_model_is_known_to_have_none() -> None:
    assert refused(asked(tools=(TOOL,)), tools=False).param == "tools"
    unused = asked(tools=(TOOL,), tool_choice=ToolChoice(ChoiceMode.NONE))
    assert fitted(unused, tools=False, tool_choices=frozenset({"auto"})).request.tools == ()


MEDIA: list[tuple[Part, bool]] = [
    # a part, and whether a model that reads text only takes it
    (IMAGE, False),
    (Media(MediaKind.AUDIO, Base64("audio/wav", "AA==")), False),
    (Media(MediaKind.DOCUMENT, Base64("application/pdf", "AA==")), False),
    (Media(MediaKind.DOCUMENT, FileId("file-1")), False),
    (Media(MediaKind.DOCUMENT, PlainText("notes")), True),
    (Media(MediaKind.DOCUMENT, Base64("text/markdown", "AA==")), True),
    (ToolResult("c1", (Text("seen"), IMAGE)), False),
    (ToolResult("c1", (Text("seen"),)), True),
]


@pytest.mark.parametrize(("part", "is_read"), MEDIA)
def test_content_a_model_is_known_not_to_read_is_refused_with_its_place(part: Part, is_read: bool) -> None:
    request = asked(said(SYSTEM, "x"), Message(USER, (Text("look"), part)))
    assert fitted(request).request is request
    if is_read:
        assert fitted(request, inputs=frozenset({"text"})).losses == ()
    else:
        error = refused(request, inputs=frozenset({"text"}))
        assert (error.kind, error.param) == (ErrorKind.UNSUPPORTED, "messages[1].content[1]")


def test_an_answer_to_be_continued_is_refused_where_nobody_continues_it() -> None:
    begun = asked(said(USER, "a"), said(ASSISTANT, "b"))
    assert fitted(begun).request is begun
    assert refused(begun, prefill=False).param == "messages[1]"
    calling = asked(said(USER, "a"), Message(ASSISTANT, (ToolUse("c1", "read"),)))
    assert fitted(calling, prefill=False).request is calling


SCHEMA = msgspec.Raw(b'{"type":"object"}')


@pytest.mark.parametrize(
    ("structured", "asks", "told", "words", "losses"),
    [
        (Structured.SCHEMA, OutputKind.SCHEMA, OutputKind.SCHEMA, False, ()),
        (Structured.TOOL, OutputKind.SCHEMA, OutputKind.SCHEMA, False, ()),
        (Structured.JSON, OutputKind.SCHEMA, OutputKind.JSON, True, ("json_schema",)),
        (Structured.NONE, OutputKind.SCHEMA, OutputKind.TEXT, True, ("json_schema",)),
        (Structured.JSON, OutputKind.JSON, OutputKind.JSON, False, ()),
        (Structured.NONE, OutputKind.JSON, OutputKind.TEXT, True, ("json_object",)),
        (Structured.NONE, OutputKind.TEXT, OutputKind.TEXT, False, ()),
    ],
)
def test_json_is_asked_for_in_the_strongest_way_there_is(
    structured: Structured, asks: OutputKind, told: OutputKind, words: bool, losses: tuple[str, ...]
) -> None:
    schema = SCHEMA if asks is OutputKind.SCHEMA else None
    request = asked(said(SYSTEM, "x"), said(USER, "a"), output=Output(kind=asks, schema=schema))
    result = fitted(request, structured=structured)
    assert (result.request.output.kind, result.losses) == (told, losses)
    assert [message.role for message in result.request.messages] == [SYSTEM, *[SYSTEM] * words, USER]
    if words and schema is not None:
        asking = result.request.messages[1].parts[0]
        assert isinstance(asking, Text)
        assert '{"type":"object"}' in asking.text
        assert result.request.output.schema is None


def test_a_schema_in_words_finds_its_way_where_there_is_no_system_role() -> None:
    request = asked(said(USER, "a"), output=Output(kind=OutputKind.JSON))
    (message,) = fitted(request, structured=Structured.NONE, system_role=False).request.messages
    (part,) = message.parts
    assert isinstance(part, Text)
    assert part.text.startswith("[System Instructions]\n")
    assert part.text.endswith("[User Message]\na")


def test_a_block_of_another_dialect_in_a_system_text_is_not_lost_in_the_frame() -> None:
    block = Opaque("anthropic", "odd", msgspec.Raw(b"{}"))
    request = asked(Message(SYSTEM, (Text("x"), block)), said(USER, "a"))
    (message,) = fitted(request, system_role=False).request.messages
    assert block in message.parts
