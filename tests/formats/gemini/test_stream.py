"""Streams in Gemini's dialect."""

import json
from typing import Any

import msgspec
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
    UsageSeen,
)
from omniroute.conversation.fold import CUT, StreamFailed, fold, unfold
from omniroute.conversation.parts import Citation, Opaque, Part, Text, Thinking, ToolUse
from omniroute.conversation.request import Request, TokenLogprob
from omniroute.conversation.response import Candidate, Finish, FinishReason, Response
from omniroute.conversation.usage import Usage
from omniroute.errors import ErrorKind, ProtocolError
from omniroute.formats import gemini
from omniroute.formats.codec import ReplyFacts
from tests.formats.cuts import cut_lists, split

FACTS = ReplyFacts(id="01abc", created_s=1, model="shown", request=Request(model="shown", messages=()))


def chunk(*parts: Any, finish: str | None = None, **more: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}, "index": 0}
    if finish is not None:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "modelVersion": "m", "responseId": "r"} | more


def sse(*chunks: Any, end: str = "\r\n\r\n") -> bytes:
    return "".join(f"data: {json.dumps(each)}{end}" for each in chunks).encode()


def array(*chunks: Any) -> bytes:
    return ("[" + ",\r\n".join(json.dumps(each, indent=1) for each in chunks) + "]").encode()


def events_of(*pieces: bytes) -> list[Event]:
    decoder = gemini.stream_decoder()
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return [*events, *decoder.close()]


def whole(*chunks: Any) -> Candidate:
    (candidate,) = fold(events_of(sse(*chunks))).candidates
    return candidate


def signature(sealed: str, **more: Any) -> Opaque:
    return Opaque(
        "gemini", "thought_signature", msgspec.Raw(msgspec.json.encode(more | {"thoughtSignature": sealed}))
    )


TALK = [
    chunk({"text": "hm", "thought": True}, usageMetadata={"promptTokenCount": 3, "totalTokenCount": 3}),
    chunk({"text": "m", "thought": True}),
    chunk({"text": ""}),
    chunk({"text": 'Grüße \\ "] '}, {"text": "you"}),
    chunk({"functionCall": {"name": "f", "args": {"a": "{["}}, "thoughtSignature": "s"}),
    chunk({"functionCall": {"name": "g"}}, finish="STOP"),
    chunk(
        finish="STOP", usageMetadata={"promptTokenCount": 3, "candidatesTokenCount": 4, "totalTokenCount": 7}
    ),
]
TOLD = Response(
    id="r",
    model="m",
    candidates=(
        Candidate(
            (
                Thinking("hmm"),
                Text('Grüße \\ "] you'),
                ToolUse("", "f", '{"a": "{["}', signature="s", origin="gemini"),
                ToolUse("", "g", "{}"),
            ),
            Finish(FinishReason.TOOL_USE, "STOP"),
        ),
    ),
    usage=Usage(input=3, output=4),
)


@pytest.mark.parametrize(
    "wire", [sse(*TALK), sse(*TALK, end="\n\n"), b": hello\n\n" + sse(*TALK), b"\xef\xbb\xbf" + sse(*TALK)]
)
def test_events_tell_the_answer(wire: bytes) -> None:
    assert fold(events_of(wire)) == TOLD


def test_an_array_tells_the_same() -> None:
    told = fold(events_of(b"\n " + array(*TALK)))
    call = told.candidates[0].parts[2]
    assert isinstance(call, ToolUse)
    assert json.loads(call.arguments) == {"a": "{["}
    assert (told.candidates[0].parts[1], told.usage) == (TOLD.candidates[0].parts[1], TOLD.usage)


@pytest.mark.parametrize("wire", [sse(*TALK), array(*TALK)])
def test_events_do_not_depend_on_one_cut(wire: bytes) -> None:
    expected = events_of(wire)
    for at in range(len(wire)):
        assert events_of(wire[:at], wire[at:]) == expected


@given(cuts=cut_lists(), as_array=st.booleans())
def test_events_do_not_depend_on_many_cuts(cuts: list[int], as_array: bool) -> None:
    wire = array(*TALK) if as_array else sse(*TALK)
    assert events_of(*split(wire, cuts)) == events_of(wire)


def test_finish_is_told_once_at_the_end() -> None:
    chunks = [
        chunk({"text": "a"}, finish="STOP"),
        chunk({"text": "b"}, finish="STOP"),
        {"candidates": [{"finishReason": "RECITATION"}]},
    ]
    events = events_of(sse(*chunks))
    assert events[-2:] == [Finished(Finish(FinishReason.CONTENT_FILTER, "RECITATION")), Ended()]
    assert sum(isinstance(event, Finished) for event in events) == 1
    assert whole(*chunks).parts == (Text("ab"),)


@pytest.mark.parametrize(
    "chunks",
    [
        [],
        [chunk({"text": "a"})],
        [{"usageMetadata": {"promptTokenCount": 3}}],
        [chunk({"text": "a"}, finish="FINISH_REASON_UNSPECIFIED")],
    ],
)
def test_a_stream_without_a_finish_is_cut_short(chunks: list[Any]) -> None:
    events = events_of(sse(*chunks))
    assert events[-1] == Failed(CUT)
    assert not any(isinstance(event, Finished | Ended) for event in events)


def test_a_stream_that_stops_early_never_ends() -> None:
    for wire in (sse(*TALK[:5]), array(*TALK[:5])):
        for at in range(len(wire)):
            assert isinstance(events_of(wire[:at])[-1], Failed)


def test_a_last_event_without_its_blank_line_counts() -> None:
    assert fold(events_of(sse(*TALK).rstrip())) == TOLD


@pytest.mark.parametrize("as_array", [False, True])
def test_an_error_in_the_stream_fails_it(as_array: bool) -> None:
    error = {"error": {"code": 429, "message": "quota used up", "status": "RESOURCE_EXHAUSTED"}}
    chunks = [chunk({"text": "a"}), error, chunk({"text": "b"}, finish="STOP")]
    events = events_of(array(*chunks) if as_array else sse(*chunks))
    assert isinstance(events[-1], Failed)
    assert events[-1].failure.code == "RESOURCE_EXHAUSTED"
    assert not any(isinstance(event, Finished | Ended) for event in events)


def test_a_blocked_prompt_ends_filtered() -> None:
    feedback = {"promptFeedback": {"blockReason": "SAFETY"}}
    assert whole(feedback) == Candidate((), Finish(FinishReason.CONTENT_FILTER, "SAFETY"))


def test_signatures_stand_where_they_stood() -> None:
    parts = whole(
        chunk({"text": "a"}),
        chunk({"text": "b", "thoughtSignature": "s"}),
        chunk({"text": "c"}),
        chunk({"text": "", "thoughtSignature": "t"}),
        chunk({"text": "d", "thought": True}),
        chunk({"text": "", "thought": True, "thoughtSignature": "u"}, finish="STOP"),
    ).parts
    assert parts == (
        Text("ab"),
        signature("s"),
        Text("c"),
        signature("t", text=""),
        Thinking("d", "u", origin="gemini"),
    )


def test_blocks_of_tools_google_ran_come_whole() -> None:
    code = {"executableCode": {"code": "1", "language": "PYTHON"}, "thoughtSignature": "s"}
    result = {"codeExecutionResult": {"outcome": "OUTCOME_OK"}}
    events = events_of(sse(chunk({"text": "a"}, code), chunk(result, {"text": "b"}, finish="STOP")))
    parts = fold(events).candidates[0].parts
    assert (parts[0], parts[3]) == (Text("a"), Text("b"))
    assert [json.loads(bytes(part.value)) for part in parts if isinstance(part, Opaque)] == [code, result]


def test_grounding_of_the_last_chunk_is_cited_in_the_open_text() -> None:
    grounding = {
        "groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}],
        "groundingSupports": [
            {"segment": {"startIndex": 3, "endIndex": 4, "text": "b"}, "groundingChunkIndices": [0]}
        ],
    }
    last = chunk({"text": "", "thoughtSignature": "s"}, finish="STOP")
    last["candidates"][0]["groundingMetadata"] = grounding
    parts = whole(chunk({"text": "é"}), chunk({"text": " b"}), last).parts
    assert parts[0] == Text("é b", citations=(Citation("https://a", "A", None, 2, 3),))


def test_grounding_that_comes_with_a_call_is_cited_in_the_text_before_it() -> None:
    last = chunk({"functionCall": {"name": "f", "args": {}}}, finish="STOP")
    last["candidates"][0]["groundingMetadata"] = {"groundingChunks": [{"web": {"uri": "https://a"}}]}
    parts = whole(chunk({"text": "So."}), last).parts
    assert parts[0] == Text("So.", citations=(Citation("https://a"),))
    assert len(parts) == 2


@pytest.mark.parametrize(
    ("pieces", "arguments"),
    [
        ([], {}),
        (
            [
                {"jsonPath": "$.city", "stringValue": "New", "willContinue": True},
                {"jsonPath": "$.city", "stringValue": " York"},
            ],
            {"city": "New York"},
        ),
        (
            [{"jsonPath": "$.a.b[0].c", "numberValue": 4}, {"jsonPath": "$.a.b[1]", "boolValue": False}],
            {"a": {"b": [{"c": 4}, False]}},
        ),
        ([{"jsonPath": "$['x y'][\"z.w\"]", "nullValue": "NULL_VALUE"}], {"x y": {"z.w": None}}),
    ],
)
def test_arguments_may_come_piece_by_piece(pieces: list[Any], arguments: Any) -> None:
    chunks = [chunk({"functionCall": {"name": "f", "willContinue": True}, "thoughtSignature": "s"})]
    chunks += [chunk({"functionCall": {"partialArgs": [piece], "willContinue": True}}) for piece in pieces]
    chunks += [chunk({"functionCall": {}}), chunk({"functionCall": {"name": "g", "args": {}}}, finish="STOP")]
    first, second = whole(*chunks).parts
    assert isinstance(first, ToolUse)
    assert (first.name, first.signature, json.loads(first.arguments)) == ("f", "s", arguments)
    assert second == ToolUse("", "g", "{}")


@pytest.mark.parametrize("path", ["$[", "$.a[99999999]", "$" + ".a" * 100])
def test_pieces_of_impossible_places_are_a_protocol_error(path: str) -> None:
    wire = sse(
        chunk({"functionCall": {"name": "f", "partialArgs": [{"jsonPath": path, "stringValue": "x"}]}})
    )
    with pytest.raises(ProtocolError):
        events_of(wire)


def test_several_candidates_grow_side_by_side() -> None:
    def both(a: str, b: str, finish: str | None = None) -> dict[str, Any]:
        one = {"content": {"parts": [{"text": a}]}, "index": 0, "finishReason": finish}
        return {"candidates": [one, one | {"content": {"parts": [{"text": b}]}, "index": 1}]}

    response = fold(events_of(sse(both("a", "x"), both("b", "y", "STOP"))))
    assert [candidate.parts for candidate in response.candidates] == [(Text("ab"),), (Text("xy"),)]
    one_open = sse(both("a", "x"), chunk({"text": "b"}, finish="STOP"))
    with pytest.raises(StreamFailed):
        fold(events_of(one_open))


def test_what_is_not_json_is_a_protocol_error() -> None:
    with pytest.raises(ProtocolError):
        events_of(b"data: <html>\n\n")


def test_unknown_events_pass_unread() -> None:
    odd = [3, {"candidates": 5}, {"new": 1}, {"candidates": [{"content": {"parts": [{"new": {}}]}}]}]
    parts = whole(*odd, chunk({"text": "a"}, finish="STOP")).parts
    assert parts[-1] == Text("a")


def encoded(events: list[Event], *, as_array: bool = False) -> list[Any]:
    make = gemini.array_stream_encoder if as_array else gemini.stream_encoder
    encoder = make(FACTS)
    out = b"".join(encoder.encode([event]) for event in events)
    if as_array:
        return list(json.loads(out))
    frames = out.decode().split("\n\n")
    assert frames.pop() == ""
    assert all(frame.startswith("data: ") and "\n" not in frame for frame in frames)
    return [json.loads(frame[6:]) for frame in frames]


EVENTS: list[Event] = [
    Started("up", "secret"),
    PartStarted(0, Thinking()),
    Delta(0, Field.TEXT, "hm"),
    Delta(0, Field.SIGNATURE, "foreign"),
    PartEnded(0),
    PartStarted(1, Text("He")),
    Delta(1, Field.TEXT, "llo"),
    PartEnded(1),
    PartStarted(2, ToolUse("call_x", "f")),
    PartStarted(3, ToolUse("", "g", '{\n"n":1}')),
    Delta(2, Field.ARGUMENTS, '{"a":'),
    PartEnded(3),
    Delta(2, Field.ARGUMENTS, "1}"),
    PartEnded(2),
    Finished(Finish(FinishReason.TOOL_USE, "tool_calls")),
    UsageSeen(Usage(input=3, output=4)),
    Ended(),
]


@pytest.mark.parametrize("as_array", [False, True])
def test_texts_are_told_as_they_grow_and_calls_whole(as_array: bool) -> None:
    chunks = encoded(EVENTS, as_array=as_array)
    assert all(each["modelVersion"] == "shown" and each["responseId"] == "01abc" for each in chunks)
    assert [each["candidates"][0]["content"]["parts"] for each in chunks] == [
        [{"text": "hm", "thought": True}],
        [{"text": "He"}],
        [{"text": "llo"}],
        [{"functionCall": {"id": "call_x", "name": "f", "args": {"a": 1}}}],
        [{"functionCall": {"id": "call_omr01abc3", "name": "g", "args": {"n": 1}}}],
        [{"text": ""}],
    ]
    assert ["finishReason" in each["candidates"][0] for each in chunks] == [False] * 5 + [True]
    assert chunks[-1]["usageMetadata"]["totalTokenCount"] == 7


def test_an_answer_of_nothing_still_ends() -> None:
    events: list[Event] = [Started(), Finished(Finish(FinishReason.STOP)), Ended()]
    (only,) = encoded(events, as_array=True)
    assert only["candidates"][0]["finishReason"] == "STOP"


def test_an_error_ends_the_stream_and_nothing_follows() -> None:
    for make in (gemini.stream_encoder, gemini.array_stream_encoder):
        encoder = make(FACTS)
        out = encoder.encode(EVENTS[:7]) + encoder.fail(ErrorKind.BAD_GATEWAY, "broke off", request_id="1")
        assert encoder.encode([Ended()]) == b""
        assert encoder.fail(ErrorKind.BAD_GATEWAY, "again", request_id="1") == b""
        events = events_of(out)
        assert isinstance(events[-1], Failed)
        assert events[-1].failure.message == "broke off"
    first = gemini.array_stream_encoder(FACTS).fail(ErrorKind.RATE_LIMITED, "slow", request_id="1")
    assert json.loads(first)[0]["error"]["code"] == 429


_PARTS: list[Part] = [
    Text("a"),
    Thinking("t", "s", origin="gemini"),
    Thinking("u"),
    ToolUse("call_x", "f", '{"a":1}', signature="s", origin="gemini"),
    signature("s"),
    signature("t", text=""),
    Text("é b", citations=(Citation("https://a", "A", None, 2, 3),)),
    Opaque("gemini", "executableCode", msgspec.Raw(b'{"executableCode":{"code":"1"}}')),
]


@given(parts=st.lists(st.sampled_from(_PARTS), max_size=5), as_array=st.booleans(), cuts=cut_lists())
def test_what_is_told_is_read_again(parts: list[Part], as_array: bool, cuts: list[int]) -> None:
    kept = [part for place, part in enumerate(parts) if place == 0 or not _merge(parts[place - 1], part)]
    if any(isinstance(part, Text) and part.citations for part in kept[:-1]):
        return  # the place of a citation is only told with the last text
    reason = FinishReason.TOOL_USE if any(isinstance(part, ToolUse) for part in kept) else FinishReason.STOP
    candidate = Candidate(tuple(kept), Finish(reason, "STOP"), (TokenLogprob("a", -1.0),))
    response = Response(id="01abc", model="shown", candidates=(candidate,), usage=Usage(input=1, output=2))
    make = gemini.array_stream_encoder if as_array else gemini.stream_encoder
    encoder = make(FACTS)
    wire = encoder.encode(list(unfold(response)))
    assert encoder.losses == ()
    assert fold(events_of(*split(wire, cuts))) == response


def _merge(before: Part, part: Part) -> bool:
    """Two in a row that nothing on the wire tells apart."""
    if isinstance(before, Thinking) and isinstance(part, Thinking):
        return True
    return isinstance(before, Text) and isinstance(part, Text)


@given(noise=st.binary(max_size=60), at=st.integers(0, 1 << 16), as_array=st.booleans())
def test_damaged_streams_give_events_or_a_protocol_error(noise: bytes, at: int, as_array: bool) -> None:
    wire = array(*TALK) if as_array else sse(*TALK)
    place = at % len(wire)
    for damaged in (
        wire[:place] + noise + wire[place:],
        wire[:place] + noise + wire[place + len(noise) :],
        noise,
    ):
        try:
            events = events_of(damaged)
        except ProtocolError:
            continue
        assert isinstance(events[-1], Ended | Failed)
