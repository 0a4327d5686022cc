"""Tools and the choice among them, both ways."""

from collections.abc import Sequence

import msgspec

from omniroute.conversation.parts import Extra
from omniroute.conversation.request import (
    ChoiceMode,
    CustomTool,
    FunctionTool,
    HostedTool,
    Tool,
    ToolChoice,
)
from omniroute.formats.codec import Losses, cannot_carry
from omniroute.formats.openai_responses.members import (
    DIALECT,
    Members,
    Objects,
    WrongShape,
    is_text,
    own,
    raw_json,
)
from omniroute.formats.schema import compiled

_MODES = {"auto": ChoiceMode.AUTO, "none": ChoiceMode.NONE, "required": ChoiceMode.REQUIRED}
_WORDS = {mode: word for word, mode in _MODES.items()}
_GROUP_DESCRIPTION = "namespace_description"


def decode_tools(request: Members) -> tuple[Tool, ...]:
    """All tools, groups opened. Raises `WrongShape`."""
    found: list[Tool] = []
    tools = request.objects("tools")
    for place, tool in enumerate(tools.members):
        if tool.peek("type") == _NAMESPACE:
            found.extend(_group(tool))
        else:
            found.append(_tool(tool, tools, place))
    return tuple(found)


_NAMESPACE = msgspec.Raw(b'"namespace"')
_GRAMMAR = msgspec.Raw(b'"grammar"')


def _group(group: Members) -> list[Tool]:
    name, description = _name(group), group.text("description")
    tools = group.objects("tools")
    return [_tool(tool, tools, place, name, description) for place, tool in enumerate(tools.members)]


def _tool(
    tool: Members,
    tools: Objects,
    place: int,
    namespace: str | None = None,
    group_description: str | None = None,
) -> Tool:
    kind = tool.text("type") or "function"
    if kind == "function":
        if tool.peek("name") is None:
            tool = tool.nested("function") or tool  # Chat's shape, which some clients send here too
        return FunctionTool(
            _name(tool),
            tool.text("description"),
            tool.raw("parameters"),
            tool.flag("strict"),
            namespace,
            group_description,
            extra=tool.rest(),
        )
    if kind == "custom":
        name, description, grammar = _name(tool), tool.text("description"), tool.raw("format")
        if group_description is not None:
            tool.left[_GROUP_DESCRIPTION] = raw_json(group_description)
        return CustomTool(name, description, grammar, namespace, tool.rest())
    return HostedTool(DIALECT, kind, tools.raw(place))


def _name(tool: Members) -> str:
    name = tool.text("name")
    if not name:
        raise WrongShape(tool.at("name"), "a string")
    return name


def decode_choice(request: Members) -> ToolChoice | None:
    """How the model is to go about tools. What has no other form stays in `request`. Raises `WrongShape`."""
    raw = request.peek("tool_choice")
    if raw is None:
        return None
    if is_text(raw):
        word = request.text("tool_choice") or ""
        if word not in _MODES:
            raise WrongShape("tool_choice", "auto, none, required or an object")
        return ToolChoice(_MODES[word])
    choice = Members.of(raw, "tool_choice")
    kind = choice.text("type")
    if not kind:
        raise WrongShape("tool_choice.type", "a string")
    if kind == "allowed_tools":
        return _allowed(request, choice)
    if kind in ("function", "custom"):
        del request.left["tool_choice"]
        return ToolChoice(ChoiceMode.NAMED, _name(choice.nested("function") or choice))
    if choice.rest() is None:
        del request.left["tool_choice"]  # else it says more than a type, as for MCP
    return ToolChoice(ChoiceMode.NAMED, kind)


def _allowed(request: Members, choice: Members) -> ToolChoice:
    tools = choice.objects("tools").members
    names = tuple(tool.text("name") or tool.text("type") or "" for tool in tools)
    if all(tool.left.keys() <= {"type"} for tool in tools):
        del request.left["tool_choice"]
    return ToolChoice(_MODES.get(choice.text("mode") or "", ChoiceMode.AUTO), allowed=names)


def encode_choice(choice: ToolChoice, tools: Sequence[Tool]) -> object:
    """The `tool_choice` member."""
    if choice.allowed:
        mode = choice.mode if choice.mode is ChoiceMode.REQUIRED else ChoiceMode.AUTO
        named = [_named(name, tools) for name in choice.allowed]
        return {"type": "allowed_tools", "mode": mode.value, "tools": named}
    if choice.mode is ChoiceMode.NAMED:
        return _named(choice.name or "", tools)
    return _WORDS[choice.mode]


def _named(name: str, tools: Sequence[Tool]) -> dict[str, str]:
    for tool in tools:
        match tool:
            case FunctionTool() if tool.name == name:
                return {"type": "function", "name": name}
            case CustomTool() if tool.name == name:
                return {"type": "custom", "name": name}
            case HostedTool() if tool.type == name:
                return {"type": name}
            case _:
                pass
    return {"type": "function", "name": name}


def encode_tools(tools: Sequence[Tool], losses: Losses) -> list[object]:
    """The `tools` member; neighbours of one group stand in it. Raises `Refused` for another's hosted tool."""
    written: list[object] = []
    group: tuple[str, list[object]] | None = None
    for place, tool in enumerate(tools):
        if isinstance(tool, HostedTool):
            if tool.format != DIALECT:
                raise cannot_carry(f"the tool {tool.type}", f"tools[{place}]", DIALECT)
            written.append(tool.value)
            group = None
        elif tool.namespace is None:
            written.append(_declared(tool, losses))
            group = None
        else:
            if group is None or group[0] != tool.namespace:
                group = (tool.namespace, [])
                written.append(_opened(tool, group[1]))
            group[1].append(_declared(tool, losses))
    return written


def _opened(tool: FunctionTool | CustomTool, members: list[object]) -> dict[str, object]:
    description: object
    if isinstance(tool, FunctionTool):
        description = tool.namespace_description
    else:
        description = (own(tool.extra) or {}).get(_GROUP_DESCRIPTION)
    return {
        "type": "namespace",
        "name": tool.namespace,
        "description": description or "",
        "tools": members,
    }


def _declared(tool: FunctionTool | CustomTool, losses: Losses) -> dict[str, object]:
    written: dict[str, object] = {"name": tool.name}
    if tool.description is not None:
        written["description"] = tool.description
    if isinstance(tool, FunctionTool):
        if tool.cache is not None:
            losses.add("cache_control")
        written["type"] = "function"
        strict = tool.strict
        if tool.schema is not None:
            schema = compiled(tool.schema, DIALECT, strict=bool(strict))
            for loss in schema.losses:
                losses.add(loss)
            written["parameters"] = schema.schema
            if strict and "strict" in schema.losses:
                strict = False
        if strict is not None:
            written["strict"] = strict
    else:
        written["type"] = "custom"
        if tool.format is not None:
            written["format"] = _grammar(tool.format)
    return {**written, **_own_members(tool.extra, losses)}


def _own_members(extra: Extra | None, losses: Losses) -> dict[str, msgspec.Raw]:
    members = own(extra)
    if members is not None:
        return {name: value for name, value in members.items() if name != _GROUP_DESCRIPTION}
    for name in extra.members if extra is not None else ():
        losses.add(name)
    return {}


def _grammar(raw: msgspec.Raw) -> msgspec.Raw:
    """Chat nests the grammar one object deeper."""
    try:
        shape = Members.of(raw, "format")
        nested = shape.nested("grammar")
    except WrongShape:
        return raw
    if nested is None or shape.peek("type") != _GRAMMAR:
        return raw
    return raw_json({"type": "grammar", **nested.left})
