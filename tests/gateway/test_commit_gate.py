"""A stream is held back until its first content, and no further."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.formats import FORMATS
from omniroute.gateway.commit_gate import HELD_BYTES, CommitGate
from omniroute.records import FormatName
from tests.wire_samples import chat_stream, messages_stream, responses_stream

STREAMS = {
    FormatName.OPENAI_CHAT: chat_stream(["Hello", " there"]),
    FormatName.ANTHROPIC: messages_stream(["Hello", " there"]),
    FormatName.OPENAI_RESPONSES: responses_stream(["Hello", " there"]),
}
DIALECTS = sorted(STREAMS)


def gate_of(dialect: FormatName) -> CommitGate:
    return CommitGate(FORMATS[dialect].StreamWatch())


@pytest.mark.parametrize("dialect", DIALECTS)
def test_it_opens_at_the_first_content_and_gives_out_what_it_held(dialect: FormatName) -> None:
    gate, frames = gate_of(dialect), STREAMS[dialect]
    for frame in frames.opening:
        assert gate.take(frame) == b""
        assert not gate.is_open
    first, second = frames.content
    assert gate.take(first) == b"".join(frames.opening) + first
    assert gate.is_open
    assert gate.take(second) == second


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_error_before_content_leaves_it_shut(dialect: FormatName) -> None:
    gate, frames = gate_of(dialect), STREAMS[dialect]
    assert gate.take(b"".join(frames.opening) + frames.error) == b""
    assert not gate.is_open


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_answer_without_content_is_given_out_at_its_end(dialect: FormatName) -> None:
    gate, frames = gate_of(dialect), STREAMS[dialect]
    whole = b"".join(frames.opening + frames.ending)
    assert gate.take(whole) == whole


@pytest.mark.parametrize("dialect", DIALECTS)
def test_it_does_not_hold_back_without_end(dialect: FormatName) -> None:
    gate = gate_of(dialect)
    comment = b": " + b"x" * 1000 + b"\n\n"
    held = 0
    while not (out := gate.take(comment)):
        held += len(comment)
    assert gate.is_open
    assert len(out) == held + len(comment)
    assert held < HELD_BYTES <= len(out)


@given(st.sampled_from(DIALECTS), st.lists(st.integers(0, 3000)))
def test_what_it_gives_out_does_not_depend_on_how_the_bytes_came(
    dialect: FormatName, cuts: list[int]
) -> None:
    gate, whole = gate_of(dialect), b"".join(STREAMS[dialect].whole)
    places = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    out = [gate.take(whole[start:end]) for start, end in itertools.pairwise(places)]
    assert b"".join(out) == whole
