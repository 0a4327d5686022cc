"""Requests read and written in few words."""

import json
from typing import Any

import msgspec

from omniroute.conversation.abilities import Abilities, plain
from omniroute.conversation.parts import (
    Part,
    Text,
)
from omniroute.conversation.request import (
    Message,
    Request,
    Role,
)
from omniroute.formats import gemini

PLAIN = plain("gemini-3-pro")


def decoded(**body: Any) -> Request:
    body.setdefault("contents", [{"parts": [{"text": "hi"}]}])
    return gemini.decode_request(json.dumps(body).encode(), model="m")


def encoded(request: Request, abilities: Abilities = PLAIN) -> tuple[dict[str, Any], tuple[str, ...]]:
    out = gemini.encode_request(request, abilities)
    return json.loads(out.body), out.losses


def asked(*messages: Message, **more: Any) -> Request:
    return Request(model="m", messages=messages, **more)


def user(*parts: Part) -> Message:
    return Message(Role.USER, parts)


def model(*parts: Part) -> Message:
    return Message(Role.ASSISTANT, parts)


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


HI = (user(Text("hi")),)
