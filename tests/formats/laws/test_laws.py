"""The five laws every dialect is held to, and that its streams obey its grammar."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.differences import reported, through, with_ids
from benchmarks.likeness import Seen, seen
from omniroute.conversation.events import Ended, Event, Failed
from omniroute.conversation.fold import fold, unfold
from omniroute.conversation.response import Response
from omniroute.errors import ErrorKind
from omniroute.formats import FORMATS
from omniroute.records import FormatName
from tests.formats.cuts import cut_lists, split
from tests.formats.laws.answers import ANSWERS, FACTS, SMALL
from tests.formats.laws.grammar import CHECKS
from tests.formats.laws.strategies import answers, streams
from tests.formats.laws.ways import read, streamed, whole, written

dialects = pytest.mark.parametrize("dialect", FORMATS, ids=str)
all_answers = pytest.mark.parametrize("name", ANSWERS)
small_answers = pytest.mark.parametrize("name", SMALL)

TINY = ("text", "unicode", "text_and_call", "thinking", "length", "nothing", "refusal", "image")
"""Answers whose streams are read once for every place they could be cut at."""

MAY_BE_REPORTED = frozenset({"thinking"})
"""A thought without a word, of which only the seal is left behind: a loss to some, nothing to others."""


ONLY_STREAMS_TELL: dict[FormatName, frozenset[str]] = {
    FormatName.OPENAI_CHAT: frozenset({"order"}),
    FormatName.OPENAI_RESPONSES: frozenset(),
    FormatName.ANTHROPIC: frozenset({"calls"}),
    FormatName.GEMINI: frozenset(),
    FormatName.OLLAMA: frozenset({"order"}),
}
"""What a stream may tell otherwise than the whole: what stands before what where a whole has one text, and
arguments that turn out to be no object."""


def unlike(one: Seen, other: Seen) -> set[str]:
    """Names of what differs."""
    return {name.partition(" of ")[0] for name in one if one[name] != other.get(name)}


# Law 1: cuts do not matter.


@dialects
@small_answers
def test_a_stream_read_byte_by_byte_tells_the_same(dialect: FormatName, name: str) -> None:
    wire, _ = written(list(unfold(ANSWERS[name])), dialect)
    single = [wire[place : place + 1] for place in range(len(wire))]
    assert read(single, dialect) == read([wire], dialect)


@dialects
@given(answer=answers(), cuts=cut_lists())
@settings(max_examples=40)
def test_a_stream_cut_anywhere_tells_the_same(dialect: FormatName, answer: Response, cuts: list[int]) -> None:
    wire, _ = written(list(unfold(answer)), dialect)
    assert read(split(wire, cuts), dialect) == read([wire], dialect)


@dialects
def test_a_big_stream_in_pieces_of_any_size_tells_the_same(dialect: FormatName) -> None:
    wire, _ = written(list(unfold(ANSWERS["big"])), dialect)
    at_once = read([wire], dialect)
    for size in (997, 65_536):
        pieces = [wire[start : start + size] for start in range(0, len(wire), size)]
        assert read(pieces, dialect) == at_once


# Law 2: there and back.


@dialects
@all_answers
def test_an_answer_there_and_back_differs_only_by_name(dialect: FormatName, name: str) -> None:
    answer = ANSWERS[name]
    back, losses = whole(answer, dialect)
    assert seen(back) == seen(through(with_ids(answer, FACTS), dialect, stream=False))
    expected = reported(answer, dialect, stream=False)
    assert expected <= set(losses) <= expected | MAY_BE_REPORTED
    assert len(set(losses)) == len(losses)


@dialects
@all_answers
def test_an_answer_read_twice_is_the_same(dialect: FormatName, name: str) -> None:
    once, _ = whole(ANSWERS[name], dialect)
    twice, _ = whole(once, dialect)
    assert seen(twice) == seen(once)


@dialects
@given(answer=answers())
@settings(max_examples=40)
def test_any_answer_there_and_back_differs_only_by_name(dialect: FormatName, answer: Response) -> None:
    back, losses = whole(answer, dialect)
    assert seen(back) == seen(through(answer, dialect, stream=False))
    assert set(losses) == reported(answer, dialect, stream=False)


# Law 3: a stream equals a whole.


@dialects
@all_answers
def test_a_stream_tells_what_the_whole_does(dialect: FormatName, name: str) -> None:
    answer = ANSWERS[name]
    from_whole, _ = whole(answer, dialect)
    from_stream, _ = streamed(answer, dialect)
    _, losses = written(list(unfold(answer)), dialect)
    assert seen(from_stream) == seen(through(with_ids(answer, FACTS), dialect, stream=True))
    expected = reported(answer, dialect, stream=True)
    assert expected <= set(losses) <= expected | MAY_BE_REPORTED
    assert unlike(seen(from_whole), seen(from_stream)) <= ONLY_STREAMS_TELL[dialect]


@dialects
@all_answers
def test_it_does_not_matter_how_many_events_are_written_at_once(dialect: FormatName, name: str) -> None:
    events = list(unfold(ANSWERS[name]))
    at_once, _ = written(events, dialect)
    one_by_one, _ = written(events, dialect, by_one=True)
    assert fold(read([one_by_one], dialect)) == fold(read([at_once], dialect))


# Law 4: cut short is not ended.

ENDINGS: dict[FormatName, bytes] = {
    FormatName.OPENAI_CHAT: b'"finish_reason":"',
    FormatName.OPENAI_RESPONSES: b'"type":"response.',
    FormatName.ANTHROPIC: b'"type":"message_stop"',
    FormatName.GEMINI: b'"finishReason":"',
    FormatName.OLLAMA: b'"done":true',
}
"""What of a stream has to be there for its ending to stand: the event that holds this for the last time.

Chat and Gemini have told then why they stopped, and only the usage may be missing; with the others nothing
but the end of the line or of the event is.
"""


def ending_stands_at(wire: bytes, dialect: FormatName) -> int:
    """How many bytes have to be there before a stream may count as ended."""
    return wire.index(b"\n", wire.rindex(ENDINGS[dialect])) if b"\n" in wire else len(wire)


@dialects
@pytest.mark.parametrize("name", TINY)
def test_a_stream_cut_before_its_ending_has_failed(dialect: FormatName, name: str) -> None:
    wire, _ = written(list(unfold(ANSWERS[name])), dialect)
    stands = ending_stands_at(wire, dialect)
    for size in range(stands):
        events = read([wire[:size]], dialect)
        assert isinstance(events[-1], Failed), wire[:size][-200:]
        assert not any(isinstance(event, Ended) for event in events)


@dialects
@small_answers
def test_a_stream_cut_after_its_ending_tells_all_or_has_failed(dialect: FormatName, name: str) -> None:
    wire, _ = written(list(unfold(ANSWERS[name])), dialect)
    complete = seen(fold(read([wire], dialect)))
    for size in range(ending_stands_at(wire, dialect), len(wire)):
        events = read([wire[:size]], dialect)
        assert sum(isinstance(event, Ended | Failed) for event in events) == 1
        if isinstance(events[-1], Ended):
            assert seen(fold(events)) | {"usage": 0} == complete | {"usage": 0}
        else:
            assert isinstance(events[-1], Failed)


@dialects
@given(answer=answers(), data=st.data())
@settings(max_examples=40)
def test_any_stream_cut_before_its_ending_has_failed(
    dialect: FormatName, answer: Response, data: st.DataObject
) -> None:
    wire, _ = written(list(unfold(answer)), dialect)
    size = data.draw(st.integers(0, ending_stands_at(wire, dialect) - 1))
    events = read([wire[:size]], dialect)
    assert isinstance(events[-1], Failed)
    assert not any(isinstance(event, Ended) for event in events)


@dialects
@small_answers
def test_a_stream_that_failed_has_an_error_and_no_ending(dialect: FormatName, name: str) -> None:
    events = list(unfold(ANSWERS[name]))[:-1]
    for size in range(len(events) + 1):
        encoder = FORMATS[dialect].stream_encoder(FACTS)
        wire = encoder.encode(events[:size])
        wire += encoder.fail(ErrorKind.BAD_GATEWAY, "the upstream broke off", request_id="r1")
        walk = CHECKS[dialect](wire)
        assert walk.failed
        assert not walk.ended
        told = read([wire], dialect)
        assert isinstance(told[-1], Failed), told
        assert not any(isinstance(event, Ended) for event in told)


# Law 5: interleaved parts are told in order.


@dialects
@given(events=streams())
@settings(max_examples=80)
def test_interleaved_parts_are_told_in_order(dialect: FormatName, events: list[Event]) -> None:
    wire, _ = written(events, dialect)
    assert CHECKS[dialect](wire).ended
    told, expected = seen(fold(read([wire], dialect))), seen(through(fold(events), dialect, stream=True))
    # Where a message has one text, it does not matter whether a call began before it.
    assert unlike(told, expected) <= ONLY_STREAMS_TELL[dialect] & {"order"}


@dialects
@given(events=streams())
@settings(max_examples=40)
def test_interleaved_parts_are_told_alike_one_by_one(dialect: FormatName, events: list[Event]) -> None:
    wire, _ = written(events, dialect, by_one=True)
    assert CHECKS[dialect](wire).ended
    at_once, _ = written(events, dialect)
    assert fold(read([wire], dialect)) == fold(read([at_once], dialect))


# Every stream we emit obeys the grammar of its dialect.


@dialects
@all_answers
def test_every_stream_obeys_the_grammar(dialect: FormatName, name: str) -> None:
    events = list(unfold(ANSWERS[name]))
    for by_one in (False, True):
        wire, _ = written(events, dialect, by_one=by_one)
        assert CHECKS[dialect](wire).ended


@dialects
@pytest.mark.parametrize("name", [name for name in SMALL if "call" in name])
def test_ids_of_calls_are_unique_and_the_same_in_stream_and_whole(dialect: FormatName, name: str) -> None:
    from_whole, _ = whole(ANSWERS[name], dialect)
    wire, _ = written(list(unfold(ANSWERS[name])), dialect)
    ids = [id_ for calls in seen_calls(from_whole) for id_, *_ in calls]
    assert len(set(ids)) == len(ids)
    assert all(ids)
    walked = CHECKS[dialect](wire).call_ids
    assert [id_ for id_ in walked if not id_.startswith("srvtoolu")] == ids


def seen_calls(response: Response) -> list[list[tuple[str, str, str]]]:
    """The calls of each candidate."""
    values = seen(response)
    return [values[f"calls of {number}"] for number in range(values["candidates"])]


@dialects
@small_answers
def test_streams_grow_event_by_event(dialect: FormatName, name: str) -> None:
    """What was told is never told again: the walker takes every longer beginning too."""
    events = list(unfold(ANSWERS[name]))
    wires = []
    for size in range(len(events)):
        wire, _ = written(events[:size], dialect)
        CHECKS[dialect](wire)
        wires.append(wire)
    assert all(longer.startswith(shorter) for shorter, longer in pairwise(wires))
