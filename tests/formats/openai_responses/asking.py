"""Requests of OpenAI Responses: made short, and one body for each thing they can say."""

from typing import Any

import msgspec

from omniroute.conversation.abilities import plain
from omniroute.conversation.request import Message, Request, Role
from omniroute.formats.openai_responses import decode_request, encode_request

JSON = dict[str, Any]  # JSON of any shape


def decoded(**members: object) -> Request:
    """The request with these members."""
    return decode_request(msgspec.json.encode({"model": "m", "input": "hi"} | members))


def encoded(request: Request) -> JSON:
    """The body for an upstream."""
    body: JSON = msgspec.json.decode(encode_request(request, plain("m")).body)
    return body


def losses(request: Request) -> tuple[str, ...]:
    """What the body leaves out."""
    return encode_request(request, plain("m")).losses


def asked(*messages: Message, **members: Any) -> Request:  # members of any type
    """A request of no dialect."""
    return Request(model="m", messages=messages, **members)


def user(*parts: Any) -> Message:  # parts of any kind
    """A message of the user."""
    return Message(Role.USER, parts)


CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_abc", "name": "f", "arguments": '{"a": 1.0}'}


REASONING = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "First."}, {"type": "summary_text", "text": "Then."}],
    "content": None,
    "encrypted_content": "sealed",
}


SEARCH = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}}


SAID = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "phase": "commentary",
    "content": [
        {"type": "output_text", "text": "One", "annotations": [], "logprobs": []},
        {"type": "refusal", "refusal": "No"},
    ],
}


STRICT = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


ODD = {"type": "object", "x-odd": 1.50, "properties": {}}


BODIES: dict[str, JSON] = {
    "a string": {"input": "hi"},
    "instructions": {"instructions": "Be kind.", "input": [{"role": "user", "content": "hi"}]},
    "system item first": {"instructions": "A", "input": [{"role": "system", "content": "B"}]},
    "developer": {"input": [{"role": "developer", "content": "A"}, {"role": "user", "content": "b"}]},
    "a turn": {"input": ["hi", REASONING, SEARCH, SAID, CALL, {"role": "user", "content": "go on"}]},
    "two messages": {"input": [SAID, SAID | {"id": "msg_2"}]},
    "two plain messages": {
        "input": [{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}]
    },
    "thoughts themselves": {
        "input": [
            {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]},
            {"type": "reasoning", "id": "rs_9", "summary": []},
        ]
    },
    "results": {
        "input": [
            CALL,
            {"type": "function_call_output", "call_id": "call_abc", "output": "ok", "id": "fco_1"},
            CALL | {"call_id": "call_abd"},
            {
                "type": "function_call_output",
                "call_id": "call_abd",
                "output": [
                    {"type": "input_text", "text": "see"},
                    {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
                ],
            },
        ]
    },
    "custom tools": {
        "input": [
            {"type": "custom_tool_call", "call_id": "call_p", "name": "apply_patch", "input": "*** Begin"},
            {"type": "custom_tool_call_output", "call_id": "call_p", "output": "Done"},
        ],
        "tools": [{"type": "custom", "name": "apply_patch", "format": {"type": "grammar", "syntax": "lark"}}],
        "tool_choice": {"type": "custom", "name": "apply_patch"},
    },
    "media": {
        "input": [
            {
                "role": "user",
                "content": [
                    {"type": "input_image", "image_url": "https://x.example/a.png", "detail": "high"},
                    {"type": "input_image", "file_id": "file-1", "detail": "auto"},
                    {
                        "type": "input_file",
                        "file_data": "data:application/pdf;base64,AAAA",
                        "filename": "a.pdf",
                    },
                    {"type": "input_file", "file_data": "data:image/png;base64,AAAA"},
                    {"type": "input_file", "file_url": "https://x.example/a.pdf"},
                    {"type": "input_file", "file_id": "assistant-9"},
                    {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
                    {"type": "input_text", "text": "t", "prompt_cache_breakpoint": {"mode": "explicit"}},
                    {"type": "input_hologram", "rays": 3},
                ],
            }
        ]
    },
    "references": {
        "input": [{"type": "item_reference", "id": "msg_1"}, {"role": "user", "content": "x"}],
        "previous_response_id": "resp_1",
    },
    "unknown output": {"input": [{"type": "computer_call_output", "call_id": "c", "output": {"type": "x"}}]},
    "odd content": {"input": [{"role": "assistant", "content": [{"type": "whistle", "tune": 1}]}]},
    "namespaces": {
        "tools": [
            {
                "type": "namespace",
                "name": "mcp__files",
                "description": "Files",
                "tools": [
                    {
                        "type": "function",
                        "name": "read",
                        "parameters": {"type": "object", "properties": {}},
                        "strict": False,
                    },
                    {"type": "custom", "name": "write"},
                ],
            },
            {
                "type": "function",
                "name": "plain",
                "parameters": ODD,
            },
            {"type": "web_search", "external_web_access": True},
        ],
        "input": [CALL | {"namespace": "mcp__files", "name": "read"}],
        "tool_choice": {
            "type": "allowed_tools",
            "mode": "required",
            "tools": [{"type": "function", "name": "plain"}],
        },
    },
    "mcp choice": {
        "tools": [{"type": "mcp", "server_label": "s"}],
        "tool_choice": {"type": "mcp", "server_label": "s", "name": "n"},
    },
    "hosted choice": {"tools": [{"type": "web_search"}], "tool_choice": {"type": "web_search"}},
    "settings": {
        "max_output_tokens": 9,
        "temperature": 0.5,
        "top_p": 0.25,
        "top_logprobs": 2,
        "include": [
            "file_search_call.results",
            "message.output_text.logprobs",
            "reasoning.encrypted_content",
        ],
        "parallel_tool_calls": False,
        "reasoning": {"effort": "low", "summary": "auto", "context": "all"},
        "text": {
            "format": {"type": "json_schema", "name": "n", "schema": STRICT, "strict": True},
            "verbosity": "low",
        },
        "metadata": {"a": "b"},
        "store": True,
        "service_tier": "flex",
        "prompt_cache_key": "k",
        "safety_identifier": "me",
        "truncation": "auto",
        "client_metadata": {"x": 1},
        "stream": True,
    },
    "both names of the user": {"user": "a", "safety_identifier": "b"},
    "json object": {"text": {"format": {"type": "json_object"}}},
    "nulls": dict.fromkeys(
        ("instructions", "tools", "tool_choice", "reasoning", "text", "store", "temperature")
    ),
}
