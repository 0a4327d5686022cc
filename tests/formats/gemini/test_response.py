"""Whole answers in Gemini's dialect."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from omniroute.conversation.request import Request, TokenLogprob
from omniroute.conversation.response import Candidate, Finish, FinishReason, Response
from omniroute.conversation.usage import UNKNOWN, Usage
from omniroute.errors import ProtocolError
from omniroute.formats import gemini
from omniroute.formats.codec import ReplyFacts

FACTS = ReplyFacts(id="01abc", created_s=1, model="shown", request=Request(model="shown", messages=()))


def answer(*parts: Any, **candidate: Any) -> dict[str, Any]:
    candidate.setdefault("finishReason", "STOP")
    return {"candidates": [{"content": {"role": "model", "parts": list(parts)}, **candidate}]}


def decoded(body: Any) -> Response:
    return gemini.decode_response(msgspec.json.encode(body))


def parts_of(*parts: Any) -> tuple[Part, ...]:
    return decoded(answer(*parts)).candidates[0].parts


def encoded(response: Response) -> tuple[dict[str, Any], tuple[str, ...]]:
    out = gemini.encode_response(response, FACTS)
    return json.loads(out.body), out.losses


def said(*parts: Part, reason: FinishReason = FinishReason.STOP) -> Response:
    return Response(candidates=(Candidate(parts, Finish(reason)),))


def opaque(type: str, value: Any) -> Opaque:
    return Opaque("gemini", type, msgspec.Raw(msgspec.json.encode(value)))


@pytest.mark.parametrize(
    ("wire", "parts"),
    [
        ([{"text": "a"}, {"text": ""}, {"text": "b"}], (Text("ab"),)),
        (
            [{"text": "x", "thought": True}, {"text": "y", "thought": True}, {"text": "z"}],
            (Thinking("xy"), Text("z")),
        ),
        (
            [{"text": "a", "thoughtSignature": "s"}, {"text": "b"}],
            (Text("a"), opaque("thought_signature", {"thoughtSignature": "s"}), Text("b")),
        ),
        (
            [{"text": "", "thoughtSignature": "s"}],
            (opaque("thought_signature", {"text": "", "thoughtSignature": "s"}),),
        ),
        (
            [
                {"functionCall": {"name": "f"}, "thoughtSignature": "s"},
                {"functionCall": {"name": "g", "id": "7"}},
            ],
            (
                ToolUse("", "f", "{}", signature="s", origin="gemini"),
                ToolUse("7", "g", "{}"),
            ),
        ),
        (
            [{"inlineData": {"mimeType": "image/png", "data": "AA"}}],
            (Media(MediaKind.IMAGE, Base64("image/png", "AA")),),
        ),
        (
            [{"executableCode": {"code": "1"}}],
            (opaque("executableCode", {"executableCode": {"code": "1"}}),),
        ),
    ],
)
def test_parts_there_and_back(wire: list[Any], parts: tuple[Part, ...]) -> None:
    response = decoded(answer(*wire))
    assert response.candidates[0].parts == parts
    back, losses = encoded(response)
    assert losses == ()
    again = decoded(back).candidates[0].parts
    assert [_without_id(part) for part in again] == [_without_id(part) for part in parts]


def _without_id(part: Part) -> Part:
    if isinstance(part, ToolUse):
        return msgspec.structs.replace(part, id="", origin=None)
    return part


def test_a_signature_beside_a_text_goes_back_beside_it() -> None:
    wire = [{"text": "a", "thoughtSignature": "s"}, {"text": "", "thoughtSignature": "t"}]
    assert encoded(decoded(answer(*wire)))[0]["candidates"][0]["content"]["parts"] == wire


def test_calls_get_ids_and_keep_their_arguments() -> None:
    response = decoded(
        answer({"functionCall": {"name": "f", "args": {"n": 1}}}, {"functionCall": {"name": "f"}})
    )
    assert response.candidates[0].finish == Finish(FinishReason.TOOL_USE, "STOP")
    parts = encoded(response)[0]["candidates"][0]["content"]["parts"]
    assert parts == [
        {"functionCall": {"id": "call_omr01abc0", "name": "f", "args": {"n": 1}}},
        {"functionCall": {"id": "call_omr01abc1", "name": "f", "args": {}}},
    ]


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("STOP", FinishReason.STOP),
        ("MAX_TOKENS", FinishReason.LENGTH),
        ("SAFETY", FinishReason.CONTENT_FILTER),
        ("RECITATION", FinishReason.CONTENT_FILTER),
        ("PROHIBITED_CONTENT", FinishReason.CONTENT_FILTER),
        ("BLOCKLIST", FinishReason.CONTENT_FILTER),
        ("SPII", FinishReason.CONTENT_FILTER),
        ("LANGUAGE", FinishReason.CONTENT_FILTER),
        ("IMAGE_SAFETY", FinishReason.CONTENT_FILTER),
        ("MALFORMED_FUNCTION_CALL", FinishReason.ERROR),
        ("OTHER", FinishReason.UNKNOWN),
    ],
)
def test_reasons_there_and_back(word: str, reason: FinishReason) -> None:
    response = decoded(answer({"text": "a"}, finishReason=word))
    assert response.candidates[0].finish == Finish(reason, word)
    assert encoded(response)[0]["candidates"][0]["finishReason"] == word


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        (FinishReason.TOOL_USE, "STOP"),
        (FinishReason.STOP_SEQUENCE, "STOP"),
        (FinishReason.PAUSE, "STOP"),
        (FinishReason.UNKNOWN, "STOP"),
        (FinishReason.LENGTH, "MAX_TOKENS"),
        (FinishReason.CONTENT_FILTER, "SAFETY"),
        (FinishReason.REFUSAL, "SAFETY"),
        (FinishReason.ERROR, "OTHER"),
    ],
)
def test_reasons_of_other_dialects_have_a_word(reason: FinishReason, word: str) -> None:
    assert encoded(said(Text("a"), reason=reason))[0]["candidates"][0]["finishReason"] == word


def test_a_refusal_is_text_that_ends_in_safety() -> None:
    candidate = encoded(said(Refusal("no")))[0]["candidates"][0]
    assert candidate["content"]["parts"] == [{"text": "no"}]
    assert candidate["finishReason"] == "SAFETY"


def test_a_new_reason_is_unknown() -> None:
    assert decoded(answer(finishReason="NEW")).candidates[0].finish == Finish(FinishReason.UNKNOWN, "NEW")


def test_a_blocked_prompt_is_a_filtered_candidate() -> None:
    body = {"promptFeedback": {"blockReason": "OTHER"}, "usageMetadata": {"promptTokenCount": 3}}
    response = decoded(body)
    assert response.candidates == (Candidate((), Finish(FinishReason.CONTENT_FILTER, "OTHER")),)
    assert decoded(encoded(response)[0]).candidates == response.candidates


def test_content_without_parts_and_no_content_are_empty() -> None:
    body = {
        "candidates": [{"content": {"role": "model"}, "finishReason": "STOP"}, {"finishReason": "SAFETY"}]
    }
    assert [candidate.parts for candidate in decoded(body).candidates] == [(), ()]


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        ({}, UNKNOWN),
        ({"trafficType": "ON_DEMAND"}, UNKNOWN),
        (
            {"promptTokenCount": 5, "totalTokenCount": 25, "thoughtsTokenCount": 20},
            Usage(input=5, output=0, reasoning=20),
        ),
        ({"promptTokenCount": 5}, Usage(input=5)),
        (
            {
                "promptTokenCount": 10,
                "cachedContentTokenCount": 4,
                "toolUsePromptTokenCount": 7,
                "candidatesTokenCount": 3,
                "thoughtsTokenCount": 2,
                "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 10}],
            },
            Usage(input=13, cache_read=4, output=3, reasoning=2),
        ),
    ],
)
def test_usage_is_read(told: Any, usage: Usage) -> None:
    assert decoded(answer({"text": "a"}) | {"usageMetadata": told}).usage == usage


def test_usage_is_summed_up_for_clients() -> None:
    usage = Usage(input=5, cache_read=2, cache_write=3, output=4, reasoning=1)
    assert encoded(Response(usage=usage))[0]["usageMetadata"] == {
        "promptTokenCount": 10,
        "cachedContentTokenCount": 2,
        "candidatesTokenCount": 4,
        "thoughtsTokenCount": 1,
        "totalTokenCount": 15,
    }
    assert "usageMetadata" not in encoded(Response())[0]


def test_grounding_becomes_citations_in_characters() -> None:
    grounding = {
        "groundingChunks": [
            {"web": {"uri": "https://a", "title": "A"}},
            {"retrievedContext": {"text": "source", "title": "B"}},
            {"web": {"uri": "https://c"}},
        ],
        "groundingSupports": [
            {"segment": {"startIndex": 3, "endIndex": 6, "text": "abc"}, "groundingChunkIndices": [0, 1, 9]}
        ],
        "webSearchQueries": ["q"],
    }
    body = answer({"text": "é abc"}, groundingMetadata=grounding)
    response = decoded(body)
    assert response.candidates[0].parts == (
        Text(
            "é abc",
            citations=(
                Citation("https://a", "A", None, 2, 5),
                Citation(None, "B", "source", 2, 5),
                Citation("https://c"),
            ),
        ),
    )
    assert encoded(response)[0]["candidates"][0]["groundingMetadata"] == grounding


def test_citations_of_other_dialects_become_grounding() -> None:
    citations = (Citation("https://a", "A", None, 2, 5), Citation(None, "B", "source"))
    response = said(Thinking("t"), Text("é abc", citations=citations))
    back = decoded(encoded(response)[0])
    assert back.candidates[0].parts[1] == Text("é abc", citations=citations)


def test_citation_metadata_becomes_citations() -> None:
    told = {
        "citations": [
            {"startIndex": 0, "endIndex": 2, "uri": "https://a", "license": ""},
            {"startIndex": 90, "endIndex": 99},
        ]
    }
    (text,) = decoded(answer({"text": "abc"}, citationMetadata=told)).candidates[0].parts
    assert isinstance(text, Text)
    assert text.citations == (Citation("https://a", None, None, 0, 2), Citation())


def test_log_probabilities_there_and_back() -> None:
    told = {
        "chosenCandidates": [{"token": "a", "logProbability": -0.5}],
        "topCandidates": [{"candidates": [{"token": "b", "logProbability": -1.5}]}],
    }
    response = decoded(answer({"text": "a"}, logprobsResult=told))
    assert response.candidates[0].logprobs == (TokenLogprob("a", -0.5, top=(TokenLogprob("b", -1.5),)),)
    assert encoded(response)[0]["candidates"][0]["logprobsResult"] == told


def test_what_is_not_modelled_goes_back_and_is_named_elsewhere() -> None:
    body = answer({"text": "a"}, safetyRatings=[{"category": "c"}], avgLogprobs=-1) | {"createTime": "t"}
    back, losses = encoded(decoded(body))
    assert back["createTime"] == "t"
    assert back["candidates"][0]["safetyRatings"] == [{"category": "c"}]
    assert losses == ()


def test_answers_are_dressed_for_their_client() -> None:
    response = msgspec.structs.replace(said(Text("a")), id="upstream", model="secret")
    back, _ = encoded(response)
    assert (back["modelVersion"], back["responseId"]) == ("shown", "01abc")


def test_thoughts_of_others_are_shown_without_their_signature() -> None:
    response = said(
        Thinking("t", "sig", origin="anthropic"),
        Thinking(signature="x", redacted=True, origin="anthropic"),
        Opaque("anthropic", "server_tool_use", msgspec.Raw(b"{}")),
        Text("a"),
    )
    back, losses = encoded(response)
    assert back["candidates"][0]["content"]["parts"] == [{"text": "t", "thought": True}, {"text": "a"}]
    assert losses == ("redacted_thinking", "server_tool_use")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"<html>", b'{"candidates":3}', b'{"candidates":[3]}', b"\xff"]
)
def test_what_is_no_answer_is_a_protocol_error(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        gemini.decode_response(body)


def test_half_a_surrogate_is_read_leniently() -> None:
    body = b'{"candidates":[{"content":{"parts":[{"text":"a\\ud83d"}]},"finishReason":"STOP"}]}'
    assert gemini.decode_response(body).candidates[0].parts == (Text("a?"),)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "content",
                    "parts",
                    "text",
                    "thought",
                    "thoughtSignature",
                    "functionCall",
                    "args",
                    "name",
                    "inlineData",
                    "executableCode",
                    "groundingMetadata",
                    "groundingChunks",
                    "groundingSupports",
                    "segment",
                    "web",
                    "uri",
                    "citationMetadata",
                    "citations",
                    "startIndex",
                    "endIndex",
                    "finishReason",
                    "logprobsResult",
                    "chosenCandidates",
                    "groundingChunkIndices",
                    "index",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)


@given(candidates=_JSON, more=st.dictionaries(st.sampled_from(["usageMetadata", "promptFeedback"]), _JSON))
def test_any_json_is_read_or_refused(candidates: Any, more: dict[str, Any]) -> None:
    try:
        response = decoded({"candidates": candidates, **more})
    except ProtocolError:
        return
    again = decoded(encoded(response)[0])
    assert len(again.candidates) == len(response.candidates) or not response.candidates
