"""Answers, requests and streams of events, drawn by chance."""

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import strategies as st

from omniroute.conversation.events import (
    Delta,
    Ended,
    Event,
    Field,
    Finished,
    PartEnded,
    PartStarted,
    Started,
    UsageSeen,
)
from omniroute.conversation.parts import Base64, Media, MediaKind, Part, Text, Thinking, ToolResult, ToolUse
from omniroute.conversation.request import (
    ChoiceMode,
    FunctionTool,
    Message,
    Output,
    OutputKind,
    Reasoning,
    Request,
    Role,
    Sampling,
    ToolChoice,
)
from omniroute.conversation.response import Candidate, Finish, FinishReason, Response
from omniroute.conversation.usage import Usage

WORDS = st.text(min_size=1, max_size=24) | st.sampled_from(
    ["Hello.", "data: x\n\n", "\u2028", "🤔", '"}', "\\"]
)
NAMES = st.sampled_from(["f", "get_weather", "_read", "Write_File_2", "a" * 64, "type", "name"])
_VALUES: st.SearchStrategy[Any] = st.recursive(  # JSON of any shape
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.floats(-1e6, 1e6) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)
ARGUMENTS = st.dictionaries(st.text(max_size=6), _VALUES, max_size=4).flatmap(
    lambda value: st.sampled_from([json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)])
)
_COUNTS = st.integers(0, 100_000)
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@st.composite
def parts_of_answers(draw: st.DrawFn, max_size: int = 5) -> tuple[Part, ...]:
    """Parts every dialect can tell; ids of calls are unique."""
    parts: list[Part] = []
    for number in range(draw(st.integers(0, max_size))):
        kind = draw(st.sampled_from(("text", "thinking", "call")))
        if kind == "text":
            parts.append(Text(draw(WORDS)))
        elif kind == "thinking":
            parts.append(Thinking(draw(WORDS)))
        else:
            parts.append(ToolUse(f"call_{number}abcd", draw(NAMES), draw(ARGUMENTS)))
    return tuple(parts)


def finishes(parts: Sequence[Part]) -> st.SearchStrategy[Finish]:
    """Reasons that fit the parts."""
    if any(isinstance(part, ToolUse) for part in parts):
        return st.sampled_from([Finish(FinishReason.TOOL_USE), Finish(FinishReason.LENGTH)])
    return st.sampled_from(
        [Finish(FinishReason.STOP), Finish(FinishReason.LENGTH), Finish(FinishReason.PAUSE)]
    )


@st.composite
def answers(draw: st.DrawFn) -> Response:
    """Whole answers."""
    parts = draw(parts_of_answers())
    return Response(
        model="m",
        candidates=(Candidate(parts, draw(finishes(parts))),),
        usage=Usage(input=draw(_COUNTS), output=draw(_COUNTS), cache_read=draw(st.none() | _COUNTS)),
    )


@st.composite
def streams(draw: st.DrawFn) -> list[Event]:
    """Events of one answer: texts in pieces, parts in one another's way."""
    parts = draw(parts_of_answers())
    waiting = [_pieces(draw, index, part) for index, part in enumerate(parts)]
    running: list[list[Event]] = []
    events: list[Event] = [Started("upstream-1", "m")]
    while waiting or running:
        # A part may start while others are open, but parts start in the order of their numbers.
        if waiting and (not running or draw(st.booleans())):
            running.append(waiting.pop(0))
        pieces = draw(st.sampled_from(running))
        events.append(pieces.pop(0))
        if not pieces:
            running.remove(pieces)
    return [
        *_in_starting_order(events),
        UsageSeen(Usage(input=3, output=4)),
        Finished(draw(finishes(parts))),
        Ended(),
    ]


def _in_starting_order(events: list[Event]) -> list[Event]:
    """The same events, parts numbered in the order they start in."""
    numbers: dict[int, int] = {}
    told: list[Event] = []
    for event in events:
        if isinstance(event, PartStarted):
            numbers[event.index] = len(numbers)
        if isinstance(event, PartStarted | Delta | PartEnded):
            event = msgspec.structs.replace(event, index=numbers[event.index])
        told.append(event)
    return told


def _pieces(draw: st.DrawFn, index: int, part: Part) -> list[Event]:
    """One part as it comes: some of it with its start, the rest in deltas."""
    field, text = _growing(part)
    cuts = sorted({0, len(text), *draw(st.lists(st.integers(0, len(text)), max_size=3))})
    pieces = [text[start:end] for start, end in pairwise(cuts)]
    started_with_some = draw(st.booleans())
    with_start = pieces.pop(0) if pieces and started_with_some else ""
    start = {"arguments": with_start} if field is Field.ARGUMENTS else {"text": with_start}
    return [
        PartStarted(index, msgspec.structs.replace(part, **start)),
        *(Delta(index, field, piece) for piece in pieces),
        PartEnded(index),
    ]


def _growing(part: Part) -> tuple[Field, str]:
    match part:
        case ToolUse():
            return Field.ARGUMENTS, part.arguments
        case Text() | Thinking():
            return Field.TEXT, part.text
        case _:
            raise AssertionError(part)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """A system text, then turns, each call with its result."""
    messages: list[Message] = []
    if draw(st.booleans()):
        messages.append(Message(Role.SYSTEM, (Text(draw(WORDS)),)))
    for turn in range(draw(st.integers(1, 3))):
        image = Media(MediaKind.IMAGE, Base64("image/png", PNG))
        asked: tuple[Part, ...] = (Text(draw(WORDS)),)
        messages.append(Message(Role.USER, (image, *asked) if draw(st.booleans()) else asked))
        calls = tuple(
            ToolUse(f"call_{turn}{number}xyz", draw(NAMES), draw(ARGUMENTS))
            for number in range(draw(st.integers(0, 2)))
        )
        said = (Text(draw(WORDS)),) if draw(st.booleans()) or not calls else ()
        messages.append(Message(Role.ASSISTANT, (*said, *calls)))
        messages += [
            Message(Role.USER, (ToolResult(call.id, (Text(draw(WORDS)),), name=call.name),)) for call in calls
        ]
    messages.append(Message(Role.USER, (Text(draw(WORDS)),)))
    return tuple(messages)


_SCHEMA = msgspec.Raw(
    b'{"type":"object","properties":{"city":{"type":"string","description":"Where."}},"required":["city"]}'
)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """What clients of every dialect can ask."""
    tools = tuple(
        FunctionTool(name, draw(st.none() | st.just("Does it.")), _SCHEMA)
        for name in draw(st.lists(NAMES, max_size=2, unique=True))
    )
    choices = [None, ToolChoice(ChoiceMode.AUTO), ToolChoice(ChoiceMode.REQUIRED)]
    shapes = [Output(), Output(kind=OutputKind.SCHEMA, schema=_SCHEMA, name="answer")]
    return Request(
        model="m",
        messages=draw(conversations()),
        tools=tools,
        tool_choice=draw(st.sampled_from(choices)) if tools else None,
        sampling=Sampling(
            max_tokens=draw(st.integers(1, 9999)),
            temperature=draw(st.none() | st.sampled_from([0, 0.5, 1.0])),
            top_p=draw(st.none() | st.just(0.9)),
            top_k=draw(st.none() | st.just(40)),
            stop=draw(st.sampled_from([(), ("END",), ("a", "b")])),
            seed=draw(st.none() | st.just(7)),
            presence_penalty=draw(st.none() | st.just(0.5)),
        ),
        reasoning=Reasoning(effort=draw(st.sampled_from([None, "low", "high"]))),
        output=draw(st.sampled_from(shapes)),
        stream=draw(st.booleans()),
        user=draw(st.none() | st.just("ann")),
    )
