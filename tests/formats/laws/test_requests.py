"""Requests, written for an upstream of each dialect and read again: what is not the same is named as lost."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from benchmarks.said import said
from omniroute.conversation.abilities import Abilities
from omniroute.conversation.parts import Text, ToolResult, ToolUse
from omniroute.conversation.request import FunctionTool, Message, OutputKind, Request, Role, Sampling
from omniroute.formats import FORMATS
from omniroute.formats.codec import Encoded
from omniroute.records import FormatName
from tests.formats.laws.strategies import requests

dialects = pytest.mark.parametrize("dialect", FORMATS, ids=str)
PAIRS = [(client, upstream) for client in FORMATS for upstream in FORMATS]
pairs = pytest.mark.parametrize(("client", "upstream"), PAIRS, ids=[f"{a} to {b}" for a, b in PAIRS])

IN_PATH = frozenset({FormatName.GEMINI})
"""Dialects that say model and stream in the path."""


def encoded(request: Request, dialect: FormatName) -> Encoded:
    """The body for an upstream that takes all its dialect has."""
    return FORMATS[dialect].encode_request(request, Abilities(model=request.model, max_output_tokens=9999))


def decoded(body: bytes, dialect: FormatName, like: Request) -> Request:
    """The request as a gateway of that dialect reads it."""
    if dialect in IN_PATH:
        return FORMATS[dialect].decode_request(body, model=like.model, stream=like.stream)
    return FORMATS[dialect].decode_request(body)


def unlike(before: Request, after: Request) -> set[str]:
    """Names of what differs."""
    was, is_ = said(before), said(after)
    found = {name for name in was if was[name] != is_[name]}
    for name in Sampling.__struct_fields__:
        old, new = getattr(before.sampling, name), getattr(after.sampling, name)
        if old != new:
            found.add(name)
    return found | ({"user"} if before.user != after.user else set())


# A dialect may lack these; then they have to be named. `choice` and `kind` stand for the two fields below.
REPORTED_AS = {"choice": "tool_choice", "kind": "response_format"}

UNSAID: dict[FormatName, frozenset[str]] = {
    FormatName.OPENAI_CHAT: frozenset(),
    FormatName.OPENAI_RESPONSES: frozenset(),
    FormatName.ANTHROPIC: frozenset(),
    FormatName.GEMINI: frozenset(),
    FormatName.OLLAMA: frozenset({"choice"}),
}
"""Differences that lose nothing: Ollama's tools are always a choice of the model's (`auto`)."""


@dialects
@given(request=requests())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_a_request_there_and_back_names_what_was_lost(dialect: FormatName, request: Request) -> None:
    written = encoded(request, dialect)
    again = decoded(written.body, dialect, request)
    lost = {REPORTED_AS.get(name, name) for name in unlike(request, again) - UNSAID[dialect]}
    assert lost <= set(written.losses)


@dialects
@given(request=requests())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_a_request_read_written_and_read_is_the_same(dialect: FormatName, request: Request) -> None:
    once = decoded(encoded(request, dialect).body, dialect, request)
    written = encoded(once, dialect)
    assert decoded(written.body, dialect, request) == once
    assert written.losses == ()


@pairs
@given(request=requests())
@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
def test_a_request_from_any_client_reaches_any_upstream(
    client: FormatName, upstream: FormatName, request: Request
) -> None:
    asked = decoded(encoded(request, client).body, client, request)
    written = encoded(asked, upstream)
    again = decoded(written.body, upstream, request)
    lost = {REPORTED_AS.get(name, name) for name in unlike(asked, again) - UNSAID[upstream]}
    assert lost <= set(written.losses)


@dialects
@given(request=requests())
@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
def test_the_body_is_json_with_the_schemas_in_it(dialect: FormatName, request: Request) -> None:
    body: dict[str, Any] = json.loads(encoded(request, dialect).body)
    names = [tool.name for tool in request.tools if isinstance(tool, FunctionTool)]
    text = json.dumps(body)
    assert all(f'"{name}"' in text for name in names)
    if request.output.kind is OutputKind.SCHEMA:
        assert text.count('"Where."') >= 1


@dialects
def test_two_turns_of_a_session_begin_alike(dialect: FormatName) -> None:
    """What was said before is written the same when the conversation has grown: prompt caches need it."""
    turn = (
        Message(Role.SYSTEM, (Text("Be brief."),)),
        Message(Role.USER, (Text("Weather?"),)),
        Message(Role.ASSISTANT, (ToolUse("call_a1b2", "get_weather", '{"city": "Oslo"}'),)),
        Message(Role.USER, (ToolResult("call_a1b2", (Text("4 degrees"),), name="get_weather"),)),
    )
    more = (*turn, Message(Role.ASSISTANT, (Text("4."),)), Message(Role.USER, (Text("And Rome?"),)))
    tool = FunctionTool("get_weather", "Weather.", msgspec.Raw(b'{"type":"object","properties":{}}'))
    sampling = Sampling(max_tokens=50)
    first = Request(model="m", messages=turn, tools=(tool,), sampling=sampling)
    second = Request(model="m", messages=more, tools=(tool,), sampling=sampling)
    before = _contents(json.loads(encoded(first, dialect).body))
    after = _contents(json.loads(encoded(second, dialect).body))
    assert before == after[: len(before)]


def _contents(body: dict[str, Any]) -> list[Any]:  # JSON of any shape
    name = next(name for name in ("messages", "input", "contents") if name in body)
    return list(body[name])
