"""Whole answers of Chat, read and written."""

import json
from collections.abc import Sequence
from typing import Any

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
from omniroute.conversation.request import TokenLogprob
from omniroute.conversation.response import Candidate, Finish, FinishReason, Response
from omniroute.conversation.usage import Usage
from omniroute.errors import ProtocolError
from omniroute.formats import openai_chat
from omniroute.formats.openai_chat.node import as_raw
from tests.formats.openai_chat.test_stream_encode import facts

CALL = {"id": "abc", "type": "function", "function": {"name": "f", "arguments": "{}"}}
USED = ToolUse("abc", "f", "{}")


def answer(
    message: object, finish: str | None = "stop", choice: object = None, **members: object
) -> Response:
    more = choice if isinstance(choice, dict) else {}
    body = {
        "id": "up",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": finish, **more}],
        **members,
    }
    return openai_chat.decode_response(json.dumps(body).encode())


def written(*parts: Part, finish: FinishReason = FinishReason.STOP) -> Any:
    response = Response(candidates=(Candidate(parts, Finish(finish)),))
    return json.loads(openai_chat.encode_response(response, facts()).body)["choices"][0]


TRAPS: dict[str, tuple[dict[str, object], Sequence[Part]]] = {
    "text": ({"role": "assistant", "content": "Hi"}, [Text("Hi")]),
    "null content": ({"content": None, "tool_calls": [CALL]}, [USED]),
    "null calls": ({"content": "Hi", "tool_calls": None, "function_call": None, "audio": None}, [Text("Hi")]),
    "no calls": ({"content": "Hi", "tool_calls": []}, [Text("Hi")]),
    "numbered calls": ({"content": "", "tool_calls": [{"index": 0, **CALL}]}, [USED]),
    "the old single call": ({"function_call": {"name": "f", "arguments": "{}"}}, [ToolUse("", "f", "{}")]),
    "an empty old call": ({"content": "Hi", "function_call": {"name": "", "arguments": ""}}, [Text("Hi")]),
    "both kinds of call": (
        {"tool_calls": [CALL], "function_call": {"name": "f", "arguments": "{}"}},
        [USED],
    ),
    "arguments as an object": (
        {"tool_calls": [{"id": "abc", "function": {"name": "f", "arguments": {"a": 1}}}]},
        [ToolUse("abc", "f", '{"a": 1}')],
    ),
    "thinking in a list": (
        {
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                {"type": "text", "text": "Hi"},
            ]
        },
        [Thinking("hm"), Text("Hi")],
    ),
    "reasoning_content": ({"reasoning_content": "hm", "content": "Hi"}, [Thinking("hm"), Text("Hi")]),
    "reasoning": ({"reasoning": "hm", "content": "Hi"}, [Thinking("hm"), Text("Hi")]),
    "empty speech": ({"content": "Hi", "audio": {"data": "", "id": "", "transcript": ""}}, [Text("Hi")]),
    "speech": (
        {"content": None, "audio": {"data": "QQ==", "transcript": "Hi"}},
        [Text("Hi"), Media(MediaKind.AUDIO, Base64("", "QQ=="))],
    ),
    "images": (
        {"images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,QQ=="}}]},
        [Media(MediaKind.IMAGE, Base64("image/png", "QQ=="))],
    ),
    "refusal": ({"content": None, "refusal": "No."}, [Refusal("No.")]),
    "annotations": (
        {
            "content": "Hi",
            "annotations": [
                {
                    "type": "url_citation",
                    "url_citation": {"url": "u", "title": "t", "start_index": 0, "end_index": 2},
                }
            ],
        },
        [Text("Hi", (Citation("u", "t", start=0, end=2),))],
    ),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_an_oddity_changes_nothing(trap: str) -> None:
    message, parts = TRAPS[trap]

    response = answer(message)

    assert list(response.candidates[0].parts) == parts
    wanted = FinishReason.TOOL_USE if isinstance(parts[-1], ToolUse) else FinishReason.STOP
    assert response.candidates[0].finish.reason is wanted


@pytest.mark.parametrize("trap", [name for name in TRAPS if name not in ("speech", "the old single call")])
def test_an_answer_written_anew_reads_the_same(trap: str) -> None:
    response = answer(
        TRAPS[trap][0], system_fingerprint="fp", usage={"prompt_tokens": 1, "completion_tokens": 2}
    )

    again = openai_chat.decode_response(openai_chat.encode_response(response, facts()).body)

    assert again.candidates[0].parts == response.candidates[0].parts
    assert again.candidates[0].extra == response.candidates[0].extra
    assert (again.usage, again.extra) == (response.usage, response.extra)


@pytest.mark.parametrize(
    ("word", "calls", "reason"),
    [
        ("stop", False, FinishReason.STOP),
        ("stop", True, FinishReason.TOOL_USE),
        ("", True, FinishReason.TOOL_USE),
        ("tool_calls", True, FinishReason.TOOL_USE),
        ("function_call", True, FinishReason.TOOL_USE),
        ("length", True, FinishReason.LENGTH),
        ("length", False, FinishReason.LENGTH),
        ("model_length", False, FinishReason.LENGTH),
        ("content_filter", False, FinishReason.CONTENT_FILTER),
        (None, False, FinishReason.UNKNOWN),
        ("something_new", False, FinishReason.UNKNOWN),
    ],
)
def test_why_an_answer_stopped(word: str | None, calls: bool, reason: FinishReason) -> None:
    finish = answer({"content": "Hi", "tool_calls": [CALL] if calls else None}, word).candidates[0].finish

    assert finish == Finish(reason, word)


def test_the_stop_sequence_that_was_met_is_kept() -> None:
    met = answer({"content": "Hi"}, choice={"stop_reason": "END"}).candidates[0].finish
    token = answer({"content": "Hi"}, choice={"stop_reason": 154827}).candidates[0].finish

    assert met == Finish(FinishReason.STOP_SEQUENCE, "stop", "END")
    assert token == Finish(FinishReason.STOP, "stop")


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        (FinishReason.STOP, "stop"),
        (FinishReason.STOP_SEQUENCE, "stop"),
        (FinishReason.PAUSE, "stop"),
        (FinishReason.UNKNOWN, "stop"),
        (FinishReason.LENGTH, "length"),
        (FinishReason.TOOL_USE, "tool_calls"),
        (FinishReason.CONTENT_FILTER, "content_filter"),
        (FinishReason.REFUSAL, "content_filter"),
    ],
)
def test_the_word_a_client_reads(reason: FinishReason, word: str) -> None:
    assert written(Text("Hi"), finish=reason)["finish_reason"] == word


def test_an_answer_is_dressed_as_the_client_asked() -> None:
    response = Response(
        id="msg_1",
        model="upstream",
        candidates=(Candidate((Thinking("hm"), Text("Hi"), ToolUse("0", "f", ""))),),
        usage=Usage(input=1, cache_read=2, cache_write=3, cache_write_1h=4, output=5),
    )

    body = json.loads(openai_chat.encode_response(response, facts()).body)

    assert body == {
        "id": "chatcmpl-Q7",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "shown",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "Hi",
                    "refusal": None,
                    "reasoning_content": "hm",
                    "tool_calls": [
                        {"id": "0_omrQ7", "type": "function", "function": {"name": "f", "arguments": "{}"}}
                    ],
                },
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "total_tokens": 15,
            "prompt_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 7},
        },
    }


def test_usage_nobody_knows_is_left_out() -> None:
    body = openai_chat.encode_response(Response(candidates=(Candidate(),)), facts()).body

    assert "usage" not in json.loads(body)


def test_what_cannot_be_told_is_a_loss() -> None:
    parts = (
        Opaque("anthropic", "server_tool_use", as_raw({})),
        Text("Hi", (Citation(cited_text="page 3"),)),
        Thinking(signature="x", redacted=True, origin="anthropic"),
        Media(MediaKind.VIDEO, Base64("video/mp4", "QQ==")),
    )

    encoded = openai_chat.encode_response(Response(candidates=(Candidate(parts),)), facts())

    assert encoded.losses == ("server_tool_use", "citations", "redacted_thinking", "video")
    assert json.loads(encoded.body)["choices"][0]["message"]["content"] == "Hi"


def test_likelihoods_are_read_and_written() -> None:
    entry = {"token": "a", "logprob": -1.0, "bytes": [97]}
    told = {"content": [{**entry, "top_logprobs": [entry]}], "refusal": None}

    response = answer({"content": "a"}, choice={"logprobs": told})
    again = json.loads(openai_chat.encode_response(response, facts()).body)["choices"][0]

    top = (TokenLogprob("a", -1.0, (97,)),)
    assert response.candidates[0].logprobs == (TokenLogprob("a", -1.0, (97,), top),)
    assert again["logprobs"] == told


def test_sources_beside_the_answer_are_citations() -> None:
    response = answer({"content": "Hi"}, citations=["u", "v"], search_results=[{"url": "u", "title": "t"}])

    assert response.candidates[0].parts == (Text("Hi", (Citation("u", "t"), Citation("v"))),)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"object":"error","message":"no","type":"x"}',
        b'{"choices":[]}',
        b'{"choices":[{"index":0}]}',
        b'{"choices":[{"message":{"content":3}}]}',
        b'{"choices":[{"message":{"content":"x"},"finish_reason":"error"}]}',
        b'{"choices":' * 3000,
    ],
)
def test_what_is_no_answer_is_a_broken_wire(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        openai_chat.decode_response(body)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["content", "type", "text", "tool_calls", "function", "name", "reasoning_details", "audio",
             "annotations", "images", "url_citation", "image_url", "thinking", "data", "logprobs", "message"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=15,
)  # fmt: skip


@given(VALUES, VALUES)
def test_no_answer_raises_anything_but_a_protocol_error(message: object, logprobs: object) -> None:
    try:
        response = answer(message, choice={"logprobs": logprobs})
    except ProtocolError:
        return

    assert openai_chat.encode_response(response, facts()).body
