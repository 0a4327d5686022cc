"""What is seen of a passing stream, in every dialect and however it is cut."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.conversation.usage import UNKNOWN, Usage
from omniroute.errors import Failure, FailureKind, ProtocolError
from omniroute.formats import PassingStream, anthropic, embeddings, openai_chat, openai_responses
from omniroute.formats.watch import Seen
from tests import wire_samples
from tests.formats.cuts import cut_lists, split
from tests.wire_samples import StreamFrames, chat_chunk, chat_usage_chunk, data_frame, event_frame

PIECES = ("Hel", "lo \u00fc\U0001f600 ", "there")


@dataclass(frozen=True)
class Sight:
    """`Seen` as a value."""

    content: bool
    finished: bool
    failure: Failure | None
    model: str | None
    usage: Usage
    text: str


def sight(watch: PassingStream) -> Sight:
    seen = watch.seen
    text = watch.text()
    return Sight(seen.content, seen.finished, seen.failure, seen.model, seen.usage, text)


def watch_of(dialect: str) -> PassingStream:
    if dialect == "chat":
        return openai_chat.StreamWatch()
    return anthropic.StreamWatch() if dialect == "messages" else openai_responses.StreamWatch()


def frames_of(dialect: str, *, usage: bool = True) -> StreamFrames:
    sample = {
        "chat": wire_samples.CHAT,
        "messages": wire_samples.MESSAGES,
        "responses": wire_samples.RESPONSES,
    }[dialect]
    assert sample.stream is not None
    return sample.stream(PIECES, usage)


def watched(dialect: str, wire: bytes) -> Sight:
    watch = watch_of(dialect)
    assert watch.pass_on(wire) == wire
    return sight(watch)


DIALECTS = ("chat", "messages", "responses")
each_dialect = pytest.mark.parametrize("dialect", DIALECTS)


@each_dialect
def test_a_whole_stream_shows_text_usage_and_its_end(dialect: str) -> None:
    seen = watched(dialect, b"".join(frames_of(dialect).whole))
    reasoning = None if dialect == "messages" else 5
    assert seen.text == "".join(PIECES)
    assert seen.content
    assert seen.finished
    assert seen.failure is None
    assert seen.model == "m-1"
    assert (seen.usage.input, seen.usage.cache_read) == (70, 30)
    assert (seen.usage.reasoning, seen.usage.output) == (reasoning, 20 - (reasoning or 0))


@given(dialect=st.sampled_from(DIALECTS), usage=st.booleans(), fails=st.booleans(), cuts=cut_lists())
def test_what_is_seen_does_not_depend_on_how_the_bytes_arrive(
    dialect: str, usage: bool, fails: bool, cuts: list[int]
) -> None:
    frames = frames_of(dialect, usage=usage)
    parts = (*frames.opening, *frames.content, frames.error) if fails else frames.whole
    wire = b"".join(parts)
    watch = watch_of(dialect)
    passed = b"".join([watch.pass_on(chunk) for chunk in split(wire, cuts)]) + watch.rest()
    assert passed == wire
    assert sight(watch) == watched(dialect, wire)


@given(dialect=st.sampled_from(DIALECTS), at=st.integers(0, 1 << 16))
def test_a_stream_cut_short_is_never_finished(dialect: str, at: int) -> None:
    frames = frames_of(dialect)
    final = frames.ending[:1] if dialect == "chat" else frames.ending  # a finish reason ends a chat
    wire = b"".join(frames.opening + frames.content + final)
    watch = watch_of(dialect)
    cut = wire[: at % (len(wire) - len("\n\n"))]
    passed = watch.pass_on(cut) + watch.rest()
    assert not watch.seen.finished
    whole_events = b"".join(cut.rpartition(b"\n\n")[:2])
    assert passed == whole_events or passed.rstrip() == cut.rstrip()  # or only its blank line is missing


@each_dialect
def test_an_opening_is_no_content(dialect: str) -> None:
    assert not watched(dialect, b"".join(frames_of(dialect).opening)).content


@each_dialect
@pytest.mark.parametrize("after_content", [False, True])
def test_an_error_event_is_seen_and_is_no_end(dialect: str, after_content: bool) -> None:
    frames = frames_of(dialect)
    wire = b"".join((*frames.opening, *(frames.content if after_content else ()), frames.error))
    seen = watched(dialect, wire)
    assert seen.failure is not None
    assert seen.failure.kind is FailureKind.OVERLOADED
    assert seen.failure.message == "the model fell over"
    assert not seen.finished
    assert seen.content is after_content


@each_dialect
@pytest.mark.parametrize("after_content", [False, True])
def test_an_event_that_is_no_json_breaks_the_format(dialect: str, after_content: bool) -> None:
    watch, frames = watch_of(dialect), frames_of(dialect)
    watch.pass_on(b"".join((*frames.opening, *(frames.content if after_content else ()))))
    with pytest.raises(ProtocolError):
        watch.pass_on(b"data: <html>\n\n")


@each_dialect
@pytest.mark.parametrize(
    "extra", [b": note\n\n", b"event: x\n\n", b'data: {"type":"unheard.of","x":[{}]}\n\n']
)
def test_what_is_not_known_is_passed_and_ignored(dialect: str, extra: bytes) -> None:
    frames = frames_of(dialect)
    wire = b"".join(frames.whole)
    assert watched(dialect, frames.whole[0] + extra + wire[len(frames.whole[0]) :]) == watched(dialect, wire)


@pytest.mark.parametrize(
    ("dialect", "frame"),
    [
        ("chat", chat_chunk({"reasoning_content": "hm"})),
        ("chat", chat_chunk({"reasoning": "hm"})),
        ("chat", chat_chunk({"refusal": "no"})),
        ("chat", chat_chunk({"tool_calls": [{"index": 0, "function": {"name": "f"}}]})),
        ("chat", chat_chunk({"function_call": {"name": "f"}})),
        ("messages", event_frame({"type": "content_block_delta", "delta": {"thinking": "hm"}})),
        ("messages", event_frame({"type": "content_block_delta", "delta": {"partial_json": "{"}})),
        ("messages", event_frame({"type": "content_block_start", "content_block": {"type": "tool_use"}})),
        (
            "messages",
            event_frame({"type": "content_block_start", "content_block": {"type": "redacted_thinking"}}),
        ),
        ("responses", event_frame({"type": "response.reasoning_summary_text.delta", "delta": "hm"})),
        ("responses", event_frame({"type": "response.function_call_arguments.delta", "delta": "{"})),
        ("responses", event_frame({"type": "response.output_item.done", "item": {"type": "reasoning"}})),
    ],
)
def test_thinking_refusals_and_tool_calls_are_content(dialect: str, frame: bytes) -> None:
    seen = watched(dialect, frame)
    assert seen.content
    assert not seen.finished


@pytest.mark.parametrize(
    "delta",
    [{}, {"content": ""}, {"content": None, "tool_calls": None}, {"tool_calls": []}, {"role": "assistant"}],
)
def test_empty_deltas_are_no_content(delta: dict[str, object]) -> None:
    assert not watched("chat", chat_chunk(delta)).content


def test_an_incomplete_response_is_an_end() -> None:
    assert watched("responses", event_frame({"type": "response.incomplete", "response": {}})).finished


def test_an_error_beside_a_response_is_seen() -> None:
    seen = watched(
        "responses", event_frame({"type": "error", "code": "rate_limit_exceeded", "message": "slow"})
    )
    assert seen.failure is not None
    assert seen.failure.kind is FailureKind.RATE_LIMITED


def test_counts_of_messages_only_grow_and_missing_ones_stay() -> None:
    start = {"input_tokens": 50, "cache_creation_input_tokens": 9, "output_tokens": 1}
    start_frame = event_frame({"type": "message_start", "message": {"model": "m", "usage": start}})
    late = event_frame(
        {"type": "message_delta", "delta": {}, "usage": {"input_tokens": 0, "output_tokens": 33}}
    )
    usage = watched("messages", start_frame + late).usage
    assert (usage.input, usage.cache_write, usage.output) == (50, 9, 33)


def test_writes_of_an_hour_stand_apart_from_short_ones() -> None:
    told = {
        "input_tokens": 1,
        "cache_creation_input_tokens": 10,
        "cache_creation": {"ephemeral_1h_input_tokens": 4, "ephemeral_5m_input_tokens": 6},
    }
    usage = watched("messages", event_frame({"type": "message_delta", "delta": {}, "usage": told})).usage
    assert (usage.cache_write, usage.cache_write_1h, usage.prompt) == (6, 4, 11)


USAGE_CHUNK = chat_usage_chunk(wire_samples.CHAT_USAGE)


@given(cuts=cut_lists(), comment=st.booleans(), crlf=st.booleans())
def test_the_usage_chunk_nobody_asked_for_is_taken_out_alone(
    cuts: list[int], comment: bool, crlf: bool
) -> None:
    frames = frames_of("chat").whole
    wire = b"".join((b": hi\n\n" if comment else b"", *frames))
    expected = wire.replace(USAGE_CHUNK, b"")
    if crlf:
        wire, expected = wire.replace(b"\n", b"\r\n"), expected.replace(b"\n", b"\r\n")
    watch = openai_chat.StreamWatch(take_out_usage=True)
    passed = b"".join([watch.pass_on(chunk) for chunk in split(wire, cuts)]) + watch.rest()
    assert passed == expected != wire
    assert watch.seen.usage.completion == 20
    assert watch.seen.finished


@pytest.mark.parametrize(
    "frame",
    [
        data_frame({"choices": [{"index": 0, "delta": {"content": "x"}}], "usage": {"prompt_tokens": 1}}),
        data_frame(
            {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 1}}
        ),
        data_frame({"choices": [], "usage": None}),
        data_frame({"choices": [], "prompt_filter_results": [{"index": 0}]}),
        b"data: [DONE]\n\n",
        b": comment\n\n",
    ],
)
def test_any_other_frame_stays(frame: bytes) -> None:
    watch = openai_chat.StreamWatch(take_out_usage=True)
    assert watch.pass_on(frame) + watch.rest() == frame


def test_usage_on_the_finish_chunk_is_seen() -> None:
    frame = data_frame({"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 3}})
    assert watched("chat", frame).usage.input == 3


@pytest.mark.parametrize("nothing", [{}, {"choices": None, "usage": None}, {"error": None}, {"error": {}}])
def test_an_empty_chunk_tells_nothing(nothing: dict[str, object]) -> None:
    assert watched("chat", data_frame(nothing)) == Sight(False, False, None, None, UNKNOWN, "")


_DEEP = b"[" * 100_000 + b"]" * 100_000


@each_dialect
def test_deep_nesting_breaks_the_format_and_nothing_else(dialect: str) -> None:
    with pytest.raises(ProtocolError):
        watch_of(dialect).pass_on(b'data: {"x": ' + _DEEP + b"}\n\n")


@pytest.mark.parametrize(
    "read_whole",
    [openai_chat.read_whole, anthropic.read_whole, openai_responses.read_whole, embeddings.read_whole],
)
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"<html>", b'{"choices":[]}', b'{"x":' + _DEEP + b"}"])
def test_what_is_no_whole_answer_breaks_the_format(read_whole: Callable[[bytes], Seen], body: bytes) -> None:
    with pytest.raises(ProtocolError):
        read_whole(body)


@each_dialect
@pytest.mark.parametrize("usage", [False, True])
def test_a_whole_answer_shows_usage_or_its_text(dialect: str, usage: bool) -> None:
    sample = {
        "chat": (wire_samples.CHAT, openai_chat),
        "messages": (wire_samples.MESSAGES, anthropic),
        "responses": (wire_samples.RESPONSES, openai_responses),
    }[dialect]
    seen = sample[1].read_whole(json.dumps(sample[0].whole("said", usage)).encode())
    assert seen.finished
    assert seen.model == "m-1"
    assert (seen.usage.completion, seen.usage.prompt) == ((20, 100) if usage else (None, None))
    assert usage or "said" in "".join(seen.text)
