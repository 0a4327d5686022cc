"""Small requests for the tests of `fit`."""

from typing import Any

import msgspec

from omniroute.conversation.abilities import Abilities
from omniroute.conversation.fit import Fitted, fit
from omniroute.conversation.parts import Part, Text, Thinking, ToolResult, ToolUse
from omniroute.conversation.request import FunctionTool, Message, Reasoning, Request, Role, Sampling

TOOL = FunctionTool("read", schema=msgspec.Raw(b'{"type":"object"}'))


def said(role: Role, *words: str) -> Message:
    """One message of texts."""
    return Message(role, tuple(Text(word) for word in words))


def asked(*messages: Message, **fields: Any) -> Request:  # Any: whatever a request has
    """A request; without messages one that says hello."""
    return Request(model="m", messages=messages or (said(Role.USER, "hello"),), **fields)


def thinking(**fields: Any) -> Request:  # Any: the fields of `Reasoning`
    """A request with a wish for thinking; `max_tokens` goes to the sampling."""
    sampling = Sampling(max_tokens=fields.pop("max_tokens", None))
    return asked(reasoning=Reasoning(**fields), sampling=sampling)


def target(**fields: Any) -> Abilities:  # Any: the fields of `Abilities`
    """A target with these abilities."""
    return Abilities(model="m", **fields)


def fitted(request: Request, dialect: str = "openai-chat", **fields: Any) -> Fitted:  # Any: as above
    """The request for a target with these abilities."""
    return fit(request, target(**fields), dialect=dialect)


def tool_turn(*thoughts: Thinking) -> tuple[Message, ...]:
    """A question, a call with these thoughts before it, and the result."""
    call: tuple[Part, ...] = (*thoughts, ToolUse("c1", "read", "{}"))
    return (
        said(Role.USER, "look"),
        Message(Role.ASSISTANT, call),
        Message(Role.USER, (ToolResult("c1", (Text("found"),)),)),
    )
