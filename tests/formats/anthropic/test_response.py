"""Whole answers in Anthropic's dialect."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.conversation.fold import StreamFailed
from omniroute.conversation.parts import (
    Base64,
    Citation,
    Extra,
    Media,
    MediaKind,
    Opaque,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolUse,
)
from omniroute.conversation.response import Candidate, Finish, FinishReason, Response
from omniroute.conversation.usage import UNKNOWN, Usage
from omniroute.errors import FailureKind, ProtocolError
from omniroute.formats import anthropic
from tests.formats.anthropic.asking import FACTS, Json, raw

MESSAGE: Json = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [
        {"type": "thinking", "thinking": "", "signature": "S"},
        {"type": "redacted_thinking", "data": "D"},
        {"type": "text", "text": "Let me see."},
        {"type": "server_tool_use", "id": "srv", "name": "web_search", "input": {"query": "x"}},
        {"type": "tool_use", "id": "toolu_01abcd", "name": "look", "input": {"b": 1, "a": 2}},
    ],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "container": {"id": "c"},
    "usage": {
        "input_tokens": 10,
        "cache_read_input_tokens": 3,
        "cache_creation_input_tokens": 7,
        "cache_creation": {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 2},
        "output_tokens": 20,
        "output_tokens_details": {"thinking_tokens": 8},
        "service_tier": "standard",
    },
}


def whole(**members: Json) -> Response:
    return anthropic.decode_response(msgspec.json.encode({**MESSAGE, **members}))


def told(*parts: Part, reason: FinishReason = FinishReason.STOP) -> tuple[Json, tuple[str, ...]]:
    response = Response(candidates=(Candidate(parts, Finish(reason)),))
    done = anthropic.encode_response(response, FACTS)
    return json.loads(done.body), done.losses


def test_an_answer_is_read() -> None:
    response = whole()
    assert (response.id, response.model) == ("msg_1", "claude")
    (candidate,) = response.candidates
    assert candidate.parts == (
        Thinking("", "S", origin="anthropic"),
        Thinking("", "D", redacted=True, origin="anthropic"),
        Text("Let me see."),
        Opaque("anthropic", "server_tool_use", raw(MESSAGE["content"][3])),
        ToolUse("toolu_01abcd", "look", '{"b":1,"a":2}'),
    )
    assert candidate.finish == Finish(FinishReason.TOOL_USE, "tool_use")
    assert response.usage == Usage(
        input=10, cache_read=3, cache_write=5, cache_write_1h=2, output=12, reasoning=8
    )
    assert response.extra == Extra("anthropic", {"container": raw({"id": "c"})})


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", FinishReason.STOP),
        ("max_tokens", FinishReason.LENGTH),
        ("model_context_window_exceeded", FinishReason.LENGTH),
        ("stop_sequence", FinishReason.STOP_SEQUENCE),
        ("pause_turn", FinishReason.PAUSE),
        ("refusal", FinishReason.REFUSAL),
        ("new_word", FinishReason.UNKNOWN),
        (None, FinishReason.UNKNOWN),
    ],
)
def test_the_reason_of_the_end_is_read(word: str | None, reason: FinishReason) -> None:
    finish = whole(stop_reason=word, content=[]).candidates[0].finish
    assert (finish.reason, finish.raw) == (reason, word)


def test_an_answer_with_calls_waits_for_them() -> None:
    assert whole(stop_reason="end_turn").candidates[0].finish.reason is FinishReason.TOOL_USE


def test_unknown_usage_stays_unknown() -> None:
    assert whole(usage=None).usage == UNKNOWN
    assert whole(usage="many").usage == UNKNOWN
    assert whole(usage={"output_tokens": 3}).usage == Usage(output=3)


@pytest.mark.parametrize(
    "change", [{}, {"content": []}, {"stop_reason": "stop_sequence", "stop_sequence": "END"}]
)
def test_an_answer_there_and_back_is_the_same(change: Json) -> None:
    response = whole(**change)
    done = anthropic.encode_response(response, FACTS)
    back = anthropic.decode_response(done.body)
    assert done.losses == ()
    assert (back.id, back.model) == ("msg_0abc", "shown")
    assert msgspec.structs.replace(back, id="msg_1", model="claude") == response


def test_an_answer_of_another_dialect_is_told() -> None:
    body, losses = told(
        Thinking("hm", "G", origin="gemini"),
        Text("so", (Citation(url="https://a.example", title="A", cited_text="c"), Citation(title="B"))),
        ToolUse("0", "look", "", signature="G", origin="gemini"),
        ToolUse("", "look", "[]"),
    )
    assert body["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {
            "type": "text",
            "text": "so",
            "citations": [
                {
                    "type": "web_search_result_location",
                    "url": "https://a.example",
                    "title": "A",
                    "cited_text": "c",
                    "encrypted_index": "",
                }
            ],
        },
        {"type": "tool_use", "id": "0_omr0abc", "name": "look", "input": {}},
        {"type": "tool_use", "id": "call_omr0abc3", "name": "look", "input": {"_arguments": "[]"}},
    ]
    assert losses == ("citations", "arguments")
    assert body["usage"] == {
        "input_tokens": 0,
        "cache_creation_input_tokens": None,
        "cache_read_input_tokens": None,
        "output_tokens": 0,
    }


@pytest.mark.parametrize(
    ("part", "loss"),
    [
        (Thinking("", "D", redacted=True, origin="openai-responses"), "redacted_thinking"),
        (Opaque("gemini", "executableCode", raw({})), "executableCode"),
        (Media(MediaKind.IMAGE, Base64("image/png", "aGk=")), "image"),
    ],
)
def test_what_clients_cannot_be_told_is_lost_by_name(part: Part, loss: str) -> None:
    body, losses = told(part)
    assert (body["content"], losses) == ([], (loss,))


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        (FinishReason.STOP, "end_turn"),
        (FinishReason.LENGTH, "max_tokens"),
        (FinishReason.TOOL_USE, "tool_use"),
        (FinishReason.CONTENT_FILTER, "refusal"),
        (FinishReason.PAUSE, "pause_turn"),
        (FinishReason.UNKNOWN, "end_turn"),
    ],
)
def test_the_reason_of_the_end_is_told(reason: FinishReason, word: str) -> None:
    assert told(Text("x"), reason=reason)[0]["stop_reason"] == word


def test_a_refusal_is_text_and_its_end_says_so() -> None:
    body, _ = told(Refusal("no"))
    assert (body["content"], body["stop_reason"]) == ([{"type": "text", "text": "no"}], "refusal")


def test_an_answer_that_ended_with_an_error_is_none() -> None:
    with pytest.raises(ProtocolError):
        told(Text("x"), reason=FinishReason.ERROR)


def test_an_error_in_place_of_an_answer_is_a_failure() -> None:
    body = b'{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}'
    with pytest.raises(StreamFailed) as caught:
        anthropic.decode_response(body)
    assert caught.value.failure.kind is FailureKind.RATE_LIMITED


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"content":"x"}', b'{"content":[5]}', b'{"content":[{}]}']
)
def test_what_is_no_answer_is_a_broken_format(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        anthropic.decode_response(body)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(MESSAGE)), _JSON)
def test_an_answer_with_anything_anywhere_is_read_or_broken(name: str, value: Json) -> None:
    try:
        response = whole(**{name: value})
    except ProtocolError:
        return
    assert len(response.candidates) == 1
