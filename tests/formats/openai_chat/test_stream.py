"""Streams of Chat, read: every oddity that servers have been seen to send."""

import json
from collections.abc import Sequence

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
    PartStarted,
    Started,
    UsageSeen,
)
from omniroute.conversation.fold import StreamFailed, fold
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
from omniroute.conversation.response import FinishReason, Response
from omniroute.conversation.usage import Usage
from omniroute.errors import FailureKind, ProtocolError
from omniroute.formats import openai_chat
from tests.formats.openai_chat.test_stream_encode import facts

DONE = b"data: [DONE]\n\n"


def event(**members: object) -> bytes:
    return b"data: " + json.dumps({"id": "c1", "model": "m", **members}).encode() + b"\n\n"


def chunk(delta: object = None, finish: str | None = None, index: int = 0, **more: object) -> bytes:
    choice: dict[str, object] = {"index": index, "delta": delta or {}, "finish_reason": finish, **more}
    return event(choices=[choice])


def events_of(wire: bytes, size: int | None = None) -> list[Event]:
    decoder = openai_chat.stream_decoder()
    pieces = [wire] if size is None else [wire[at : at + size] for at in range(0, len(wire), size)]
    told = [event for piece in pieces for event in decoder.feed(piece)]
    return told + decoder.close()


def answer(*wire: bytes) -> Response:
    return fold(events_of(b"".join(wire)))


def call(
    index: int | None, id: str | None = None, name: str | None = None, text: str | None = None
) -> object:
    function = {"name": name, "arguments": text}
    return {"index": index, "id": id, "type": "function", "function": function}


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


TEXT = [Text("Hi")]
TRAPS: dict[str, tuple[bytes, Sequence[Part]]] = {
    "comments": (b": PROCESSING\n\n" + chunk({"content": "Hi"}, "stop") + b": x\n\n" + DONE, TEXT),
    "crlf": ((chunk({"content": "Hi"}, "stop") + DONE).replace(b"\n", b"\r\n"), TEXT),
    "blank lines first": (b"\n\n" + chunk({"content": "Hi"}, "stop") + DONE, TEXT),
    "ids that change": (
        event(id="", model="", object="", choices=[]) + chunk({"content": "Hi"}, "stop") + DONE,
        TEXT,
    ),
    "empty choices": (event(choices=[], prompt_filter_results=[{}]) + chunk({"content": "Hi"}, "stop"), TEXT),
    "two finish reasons": (chunk({"content": "Hi"}, "stop") + chunk({"content": ""}, "stop") + DONE, TEXT),
    "text behind the finish reason": (chunk({"content": "H"}, "stop") + chunk({"content": "i"}) + DONE, TEXT),
    "no done mark": (chunk({"content": "Hi"}, "stop"), TEXT),
    "no last blank line": (chunk({"content": "Hi"}, "stop").rstrip(b"\n"), TEXT),
    "no finish reason": (chunk({"content": "Hi"}) + DONE, TEXT),
    "empty role": (chunk({"role": "", "content": "Hi"}) + chunk({"role": None}, "stop") + DONE, TEXT),
    "null content": (chunk({"content": None}) + chunk({"content": "Hi"}, "stop") + DONE, TEXT),
    "padding": (chunk({"content": "Hi"}, "stop", obfuscation="xyz") + DONE, TEXT),
    "an object of its own": (
        chunk({"role": "assistant", "content": "Hi"}, message={"content": "Hi"})
        + event(
            object="chat.completion.done", choices=[{"index": 0, "message": {"content": "Hi"}, "delta": {}}]
        )
        + chunk({}, "stop", message={"content": "Hi"}),
        TEXT,
    ),
    "a whole message": (
        event(choices=[{"message": {"content": "Hi"}, "finish_reason": "stop"}]) + DONE,
        TEXT,
    ),
    "half a surrogate": (
        b'data: {"id":"c","choices":[{"delta":{"content":"a\\ud83d"},"finish_reason":"stop"}]}\n\n' + DONE,
        [Text("a?")],
    ),
    "a list of parts": (
        chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]})
        + chunk(
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "m"}], "closed": True}]}
        )
        + chunk({"content": [{"type": "text", "text": "H"}]})
        + chunk({"content": "i"}, "stop")
        + DONE,
        [Thinking("hmm"), Text("Hi")],
    ),
    "reasoning_content": (
        chunk({"reasoning_content": "h"})
        + chunk({"reasoning_content": "m", "content": None})
        + chunk({"content": "Hi"}, "stop")
        + DONE,
        [Thinking("hm"), Text("Hi")],
    ),
    "reasoning": (
        chunk({"reasoning": "hm"}) + chunk({"content": "Hi"}, "stop") + DONE,
        [Thinking("hm"), Text("Hi")],
    ),
    "reasoning in both fields": (
        chunk({"reasoning": "hm", "reasoning_content": "hm"}, "stop") + DONE,
        [Thinking("hm")],
    ),
    "a refusal": (chunk({"refusal": "No"}) + chunk({"refusal": "."}, "stop") + DONE, [Refusal("No.")]),
    "a call in one fragment": (
        chunk({"tool_calls": [call(0, "x1y", "f", "{}")]}, "tool_calls") + DONE,
        [ToolUse("x1y", "f", "{}")],
    ),
    "null names in later fragments": (
        chunk({"tool_calls": [call(0, "abc", "f", "")]})
        + chunk({"tool_calls": [call(0, None, None, '{"a":')]})
        + chunk({"tool_calls": [call(0, "", "", "1}")]}, "tool_calls")
        + DONE,
        [ToolUse("abc", "f", '{"a":1}')],
    ),
    "interleaved calls": (
        chunk({"tool_calls": [call(0, "abc", "f", ""), call(1, "abd", "g", "")]})
        + chunk({"tool_calls": [call(1, text="{}")]})
        + chunk({"tool_calls": [call(0, text='{"a":1}')]}, "tool_calls")
        + DONE,
        [ToolUse("abc", "f", '{"a":1}'), ToolUse("abd", "g", "{}")],
    ),
    "one number for all calls": (
        chunk({"tool_calls": [call(0, "abc", "f", "{}")]})
        + chunk({"tool_calls": [call(0, "abd", "g", "{}")]}, "tool_calls")
        + DONE,
        [ToolUse("abc", "f", "{}"), ToolUse("abd", "g", "{}")],
    ),
    "one number and no ids": (
        chunk({"tool_calls": [call(0, "", "f", "{}")]})
        + chunk({"tool_calls": [call(0, "", "f", '{"a":1}')]}, "tool_calls")
        + DONE,
        [ToolUse("", "f", "{}"), ToolUse("", "f", '{"a":1}')],
    ),
    "no numbers": (
        chunk({"tool_calls": [call(None, "abc", "f", "")]})
        + chunk({"tool_calls": [call(None, None, None, "{}")]})
        + chunk({"tool_calls": [call(None, "abd", "g", "{}")]}, "stop")
        + DONE,
        [ToolUse("abc", "f", "{}"), ToolUse("abd", "g", "{}")],
    ),
    "the same id and name in every fragment": (
        chunk({"tool_calls": [call(0, "abc", "f", '{"a"')]})
        + chunk({"tool_calls": [call(0, "abc", "f", ":1}")]}, "tool_calls")
        + DONE,
        [ToolUse("abc", "f", '{"a":1}')],
    ),
    "a name behind the id": (
        chunk({"tool_calls": [{"index": 0, "id": "abc"}]})
        + chunk({"tool_calls": [call(0, None, "f", "{}")]}, "tool_calls")
        + DONE,
        [ToolUse("abc", "f", "{}")],
    ),
    "arguments as an object": (
        chunk({"tool_calls": [{"id": "abc", "function": {"name": "f", "arguments": {"a": 1}}}]}, "stop")
        + DONE,
        [ToolUse("abc", "f", '{"a": 1}')],
    ),
    "a custom call": (
        chunk(
            {
                "tool_calls": [
                    {"index": 0, "id": "abc", "type": "custom", "custom": {"name": "p", "input": ""}}
                ]
            }
        )
        + chunk({"tool_calls": [{"index": 0, "custom": {"input": "*** x"}}]}, "tool_calls")
        + DONE,
        [ToolUse("abc", "p", "*** x", custom=True)],
    ),
    "the old single call": (
        chunk({"function_call": {"name": "f", "arguments": ""}})
        + chunk({"function_call": {"arguments": "{}"}}, "function_call")
        + DONE,
        [ToolUse("", "f", "{}")],
    ),
    "empty calls beside text": (
        chunk({"content": "H", "tool_calls": []})
        + chunk({"content": "i", "tool_calls": None}, "stop")
        + DONE,
        TEXT,
    ),
    "a signature of Google's": (
        chunk(
            {
                "tool_calls": [
                    {
                        "id": "abc",
                        "function": {"name": "f", "arguments": "{}"},
                        "extra_content": {"google": {"thought_signature": "sig"}},
                    }
                ]
            },
            "stop",
        )
        + DONE,
        [ToolUse("abc", "f", "{}", signature="sig", origin="openai-chat")],
    ),
    "speech": (
        chunk({"audio": {"id": "a", "transcript": "Hi"}})
        + chunk({"audio": {"data": "AA"}})
        + chunk({"audio": {"data": "BB"}}, "stop")
        + DONE,
        [Text("Hi"), Media(MediaKind.AUDIO, Base64("", "AABB"))],
    ),
    "an image": (
        chunk({"images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,QQ=="}}]}, "stop")
        + DONE,
        [Media(MediaKind.IMAGE, Base64("image/png", "QQ=="))],
    ),
    "annotations": (
        chunk({"content": "Hi"})
        + chunk(
            {"annotations": [{"type": "url_citation", "url_citation": {"url": "u", "title": "t"}}]}, "stop"
        )
        + DONE,
        [Text("Hi", (Citation("u", "t"),))],
    ),
    "sources beside the answer": (
        event(citations=["u", "v"], search_results=[{"url": "u", "title": "t"}], choices=[])
        + chunk({"content": "Hi"}, "stop")
        + DONE,
        [Text("Hi", (Citation("u", "t"), Citation("v")))],
    ),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_an_oddity_changes_nothing(trap: str) -> None:
    wire, parts = TRAPS[trap]

    response = answer(wire)

    assert list(response.candidates[0].parts) == parts
    assert response.candidates[0].finish.reason is not FinishReason.ERROR


@pytest.mark.parametrize("trap", TRAPS)
@pytest.mark.parametrize("size", [1, 3, 50])
def test_cuts_do_not_matter(trap: str, size: int) -> None:
    wire, _ = TRAPS[trap]

    assert events_of(wire, size) == events_of(wire)


@pytest.mark.parametrize("trap", TRAPS)
def test_a_stream_written_anew_tells_the_same(trap: str) -> None:
    wire, parts = TRAPS[trap]
    encoder = openai_chat.stream_encoder(facts())

    again = answer(encoder.encode(events_of(wire)))

    assert [named(part) for part in again.candidates[0].parts] == [named(part) for part in parts]


def named(part: object) -> object:
    """The part without the id that the encoder makes for calls that have none of their own."""
    return (part.name, part.arguments, part.custom) if isinstance(part, ToolUse) else part


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
