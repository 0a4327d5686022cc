"""Requests to the demo, and what its answers hold."""

import json
from collections.abc import Mapping
from typing import Any

from omniroute.formats.sse import Frame, FrameReader
from omniroute.gateway.demo import DEMO_PROVIDER, DemoUpstream
from omniroute.gateway.upstream import HttpRequest
from omniroute.records import FormatName

JSONObject = dict[str, Any]  # JSON of any shape
CHAT, MESSAGES, RESPONSES = FormatName.OPENAI_CHAT, FormatName.ANTHROPIC, FormatName.OPENAI_RESPONSES
SCHEMA: JSONObject = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "unit": {"type": "string", "enum": ["celsius", "kelvin"]},
        "days": {"type": "integer", "minimum": 1},
        "detailed": {"type": "boolean"},
        "near": {"type": "array", "items": {"type": "string"}},
        "place": {"$ref": "#/$defs/place"},
        "note": {"type": "string"},
    },
    "required": ["city", "unit", "days", "detailed", "near", "place"],
    "$defs": {
        "place": {"type": "object", "properties": {"lat": {"type": "number"}}, "required": ["lat"]},
    },
}
TOOLS = ("look_around", "get_weather")


class Sent:
    """One answer of the demo."""

    def __init__(self, status: int, headers: Mapping[str, str], chunks: list[bytes]) -> None:
        self.status = status
        self.headers = headers
        self.chunks = chunks
        self.body = b"".join(chunks)

    @property
    def json(self) -> JSONObject:
        value: JSONObject = json.loads(self.body)
        return value

    @property
    def frames(self) -> list[Frame]:
        return FrameReader().feed(self.body)


async def ask(url: str, body: object) -> Sent:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = HttpRequest(
        method="POST", url=url, headers={"X-Request-Id": "req-1"}, body=content, first_byte_s=1
    )
    async with DemoUpstream().open(request) as answer:
        return Sent(answer.status, answer.headers, [chunk async for chunk in answer.chunks()])


async def converse(dialect: FormatName, body: JSONObject) -> Sent:
    return await ask(DEMO_PROVIDER.formats[dialect], body)


def request(dialect: FormatName, text: str, *, tools: bool = False, **more: object) -> JSONObject:
    """A request of one user message, as the dialect has it."""
    body: JSONObject = {"model": "echo", **more}
    if dialect is RESPONSES:
        body["input"] = [{"role": "user", "content": [{"type": "input_text", "text": text}]}]
    else:
        body |= {"messages": [{"role": "user", "content": text}], "max_tokens": 99}
    if tools:
        body["tools"] = [offered(dialect, name) for name in TOOLS]
    return body


def offered(dialect: FormatName, name: str) -> JSONObject:
    if dialect is MESSAGES:
        return {"name": name, "description": "Does it.", "input_schema": SCHEMA}
    function = {"name": name, "description": "Does it.", "parameters": SCHEMA}
    return {"type": "function"} | (function if dialect is RESPONSES else {"function": function})


def text_in(dialect: FormatName, whole: JSONObject) -> str:
    if dialect is CHAT:
        return str(whole["choices"][0]["message"]["content"])
    if dialect is MESSAGES:
        return str(whole["content"][0]["text"])
    return str(whole["output"][0]["content"][0]["text"])


def call_in(dialect: FormatName, whole: JSONObject) -> tuple[str, str, JSONObject]:
    """Id, name and arguments of the one tool call."""
    if dialect is CHAT:
        (call,) = whole["choices"][0]["message"]["tool_calls"]
        return call["id"], call["function"]["name"], json.loads(call["function"]["arguments"])
    if dialect is MESSAGES:
        (block,) = whole["content"]
        return block["id"], block["name"], block["input"]
    (item,) = whole["output"]
    return item["call_id"], item["name"], json.loads(item["arguments"])
