"""Streams of JSON lines, read and written."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from omniroute.conversation.fold import CUT, fold, unfold
from omniroute.conversation.parts import Base64, Citation, Media, MediaKind, Text, Thinking, ToolUse
from omniroute.conversation.request import Request, TokenLogprob
from omniroute.conversation.response import Candidate, Finish, FinishReason, Response
from omniroute.conversation.usage import Usage
from omniroute.errors import ErrorKind, FailureKind, ProtocolError
from omniroute.formats.codec import ReplyFacts, StreamEncoder
from omniroute.formats.ollama import stream_decoder, stream_encoder
from omniroute.formats.ollama.generate import generate_stream_encoder
from tests.formats.cuts import cut_lists, split

FACTS = ReplyFacts(id="01ABC", created_s=1_764_000_000, model="m", request=Request(model="m", messages=()))
DONE = {"done": True, "done_reason": "stop", "prompt_eval_count": 9, "eval_count": 4}


def line(done: dict[str, Any] | None = None, **message: Any) -> bytes:  # JSON of any shape
    members = {"model": "m", "created_at": "2026-08-04T19:59:11.820116Z"}
    text = json.dumps(
        {**members, "message": {"role": "assistant", "content": "", **message}, **(done or {"done": False})},
        ensure_ascii=False,
    )
    return text.encode() + b"\n"


def call(name: str, arguments: object, **members: Any) -> dict[str, Any]:  # JSON of any shape
    return {**members, "function": {"name": name, "arguments": arguments}}


def told(wire: bytes, cuts: list[int] | None = None) -> list[Event]:
    decoder = stream_decoder()
    events = [event for piece in split(wire, cuts or []) for event in decoder.feed(piece)]
    return events + decoder.close()


TALK = b"".join(
    [
        line(thinking="Hm"),
        line(thinking=", yes 🤔"),
        line(content="It is "),
        line(content="fün\u2028"),
        line(tool_calls=[call("a", {"x": 1}, id="c1")]),
        line(tool_calls=[call("b", {}), call("c", '{"y": 2}')]),
        line(content="!", done=DONE),
    ]
)
TALK_PARTS = (
    Thinking("Hm, yes 🤔"),
    Text("It is fün\u2028"),
    ToolUse("c1", "a", '{"x": 1}'),
    ToolUse("", "b", "{}"),
    ToolUse("", "c", '{"y": 2}'),
    Text("!"),
)


def test_thoughts_text_and_calls_on_many_lines_come_in_order() -> None:
    response = fold(told(TALK))
    assert response == Response(
        model="m",
        candidates=(Candidate(TALK_PARTS, Finish(FinishReason.TOOL_USE, "stop")),),
        usage=Usage(input=9, output=4),
    )


def test_thinking_beside_content_is_two_parts() -> None:
    response = fold(told(line(thinking="t", content="c") + line(done=DONE)))
    assert response.candidates[0].parts == (Thinking("t"), Text("c"))


def test_every_cut_gives_the_same_events() -> None:
    whole = told(TALK)
    assert [cut for cut in range(len(TALK)) if told(TALK, [cut]) != whole] == []


@given(cuts=cut_lists())
def test_cuts_do_not_matter(cuts: list[int]) -> None:
    assert told(TALK, cuts) == told(TALK)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\n\n\r\n"])
def test_lines_may_end_in_any_way(end: bytes) -> None:
    assert told(TALK.replace(b"\n", end)) == told(TALK)


def test_the_last_line_needs_no_end() -> None:
    assert told(TALK.removesuffix(b"\n")) == told(TALK)


def test_a_stream_that_stops_anywhere_has_not_ended() -> None:
    for size in range(len(TALK) - 1):
        events = told(TALK[:size])
        assert events[-1] == Failed(CUT), size
        assert Ended() not in events


@pytest.mark.parametrize("error", ["an overloaded runner", {"message": "an overloaded runner"}])
def test_an_error_line_fails_and_nothing_follows(error: object) -> None:
    wire = line(content="a") + json.dumps({"error": error}).encode() + b"\n" + line(done=DONE)
    *_, last = told(wire)
    assert isinstance(last, Failed)
    assert last.failure.kind is FailureKind.OVERLOADED
    assert last.failure.message == "an overloaded runner"


def test_lines_of_unknown_shape_pass_unread() -> None:
    strange = b'{"status":"pulling"}\n[1]\n{"message":{"content":5}}\n{"message":null,"done":false}\n'
    assert fold(told(strange + TALK)).candidates == fold(told(TALK)).candidates


@pytest.mark.parametrize(
    "wire", [b"<html>\n", b'{"a":\n', b'{"message":{"tool_calls":[{"function":{"name":1}}]}}\n']
)
def test_a_line_that_is_none_is_a_broken_protocol(wire: bytes) -> None:
    with pytest.raises(ProtocolError):
        stream_decoder().feed(wire)


def test_a_line_without_end_is_not_kept_for_ever() -> None:
    decoder = stream_decoder()
    decoder.feed(b" " * (32 * 1024 * 1024))
    with pytest.raises(ProtocolError):
        decoder.feed(b" ")


def test_what_comes_after_the_end_is_ignored() -> None:
    decoder = stream_decoder()
    decoder.feed(TALK)
    assert decoder.feed(TALK) == []
    assert decoder.close() == []
    assert decoder.close() == []


@given(st.lists(st.sampled_from(TALK.splitlines(keepends=True)) | st.binary(max_size=20), max_size=8))
def test_whatever_comes_is_read_or_a_broken_protocol(pieces: list[bytes]) -> None:
    decoder = stream_decoder()
    try:
        events = [event for piece in pieces for event in decoder.feed(piece)]
    except ProtocolError:
        return
    events += decoder.close()
    assert sum(isinstance(event, Ended | Failed) for event in events) == 1
    assert isinstance(events[-1], Ended | Failed)


def lines_of(events: list[Event], encoder: StreamEncoder | None = None) -> list[dict[str, Any]]:
    wire = (encoder or stream_encoder(FACTS)).encode(events)
    assert wire.endswith(b"\n")
    return [json.loads(text) for text in wire.decode().split("\n")[:-1]]


def test_what_was_read_and_written_reads_the_same() -> None:
    events = told(TALK)
    again = fold(told(stream_encoder(FACTS).encode(events)))
    ids = iter(["call_omr01ABC3", "call_omr01ABC4"])
    made = [
        ToolUse(next(ids), part.name, part.arguments) if isinstance(part, ToolUse) and not part.id else part
        for part in TALK_PARTS
    ]
    assert again.candidates[0].parts == tuple(made)
    assert again.usage == Usage(input=9, output=4)


def test_a_delta_is_one_line() -> None:
    events: list[Event] = [Started(), PartStarted(0, Text("")), Delta(0, Field.TEXT, 'é"\n')]
    assert lines_of(events) == [
        {
            "model": "m",
            "created_at": "2025-11-24T16:00:00.000000Z",
            "message": {"role": "assistant", "content": 'é"\n'},
            "done": False,
        }
    ]


def test_the_last_line_says_why_and_how_many_tokens() -> None:
    events: list[Event] = [
        Started(),
        Finished(Finish(FinishReason.LENGTH)),
        UsageSeen(Usage(input=3, cache_read=4, output=5, reasoning=6)),
        Ended(),
    ]
    (last,) = lines_of(events)
    assert (last["done"], last["done_reason"]) == (True, "length")
    assert (last["prompt_eval_count"], last["eval_count"]) == (7, 11)
    assert last["message"] == {"role": "assistant", "content": ""}


def test_a_call_stands_whole_on_a_line_of_its_own() -> None:
    events: list[Event] = [
        PartStarted(0, ToolUse("c", "f")),
        Delta(0, Field.ARGUMENTS, '{"a":\n'),
        Delta(0, Field.SIGNATURE, "sig"),
        Delta(0, Field.ARGUMENTS, "1}"),
        PartEnded(0),
    ]
    assert [told["message"]["tool_calls"] for told in lines_of(events)] == [
        [{"id": "c", "function": {"index": 0, "name": "f", "arguments": {"a": 1}}}]
    ]


def test_interleaved_parts_are_told_one_after_the_other() -> None:
    events: list[Event] = [
        PartStarted(0, ToolUse("x", "f")),
        PartStarted(1, ToolUse("y", "g")),
        PartStarted(2, Text("")),
        Delta(1, Field.ARGUMENTS, '{"b":2}'),
        Delta(2, Field.TEXT, "later"),
        PartEnded(1),
        Delta(0, Field.ARGUMENTS, '{"a":1}'),
        PartEnded(0),
        Delta(2, Field.TEXT, " on"),
        PartEnded(2),
        Ended(),
    ]
    encoder = stream_encoder(FACTS)
    wire = b"".join(encoder.encode([event]) for event in events)
    parts = fold(told(wire)).candidates[0].parts
    assert parts == (ToolUse("x", "f", '{"a":1}'), ToolUse("y", "g", '{"b":2}'), Text("later on"))


def test_too_much_to_be_held_back_is_refused() -> None:
    encoder = stream_encoder(FACTS)
    encoder.encode([PartStarted(0, Text("")), PartStarted(1, Text(""))])
    encoder.encode([Delta(1, Field.TEXT, "x" * (16 * 1024 * 1024))])
    with pytest.raises(ProtocolError):
        encoder.encode([Delta(1, Field.TEXT, "x")])


def test_images_are_told_whole() -> None:
    image = Media(MediaKind.IMAGE, Base64("image/png", "iVBO"))
    events: list[Event] = [PartStarted(0, image), Delta(0, Field.BASE64, "Rw0K"), PartEnded(0)]
    encoder = generate_stream_encoder(FACTS)
    assert [line["image"] for line in lines_of(events, encoder)] == ["iVBORw0K"]
    assert encoder.losses == ()


def test_an_image_in_a_chat_is_named_as_lost() -> None:
    encoder = stream_encoder(FACTS)
    image = Media(MediaKind.IMAGE, Base64("image/png", "iVBO"))
    assert encoder.encode([PartStarted(0, image), PartEnded(0)]) == b""
    assert encoder.losses == ("image",)


def test_further_candidates_and_citations_are_named_as_lost() -> None:
    encoder = stream_encoder(FACTS)
    events: list[Event] = [
        PartStarted(0, Text("a")),
        Cited(0, Citation(url="https://a.example")),
        PartStarted(1, Text("b"), 1),
        Delta(1, Field.TEXT, "c"),
        PartEnded(1),
        PartEnded(0),
        Finished(Finish(FinishReason.LENGTH), 1),
        Finished(Finish(FinishReason.STOP)),
        Ended(),
    ]
    *_, last = texts = lines_of(events, encoder)
    assert "".join(told["message"]["content"] for told in texts) == "a"
    assert last["done_reason"] == "stop"
    assert sorted(encoder.losses) == ["candidates", "citations"]


def test_log_probabilities_are_told() -> None:
    tokens = (TokenLogprob("é", -0.25, (195, 169)),)
    wire = stream_encoder(FACTS).encode([Started(), LogprobsSeen(tokens), Ended()])
    assert LogprobsSeen(tokens) in told(wire)


def test_a_failed_stream_ends_in_an_error_line() -> None:
    encoder = stream_encoder(FACTS)
    wire = encoder.encode([Started(), PartStarted(0, Text("a")), Failed(CUT)])
    wire += encoder.fail(ErrorKind.BAD_GATEWAY, "gone", request_id="r")
    assert json.loads(wire.splitlines()[-1]) == {"error": "gone"}
    assert isinstance(told(wire)[-1], Failed)


def test_a_model_that_ended_in_an_error_ends_in_an_error_line() -> None:
    finish = Finish(FinishReason.ERROR, "MALFORMED_FUNCTION_CALL")
    assert lines_of([Finished(finish), Ended()]) == [
        {"error": "the model ended with an error: MALFORMED_FUNCTION_CALL"}
    ]


def test_an_unfolded_answer_streams() -> None:
    response = Response(
        model="m",
        candidates=(
            Candidate(
                (Thinking("t"), Text("a"), ToolUse("id", "f", "{}")), Finish(FinishReason.TOOL_USE, "stop")
            ),
        ),
        usage=Usage(input=1, output=2),
    )
    assert fold(told(stream_encoder(FACTS).encode(list(unfold(response))))) == response
