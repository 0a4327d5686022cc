"""Requests of Chat, made short."""

import json
from typing import Any

from omniroute.conversation.abilities import Abilities, ReasoningBack
from omniroute.conversation.parts import Part
from omniroute.conversation.request import Message, Request, Role
from omniroute.formats import openai_chat

ALL = Abilities(model="m", reasoning_back=ReasoningBack.ALWAYS, cache_marks=True)


SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}


PNG = "data:image/png;base64,QQ=="


def read(*messages: object, **members: object) -> Request:
    body = {"model": "m", "messages": messages or [{"role": "user", "content": "Hi"}], **members}
    return openai_chat.decode_request(json.dumps(body).encode())


def written(request: Request, abilities: Abilities = ALL) -> Any:
    return json.loads(openai_chat.encode_request(request, abilities).body)


def asked(*parts: Part, role: Role = Role.USER) -> Request:
    return Request(model="x", messages=(Message(role, parts),))


def only_part(content: object) -> Part:
    (part,) = read({"role": "user", "content": [content]}).messages[0].parts
    return part


def tool_call(id: str = "abc", arguments: str = "{}", **more: object) -> dict[str, object]:
    return {"id": id, "type": "function", "function": {"name": "f", "arguments": arguments}, **more}
