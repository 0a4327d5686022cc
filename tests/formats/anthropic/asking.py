"""Requests and answers of Anthropic's dialect, made short."""

import json
from typing import Any

import msgspec

from omniroute.conversation.abilities import Abilities, plain
from omniroute.conversation.parts import Text
from omniroute.conversation.request import Message, Request, Role
from omniroute.formats import anthropic
from omniroute.formats.codec import ReplyFacts

Json = Any  # JSON of any shape

HELLO = Request(model="m", messages=(Message(Role.USER, (Text("hello"),)),))
FACTS = ReplyFacts(id="0abc", created_s=1, model="shown", request=HELLO)


def decoded(need_max_tokens: bool = True, **members: Json) -> Request:
    """What a client asks with a question and these members."""
    body: Json = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hello"}]}
    return anthropic.decode_request(msgspec.json.encode({**body, **members}), need_max_tokens=need_max_tokens)


def encoded(request: Request, abilities: Abilities | None = None) -> tuple[Json, tuple[str, ...]]:
    """The body for an upstream, and the losses."""
    done = anthropic.encode_request(request, abilities or plain("up"))
    return json.loads(done.body), done.losses


def asked(*messages: Message, **members: Json) -> Request:
    """A request of these messages."""
    return Request(model="m", messages=messages, **members)


def raw(value: Json) -> msgspec.Raw:
    """A value as JSON text."""
    return msgspec.Raw(msgspec.json.encode(value))
