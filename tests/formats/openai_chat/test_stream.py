"""Streams of Chat, read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.conversation.events import (
    Delta,
    Ended,
    Failed,
    Field,
    Finished,
    PartStarted,
    Started,
    UsageSeen,
)
from omniroute.conversation.fold import StreamFailed, fold
from omniroute.conversation.parts import Text, Thinking
from omniroute.conversation.response import FinishReason
from omniroute.conversation.usage import Usage
from omniroute.errors import FailureKind, ProtocolError
from omniroute.formats import openai_chat
from tests.formats.openai_chat.streamed import DONE, answer, call, chunk, event, events_of


def test_text_is_told_as_it_comes() -> None:
    told = events_of(chunk({"role": "assistant", "content": "Hel"}) + chunk({"content": "lo"}, "stop") + DONE)

    assert told[:4] == [
        Started("c1", "m"),
        PartStarted(0, Text("")),
        Delta(0, Field.TEXT, "Hel"),
        Delta(0, Field.TEXT, "lo"),
    ]
    assert isinstance(told[-2], Finished)
    assert told[-1] == Ended()


def test_words_told_in_details_too_count_once_and_keep_their_signature() -> None:
    def detail(**members: object) -> list[object]:
        return [{"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0, **members}]

    response = answer(
        chunk({"reasoning": "h", "reasoning_details": detail(text="h")}),
        chunk({"reasoning": "m", "reasoning_details": detail(text="m")}),
        chunk({"reasoning_details": detail(signature="sig")}),
        chunk({"content": "Hi"}, "stop"),
        DONE,
    )

    thought, text = response.candidates[0].parts
    assert isinstance(thought, Thinking)
    assert (thought.text, thought.signature, thought.origin) == ("hm", "sig", "openai-chat")
    assert text == Text("Hi")


def test_a_sealed_thought_is_kept_whole() -> None:
    sealed = {"type": "reasoning.encrypted", "data": "xyz", "id": "r1", "index": 1}

    (thought,) = answer(chunk({"reasoning_details": [sealed]}, "stop"), DONE).candidates[0].parts

    assert isinstance(thought, Thinking)
    assert (thought.redacted, thought.signature, thought.id) == (True, "xyz", "r1")


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("stop", FinishReason.TOOL_USE),
        ("tool_calls", FinishReason.TOOL_USE),
        ("length", FinishReason.LENGTH),
        ("content_filter", FinishReason.CONTENT_FILTER),
    ],
)
def test_why_a_candidate_with_a_call_stopped(told: str, reason: FinishReason) -> None:
    response = answer(chunk({"tool_calls": [call(0, "abc", "f", "{}")]}), chunk({}, told), DONE)

    assert response.candidates[0].finish.reason is reason
    assert response.candidates[0].finish.raw == told


def test_several_candidates_may_come_interleaved() -> None:
    response = answer(
        chunk({"content": "a"}, index=1),
        chunk({"content": "b"}, index=0),
        chunk({"content": "A"}, "stop", index=1),
        chunk({"content": "B"}, "length", index=0),
        DONE,
    )

    assert [candidate.parts for candidate in response.candidates] == [(Text("bB"),), (Text("aA"),)]
    assert [candidate.finish.raw for candidate in response.candidates] == ["length", "stop"]


def test_running_totals_are_not_added_up() -> None:
    told = events_of(
        chunk({"content": "Hi"}, "stop")
        + event(choices=[], usage={"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6})
        + event(choices=[], usage={"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7})
        + DONE
    )

    assert [item.usage for item in told if isinstance(item, UsageSeen)] == [
        Usage(input=5, output=1),
        Usage(input=5, output=2),
    ]
    assert fold(told).usage == Usage(input=5, output=2)


def test_usage_in_a_corner_of_its_own_is_found() -> None:
    response = answer(
        chunk({"content": "Hi"}, "stop"),
        event(choices=[], x_groq={"usage": {"prompt_tokens": 3, "completion_tokens": 4}}),
        DONE,
    )

    assert response.usage == Usage(input=3, output=4)


@pytest.mark.parametrize(
    "end",
    [
        b'data: {"error":{"message":"no more","code":"overloaded"}}\n\n',
        b'event: error\ndata: {"error":{"message":"no more","code":"x"}}\n\n',
        event(error={"message": "no more", "code": 500}, choices=[{"index": 0, "delta": {}}]),
        b'data: {"object":"error","message":"no more","type":"x","code":"3051"}\n\n',
        event(choices=[{"index": 0, "delta": {}, "finish_reason": "error", "error": {"message": "no more"}}]),
    ],
)
def test_an_error_inside_the_stream_is_no_end(end: bytes) -> None:
    told = events_of(chunk({"content": "Hi"}) + end + chunk({}, "stop") + DONE)

    failure = told[-1]
    assert isinstance(failure, Failed)
    assert failure.failure.message == "no more"
    assert not any(isinstance(item, Finished | Ended) for item in told)


@pytest.mark.parametrize("wire", [b"", chunk({"content": "Hi"}), b": only comments\n\n", DONE])
def test_a_stream_cut_short_is_an_error_not_an_end(wire: bytes) -> None:
    told = events_of(wire)

    assert isinstance(told[-1], Failed)
    assert told[-1].failure.kind is FailureKind.CUT
    with pytest.raises(StreamFailed):
        fold(told)


def test_nothing_counts_behind_the_end() -> None:
    decoder = openai_chat.stream_decoder()
    decoder.feed(chunk({"content": "Hi"}, "stop") + DONE)

    assert decoder.feed(chunk({"content": "more"})) == []
    assert decoder.close() == []


@pytest.mark.parametrize("wire", [b"data: <html>\n\n", event(choices={"index": 0})])
def test_what_is_no_chunk_is_a_broken_wire(wire: bytes) -> None:
    with pytest.raises(ProtocolError):
        events_of(wire)


def test_a_vendor_event_of_another_shape_is_passed_over() -> None:
    response = answer(event(model=["x"]), chunk({"content": "Hi"}, "stop"), DONE)

    assert response.candidates[0].parts == (Text("Hi"),)


def test_likelihoods_come_with_their_candidate() -> None:
    token = {"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []}

    response = answer(chunk({"content": "Hi"}, "stop", logprobs={"content": [token]}), DONE)

    (seen,) = response.candidates[0].logprobs
    assert (seen.token, seen.logprob, seen.bytes) == ("Hi", -0.5, (72, 105))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["index", "id", "function", "name", "arguments", "content", "type", "text", "tool_calls", "audio",
             "images", "annotations", "reasoning_details", "thinking", "custom", "logprobs", "signature"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(JSON, JSON)
def test_no_chunk_raises_anything_but_a_protocol_error(delta: object, choices: object) -> None:
    for wire in (event(choices=[{"index": 0, "delta": delta}]), event(choices=choices)):
        try:
            told = events_of(wire)
        except ProtocolError:
            continue
        assert isinstance(told[-1], Failed)
