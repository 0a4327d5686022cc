"""Tools, and how they are to be used, there and back."""

from typing import Any

import msgspec

from omniroute.conversation.request import (
    ChoiceMode,
    CustomTool,
    FunctionTool,
    HostedTool,
    Request,
    Tool,
    ToolChoice,
)
from omniroute.formats.codec import Losses, cannot_carry
from omniroute.formats.gemini.content_encode import own
from omniroute.formats.gemini.members import NAME, Members, extra, items, members, string, strings
from omniroute.formats.gemini.openapi import json_schema
from omniroute.formats.schema import compiled
from omniroute.formats.watch import ABSENT

PREFIX = "toolConfig."
"""How members of `toolConfig` begin among a request's extras."""

_CALLING = "functionCallingConfig"
_MODES = {
    "AUTO": ChoiceMode.AUTO,
    "VALIDATED": ChoiceMode.AUTO,
    "ANY": ChoiceMode.REQUIRED,
    "NONE": ChoiceMode.NONE,
}


def decode_tools(raw: msgspec.Raw) -> tuple[Tool, ...]:
    """Declared functions, and tools Google runs, in the order they stood."""
    try:
        return tuple(_plain(each) for tool in _PLAIN_TOOLS.decode(raw) for each in tool.functionDeclarations)
    except msgspec.ValidationError:
        return _any_tools(raw)


class _Declaration(msgspec.Struct, forbid_unknown_fields=True):
    """A function with nothing special about it."""

    name: str
    description: str | None = None
    parameters: msgspec.Raw = ABSENT
    parametersJsonSchema: msgspec.Raw = ABSENT


class _Declarations(msgspec.Struct, forbid_unknown_fields=True):
    functionDeclarations: list[_Declaration]


_PLAIN_TOOLS = msgspec.json.Decoder(list[_Declarations])
_NO_SCHEMA = (b"", b"null")


def _plain(declared: _Declaration) -> FunctionTool:
    schema = declared.parametersJsonSchema
    if bytes(schema) in _NO_SCHEMA:
        given = bytes(declared.parameters) not in _NO_SCHEMA
        return FunctionTool(
            declared.name, declared.description, json_schema(declared.parameters) if given else None
        )
    return FunctionTool(declared.name, declared.description, schema)


def _any_tools(raw: msgspec.Raw) -> tuple[Tool, ...]:
    tools: list[Tool] = []
    for place, item in enumerate(items(raw, "tools")):
        where = f"tools[{place}]"
        for name, value in members(item, where).items():
            if name == "functionDeclarations":
                tools += [
                    _function(declaration, f"{where}.{name}[{number}]")
                    for number, declaration in enumerate(items(value, f"{where}.{name}"))
                ]
            else:
                declaration = msgspec.json.encode({name: value})
                tools.append(HostedTool(NAME, name, msgspec.Raw(declaration)))
    return tuple(tools)


def _function(raw: msgspec.Raw, where: str) -> FunctionTool:
    declared = members(raw, where)
    name = string(declared.pop("name"), f"{where}.name") if "name" in declared else ""
    description = None
    if "description" in declared:
        description = string(declared.pop("description"), f"{where}.description")
    schema = declared.pop("parametersJsonSchema", None)
    googles = declared.pop("parameters", None)
    if schema is None and googles is not None:
        schema = json_schema(googles)
    return FunctionTool(name, description, schema, extra=extra(declared))


def decode_choice(raw: msgspec.Raw, extras: Members) -> ToolChoice | None:
    """How tools are to be used; what is said to Gemini only goes to `extras`."""
    config = members(raw, "toolConfig")
    calling = config.pop(_CALLING, None)
    extras.update({PREFIX + name: value for name, value in config.items()})
    if calling is None:
        return None
    where = f"toolConfig.{_CALLING}"
    said = members(calling, where)
    mode = string(said["mode"], f"{where}.mode").upper() if "mode" in said else ""
    allowed: tuple[str, ...] = ()
    if "allowedFunctionNames" in said:
        allowed = strings(said["allowedFunctionNames"], f"{where}.allowedFunctionNames")
    if mode == "VALIDATED" and not allowed:
        extras[PREFIX + _CALLING] = calling
    if mode == "ANY" and len(allowed) == 1:
        return ToolChoice(ChoiceMode.NAMED, allowed[0])
    return ToolChoice(_MODES[mode], allowed=allowed if mode != "NONE" else ()) if mode in _MODES else None


def encode_tools(request: Request, losses: Losses) -> list[dict[str, Any] | msgspec.Raw]:
    """The tools for a Gemini server. Raises `Refused` for one that another provider runs."""
    tools: list[dict[str, Any] | msgspec.Raw] = []
    functions: list[dict[str, Any]] = []
    for place, tool in enumerate(request.tools):
        match tool:
            case FunctionTool():
                if not functions:
                    tools.append({"functionDeclarations": functions})
                functions.append(_declaration(tool, losses))
            case HostedTool():
                if tool.format != NAME:
                    raise cannot_carry(f"the tool {tool.type}", f"tools[{place}]", NAME)
                tools.append(tool.value)
            case CustomTool():
                raise cannot_carry(f"the custom tool {tool.name}", f"tools[{place}]", NAME)
    return tools


def _declaration(tool: FunctionTool, losses: Losses) -> dict[str, Any]:
    declared: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        declared["description"] = tool.description
    if tool.schema is not None:
        schema = compiled(tool.schema, "gemini")
        declared["parameters"] = schema.schema
        for name in schema.losses:
            losses.add(name)
    if tool.strict:
        losses.add("strict")
    if tool.cache is not None:
        losses.add("cache_control")
    return declared | own(tool.extra, losses)


def encode_choice(choice: ToolChoice | None) -> dict[str, Any]:
    """`functionCallingConfig`; empty when nothing was said."""
    if choice is None:
        return {}
    match choice.mode:
        case ChoiceMode.NONE:
            return {"mode": "NONE"}
        case ChoiceMode.NAMED:
            return {"mode": "ANY", "allowedFunctionNames": [choice.name or ""]}
        case ChoiceMode.REQUIRED:
            return {"mode": "ANY"} | _allowed(choice)
        case ChoiceMode.AUTO:
            # AUTO takes no list of names; VALIDATED leaves it to the model too, and does.
            return {"mode": "VALIDATED" if choice.allowed else "AUTO"} | _allowed(choice)


def _allowed(choice: ToolChoice) -> dict[str, Any]:
    return {"allowedFunctionNames": list(choice.allowed)} if choice.allowed else {}
