"""Requests of Chat, there and back."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.conversation.parts import (
    Base64,
    CacheMark,
    FileId,
    Media,
    MediaKind,
    Opaque,
    Part,
    Refusal,
    Text,
    Url,
)
from omniroute.errors import Refused
from omniroute.formats import openai_chat
from tests.formats.openai_chat.asking import ALL, PNG, SCHEMA, asked, only_part, read, tool_call, written


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ({"type": "text", "text": "Hi"}, Text("Hi")),
        (
            {"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
            Text("Hi", cache=CacheMark("1h")),
        ),
        (
            {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}},
            Media(MediaKind.IMAGE, Base64("image/png", "QQ=="), detail="low"),
        ),
        (
            {"type": "image_url", "image_url": "https://x/y.png"},
            Media(MediaKind.IMAGE, Url("https://x/y.png")),
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "QQ==", "format": "mp3"}},
            Media(MediaKind.AUDIO, Base64("audio/mpeg", "QQ==")),
        ),
        ({"type": "video_url", "video_url": {"url": "https://x"}}, Media(MediaKind.VIDEO, Url("https://x"))),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,QQ=="}},
            Media(MediaKind.DOCUMENT, Base64("application/pdf", "QQ=="), "a.pdf"),
        ),
        ({"type": "file", "file": {"file_id": "file-1"}}, Media(MediaKind.DOCUMENT, FileId("file-1"))),
        ({"type": "refusal", "refusal": "No."}, Refusal("No.")),
    ],
)
def test_a_part_is_read_and_written_as_it_was(content: object, part: Part) -> None:
    read_part = only_part(content)

    assert read_part == part
    encoded = openai_chat.encode_request(asked(read_part), ALL)
    assert openai_chat.decode_request(encoded.body).messages[0].parts == (part,)


def test_unknown_parts_go_back_as_they_stood() -> None:
    part = only_part({"type": "hologram", "n": 1})

    assert part == Opaque("openai-chat", "hologram", msgspec.Raw(b'{"type": "hologram", "n": 1}'))
    assert written(asked(part))["messages"][0]["content"] == [{"type": "hologram", "n": 1}]


@pytest.mark.parametrize(
    "request_members",
    [
        {"max_tokens": 5, "temperature": 0.5, "top_p": 1, "seed": 3, "n": 2, "stop": "x"},
        {"stop": ["x", "y"], "logprobs": True, "top_logprobs": 2, "logit_bias": {"1": -100}},
        {
            "presence_penalty": 0.1,
            "frequency_penalty": -0.1,
            "user": "u",
            "metadata": {"a": "b"},
            "store": True,
        },
        {"service_tier": "flex", "prompt_cache_key": "k", "verbosity": "low", "parallel_tool_calls": None},
        {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}},
        {"response_format": {"type": "json_object"}},
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "n", "schema": SCHEMA, "strict": True},
            }
        },
        {
            "web_search_options": {},
            "prediction": {"type": "content", "content": "x"},
            "provider": {"only": ["a"]},
        },
        {"stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}},
        {"reasoning_effort": "high"},
        {"reasoning_effort": "none"},
        {"thinking": {"type": "enabled", "budget_tokens": 2000, "clear_thinking": False}},
        {"thinking": {"type": "disabled"}},
        {"enable_thinking": False},
        {"thinking_budget": 100},
        {"reasoning": {"effort": "low"}},
        {
            "tools": [
                {
                    "type": "function",
                    "function": {"name": "f", "parameters": SCHEMA, "strict": True},
                },
                {"type": "custom", "custom": {"name": "p", "format": {"type": "text"}}},
                {"type": "web_search_preview", "user_location": {}},
            ],
            "tool_choice": {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "required",
                    "tools": [
                        {"type": "function", "function": {"name": "f"}},
                        {"type": "custom", "custom": {"name": "p"}},
                    ],
                },
            },
            "parallel_tool_calls": False,
        },
    ],
)
def test_what_a_client_asks_reads_the_same_when_written_anew(request_members: dict[str, object]) -> None:
    request = read(**request_members)

    encoded = openai_chat.encode_request(request, ALL)

    assert openai_chat.decode_request(encoded.body) == request
    assert encoded.losses == ()


def test_messages_read_the_same_when_written_anew() -> None:
    details = [
        {"type": "reasoning.text", "text": "hm", "signature": "sig", "format": "x", "index": 0},
        {"type": "reasoning.encrypted", "data": "zz", "id": "r", "index": 1},
    ]
    request = read(
        {"role": "system", "content": "s", "cache_control": {"type": "ephemeral"}},
        {
            "role": "user",
            "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": PNG}}],
        },
        {
            "role": "assistant",
            "content": "b",
            "reasoning": "hm",
            "reasoning_details": details,
            "prefix": True,
        },
        {"role": "assistant", "content": "b", "reasoning_content": "hm"},
        {"role": "assistant", "refusal": "No.", "audio": {"id": "a1"}},
        {
            "role": "assistant",
            "tool_calls": [
                tool_call(extra_content={"google": {"thought_signature": "s"}}),
                {"id": "abd", "type": "custom", "custom": {"name": "p", "input": "x"}},
            ],
        },
        {"role": "tool", "tool_call_id": "abc", "content": [{"type": "text", "text": "1"}], "name": "f"},
        {"role": "tool", "tool_call_id": "abd", "content": "2", "cache_control": {"type": "ephemeral"}},
    )

    encoded = openai_chat.encode_request(request, ALL)

    assert openai_chat.decode_request(encoded.body) == request
    assert encoded.losses == ()
    assert json.loads(encoded.body)["messages"][2]["reasoning_details"] == [
        {"type": "reasoning.text", "text": "hm", "signature": "sig", "format": "x", "index": 0},
        {"type": "reasoning.encrypted", "data": "zz", "id": "r", "index": 1},
    ]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=5)
    | st.sampled_from(["user", "text", "data:,"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["role", "content", "type", "text", "image_url", "url", "tool_calls", "function", "name", "file",
             "arguments", "reasoning_details", "thinking", "input_audio", "data", "cache_control", "custom"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=15,
)  # fmt: skip


NAMES = [
    "tools",
    "tool_choice",
    "reasoning",
    "stop",
    "response_format",
    "thinking",
    "stream_options",
    "functions",
]


@given(st.lists(VALUES, max_size=3), st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=3))
def test_no_request_raises_anything_but_a_refusal(messages: list[object], members: dict[str, object]) -> None:
    try:
        request = read(*messages, **members)
        again = openai_chat.decode_request(openai_chat.encode_request(request, ALL).body)
    except Refused:
        return

    assert again.tools == request.tools
