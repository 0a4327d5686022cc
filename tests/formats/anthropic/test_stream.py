"""Streams in Anthropic's dialect."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.conversation.events import (
    Ended,
    Event,
    Failed,
    Finished,
    Started,
    UsageSeen,
)
from omniroute.conversation.fold import CUT, fold
from omniroute.conversation.parts import Citation, Extra, Opaque, Part, Text, Thinking, ToolUse
from omniroute.conversation.response import Finish, FinishReason
from omniroute.conversation.usage import Usage
from omniroute.errors import FailureKind, ProtocolError
from omniroute.formats import anthropic
from tests.formats.anthropic.asking import Json, raw
from tests.formats.cuts import cut_lists, split


def frame(**event: Json) -> bytes:
    """One event, padded as Anthropic pads it."""
    return b"event: %b\ndata: %b   }\n\n" % (event["type"].encode(), json.dumps(event).encode()[:-1])


def start(index: int, **block: Json) -> bytes:
    return frame(type="content_block_start", index=index, content_block=block)


def delta(index: int, **members: Json) -> bytes:
    return frame(type="content_block_delta", index=index, delta=members)


def stop(index: int) -> bytes:
    return frame(type="content_block_stop", index=index)


BEGIN = frame(
    type="message_start",
    message={
        "id": "msg_1",
        "model": "claude",
        "content": [],
        "usage": {"input_tokens": 10, "cache_read_input_tokens": 3, "output_tokens": 1},
    },
)
PING = frame(type="ping")
END = frame(
    type="message_delta",
    delta={"stop_reason": "end_turn", "stop_sequence": None, "stop_details": None},
    usage={"input_tokens": 12, "output_tokens": 20, "output_tokens_details": {"thinking_tokens": 8}},
    context_management=None,
) + frame(type="message_stop")


def read(*pieces: bytes) -> list[Event]:
    decoder = anthropic.stream_decoder()
    return [event for piece in pieces for event in decoder.feed(piece)] + decoder.close()


def parts(*frames: bytes) -> tuple[Part, ...]:
    return fold(read(BEGIN, *frames, END)).candidates[0].parts


def test_a_stream_tells_who_answers_and_what_it_took() -> None:
    events = read(BEGIN + PING + END)
    assert events == [
        Started("msg_1", "claude"),
        UsageSeen(Usage(input=10, cache_read=3, output=1)),
        UsageSeen(Usage(input=12, cache_read=3, output=12, reasoning=8)),
        Finished(Finish(FinishReason.STOP, "end_turn")),
        Ended(),
    ]


CITED = {"type": "web_search_result_location", "url": "https://a.example", "encrypted_index": "E"}

BLOCKS: dict[str, tuple[list[bytes], tuple[Part, ...]]] = {
    "text": (
        [
            start(0, type="text", text=""),
            PING,
            delta(0, type="text_delta", text="Hel"),
            delta(0, type="text_delta", text="lo"),
            stop(0),
        ],
        (Text("Hello"),),
    ),
    "text that says nothing": ([start(0, type="text", text=""), stop(0)], ()),
    "thinking": (
        [
            start(0, type="thinking", thinking="", signature=""),
            delta(0, type="thinking_delta", thinking="hm"),
            delta(0, type="signature_delta", signature="SIG"),
            stop(0),
        ],
        (Thinking("hm", "SIG", origin="anthropic"),),
    ),
    "thinking withheld": (
        [
            start(0, type="thinking", thinking="", signature=""),
            delta(0, type="thinking_delta", thinking=""),
            delta(0, type="signature_delta", signature="SIG"),
            stop(0),
        ],
        (Thinking("", "SIG", origin="anthropic"),),
    ),
    "sealed thinking": (
        [start(0, type="redacted_thinking", data="D"), stop(0)],
        (Thinking("", "D", redacted=True, origin="anthropic"),),
    ),
    "call": (
        [
            start(0, type="tool_use", id="t", name="look", input={}),
            delta(0, type="input_json_delta", partial_json=""),
            delta(0, type="input_json_delta", partial_json='{"a"'),
            delta(0, type="input_json_delta", partial_json=": 1}"),
            stop(0),
        ],
        (ToolUse("t", "look", '{"a": 1}'),),
    ),
    "call without arguments": (
        [
            start(0, type="tool_use", id="t", name="look", input={}, caller={"type": "direct"}),
            delta(0, type="input_json_delta", partial_json=""),
            stop(0),
        ],
        (ToolUse("t", "look", "{}"),),
    ),
    "call that starts whole": (
        [start(0, type="tool_use", id="t", name="look", input={"a": 1}), stop(0)],
        (ToolUse("t", "look", '{"a": 1}'),),
    ),
    "citations": (
        [
            start(0, type="text", text="", citations=[]),
            delta(0, type="citations_delta", citation=CITED),
            delta(0, type="text_delta", text="so"),
            stop(0),
        ],
        (
            Text(
                "so",
                (
                    Citation(
                        url="https://a.example",
                        extra=Extra("anthropic", {"type": raw(CITED["type"]), "encrypted_index": raw("E")}),
                    ),
                ),
            ),
        ),
    ),
    "summary of what went before": (
        [
            start(0, type="compaction", content=None),
            delta(0, type="compaction_delta", content="So far."),
            stop(0),
        ],
        (Opaque("anthropic", "compaction", raw({"type": "compaction", "content": "So far."})),),
    ),
    "tool of the provider": (
        [
            start(0, type="server_tool_use", id="s", name="web_search", input={}),
            delta(0, type="input_json_delta", partial_json='{"query":'),
            delta(0, type="input_json_delta", partial_json='"x"}'),
            stop(0),
            start(1, type="web_search_tool_result", tool_use_id="s", content=[]),
            stop(1),
        ],
        (
            Opaque(
                "anthropic",
                "server_tool_use",
                raw({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}}),
            ),
            Opaque(
                "anthropic",
                "web_search_tool_result",
                raw({"type": "web_search_tool_result", "tool_use_id": "s", "content": []}),
            ),
        ),
    ),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_is_read(name: str) -> None:
    frames, found = BLOCKS[name]
    assert parts(*frames) == found


@pytest.mark.parametrize("name", BLOCKS)
def test_a_stream_read_byte_by_byte_tells_the_same(name: str) -> None:
    wire = b"".join([BEGIN, *BLOCKS[name][0], END])
    assert read(*(wire[place : place + 1] for place in range(len(wire)))) == read(wire)


@pytest.mark.parametrize("name", BLOCKS)
def test_a_stream_cut_short_is_an_error_not_an_end(name: str) -> None:
    wire = b"".join([BEGIN, *BLOCKS[name][0], END])
    for length in range(0, len(wire) - 4, 3):
        events = read(wire[:length])
        assert events[-1] == Failed(CUT)
        assert not any(isinstance(event, Ended) for event in events)


def test_an_error_in_mid_stream_is_a_failure_and_nothing_follows() -> None:
    error = frame(type="error", error={"type": "overloaded_error", "message": "Overloaded"})
    events = read(BEGIN, start(0, type="text", text=""), error, END)
    last = events[-1]
    assert isinstance(last, Failed)
    assert (last.failure.kind, last.failure.code) == (FailureKind.OVERLOADED, "overloaded_error")
    assert not any(isinstance(event, Finished) for event in events)


def test_calls_of_the_client_are_what_the_answer_waits_for() -> None:
    response = fold(read(BEGIN, *BLOCKS["call"][0], END))
    assert response.candidates[0].finish == Finish(FinishReason.TOOL_USE, "end_turn")


def test_blocks_of_a_sloppy_server_are_read_without_start_and_stop() -> None:
    found = parts(delta(0, type="text_delta", text="hi"), b"data: [DONE]\n\n", frame(type="new_event"))
    assert found == (Text("hi"),)


def test_a_last_event_without_its_blank_line_counts() -> None:
    assert read((BEGIN + END).rstrip(b"\n"))[-1] == Ended()


def test_what_follows_the_end_is_ignored() -> None:
    events = read(BEGIN, END, b"data: {broken\n\n", BEGIN)
    assert events.count(Ended()) == 1
    assert events[-1] == Ended()


@pytest.mark.parametrize(
    "data", [b"data: {broken\n\n", b"data: <html>\n\n", b'data: {"type":"content_block_start"}\n\n']
)
def test_what_is_no_event_is_a_broken_format(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        read(BEGIN, data)


@given(st.binary(max_size=200), cut_lists())
def test_any_bytes_are_events_or_a_broken_format(wire: bytes, cuts: list[int]) -> None:
    try:
        events = read(*split(BEGIN + wire, cuts))
    except ProtocolError:
        return
    assert isinstance(events[-1], Failed)
