"""Streams of Chat, written."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from omniroute.conversation.events import (
    Cited,
    Delta,
    Ended,
    Event,
    Field,
    Finished,
    LogprobsSeen,
    PartEnded,
    PartStarted,
    Started,
    UsageSeen,
)
from omniroute.conversation.fold import fold, unfold
from omniroute.conversation.parts import Base64, Citation, Media, MediaKind, Opaque, Text, Thinking, ToolUse
from omniroute.conversation.request import Request, TokenLogprob
from omniroute.conversation.response import Candidate, Finish, FinishReason, Response
from omniroute.conversation.usage import Usage
from omniroute.errors import ErrorKind
from omniroute.formats import openai_chat
from omniroute.formats.codec import ReplyFacts
from omniroute.formats.openai_chat.node import as_raw

STOP = Finish(FinishReason.STOP, "stop")


def facts(*, include_usage: bool = False) -> ReplyFacts:
    request = Request(model="shown", messages=(), include_usage=include_usage)
    return ReplyFacts(id="Q7", created_s=1700000000, model="shown", request=request)


def told(events: Sequence[Event], *, include_usage: bool = False) -> list[Any]:
    """The chunks, and the words that are no JSON."""
    wire = openai_chat.stream_encoder(facts(include_usage=include_usage)).encode(events).decode()
    payloads = [frame.removeprefix("data: ") for frame in wire.split("\n\n") if frame]
    return [payload if payload == "[DONE]" else json.loads(payload) for payload in payloads]


def deltas(chunks: list[Any]) -> list[Any]:
    return [chunk["choices"][0]["delta"] for chunk in chunks if chunk != "[DONE]" and chunk["choices"]]


def text_answer(usage: Usage | None = None) -> list[Event]:
    return [
        Started("up", "upstream-model"),
        PartStarted(0, Text("")),
        Delta(0, Field.TEXT, "Hi"),
        PartEnded(0),
        *([UsageSeen(usage)] if usage else []),
        Finished(STOP),
        Ended(),
    ]


def test_an_answer_begins_with_its_role_and_ends_once() -> None:
    chunks = told(text_answer())

    assert deltas(chunks) == [{"role": "assistant", "content": ""}, {"content": "Hi"}, {}]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[:-1]] == [None, None, "stop"]
    assert chunks[-1] == "[DONE]"
    assert {(chunk["id"], chunk["model"], chunk["object"], chunk["created"]) for chunk in chunks[:-1]} == {
        ("chatcmpl-Q7", "shown", "chat.completion.chunk", 1700000000)
    }


def test_usage_rides_on_the_finish_chunk_unless_the_client_wants_it_apart() -> None:
    usage = Usage(input=3, cache_read=4, output=5, reasoning=6)
    written = {
        "prompt_tokens": 7,
        "completion_tokens": 11,
        "total_tokens": 18,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 6},
    }

    together = told(text_answer(usage))
    apart = told(text_answer(usage), include_usage=True)

    assert together[-2]["usage"] == written
    assert "usage" not in apart[-3]
    assert (apart[-2]["choices"], apart[-2]["usage"]) == ([], written)


def test_usage_nobody_knows_is_not_made_up() -> None:
    assert all("usage" not in chunk for chunk in told(text_answer(), include_usage=True)[:-1])


def test_usage_behind_the_finish_still_counts() -> None:
    events = [*text_answer()[:-1], UsageSeen(Usage(input=1, output=2)), Ended()]

    assert told(events)[-2]["usage"]["total_tokens"] == 3


def test_interleaved_calls_keep_their_numbers() -> None:
    chunks = told(
        [
            Started(),
            PartStarted(0, ToolUse("abc", "f")),
            PartStarted(1, ToolUse("abd", "g")),
            Delta(1, Field.ARGUMENTS, '{"b"'),
            Delta(0, Field.ARGUMENTS, "{}"),
            Delta(1, Field.ARGUMENTS, ":1}"),
            PartEnded(0),
            PartEnded(1),
            Finished(Finish(FinishReason.TOOL_USE)),
            Ended(),
        ]
    )

    fragments = [delta["tool_calls"][0] for delta in deltas(chunks) if "tool_calls" in delta]
    assert fragments[:2] == [
        {"index": 0, "id": "abc", "type": "function", "function": {"name": "f", "arguments": ""}},
        {"index": 1, "id": "abd", "type": "function", "function": {"name": "g", "arguments": ""}},
    ]
    assert [(piece["index"], piece["function"]["arguments"]) for piece in fragments[2:]] == [
        (1, '{"b"'),
        (0, "{}"),
        (1, ":1}"),
    ]
    assert chunks[-2]["choices"][0]["finish_reason"] == "tool_calls"


def test_a_call_without_arguments_is_told_as_an_empty_object() -> None:
    events: list[Event] = [
        Started(),
        PartStarted(0, ToolUse("abc", "f")),
        PartEnded(0),
        Finished(STOP),
        Ended(),
    ]

    last = [delta for delta in deltas(told(events)) if "tool_calls" in delta][-1]
    assert last["tool_calls"][0] == {"index": 0, "function": {"arguments": "{}"}}


def test_ids_that_only_number_the_calls_are_made_unique() -> None:
    chunks = told([Started(), PartStarted(0, ToolUse("call_1", "f")), PartStarted(1, ToolUse("", "g"))])

    ids = [delta["tool_calls"][0]["id"] for delta in deltas(chunks) if "tool_calls" in delta]
    assert ids == ["call_1_omrQ7", "call_omrQ71"]


RESPONSES = {
    "thinking, text and calls": Response(
        candidates=(
            Candidate(
                (Thinking("hm"), Text("Hi"), ToolUse("abc", "f", '{"a": 1}'), ToolUse("abd", "g", "{}")),
                Finish(FinishReason.TOOL_USE, "tool_calls"),
            ),
        ),
        usage=Usage(input=1, output=2),
    ),
    "two candidates": Response(
        candidates=(
            Candidate((Text("a"),), Finish(FinishReason.STOP, "stop")),
            Candidate((Text("b"),), Finish(FinishReason.LENGTH, "length")),
        )
    ),
    "citations": Response(candidates=(Candidate((Text("a", (Citation("u", "t", "c", 0, 1),)),), STOP),)),
    "media": Response(
        candidates=(
            Candidate(
                (Media(MediaKind.IMAGE, Base64("image/png", "QQ==")), ToolUse("abc", "p", "x", custom=True)),
                Finish(FinishReason.TOOL_USE, "tool_calls"),
            ),
        )
    ),
    "likelihoods": Response(
        candidates=(
            Candidate((Text("a"),), STOP, (TokenLogprob("a", -1.0, (97,), (TokenLogprob("b", -2.0),)),)),
        )
    ),
}


@pytest.mark.parametrize("name", RESPONSES)
def test_what_is_written_reads_as_the_same_answer(name: str) -> None:
    response = RESPONSES[name]
    wire = openai_chat.stream_encoder(facts()).encode(list(unfold(response)))
    decoder = openai_chat.stream_decoder()

    again = fold([*decoder.feed(wire), *decoder.close()])

    assert (again.candidates, again.usage) == (response.candidates, response.usage)


def test_offsets_of_citations_count_from_the_start_of_all_text() -> None:
    chunks = told(
        [
            Started(),
            PartStarted(0, Text("abc")),
            Delta(0, Field.TEXT, "de"),
            PartEnded(0),
            PartStarted(1, Text("xyz")),
            Cited(1, Citation("u", start=0, end=3)),
        ]
    )

    link = deltas(chunks)[-1]["annotations"][0]["url_citation"]
    assert (link["start_index"], link["end_index"]) == (5, 8)


def test_what_cannot_be_told_is_a_loss() -> None:
    encoder = openai_chat.stream_encoder(facts())

    encoder.encode(
        [
            Started(),
            PartStarted(0, Opaque("anthropic", "server_tool_use", as_raw({}))),
            PartEnded(0),
            PartStarted(1, Thinking("", "sealed", redacted=True, origin="anthropic")),
            PartEnded(1),
            PartStarted(2, Text("", (Citation(cited_text="x"),))),
        ]
    )

    assert encoder.losses == ("server_tool_use", "redacted_thinking", "citations")


def test_a_foreign_signature_is_never_told() -> None:
    thought = Thinking("hm", "secret", origin="anthropic")
    call = ToolUse("abc", "f", "{}", signature="secret", origin="gemini")

    wire = openai_chat.stream_encoder(facts()).encode(
        [Started(), PartStarted(0, thought), PartStarted(1, call), LogprobsSeen(())]
    )

    assert b"hm" in wire
    assert b"secret" not in wire


def test_a_failed_stream_has_no_ending() -> None:
    encoder = openai_chat.stream_encoder(facts())
    encoder.encode(text_answer()[:3])

    wire = encoder.fail(ErrorKind.BAD_GATEWAY, "gone", request_id="r")

    assert b'"error"' in wire
    assert b"[DONE]" not in wire
    assert encoder.encode([Finished(STOP), Ended()]) == b""
