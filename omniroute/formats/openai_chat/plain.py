"""The commonest shapes of a request's messages and tools, read in one go.

An agent's request holds dozens of each: reading them member by member takes three times as long.
"""

from collections.abc import Sequence

import msgspec

from omniroute.conversation.parts import Part, Text, ToolResult, ToolUse
from omniroute.conversation.request import FunctionTool, Message, Role


class _Strict(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Anything more than what is declared is for the thorough readers."""


class _Function(_Strict):
    name: str
    arguments: str


class _Call(_Strict):
    id: str
    function: _Function
    type: str = "function"


class _Text(_Strict):
    type: str
    text: str


class _Message(_Strict):
    role: str
    content: str | list[_Text] | None = None
    tool_calls: list[_Call] | None = None
    tool_call_id: str | None = None


class _Declared(_Strict):
    name: str
    description: str | None = None
    parameters: msgspec.Raw = msgspec.Raw(b"")
    strict: bool | None = None


class _Tool(_Strict):
    type: str
    function: _Declared


_MESSAGE = msgspec.json.Decoder(_Message)
_TOOLS = msgspec.json.Decoder(list[_Tool])
_SPOKEN = {"user": Role.USER, "system": Role.SYSTEM, "developer": Role.DEVELOPER}


def plain_message(raw: msgspec.Raw) -> Message | None:
    """The message; `None` when it is none of the common ones."""
    try:
        message = _MESSAGE.decode(raw)
    except msgspec.ValidationError:
        return None
    parts = _texts(message.content)
    if parts is None:
        return None
    role, answered = message.role, message.tool_call_id
    if role == "assistant" and answered is None:
        return _assistant(parts, message.tool_calls or ())
    if message.tool_calls is None and role == "tool" and answered:
        return Message(Role.USER, (ToolResult(answered, tuple(parts)),))
    if message.tool_calls is None and role in _SPOKEN and answered is None:
        return Message(_SPOKEN[role], tuple(parts))
    return None


def _assistant(said: list[Text], calls: Sequence[_Call]) -> Message | None:
    parts: list[Part] = [*said]
    for call in calls:
        if call.type != "function":
            return None
        parts.append(ToolUse(call.id, call.function.name, call.function.arguments))
    return Message(Role.ASSISTANT, tuple(parts))


def _texts(content: str | list[_Text] | None) -> list[Text] | None:
    if content is None or isinstance(content, str):
        return [Text(content)] if content else []
    if any(part.type != "text" for part in content):
        return None
    return [Text(part.text) for part in content if part.text]


def plain_tools(raw: msgspec.Raw) -> Sequence[FunctionTool] | None:
    """The tools; `None` when one of them is no plain function."""
    try:
        tools = _TOOLS.decode(raw)
    except msgspec.ValidationError:
        return None
    declared: list[FunctionTool] = []
    for tool in tools:
        function = tool.function
        if tool.type != "function" or not function.name:
            return None
        schema = function.parameters
        has_schema = schema and bytes(memoryview(schema)[:4]) != b"null"
        declared.append(
            FunctionTool(function.name, function.description, schema if has_schema else None, function.strict)
        )
    return declared
