"""Declarations of tools and the choice among them, read and written (API reference, read 2026-11-22)."""

import msgspec

from omniroute.conversation.parts import Extra
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
from omniroute.formats.openai_chat.node import DIALECT, Malformed, Node, as_raw, as_text, is_text
from omniroute.formats.openai_chat.parts_decode import take_cache_mark
from omniroute.formats.openai_chat.plain import plain_tools
from omniroute.formats.remembered import TOOLS, Fragment
from omniroute.formats.schema import compiled

_MODES = {
    "auto": ChoiceMode.AUTO,
    "none": ChoiceMode.NONE,
    "required": ChoiceMode.REQUIRED,
    "any": ChoiceMode.REQUIRED,
}


def take_tools(root: Node) -> tuple[Tool, ...]:
    """The tools declared; `functions` is the old form of the same."""
    tools: list[Tool] = []
    declared = root.raw("tools")
    plain = plain_tools(declared) if declared is not None else []
    if plain is not None:
        tools += plain
    elif declared is not None:
        root.put_back("tools", declared)
        for place, raw in enumerate(root.items("tools")):
            tools.append(_tool(Node.of(raw, f"tools[{place}]"), raw))
    if "functions" in root:
        tools += [_function(node, None) for node in root.nodes("functions")]
    return tuple(tools)


def take_tool_choice(root: Node) -> ToolChoice | None:
    """How the model is to go about tools."""
    value = root.raw("tool_choice")
    if value is None:
        value = root.raw("function_call")
    if value is None:
        return None
    if is_text(value):
        word = as_text(value, "tool_choice")
        if word not in _MODES:
            raise Malformed("tool_choice", "must be auto, none, required or a tool")
        return ToolChoice(_MODES[word])
    return _named_choice(Node.of(value, "tool_choice"))


def encode_tools(request: Request, losses: Losses, *, cache_marks: bool) -> dict[str, object]:
    """The members of a request that are about tools."""
    if not request.tools:
        if request.tool_choice is not None:
            losses.add("tool_choice")
        return {}
    members: dict[str, object] = {"tools": _encode_all(request.tools, losses, cache_marks=cache_marks)}
    if request.tool_choice is not None:
        members["tool_choice"] = _encode_choice(request.tool_choice, request.tools)
    return members


def _tool(node: Node, raw: msgspec.Raw) -> Tool:
    kind = node.text("type") or "function"
    if kind == "custom" and "custom" in node:
        return _custom(node)
    if kind != "function":
        return HostedTool(DIALECT, kind, raw)
    cache = take_cache_mark(node)
    inner = node.node("function")
    if inner is None:
        return _function(node, node)  # as Responses has it, which some clients send here
    tool = _function(inner, None)
    rest = {**node.rest(), **({"function": as_raw(inner_rest)} if (inner_rest := inner.rest()) else {})}
    return msgspec.structs.replace(tool, cache=cache, extra=Extra(DIALECT, rest) if rest else None)


def _function(node: Node, whole: Node | None) -> FunctionTool:
    name = node.text("name")
    if not name:
        raise Malformed(f"{node.path}.name", "is missing")
    return FunctionTool(
        name,
        node.text("description"),
        node.raw("parameters"),
        node.flag("strict"),
        extra=whole.extra() if whole is not None else None,
    )


def _custom(node: Node) -> CustomTool:
    inner = node.node("custom")
    name = inner.text("name") if inner is not None else None
    if inner is None or not name:
        raise Malformed(f"{node.path}.custom.name", "is missing")
    return CustomTool(name, inner.text("description"), inner.raw("format"), extra=node.extra())


def _named_choice(node: Node) -> ToolChoice:
    kind = node.text("type")
    if kind == "allowed_tools":
        return _allowed(node)
    for member in ("function", "custom"):
        inner = node.node(member)
        if inner is not None:
            return ToolChoice(ChoiceMode.NAMED, inner.text("name"))
    name = node.text("name")
    if name:
        return ToolChoice(ChoiceMode.NAMED, name)
    if kind in _MODES:
        return ToolChoice(_MODES[kind])
    if not kind or kind in ("function", "custom", "tool"):
        raise Malformed("tool_choice", "names no tool")
    return ToolChoice(ChoiceMode.NAMED, kind)


def _allowed(node: Node) -> ToolChoice:
    inner = node.node("allowed_tools") or node
    mode = _MODES.get(inner.text("mode") or "auto", ChoiceMode.AUTO)
    names: list[str] = []
    for tool in inner.nodes("tools"):
        named = tool.node("function") or tool.node("custom") or tool
        name = named.text("name") or tool.text("type")
        if name:
            names.append(name)
    return ToolChoice(mode, allowed=tuple(names))


def _encode_all(tools: tuple[Tool, ...], losses: Losses, *, cache_marks: bool) -> object:
    entry = TOOLS.entry(tools)
    if entry is None:
        return _encode_each(tools, losses, cache_marks=cache_marks)
    terms = (DIALECT, cache_marks)
    fragment = entry.written.get(terms)
    if fragment is None:
        lost = Losses()
        written = _encode_each(tools, lost, cache_marks=cache_marks)
        fragment = Fragment((msgspec.Raw(msgspec.json.encode(written)),), lost.names)
        TOOLS.keep_written(entry, terms, fragment)
    for name in fragment.losses:
        losses.add(name)
    return fragment.texts[0]


def _encode_each(tools: tuple[Tool, ...], losses: Losses, *, cache_marks: bool) -> list[object]:
    return [_encode_tool(tool, place, losses, cache_marks=cache_marks) for place, tool in enumerate(tools)]


def _encode_tool(tool: Tool, place: int, losses: Losses, *, cache_marks: bool) -> object:
    match tool:
        case FunctionTool():
            return _encode_function(tool, place, losses, cache_marks=cache_marks)
        case CustomTool():
            if tool.namespace is not None:
                raise cannot_carry("a tool in a namespace", f"tools[{place}]", DIALECT)
            custom: dict[str, object] = {"name": tool.name}
            if tool.description is not None:
                custom["description"] = tool.description
            if tool.format is not None:
                custom["format"] = tool.format
            return {"type": "custom", "custom": custom, **own_members(tool.extra, losses)}
        case HostedTool():
            if tool.format != DIALECT:
                raise cannot_carry(f"the tool {tool.type}", f"tools[{place}]", DIALECT)
            return tool.value


def _encode_function(
    tool: FunctionTool, place: int, losses: Losses, *, cache_marks: bool
) -> dict[str, object]:
    if tool.namespace is not None:
        raise cannot_carry("a tool in a namespace", f"tools[{place}]", DIALECT)
    function: dict[str, object] = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    strict = tool.strict
    if tool.schema is not None:
        schema = compiled(tool.schema, DIALECT, strict=tool.strict is True)
        function["parameters"] = schema.schema
        strict = strict if "strict" not in schema.losses else None
        for loss in schema.losses:
            losses.add(loss)
    if strict is not None:
        function["strict"] = strict
    encoded: dict[str, object] = {"type": "function", "function": function}
    if tool.cache is not None:
        add_cache_mark(encoded, tool.cache.ttl, losses, allowed=cache_marks)
    for name, value in own_members(tool.extra, losses).items():
        if name == "function":
            function.update(msgspec.json.decode(value, type=dict[str, msgspec.Raw]))
        else:
            encoded[name] = value
    return encoded


def add_cache_mark(node: dict[str, object], ttl: str | None, losses: Losses, *, allowed: bool) -> None:
    """The mark as Anthropic and OpenRouter write it; a loss where the target refuses it."""
    if allowed:
        node["cache_control"] = {"type": "ephemeral", **({"ttl": ttl} if ttl is not None else {})}
    else:
        losses.add("cache_control")


def own_members(extra: Extra | None, losses: Losses) -> dict[str, msgspec.Raw]:
    """The members that belong into this dialect; those of others are losses."""
    if extra is None:
        return {}
    if extra.format == DIALECT:
        return extra.members
    for name in extra.members:
        losses.add(name)
    return {}


def _encode_choice(choice: ToolChoice, tools: tuple[Tool, ...]) -> object:
    if choice.mode is ChoiceMode.NAMED and choice.name:
        return _reference(choice.name, tools)
    mode = "auto" if choice.mode is ChoiceMode.NAMED else choice.mode.value
    if not choice.allowed or choice.mode is ChoiceMode.NONE:
        return mode
    allowed = [_reference(name, tools) for name in choice.allowed]
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": allowed}}


def _reference(name: str, tools: tuple[Tool, ...]) -> dict[str, object]:
    for tool in tools:
        if isinstance(tool, CustomTool) and tool.name == name:
            return {"type": "custom", "custom": {"name": name}}
        if isinstance(tool, HostedTool) and tool.type == name:
            return {"type": name}
    return {"type": "function", "function": {"name": name}}
