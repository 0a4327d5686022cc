"""Requests in Ollama's dialect, made short."""

import json
from typing import Any

from omniroute.conversation.abilities import Abilities
from omniroute.conversation.parts import Part
from omniroute.conversation.request import Message, Request, Role
from omniroute.formats.ollama import decode_request, encode_request

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def decoded(**members: Any) -> Request:  # JSON of any shape
    return decode_request(json.dumps({"model": "m", "messages": [], **members}).encode())


def encoded(request: Request, **abilities: Any) -> dict[str, Any]:  # fields of Abilities
    body = encode_request(request, Abilities(model="up", **abilities)).body
    value: dict[str, Any] = json.loads(body)
    return value


def asking(*parts: Part, role: Role = Role.USER) -> Request:
    return Request(model="m", messages=(Message(role, parts),))
