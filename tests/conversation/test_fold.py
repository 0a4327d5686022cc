"""Streams of events, and the wholes they tell."""

import pytest
from hypothesis import given

from omniroute.conversation.events import (
    Cited,
    Delta,
    Ended,
    Event,
    Failed,
    Field,
    Finished,
    LogprobsSeen,
    PartEnded,
    PartStarted,
    Started,
    UsageSeen,
)
from omniroute.conversation.fold import CUT, Folder, StreamFailed, fold, unfold
from omniroute.conversation.parts import (
    Base64,
    Citation,
    Media,
    MediaKind,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolUse,
)
from omniroute.conversation.request import TokenLogprob
from omniroute.conversation.response import Candidate, Finish, FinishReason, Response
from omniroute.conversation.usage import Usage
from omniroute.errors import Failure, FailureKind
from tests.formats.laws.answers import ANSWERS
from tests.formats.laws.strategies import answers, streams

STOP = Finish(FinishReason.STOP)


def folded(*events: Event) -> Response:
    return fold([Started("u1", "m"), *events, Finished(STOP), Ended()])


def only_part(*events: Event) -> Part:
    (part,) = folded(*events).candidates[0].parts
    return part


@pytest.mark.parametrize("name", ANSWERS)
def test_an_unfolded_answer_folds_into_itself(name: str) -> None:
    assert fold(unfold(ANSWERS[name])) == ANSWERS[name]


@given(answer=answers())
def test_any_unfolded_answer_folds_into_itself(answer: Response) -> None:
    assert fold(unfold(answer)) == answer


@given(events=streams())
def test_a_stream_and_its_unfolded_whole_tell_the_same(events: list[Event]) -> None:
    answer = fold(events)
    assert fold(unfold(answer)) == answer


@pytest.mark.parametrize(
    ("start", "deltas", "whole"),
    [
        (Text("a"), [(Field.TEXT, "b"), (Field.TEXT, "c")], Text("abc")),
        (Refusal(""), [(Field.TEXT, "no")], Refusal("no")),
        (
            Thinking("", origin="anthropic"),
            [(Field.TEXT, "hm"), (Field.SIGNATURE, "s1"), (Field.SIGNATURE, "s2")],
            Thinking("hm", "s1s2", origin="anthropic"),
        ),
        (
            Thinking("hm", "s", origin="gemini"),
            [(Field.SIGNATURE, "t")],
            Thinking("hm", "st", origin="gemini"),
        ),
        (ToolUse("c", "f"), [(Field.ARGUMENTS, "{"), (Field.ARGUMENTS, "}")], ToolUse("c", "f", "{}")),
        (
            ToolUse("c", "f", "{}", origin="gemini"),
            [(Field.SIGNATURE, "s")],
            ToolUse("c", "f", "{}", signature="s", origin="gemini"),
        ),
        (
            Media(MediaKind.AUDIO, Base64("audio/wav", "AA")),
            [(Field.BASE64, "BB")],
            Media(MediaKind.AUDIO, Base64("audio/wav", "AABB")),
        ),
    ],
)
def test_a_part_grows(start: Part, deltas: list[tuple[Field, str]], whole: Part) -> None:
    growing = [Delta(0, field, text) for field, text in deltas]
    assert only_part(PartStarted(0, start), *growing, PartEnded(0)) == whole


@pytest.mark.parametrize("part", [Thinking("hm", origin="anthropic"), ToolUse("c", "f", origin="gemini")])
def test_what_has_no_signature_has_no_origin_of_one(part: Thinking | ToolUse) -> None:
    whole = only_part(PartStarted(0, part), PartEnded(0))
    assert isinstance(whole, Thinking | ToolUse)
    assert (whole.signature, whole.origin) == (None, None)


def test_interleaved_parts_fold_in_the_order_they_started() -> None:
    response = folded(
        PartStarted(0, ToolUse("x", "f")),
        PartStarted(1, ToolUse("y", "g")),
        Delta(1, Field.ARGUMENTS, "{1}"),
        Delta(0, Field.ARGUMENTS, "{0}"),
        PartEnded(1),
        PartEnded(0),
    )
    assert response.candidates[0].parts == (ToolUse("x", "f", "{0}"), ToolUse("y", "g", "{1}"))


def test_candidates_are_told_apart() -> None:
    response = fold(
        [
            Started(),
            PartStarted(0, Text("a"), 1),
            PartStarted(1, Text("b")),
            Finished(Finish(FinishReason.LENGTH), 1),
            Finished(STOP),
            Ended(),
        ]
    )
    assert response.candidates == (
        Candidate((Text("b"),), STOP),
        Candidate((Text("a"),), Finish(FinishReason.LENGTH)),
    )


def test_citations_stand_behind_those_of_the_start() -> None:
    first, second = Citation(url="https://a.example"), Citation(url="https://b.example")
    part = only_part(PartStarted(0, Text("a", (first,))), Cited(0, second), PartEnded(0))
    assert part == Text("a", (first, second))


def test_log_probabilities_are_gathered() -> None:
    tokens = (TokenLogprob("a", -1.0), TokenLogprob("b", -2.0))
    response = folded(LogprobsSeen(tokens[:1]), LogprobsSeen(tokens[1:]))
    assert response.candidates[0].logprobs == tokens


def test_later_usage_replaces_what_was_told_before() -> None:
    response = folded(UsageSeen(Usage(input=1, output=1)), UsageSeen(Usage(input=1, output=5)))
    assert response.usage == Usage(input=1, output=5)


def test_a_stream_without_its_end_is_cut() -> None:
    with pytest.raises(StreamFailed) as failed:
        fold([Started(), PartStarted(0, Text("a")), Finished(STOP)])
    assert failed.value.failure == CUT


def test_a_stream_that_failed_says_how() -> None:
    failure = Failure(kind=FailureKind.OVERLOADED, message="busy")
    with pytest.raises(StreamFailed, match="busy") as failed:
        fold([Started(), Failed(failure)])
    assert failed.value.failure == failure


def test_events_may_come_in_bursts() -> None:
    folder = Folder()
    folder.take([Started("u1", "m"), PartStarted(0, Text(""))])
    folder.take([])
    folder.take([Delta(0, Field.TEXT, "a")])
    with pytest.raises(StreamFailed):
        folder.whole()
    folder.take([PartEnded(0), Finished(STOP), Ended()])
    assert folder.whole() == Response(id="u1", model="m", candidates=(Candidate((Text("a"),), STOP),))


def test_log_probabilities_are_told_beside_the_text() -> None:
    tokens = (TokenLogprob("a", -1.0),)
    answer = Response(candidates=(Candidate((Thinking("t"), Text("a"), ToolUse("c", "f")), STOP, tokens),))
    events = list(unfold(answer))
    place = events.index(LogprobsSeen(tokens))
    assert events[place - 1] == PartStarted(1, Text("a"))
    assert events[place + 1] == PartEnded(1)
