"""Whole answers of OpenAI Responses, read and written."""

import msgspec
import pytest
from openai.types.responses import Response as SdkResponse

from omniroute.conversation.fold import StreamFailed
from omniroute.conversation.parts import Citation, Extra, Opaque, Part, Refusal, Text, Thinking, ToolUse
from omniroute.conversation.request import TokenLogprob
from omniroute.conversation.response import Candidate, Finish, FinishReason, Response
from omniroute.conversation.usage import UNKNOWN, Usage
from omniroute.errors import FailureKind, ProtocolError
from omniroute.formats.openai_responses import decode_response, encode_response
from tests.formats.openai_responses.wires import CALL, JSON, MESSAGE, PATCH, SEARCH, THOUGHT, facts, whole

_CITED = {"type": "url_citation", "url": "https://x.example", "title": "X", "start_index": 0, "end_index": 2}
_FILE = {"type": "file_citation", "file_id": "file-1", "filename": "a.pdf", "index": 3}


def _said(*content: JSON, **members: object) -> JSON:
    return {**MESSAGE, "content": list(content), **members}


def _text(text: str, **members: object) -> JSON:
    return {"type": "output_text", "text": text, "annotations": [], **members}


def _answered(*parts: Part, reason: FinishReason = FinishReason.STOP, usage: Usage = UNKNOWN) -> Response:
    return Response(candidates=(Candidate(parts, Finish(reason)),), usage=usage)


def _sent(response: Response, **request: object) -> JSON:
    body: JSON = msgspec.json.decode(encode_response(response, facts(**request)).body)
    return body


def test_the_items_of_an_answer_are_parts_in_order() -> None:
    response = decode_response(whole(THOUGHT, SEARCH, MESSAGE, CALL, PATCH))
    (candidate,) = response.candidates
    assert [type(part) for part in candidate.parts] == [Thinking, Opaque, Text, ToolUse, ToolUse]
    thinking, _, text, call, patch = candidate.parts
    assert isinstance(thinking, Thinking)
    assert (thinking.text, thinking.signature, thinking.id) == ("One.\n\nTwo.", "sealed", "rs_1")
    assert text == Text("Hello", extra=Extra("openai-responses", {"id": msgspec.Raw(b'"msg_1"')}))
    assert isinstance(call, ToolUse)
    assert (call.id, call.name, call.arguments) == ("call_abc", "f", '{"a": 1.0}')
    assert isinstance(patch, ToolUse)
    assert (patch.arguments, patch.custom) == ("*** Go", True)
    assert candidate.finish == Finish(FinishReason.TOOL_USE, "completed")
    assert response.usage == Usage(input=6, cache_read=4, output=4, reasoning=3)
    assert (response.id, response.model) == ("resp_1", "m-1")


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({}, FinishReason.STOP),
        ({"status": None}, FinishReason.STOP),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            FinishReason.LENGTH,
        ),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
            FinishReason.CONTENT_FILTER,
        ),
        ({"status": "incomplete", "incomplete_details": None}, FinishReason.UNKNOWN),
        ({"status": "queued"}, FinishReason.UNKNOWN),
    ],
)
def test_the_status_says_why_the_model_stopped(members: JSON, reason: FinishReason) -> None:
    assert decode_response(whole(MESSAGE, **members)).candidates[0].finish.reason is reason


def test_an_answer_cut_short_in_a_call_stays_cut_short() -> None:
    cut = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    assert decode_response(whole(CALL, **cut)).candidates[0].finish.reason is FinishReason.LENGTH


def test_an_answer_that_tells_a_failure_is_no_answer() -> None:
    body = whole(status="failed", error={"code": "rate_limit_exceeded", "message": "slow down"})
    with pytest.raises(StreamFailed) as failed:
        decode_response(body)
    assert failed.value.failure.kind is FailureKind.RATE_LIMITED
    assert failed.value.failure.message == "slow down"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"output": 3}', b'{"output": [3]}'])
def test_what_is_no_response_object_is_a_broken_peer(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode_response(body)


def test_reasoning_without_words_or_seal_is_nothing() -> None:
    empty: JSON = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": None}
    assert (
        decode_response(whole(empty, MESSAGE)).candidates[0].parts[0]
        == decode_response(whole(MESSAGE)).candidates[0].parts[0]
    )


def test_thoughts_in_words_count_where_there_is_no_summary() -> None:
    words = {
        "id": "rs_1",
        "type": "reasoning",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "Hm."}],
    }
    both = words | {"summary": [{"type": "summary_text", "text": "Short."}]}
    texts = [decode_response(whole(item)).candidates[0].parts[0] for item in (words, both)]
    assert [part.text for part in texts if isinstance(part, Thinking)] == ["Hm.", "Short."]


OWN: dict[str, tuple[JSON, ...]] = {
    "text": (MESSAGE,),
    "several messages": (
        _said(_text("A"), phase="commentary"),
        _said(_text("B"), id="msg_2", phase="final_answer"),
    ),
    "several contents": (_said(_text("A"), {"type": "refusal", "refusal": "No"}, _text("B")),),
    "a refusal": (_said({"type": "refusal", "refusal": "No"}),),
    "citations": (_said(_text("Hello", annotations=[_CITED, _FILE])),),
    "a half citation": (
        _said(_text("Hello", annotations=[{"type": "url_citation", "url": "https://x.example"}])),
    ),
    "log probabilities": (
        _said(
            _text("Hi", logprobs=[{"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []}])
        ),
    ),
    "calls": (CALL, PATCH, CALL | {"call_id": "call_abd", "id": "fc_2", "namespace": "mcp__x"}),
    "hosted": (SEARCH, MESSAGE),
    "thoughts": (THOUGHT, MESSAGE),
}


@pytest.mark.parametrize("name", OWN)
def test_an_answer_is_the_same_after_a_way_there_and_back(name: str) -> None:
    response = decode_response(whole(*OWN[name]))
    sent = encode_response(response, facts())
    assert decode_response(sent.body).candidates == response.candidates
    assert sent.losses == ()
    if name != "a half citation":
        SdkResponse.model_validate(msgspec.json.decode(sent.body))


def test_a_citation_and_its_likelihoods_are_read() -> None:
    text = decode_response(whole(*OWN["citations"])).candidates[0].parts[0]
    assert isinstance(text, Text)
    assert text.citations[0] == Citation("https://x.example", "X", start=0, end=2)
    (candidate,) = decode_response(whole(*OWN["log probabilities"])).candidates
    assert candidate.logprobs == (TokenLogprob("Hi", -0.5, (72, 105)),)


@pytest.mark.parametrize(
    ("reason", "status", "details"),
    [
        (FinishReason.STOP, "completed", None),
        (FinishReason.TOOL_USE, "completed", None),
        (FinishReason.STOP_SEQUENCE, "completed", None),
        (FinishReason.PAUSE, "completed", None),
        (FinishReason.UNKNOWN, "completed", None),
        (FinishReason.LENGTH, "incomplete", {"reason": "max_output_tokens"}),
        (FinishReason.CONTENT_FILTER, "incomplete", {"reason": "content_filter"}),
        (FinishReason.REFUSAL, "incomplete", {"reason": "content_filter"}),
        (FinishReason.ERROR, "failed", None),
    ],
)
def test_why_the_model_stopped_becomes_the_status(
    reason: FinishReason, status: str, details: dict[str, str] | None
) -> None:
    body = _sent(_answered(Text("x"), reason=reason))
    assert (body["status"], body["incomplete_details"]) == (status, details)
    assert (body["error"] is None) is (status != "failed")


def test_an_answer_repeats_what_was_asked_as_the_sdk_expects_it() -> None:
    tools = [
        {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}, "strict": False}
    ]
    asked: JSON = {
        "instructions": "Be kind.",
        "tools": tools,
        "tool_choice": {"type": "function", "name": "f"},
        "temperature": 0.5,
        "top_p": 0.25,
        "parallel_tool_calls": False,
        "reasoning": {"effort": "low"},
        "text": {"format": {"type": "json_object"}},
        "metadata": {"a": "b"},
        "max_output_tokens": 9,
        "truncation": "auto",
    }
    body = _sent(_answered(Text("x"), usage=Usage(input=1, output=2)), **asked)
    echoed = asked | {"reasoning": {"effort": "low", "summary": None}}
    assert {name: body[name] for name in asked} == echoed
    assert (body["id"], body["model"], body["created_at"]) == ("resp_abc", "nice", 5)
    assert body["usage"]["total_tokens"] == 3
    parsed = SdkResponse.model_validate(body)
    assert parsed.output_text == "x"


def test_an_answer_of_another_dialect_gets_ids_of_its_own() -> None:
    signed = Thinking("Hm", "sig", origin="anthropic")
    body = _sent(_answered(signed, Text("x"), ToolUse("", "f"), ToolUse("toolu_1", "g", "*", custom=True)))
    thought, message, call, patch = body["output"]
    assert thought == {
        "id": "rs_abc_0",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "Hm"}],
    }
    assert (message["id"], message["status"]) == ("msg_abc_1", "completed")
    assert (call["id"], call["call_id"], call["arguments"]) == ("fc_abc_2", "call_omrabc2", "{}")
    assert (patch["id"], patch["type"], patch["input"]) == ("ctc_abc_3", "custom_tool_call", "*")
    assert body["usage"] is None
    SdkResponse.model_validate(body)


def test_what_an_answer_cannot_tell_is_reported() -> None:
    response = _answered(
        Thinking("", "x", redacted=True, origin="anthropic"),
        Opaque("anthropic", "server_tool_use", msgspec.Raw(b"{}")),
        Text("x", (Citation(cited_text="y"),)),
        usage=UNKNOWN,
    )
    assert encode_response(response, facts()).losses == ("redacted_thinking", "server_tool_use", "citations")


def test_a_refusal_is_a_content_of_its_own() -> None:
    (message,) = _sent(_answered(Refusal("No")))["output"]
    assert message["content"] == [{"type": "refusal", "refusal": "No"}]
