"""Streams for clients of Anthropic's dialect."""

import json
from collections.abc import Sequence

import msgspec
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
from omniroute.conversation.parts import (
    Base64,
    Citation,
    Media,
    MediaKind,
    Opaque,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolUse,
)
from omniroute.conversation.request import TokenLogprob
from omniroute.conversation.response import Finish, FinishReason
from omniroute.conversation.usage import Usage
from omniroute.errors import ErrorKind
from omniroute.formats import anthropic
from omniroute.formats.codec import StreamEncoder
from tests.formats.anthropic.asking import FACTS, Json, raw

BEGIN = Started("up", "upstream-model")
STOP = Finished(Finish(FinishReason.STOP))


def told(wire: bytes) -> list[Json]:
    """The events; the name of each is its type."""
    events: list[Json] = []
    for block in wire.decode().split("\n\n")[:-1]:
        name, _, data = block.partition("\ndata: ")
        event = json.loads(data)
        assert name == f"event: {event['type']}"
        events.append(event)
    return events


def written(events: Sequence[Event]) -> tuple[list[Json], tuple[str, ...]]:
    """What a client gets, event by event."""
    encoder: StreamEncoder = anthropic.stream_encoder(FACTS)
    wire = b"".join(encoder.encode([event]) for event in events)
    return told(wire), encoder.losses


def blocks(*events: Event) -> tuple[list[Json], tuple[str, ...]]:
    """Starts, deltas and stops of the blocks, in short."""
    whole: list[Event] = [BEGIN, *events, STOP, Ended()]
    found, losses = written(whole)
    short: list[Json] = []
    for event in found[1:-2]:
        if event["type"] == "content_block_start":
            short.append((event["index"], event["content_block"]))
        elif event["type"] == "content_block_delta":
            kind, value = event["delta"].values()
            short.append((event["index"], kind, value))
        else:
            short.append((event["index"], "stop"))
    return short, losses


def test_the_frame_of_an_answer_is_what_clients_want() -> None:
    events: list[Event] = [
        BEGIN,
        UsageSeen(Usage(input=3, cache_read=7, output=4, reasoning=2)),
        Finished(Finish(FinishReason.STOP_SEQUENCE, "stop", "END")),
        Ended(),
    ]
    found, losses = written(events)
    assert losses == ()
    assert found == [
        {
            "type": "message_start",
            "message": {
                "id": "msg_0abc",
                "type": "message",
                "role": "assistant",
                "model": "shown",
                "content": [],
                "stop_reason": None,
                "stop_sequence": None,
                "usage": {
                    "input_tokens": 0,
                    "cache_creation_input_tokens": None,
                    "cache_read_input_tokens": None,
                    "output_tokens": 0,
                },
            },
        },
        {
            "type": "message_delta",
            "delta": {"stop_reason": "stop_sequence", "stop_sequence": "END"},
            "usage": {
                "input_tokens": 3,
                "cache_creation_input_tokens": None,
                "cache_read_input_tokens": 7,
                "output_tokens": 6,
                "output_tokens_details": {"thinking_tokens": 2},
            },
        },
        {"type": "message_stop"},
    ]


def test_interleaved_parts_come_one_after_the_other() -> None:
    found, _ = blocks(
        PartStarted(0, ToolUse("toolu_aaaa", "look")),
        PartStarted(1, ToolUse("toolu_bbbb", "see", '{"b"')),
        Delta(0, Field.ARGUMENTS, '{"a"'),
        Delta(1, Field.ARGUMENTS, ":2}"),
        Delta(0, Field.ARGUMENTS, ":1}"),
        PartEnded(1),
        PartEnded(0),
    )
    assert found == [
        (0, {"type": "tool_use", "id": "toolu_aaaa", "name": "look", "input": {}}),
        (0, "input_json_delta", '{"a"'),
        (0, "input_json_delta", ":1}"),
        (0, "stop"),
        (1, {"type": "tool_use", "id": "toolu_bbbb", "name": "see", "input": {}}),
        (1, "input_json_delta", '{"b"'),
        (1, "input_json_delta", ":2}"),
        (1, "stop"),
    ]


@pytest.mark.parametrize(("origin", "signature"), [("anthropic", "SIG"), ("gemini", ""), (None, "")])
def test_a_thought_ends_with_a_signature_that_is_ours_or_empty(origin: str | None, signature: str) -> None:
    found, _ = blocks(
        PartStarted(0, Thinking("h", origin=origin)),
        Delta(0, Field.TEXT, "m"),
        Delta(0, Field.SIGNATURE, "S"),
        Delta(0, Field.SIGNATURE, "IG"),
        PartEnded(0),
    )
    assert found == [
        (0, {"type": "thinking", "thinking": "", "signature": ""}),
        (0, "thinking_delta", "h"),
        (0, "thinking_delta", "m"),
        (0, "signature_delta", signature),
        (0, "stop"),
    ]


def test_a_withheld_thought_is_told_by_its_signature() -> None:
    found, _ = blocks(PartStarted(0, Thinking("", "SIG", origin="anthropic")), PartEnded(0))
    assert found[1:] == [(0, "signature_delta", "SIG"), (0, "stop")]


@pytest.mark.parametrize(
    ("part", "loss"),
    [
        (Text(""), None),
        (Thinking(""), None),
        (Thinking("", "D", redacted=True, origin="openai-responses"), "redacted_thinking"),
        (Opaque("gemini", "executableCode", raw({})), "executableCode"),
        (Media(MediaKind.IMAGE, Base64("image/png", "aGk=")), "image"),
    ],
)
def test_what_says_nothing_takes_no_number(part: Part, loss: str | None) -> None:
    found, losses = blocks(PartStarted(0, part), PartEnded(0), PartStarted(1, Text("hi")), PartEnded(1))
    assert found == [(0, {"type": "text", "text": ""}), (0, "text_delta", "hi"), (0, "stop")]
    assert losses == (() if loss is None else (loss,))


def test_a_block_of_the_provider_is_told_as_it_stood() -> None:
    block = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}}
    result = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
    lines = json.dumps(result, indent=1).encode()
    found, _ = blocks(
        PartStarted(0, Opaque("anthropic", "server_tool_use", raw(block))),
        PartEnded(0),
        PartStarted(1, Opaque("anthropic", "web_search_tool_result", msgspec.Raw(lines))),
        PartEnded(1),
    )
    assert found == [
        (0, {**block, "input": {}}),
        (0, "input_json_delta", '{"query":"x"}'),
        (0, "stop"),
        (1, result),
        (1, "stop"),
    ]


def test_arguments_that_are_no_object_are_put_into_one() -> None:
    found, losses = blocks(
        PartStarted(0, ToolUse("toolu_aaaa", "look")),
        Delta(0, Field.ARGUMENTS, " [1"),
        Delta(0, Field.ARGUMENTS, "]"),
        PartEnded(0),
    )
    assert found[1:] == [(0, "input_json_delta", '{"_arguments":" [1]"}'), (0, "stop")]
    assert losses == ("arguments",)


def test_citations_are_told_where_they_have_an_address() -> None:
    found, losses = blocks(
        PartStarted(0, Text("so")),
        Cited(0, Citation(url="https://a.example", title="A")),
        Cited(0, Citation(title="B")),
        PartEnded(0),
    )
    assert found[2][1:] == (
        "citations_delta",
        {
            "type": "web_search_result_location",
            "url": "https://a.example",
            "title": "A",
            "cited_text": "",
            "encrypted_index": "",
        },
    )
    assert losses == ("citations",)


def test_a_refusal_is_text_and_its_end_says_so() -> None:
    found, _ = written([BEGIN, PartStarted(0, Refusal("no")), PartEnded(0), STOP, Ended()])
    assert found[2]["delta"] == {"type": "text_delta", "text": "no"}
    assert found[-2]["delta"]["stop_reason"] == "refusal"


def test_other_answers_and_likelihoods_are_lost_by_name() -> None:
    found, losses = blocks(
        PartStarted(0, Text("one")),
        PartEnded(0),
        PartStarted(1, Text("two"), 1),
        Delta(1, Field.TEXT, "!"),
        PartEnded(1),
        LogprobsSeen((TokenLogprob("one", -0.5),)),
    )
    assert found == [(0, {"type": "text", "text": ""}), (0, "text_delta", "one"), (0, "stop")]
    assert losses == ("candidates", "logprobs")


def test_a_failure_is_an_error_event_and_nothing_follows() -> None:
    encoder = anthropic.stream_encoder(FACTS)
    wire = encoder.encode([BEGIN, PartStarted(0, Text("hi"))])
    wire += encoder.fail(ErrorKind.UNAVAILABLE, "gone", request_id="r")
    wire += encoder.encode([STOP, Ended()]) + encoder.fail(ErrorKind.TIMEOUT, "x", request_id="r")
    assert [event["type"] for event in told(wire)] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "error",
    ]


def test_an_answer_whose_model_failed_has_no_normal_end() -> None:
    found, _ = written([BEGIN, Finished(Finish(FinishReason.ERROR, "boom")), Ended()])
    assert [event["type"] for event in found] == ["message_start", "error"]
