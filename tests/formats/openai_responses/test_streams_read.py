"""Streams of OpenAI Responses, read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.conversation.events import (
    Delta,
    Ended,
    Event,
    Failed,
    Field,
    Finished,
    PartEnded,
    PartStarted,
    Started,
)
from omniroute.conversation.fold import CUT, fold
from omniroute.conversation.parts import Citation, Opaque, Refusal, Text, Thinking, ToolUse
from omniroute.conversation.response import FinishReason, Response
from omniroute.conversation.usage import Usage
from omniroute.errors import FailureKind, ProtocolError
from omniroute.formats.openai_responses import decode_response, stream_decoder
from tests.formats.cuts import cut_lists, split
from tests.formats.openai_responses.wires import (
    CALL,
    CREATED,
    JSON,
    MESSAGE,
    PATCH,
    SEARCH,
    THOUGHT,
    answer,
    completed,
    event,
    read,
    whole,
    wire,
)


def _added(index: int, item: JSON) -> JSON:
    begun = {name: value for name, value in item.items() if name not in ("content", "encrypted_content")}
    emptied: JSON = {name: "" for name in ("arguments", "input") if name in item}
    summary: JSON = {"summary": []} if "summary" in item else {}
    return event(
        "output_item.added", output_index=index, item={**begun, **emptied, **summary, "status": "in_progress"}
    )


def _done(index: int, item: JSON) -> JSON:
    return event("output_item.done", output_index=index, item=item)


def _text(index: int, delta: str, **members: object) -> JSON:
    return event("output_text.delta", output_index=index, content_index=0, delta=delta, **members)


def _summary(index: int, place: int, delta: str) -> JSON:
    return event("reasoning_summary_text.delta", output_index=index, summary_index=place, delta=delta)


def _arguments(index: int, delta: str) -> JSON:
    return event("function_call_arguments.delta", output_index=index, delta=delta)


FULL: tuple[JSON, ...] = (
    CREATED,
    event("in_progress", response=CREATED["response"]),
    _added(0, THOUGHT),
    event(
        "reasoning_summary_part.added",
        output_index=0,
        summary_index=0,
        part={"type": "summary_text", "text": ""},
    ),
    _summary(0, 0, "One"),
    _summary(0, 0, "."),
    _summary(0, 1, "Two."),
    event("reasoning_summary_text.done", output_index=0, summary_index=1, text="Two."),
    _done(0, THOUGHT),
    _added(1, SEARCH),
    event("web_search_call.searching", output_index=1, item_id="ws_1"),
    _done(1, SEARCH),
    _added(2, MESSAGE),
    event("content_part.added", output_index=2, content_index=0, part={"type": "output_text", "text": ""}),
    _text(2, "Hel", logprobs=[], obfuscation="xyz"),
    _text(2, "lo"),
    event("output_text.done", output_index=2, content_index=0, text="Hello"),
    _done(2, MESSAGE),
    _added(3, CALL),
    _arguments(3, '{"a": '),
    _added(4, PATCH),
    _arguments(3, "1.0}"),
    event("custom_tool_call_input.delta", output_index=4, delta="*** Go"),
    event("function_call_arguments.done", output_index=3, arguments='{"a": 1.0}'),
    _done(3, CALL),
    _done(4, PATCH),
    completed(THOUGHT, SEARCH, MESSAGE, CALL, PATCH),
)


def _whole() -> Response:
    return decode_response(whole(THOUGHT, SEARCH, MESSAGE, CALL, PATCH))


def test_a_stream_tells_what_the_whole_answer_says() -> None:
    assert fold(read([wire(*FULL)])) == _whole()


def test_a_stream_is_the_same_cut_at_every_byte() -> None:
    sent = wire(*FULL)
    once = read([sent])
    assert read([sent[place : place + 1] for place in range(len(sent))]) == once
    for place in range(0, len(sent), 7):
        assert read([sent[:place], sent[place:]]) == once


@given(cuts=cut_lists())
def test_a_stream_does_not_depend_on_how_its_bytes_arrive(cuts: list[int]) -> None:
    sent = wire(*FULL)
    assert read(split(sent, cuts)) == read([sent])


def test_every_part_starts_grows_and_ends_in_order() -> None:
    events = read([wire(*FULL)])
    started = [event.index for event in events if isinstance(event, PartStarted)]
    ended = [event.index for event in events if isinstance(event, PartEnded)]
    assert started == [0, 1, 2, 3, 4]
    assert sorted(ended) == started
    sealed = events.index(Delta(0, Field.SIGNATURE, "sealed"))
    assert events[sealed + 1] == PartEnded(0)
    assert isinstance(events[0], Started)
    assert isinstance(events[-2], Finished)
    assert isinstance(events[-1], Ended)


VARIANTS: dict[str, bytes] = {
    "no event lines": wire(*FULL, named=False),
    "a done mark": wire(*FULL) + b"data: [DONE]\n\n",
    "comments": b": ping\n\n" + wire(*FULL[:8]) + b":\n\n" + wire(*FULL[8:]),
    "carriage returns": wire(*FULL).replace(b"\n", b"\r\n"),
    "unknown events": wire(event("sparkle.added", sparkle=1), *FULL[:3], {"type": "ping"}, *FULL[3:]),
    "no last blank line": wire(*FULL).rstrip(b"\n"),
    "items at their end only": wire(
        CREATED, *(one for one in FULL if one["type"] == "response.output_item.done"), FULL[-1]
    ),
    "items in the whole answer only": wire(CREATED, FULL[-1]),
    "no ends of items": wire(*(one for one in FULL if one["type"] != "response.output_item.done")),
    "nothing in the whole answer": wire(*FULL[:-1], completed()),
    "no start": wire(*FULL[2:]),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_servers_that_leave_things_out_are_understood(name: str) -> None:
    response = fold(read([VARIANTS[name]]))
    expected = _whole()
    assert sum(isinstance(part, Opaque) for part in response.candidates[0].parts) == 1
    assert _said(response) == _said(expected)
    assert response.candidates[0].finish == expected.candidates[0].finish
    assert response.usage == Usage(input=6, cache_read=4, output=4, reasoning=3)


def _said(response: Response) -> list[str]:
    parts = response.candidates[0].parts
    texts = [part.text for part in parts if isinstance(part, Text | Thinking)]
    return texts + [part.arguments for part in parts if isinstance(part, ToolUse)]


def test_deltas_that_stop_early_are_completed_from_the_whole_item() -> None:
    events = read([wire(CREATED, _added(0, MESSAGE), _text(0, "Hel"), _done(0, MESSAGE), completed(MESSAGE))])
    assert fold(events) == decode_response(whole(MESSAGE))


def test_thoughts_told_twice_count_once() -> None:
    item = THOUGHT | {"content": [{"type": "reasoning_text", "text": "Raw."}]}
    raw = event("reasoning_text.delta", output_index=0, content_index=0, delta="Raw.")
    events = read(
        [wire(CREATED, _added(0, item), _summary(0, 0, "One."), raw, _done(0, item), completed(item))]
    )
    (part,) = fold(events).candidates[0].parts
    assert isinstance(part, Thinking)
    assert part.text == "One.\n\nTwo."


def test_thoughts_in_words_are_read_too() -> None:
    item = {
        "id": "rs_1",
        "type": "reasoning",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "Raw."}],
    }
    raw = event("reasoning_text.delta", output_index=0, content_index=0, delta="Raw.")
    events = read([wire(CREATED, _added(0, item), raw, _done(0, item), completed(item))])
    assert fold(events) == decode_response(whole(item))


def test_refusals_and_citations_are_read_once() -> None:
    note = {
        "type": "url_citation",
        "url": "https://x.example",
        "title": "X",
        "start_index": 0,
        "end_index": 2,
    }
    cited = MESSAGE | {"content": [{"type": "output_text", "text": "Hello", "annotations": [note]}]}
    refused = MESSAGE | {"id": "msg_2", "content": [{"type": "refusal", "refusal": "No"}]}
    events = read(
        [
            wire(
                CREATED,
                _added(0, cited),
                _text(0, "Hello"),
                event("output_text.annotation.added", output_index=0, content_index=0, annotation=note),
                _done(0, cited),
                _added(1, refused),
                event("refusal.delta", output_index=1, content_index=0, delta="No"),
                event("refusal.done", output_index=1, content_index=0, refusal="No"),
                _done(1, refused),
                completed(cited, refused),
            )
        ]
    )
    text, refusal = fold(events).candidates[0].parts
    assert isinstance(text, Text)
    assert text.citations == (Citation("https://x.example", "X", start=0, end=2),)
    assert isinstance(refusal, Refusal)
    assert refusal.text == "No"


def test_likelihoods_come_from_the_deltas_or_else_from_the_end() -> None:
    token = {"token": "Hello", "logprob": -0.5, "bytes": [72], "top_logprobs": []}
    likely = MESSAGE | {
        "content": [{"type": "output_text", "text": "Hello", "annotations": [], "logprobs": [token]}]
    }
    expected = decode_response(whole(likely)).candidates[0].logprobs
    assert len(expected) == 1
    for delta in (_text(0, "Hello", logprobs=[token]), _text(0, "Hello", logprobs=[])):
        events = read([wire(CREATED, _added(0, likely), delta, _done(0, likely), completed(likely))])
        assert fold(events).candidates[0].logprobs == expected


def test_an_answer_cut_to_length_says_so() -> None:
    end = event(
        "incomplete",
        response=answer(MESSAGE, status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
    )
    response = fold(read([wire(CREATED, _added(0, MESSAGE), _text(0, "Hel"), end)]))
    assert response.candidates[0].finish.reason is FinishReason.LENGTH


FAILURES: dict[str, tuple[JSON, FailureKind]] = {
    "failed": (
        event(
            "failed",
            response={"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "slow"}},
        ),
        FailureKind.RATE_LIMITED,
    ),
    "nested": (
        {"type": "error", "error": {"code": "insufficient_quota", "message": "slow"}},
        FailureKind.QUOTA,
    ),
    "flat": ({"type": "error", "code": "server_error", "message": "slow"}, FailureKind.OVERLOADED),
    "no type": ({"error": {"message": "slow", "code": "server_error"}}, FailureKind.OVERLOADED),
}


@pytest.mark.parametrize("name", FAILURES)
def test_an_error_inside_a_stream_is_its_end(name: str) -> None:
    told, kind = FAILURES[name]
    sent = (
        wire(CREATED, _added(0, MESSAGE), _text(0, "Hel")) + wire(told, named=False)
        if "type" not in told
        else wire(CREATED, _added(0, MESSAGE), _text(0, "Hel"), told)
    )
    events = read([sent + wire(_text(0, "lo"), completed(MESSAGE))])
    last = events[-1]
    assert isinstance(last, Failed)
    assert (last.failure.kind, last.failure.message) == (kind, "slow")
    assert Delta(0, Field.TEXT, "lo") not in events


def test_a_stream_without_its_ending_never_looks_finished() -> None:
    sent = wire(*FULL[:-1])
    for size in range(0, len(sent), 11):
        events = read([sent[:size]])
        assert events[-1] == Failed(CUT)
        assert not any(isinstance(event, Ended) for event in events)


def test_an_event_that_is_no_json_breaks_the_protocol() -> None:
    with pytest.raises(ProtocolError):
        stream_decoder().feed(b"data: <html>\n\n")


_NAMES = st.sampled_from(
    [
        "type",
        "id",
        "item",
        "name",
        "call_id",
        "content",
        "summary",
        "text",
        "output",
        "response",
        "delta",
        "role",
    ]
)
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from(["", "x", "message", "function_call", "reasoning"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=8,
)
_KINDS = st.sampled_from([*{one["type"] for one in FULL}, "error", "response.failed", "response.sparkle"])


@given(
    changes=st.lists(
        st.tuples(st.integers(0, len(FULL) - 1), _KINDS, st.dictionaries(_NAMES, _VALUES, max_size=3)),
        max_size=3,
    )
)
def test_odd_events_break_the_protocol_or_nothing(changes: list[tuple[int, str, JSON]]) -> None:
    events = list(FULL)
    for place, kind, members in changes:
        events[place] = {**events[place], **members, "type": kind}
    try:
        seen: list[Event] = read([wire(*events)])
    except ProtocolError:
        return
    assert isinstance(seen[-1], Ended | Failed)
