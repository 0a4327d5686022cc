"""Which requests the cache answers, and which answers it keeps."""

import json
from typing import Any

import pytest

from omniroute.gateway.cache.rules import MAX_ANSWER_BYTES, Asked, is_keepable, why_not
from omniroute.gateway.call import EMBEDDINGS, GENERATE, MESSAGES, OLLAMA_CHAT, RESPONSES
from omniroute.records import FormatName
from tests.gateway.cache.asked import asked, body_of, key, snapshot

GEMINI = {"contents": [{"parts": [{"text": "hi"}]}]}


@pytest.mark.parametrize(
    "request_",
    [
        asked(),
        asked(body_of(temperature=0.0)),
        asked(body_of(n=1, store=False, background=False, previous_response_id=None)),
        asked(body_of(modalities=["text"])),
        asked(body_of(), operation=MESSAGES),
        asked({"model": "m", "input": "hi", "temperature": 0}, operation=RESPONSES),
        asked(GEMINI | {"generationConfig": {"temperature": 0}}, operation=GENERATE),
        asked({"model": "m", "messages": [], "options": {"temperature": 0}}, operation=OLLAMA_CHAT),
        asked(api_key=key("laptop")),
        asked(headers={"X-OmniRoute-No-Cache": "false"}),
    ],
)
def test_a_whole_answer_without_chance_may_be_kept(request_: Asked) -> None:
    assert why_not(request_) is None


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (asked(stream=True), "a stream"),
        (asked(seen=snapshot(enabled=False)), "the cache is off"),
        (asked(operation=EMBEDDINGS), "no conversation"),
        (asked({"model": "m", "messages": []}), "no temperature of 0"),
        (asked(body_of(temperature=0.1)), "no temperature of 0"),
        (asked(body_of(temperature=None)), "no temperature of 0"),
        (asked(body_of(temperature=False)), "no temperature of 0"),
        (asked(body_of(temperature="0")), "no temperature of 0"),
        (asked(GEMINI | {"temperature": 0}, operation=GENERATE), "no temperature of 0"),
        (asked(body_of(), operation=OLLAMA_CHAT), "no temperature of 0"),
        (asked(body_of("x" * 256_000)), "too large"),
        (asked(api_key=key("quiet", no_log=True)), "a key that leaves no log"),
        (asked(headers={"x-omniroute-no-cache": "1"}), "the client wants none"),
        (asked(body_of(n=2)), "several answers"),
        (
            asked(GEMINI | {"generationConfig": {"temperature": 0, "candidateCount": 2}}, operation=GENERATE),
            "several answers",
        ),
        (asked(body_of(modalities=["text", "audio"])), "spoken answers"),
        (asked(body_of(audio={"voice": "v"})), "spoken answers"),
        (asked(body_of(store=True)), "state the provider keeps"),
        (asked(body_of(background=True)), "state the provider keeps"),
        (asked(body_of(previous_response_id="r1")), "state the provider keeps"),
    ],
)
def test_everything_else_is_asked_anew(request_: Asked, reason: str) -> None:
    assert why_not(request_) == reason


GOOD: list[tuple[FormatName, dict[str, Any]]] = [
    (FormatName.OPENAI_CHAT, {"choices": [{"finish_reason": "stop"}]}),
    (FormatName.OPENAI_CHAT, {"choices": [{"finish_reason": "tool_calls"}]}),
    (FormatName.ANTHROPIC, {"stop_reason": "end_turn"}),
    (FormatName.ANTHROPIC, {"stop_reason": "tool_use"}),
    (FormatName.OPENAI_RESPONSES, {"status": "completed"}),
    (FormatName.GEMINI, {"candidates": [{"finishReason": "STOP"}]}),
    (FormatName.OLLAMA, {"done": True, "done_reason": "stop"}),
]
BAD: list[tuple[FormatName, dict[str, Any]]] = [
    (FormatName.OPENAI_CHAT, {"choices": [{"finish_reason": "length"}]}),
    (FormatName.OPENAI_CHAT, {"choices": []}),
    (FormatName.OPENAI_CHAT, {"choices": [{"finish_reason": "stop"}, {"finish_reason": "content_filter"}]}),
    (FormatName.ANTHROPIC, {"stop_reason": "max_tokens"}),
    (FormatName.ANTHROPIC, {"stop_reason": "refusal"}),
    (FormatName.OPENAI_RESPONSES, {"status": "incomplete"}),
    (FormatName.GEMINI, {"candidates": [{"finishReason": "MAX_TOKENS"}]}),
    (FormatName.GEMINI, {"promptFeedback": {}}),
    (FormatName.OLLAMA, {"done": True, "done_reason": "length"}),
]


@pytest.mark.parametrize(("format_name", "answer"), GOOD)
def test_an_answer_that_came_to_its_end_is_kept(format_name: FormatName, answer: dict[str, Any]) -> None:
    assert is_keepable(format_name, 200, json.dumps(answer).encode())
    assert not is_keepable(format_name, 206, json.dumps(answer).encode())
    assert not is_keepable(format_name, 200, json.dumps(answer).encode() + b" " * MAX_ANSWER_BYTES)


@pytest.mark.parametrize(("format_name", "answer"), BAD)
def test_an_answer_that_was_cut_or_refused_is_not_kept(
    format_name: FormatName, answer: dict[str, Any]
) -> None:
    assert not is_keepable(format_name, 200, json.dumps(answer).encode())


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff"])
def test_what_is_no_answer_is_not_kept(body: bytes) -> None:
    assert not any(is_keepable(format_name, 200, body) for format_name in FormatName)
