"""Answers in JSON, asked for in the strongest way one target knows."""

import msgspec

from omniroute.conversation.abilities import Abilities, Structured
from omniroute.conversation.parts import Text
from omniroute.conversation.request import Message, Output, OutputKind, Request, Role
from omniroute.conversation.roles import leading
from omniroute.conversation.thinking import is_off, thinks

_ONLY_JSON = "Answer with one JSON value and nothing else: no code fence, no words before or after it."
_SCHEMA = "It must be valid against this JSON Schema"


def fitted_output(request: Request, abilities: Abilities, dialect: str, losses: list[str]) -> Request:
    """With the shape of the answer asked for in words, where the target has no field for it.

    A shape that is had by a forced tool call is left alone; when the target refuses to think during one,
    it does not think.
    """
    del dialect
    output = request.output
    if output.kind is OutputKind.TEXT or abilities.structured is Structured.SCHEMA:
        return request
    if abilities.structured is Structured.TOOL:
        return _without_thinking(request, abilities, losses)
    if abilities.structured is Structured.JSON and output.kind is OutputKind.JSON:
        return request
    losses.append("json_schema" if output.kind is OutputKind.SCHEMA else "json_object")
    kind = OutputKind.JSON if abilities.structured is Structured.JSON else OutputKind.TEXT
    plain = msgspec.structs.replace(output, kind=kind, schema=None, name=None, description=None, strict=None)
    place = leading(request.messages)
    wish = Message(Role.SYSTEM, (Text(words_for(output)),))
    messages = (*request.messages[:place], wish, *request.messages[place:])
    return msgspec.structs.replace(request, output=plain, messages=messages)


def words_for(output: Output) -> str:
    """The wish as a system text."""
    if output.schema is None:
        return _ONLY_JSON
    about = f" (it describes: {output.description})" if output.description else ""
    return f"{_ONLY_JSON} {_SCHEMA}{about}:\n{bytes(output.schema).decode('utf-8', 'replace')}"


def _without_thinking(request: Request, abilities: Abilities, losses: list[str]) -> Request:
    asked = request.reasoning
    if "tool_choice" not in abilities.drop_when_thinking or is_off(asked) or not thinks(asked, abilities):
        return request
    losses.append("reasoning")
    return msgspec.structs.replace(request, reasoning=msgspec.structs.replace(asked, enabled=False))
