"""The grammars notice what is wrong: a walker that takes everything proves nothing."""

from collections.abc import Callable

import pytest

from omniroute.conversation.fold import unfold
from omniroute.formats import FORMATS
from omniroute.records import FormatName
from tests.formats.laws.answers import ANSWERS
from tests.formats.laws.grammar import CHECKS
from tests.formats.laws.grammar.rules import BrokenRule
from tests.formats.laws.ways import written

dialects = pytest.mark.parametrize("dialect", FORMATS, ids=str)
NAMES = ("interleaved", "calls", "thinking")

DELTAS: dict[FormatName, tuple[bytes, ...]] = {
    FormatName.OPENAI_CHAT: (
        b'"delta":{"content"',
        b'"delta":{"reasoning_content"',
        b'"delta":{"tool_calls"',
    ),
    FormatName.OPENAI_RESPONSES: (),
    FormatName.ANTHROPIC: (b'"content_block_delta"',),
    FormatName.GEMINI: (b'"parts"',),
    FormatName.OLLAMA: (b'"done":false',),
}
"""What in an event makes it one whose loss no grammar can notice: there may be any number of them."""


def pieces(wire: bytes, dialect: FormatName) -> list[bytes]:
    end = b"\n" if dialect is FormatName.OLLAMA else b"\n\n"
    return [piece + end for piece in wire.split(end)[:-1]]


def is_sound(wire: bytes, dialect: FormatName) -> bool:
    try:
        return CHECKS[dialect](wire).ended
    except BrokenRule:
        return False


def is_delta(piece: bytes, dialect: FormatName) -> bool:
    return any(mark in piece for mark in DELTAS[dialect])


@dialects
@pytest.mark.parametrize("name", NAMES)
def test_an_event_that_is_missing_is_noticed(dialect: FormatName, name: str) -> None:
    told = pieces(written(list(unfold(ANSWERS[name])), dialect)[0], dialect)
    assert is_sound(b"".join(told), dialect)
    for place, piece in enumerate(told):
        is_usage = b'"choices":[],"usage"' in piece
        is_done = piece == b"data: [DONE]\n\n"
        if not is_delta(piece, dialect) and not is_usage:
            missing = b"".join(told[:place] + told[place + 1 :])
            assert not is_sound(missing, dialect), piece
        assert not is_done or not is_sound(b"".join(told[:place]), dialect)


@dialects
@pytest.mark.parametrize("name", NAMES)
def test_an_event_that_comes_twice_is_noticed(dialect: FormatName, name: str) -> None:
    told = pieces(written(list(unfold(ANSWERS[name])), dialect)[0], dialect)
    for place, piece in enumerate(told):
        if not is_delta(piece, dialect):
            twice = b"".join([*told[: place + 1], *told[place:]])
            assert not is_sound(twice, dialect), piece


@dialects
def test_calls_of_one_id_are_noticed(dialect: FormatName) -> None:
    wire, _ = written(list(unfold(ANSWERS["calls"])), dialect)
    assert not is_sound(wire.replace(b"call_bbbb", b"call_aaaa"), dialect)


BREAKS: list[tuple[FormatName, str, Callable[[bytes], bytes]]] = [
    (FormatName.OPENAI_CHAT, "another id", lambda wire: wire.replace(b"chatcmpl-01", b"chatcmpl-02", 1)),
    (FormatName.OPENAI_CHAT, "no type", lambda wire: wire.replace(b'"type":"function",', b"")),
    (
        FormatName.OPENAI_CHAT,
        "a gap between calls",
        lambda wire: wire.replace(b'[{"index":1', b'[{"index":2'),
    ),
    (FormatName.OPENAI_CHAT, "another reason", lambda wire: wire.replace(b'"tool_calls"}', b'"stopped"}')),
    (
        FormatName.OPENAI_CHAT,
        "a wrong sum",
        lambda wire: wire.replace(b'"total_tokens":3', b'"total_tokens":4'),
    ),
    (
        FormatName.OPENAI_RESPONSES,
        "other text",
        lambda wire: wire.replace(b'"text":"One."', b'"text":"Two."', 1),
    ),
    (
        FormatName.OPENAI_RESPONSES,
        "a jump",
        lambda wire: wire.replace(b'"sequence_number":4', b'"sequence_number":5'),
    ),
    (
        FormatName.OPENAI_RESPONSES,
        "one place",
        lambda wire: wire.replace(b'"output_index":1', b'"output_index":0'),
    ),
    (FormatName.OPENAI_RESPONSES, "no name", lambda wire: wire.replace(b"event: response.completed\n", b"")),
    (FormatName.ANTHROPIC, "one place", lambda wire: wire.replace(b'"index":1', b'"index":0')),
    (FormatName.ANTHROPIC, "another kind", lambda wire: wire.replace(b'"text_delta"', b'"thinking_delta"')),
    (
        FormatName.ANTHROPIC,
        "no usage",
        lambda wire: wire.replace(b'"output_tokens":9', b'"output_tokens":null'),
    ),
    (FormatName.ANTHROPIC, "broken input", lambda wire: wire.replace(b'{\\"city', b"{city")),
    (FormatName.GEMINI, "args as text", lambda wire: wire.replace(b'"args":{"city":"Oslo"}', b'"args":"{}"')),
    (FormatName.GEMINI, "another reason", lambda wire: wire.replace(b'"STOP"', b'"stop"')),
    (FormatName.OLLAMA, "another model", lambda wire: wire.replace(b'"model":"m"', b'"model":"n"', 1)),
    (FormatName.OLLAMA, "text arguments", lambda wire: wire.replace(b'{"city":"Oslo"}', b'"{}"')),
    (FormatName.OLLAMA, "no line end", lambda wire: wire[:-1]),
]


@pytest.mark.parametrize(("dialect", "what", "change"), BREAKS, ids=[f"{d}: {what}" for d, what, _ in BREAKS])
def test_what_is_not_of_the_dialect_is_noticed(
    dialect: FormatName, what: str, change: Callable[[bytes], bytes]
) -> None:
    wire, _ = written(list(unfold(ANSWERS["interleaved"])), dialect)
    broken = change(wire)
    assert broken != wire, what
    assert not is_sound(broken, dialect)
