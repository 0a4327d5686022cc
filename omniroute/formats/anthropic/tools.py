"""Tools and the choice among them, both ways."""

from collections.abc import Sequence

import msgspec

from omniroute.conversation.request import (
    ChoiceMode,
    CustomTool,
    FunctionTool,
    HostedTool,
    Tool,
    ToolChoice,
)
from omniroute.formats import remembered
from omniroute.formats.anthropic.members import NAME, Members, WrongShape, cache_control, items, objects, own
from omniroute.formats.codec import Losses, cannot_carry
from omniroute.formats.schema import compiled

CHOICE = "tool_choice."
"""How members of the choice begin among a request's extras."""

_MODES = {
    "auto": ChoiceMode.AUTO,
    "any": ChoiceMode.REQUIRED,
    "tool": ChoiceMode.NAMED,
    "none": ChoiceMode.NONE,
}
_WORDS = {mode: word for word, mode in _MODES.items()}


def decode_tools(request: Members) -> tuple[Tool, ...]:
    """The client's functions, and tools Anthropic knows, in the order they stood. Raises `WrongShape`."""
    raw = request.raw("tools")
    return () if raw is None else remembered.TOOLS.read(NAME, raw, _tools)


def _tools(raw: msgspec.Raw, _: int) -> tuple[Tool, ...]:
    tools: list[Tool] = []
    for place, tool in enumerate(objects(raw, "tools")):
        kind = tool.text("type") or "custom"
        if kind == "custom":
            tools.append(_function(tool))
        else:
            tools.append(HostedTool(NAME, kind, items(raw, "tools")[place]))
    return tuple(tools)


def _function(tool: Members) -> FunctionTool:
    name = tool.required("name")
    if not name:
        raise WrongShape(tool.at("name"), "a name")
    return FunctionTool(
        name,
        tool.text("description"),
        tool.raw("input_schema"),
        tool.flag("strict") or None,
        cache=tool.cache(),
        extra=tool.rest(),
    )


def decode_choice(
    request: Members, tools: Sequence[Tool], extras: dict[str, msgspec.Raw]
) -> tuple[ToolChoice | None, bool | None]:
    """How tools are to be called, and whether several at once. Raises `WrongShape`."""
    choice = request.nested("tool_choice")
    if choice is None:
        return None, None
    mode = _MODES.get(choice.required("type"))
    if mode is None:
        raise WrongShape(choice.at("type"), "auto, any, tool or none")
    single = choice.flag("disable_parallel_tool_use")
    name = choice.required("name") if mode is ChoiceMode.NAMED else None
    extras.update({CHOICE + member: value for member, value in choice.left.items()})
    hosted = next((tool for tool in _hosted(tools) if name is not None and _name(tool) == name), None)
    chosen = ToolChoice(mode, name if hosted is None else hosted.type)
    return chosen, None if single is None else not single


def encode_tools(tools: Sequence[Tool], losses: Losses) -> list[object]:
    """The `tools` member. Raises `Refused` for what the dialect lacks."""
    return [_tool(tool, f"tools[{place}]", losses) for place, tool in enumerate(tools)]


def _tool(tool: Tool, where: str, losses: Losses) -> object:
    match tool:
        case HostedTool(format, type, value):
            if format != NAME:
                raise cannot_carry(f"the tool {type}", where, NAME)
            return value
        case CustomTool(name):
            raise cannot_carry(f"the custom tool {name}", where, NAME)
        case FunctionTool(name, namespace=namespace):
            if namespace is not None:
                raise cannot_carry(f"the group of {name}", where, NAME)
            return _declared(tool, losses)


def _declared(tool: FunctionTool, losses: Losses) -> dict[str, object]:
    written: dict[str, object] = {"name": tool.name}
    if tool.description is not None:
        written["description"] = tool.description
    schema = compiled(tool.schema, NAME, strict=bool(tool.strict))
    for loss in schema.losses:
        losses.add(loss)
    written["input_schema"] = schema.schema
    if tool.strict and "strict" not in schema.losses:
        written["strict"] = True
    if tool.cache is not None:
        written["cache_control"] = cache_control(tool.cache)
    return {**written, **own(tool.extra, losses)} if tool.extra is not None else written


def encode_choice(
    choice: ToolChoice | None, tools: Sequence[Tool], losses: Losses, *, parallel: bool | None
) -> dict[str, object]:
    """The `tool_choice` member; empty when nothing was said."""
    if choice is None:
        if parallel is not False or not tools:
            return {}
        choice = ToolChoice()
    if choice.allowed:
        losses.add("allowed_tools")
    written: dict[str, object] = {"type": _WORDS[choice.mode]}
    if choice.mode is ChoiceMode.NAMED:
        hosted = next((tool for tool in _hosted(tools) if tool.type == choice.name), None)
        written["name"] = choice.name if hosted is None else _name(hosted)
    if parallel is not None and choice.mode is not ChoiceMode.NONE:
        written["disable_parallel_tool_use"] = not parallel
    return written


def _hosted(tools: Sequence[Tool]) -> list[HostedTool]:
    return [tool for tool in tools if isinstance(tool, HostedTool) and tool.format == NAME]


def _name(tool: HostedTool) -> str | None:
    return Members.of(tool.value, tool.type).text("name")
