"""Whole answers in Ollama's dialect, read and written."""

import json
from typing import Any

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
    Url,
)
from omniroute.conversation.request import Request, TokenLogprob
from omniroute.conversation.response import Candidate, Finish, FinishReason, Response
from omniroute.conversation.usage import Usage
from omniroute.errors import FailureKind, ProtocolError
from omniroute.formats.codec import ReplyFacts
from omniroute.formats.ollama import decode_response, encode_response, load_answer

FACTS = ReplyFacts(id="01ABC", created_s=1_764_000_000, model="m", request=Request(model="m", messages=()))
WHOLE: dict[str, Any] = {
    "model": "m",
    "created_at": "2026-08-07T06:08:11.017589Z",
    "message": {
        "role": "assistant",
        "content": "The sum follows.",
        "thinking": "2 and 3 make 5.",
        "tool_calls": [
            {"id": "call_2k7ryu9k", "function": {"index": 0, "name": "add", "arguments": {"a": 2, "b": 3.0}}},
            {"function": {"name": "show", "arguments": {}}},
        ],
    },
    "done": True,
    "done_reason": "stop",
    "total_duration": 1671921584,
    "prompt_eval_count": 310,
    "eval_count": 145,
}


def decoded(**changes: Any) -> Response:  # JSON of any shape
    return decode_response(json.dumps(WHOLE | changes).encode())


def encoded(*parts: Part, finish: FinishReason = FinishReason.STOP) -> tuple[dict[str, Any], tuple[str, ...]]:
    response = Response(candidates=(Candidate(parts, Finish(finish)),))
    written = encode_response(response, FACTS)
    return json.loads(written.body), written.losses


def test_thoughts_text_and_calls_are_read_in_order() -> None:
    response = decoded()
    (candidate,) = response.candidates
    assert candidate.parts == (
        Thinking("2 and 3 make 5."),
        Text("The sum follows."),
        ToolUse("call_2k7ryu9k", "add", '{"a": 2, "b": 3.0}'),
        ToolUse("", "show", "{}"),
    )
    assert candidate.finish == Finish(FinishReason.TOOL_USE, "stop")
    assert response.usage == Usage(input=310, output=145)
    assert response.model == "m"


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("stop", FinishReason.STOP),
        ("length", FinishReason.LENGTH),
        ("load", FinishReason.STOP),
        (None, FinishReason.STOP),
        ("melted", FinishReason.UNKNOWN),
    ],
)
def test_why_it_stopped_is_read(word: str | None, reason: FinishReason) -> None:
    (candidate,) = decoded(message={"role": "assistant", "content": "x"}, done_reason=word).candidates
    assert candidate.finish == Finish(reason, word)


def test_a_call_cut_by_the_limit_stays_cut() -> None:
    (candidate,) = decoded(done_reason="length").candidates
    assert candidate.finish.reason is FinishReason.LENGTH


def test_counts_that_are_not_told_are_not_known() -> None:
    body = {name: value for name, value in WHOLE.items() if not name.endswith("count")}
    assert decode_response(json.dumps(body).encode()).usage == Usage()


def test_unknown_members_are_kept() -> None:
    response = decoded(remote_model="big", message={"role": "assistant", "content": "x", "mood": "good"})
    assert response.extra == Extra(
        "ollama", {"total_duration": msgspec.Raw(b"1671921584"), "remote_model": msgspec.Raw(b'"big"')}
    )
    assert response.candidates[0].extra == Extra("ollama", {"mood": msgspec.Raw(b'"good"')})


@pytest.mark.parametrize("error", ["rate limit reached", {"message": "rate limit reached"}])
def test_an_error_in_the_place_of_an_answer_is_a_failure(error: object) -> None:
    with pytest.raises(StreamFailed) as failed:
        decode_response(json.dumps({"error": error}).encode())
    assert failed.value.failure.kind is FailureKind.RATE_LIMITED


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"message":"hi","done":true}',
        b'{"message":{"content":"hi"},"done":false}',
        b'{"message":{"tool_calls":[1]},"done":true}',
        b'{"message":{"tool_calls":[{"function":{}}]},"done":true}',
        b"[" * 5000,
    ],
)
def test_what_is_no_answer_is_a_broken_protocol(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode_response(body)


@given(st.binary(max_size=60) | st.text(alphabet='{}[]":,amdonetrue01', max_size=60).map(str.encode))
def test_whatever_comes_is_read_or_a_broken_protocol(body: bytes) -> None:
    try:
        decode_response(b'{"message":{"content":"hi"},"done":true,' + body)
    except (ProtocolError, StreamFailed):
        return


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"message": {"role": "assistant", "content": ""}},
        {"message": {"role": "assistant", "content": "", "mood": 1}},
        {"done_reason": "length", "remote_host": "https://ollama.example"},
        {
            "logprobs": [
                {
                    "token": "a",
                    "logprob": -0.5,
                    "bytes": [97],
                    "top_logprobs": [{"token": "b", "logprob": -1.5}],
                }
            ]
        },
        {
            "message": {
                "tool_calls": [{"id": "c", "at": 1, "function": {"name": "f", "arguments": {}, "z": 1}}]
            }
        },
    ],
)
def test_what_was_read_and_written_reads_the_same(changes: dict[str, Any]) -> None:
    response = decoded(**changes)
    written = encode_response(response, FACTS)
    parts = response.candidates[0].parts
    again = decode_response(written.body)
    assert again.candidates[0].parts[:3] == parts[:3]
    assert written.losses == ()
    given_ids = [part for part in parts if not (isinstance(part, ToolUse) and not part.id)]
    if len(given_ids) == len(parts):
        assert again == response


def test_an_answer_has_the_name_and_time_the_client_gets() -> None:
    body, _ = encoded(Text("hi"))
    assert body == {
        "model": "m",
        "created_at": "2025-11-24T16:00:00.000000Z",
        "message": {"role": "assistant", "content": "hi"},
        "done": True,
        "done_reason": "stop",
    }


def test_calls_without_ids_get_some() -> None:
    body, _ = encoded(
        Text("a"), ToolUse("", "f", ""), ToolUse("", "f", '{\n "a": 1}'), ToolUse("7", "g", "{}")
    )
    assert body["message"]["tool_calls"] == [
        {"id": "call_omr01ABC1", "function": {"index": 0, "name": "f", "arguments": {}}},
        {"id": "call_omr01ABC2", "function": {"index": 1, "name": "f", "arguments": {"a": 1}}},
        {"id": "7_omr01ABC", "function": {"index": 2, "name": "g", "arguments": {}}},
    ]


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        (reason, "length" if reason is FinishReason.LENGTH else "stop")
        for reason in FinishReason
        if reason != "error"
    ],
)
def test_the_dialect_has_two_words_for_the_end(reason: FinishReason, word: str) -> None:
    body, _ = encoded(Text("x"), finish=reason)
    assert body["done_reason"] == word


def test_an_answer_that_ended_in_an_error_is_none() -> None:
    with pytest.raises(ProtocolError):
        encoded(Text("x"), finish=FinishReason.ERROR)


def test_all_prompt_tokens_and_all_output_tokens_are_counted() -> None:
    usage = Usage(input=10, cache_read=5, cache_write=2, output=7, reasoning=3)
    body = json.loads(encode_response(Response(candidates=(Candidate(),), usage=usage), FACTS).body)
    assert (body["prompt_eval_count"], body["eval_count"]) == (17, 10)


@pytest.mark.parametrize(
    ("part", "message", "loss"),
    [
        (Refusal("no"), {"content": "no"}, None),
        (Text("a", (Citation(url="https://a.example"),)), {"content": "a"}, "citations"),
        (Thinking(signature="x", redacted=True, origin="anthropic"), {"content": ""}, "redacted_thinking"),
        (Thinking("t", "x", origin="gemini"), {"content": "", "thinking": "t"}, None),
        (Media(MediaKind.IMAGE, Base64("image/png", "AA==")), {"content": ""}, "image"),
        (Media(MediaKind.AUDIO, Base64("audio/wav", "AA==")), {"content": ""}, "audio"),
        (Media(MediaKind.IMAGE, Url("https://a.example")), {"content": ""}, "image"),
        (Opaque("anthropic", "server_tool_use", msgspec.Raw(b"{}")), {"content": ""}, "server_tool_use"),
    ],
)
def test_each_kind_of_part_is_told_or_named(part: Part, message: dict[str, Any], loss: str | None) -> None:
    body, losses = encoded(part)
    assert body["message"] == {"role": "assistant"} | message
    assert losses == ((loss,) if loss else ())


def test_only_the_first_candidate_is_told() -> None:
    response = Response(candidates=(Candidate((Text("a"),)), Candidate((Text("b"),))))
    written = encode_response(response, FACTS)
    assert json.loads(written.body)["message"]["content"] == "a"
    assert written.losses == ("candidates",)


def test_log_probabilities_are_told() -> None:
    tokens = (TokenLogprob("é", -0.25, (195, 169), (TokenLogprob("e", -2.0),)),)
    written = encode_response(Response(candidates=(Candidate(logprobs=tokens),)), FACTS)
    assert decode_response(written.body).candidates[0].logprobs == tokens


@pytest.mark.parametrize(
    ("keep_alive", "reason"), [(None, "load"), (b"0", "unload"), (b'"0s"', "unload"), (b'"5m"', "load")]
)
def test_a_request_without_messages_loads_the_model(keep_alive: bytes | None, reason: str) -> None:
    extra = None if keep_alive is None else Extra("ollama", {"keep_alive": msgspec.Raw(keep_alive)})
    request = Request(model="m", messages=(), extra=extra)
    body = json.loads(load_answer(msgspec.structs.replace(FACTS, request=request)))
    assert (body["done"], body["done_reason"]) == (True, reason)
    assert body["message"] == {"role": "assistant", "content": ""}
