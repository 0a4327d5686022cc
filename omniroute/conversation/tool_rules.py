"""Tools, and how they are to be chosen, as one target allows it."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from omniroute.conversation.abilities import Abilities
from omniroute.conversation.request import ChoiceMode, HostedTool, Request, Tool, ToolChoice
from omniroute.errors import ErrorKind, Refused

AMBIENT: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        # Codex CLI declares them whether or not they are wanted: its codex-rs/tools, read 2026-11-23.
        "openai-responses": frozenset({"web_search", "image_generation", "tool_search"}),
    }
)
"""Hosted tools, by dialect, that coding agents always declare beside their own: other targets do without."""


def fitted_tools(request: Request, abilities: Abilities, dialect: str, losses: list[str]) -> Request:
    """With tools and a choice among them that the target has. Raises `Refused` for another provider's own."""
    tools = _without_foreign(request, dialect, losses)
    choice, parallel = request.tool_choice, request.parallel_tools
    if choice is not None:
        choice, tools = _chosen(choice, tools, abilities.tool_choices, losses)
    if not tools:
        choice, parallel = None, None
    if (tools, choice, parallel) == (request.tools, request.tool_choice, request.parallel_tools):
        return request
    return msgspec.structs.replace(request, tools=tools, tool_choice=choice, parallel_tools=parallel)


def is_forced(choice: ToolChoice | None) -> bool:
    """The model has to call a tool."""
    return choice is not None and choice.mode in (ChoiceMode.REQUIRED, ChoiceMode.NAMED)


def _without_foreign(request: Request, dialect: str, losses: list[str]) -> tuple[Tool, ...]:
    foreign = [
        (place, tool)
        for place, tool in enumerate(request.tools)
        if isinstance(tool, HostedTool) and tool.format != dialect
    ]
    if not foreign:
        return request.tools
    has_own = any(not isinstance(tool, HostedTool) for tool in request.tools)
    for place, tool in foreign:
        is_ambient = tool.type in AMBIENT.get(tool.format, ())
        if not (is_ambient and has_own) or _forces(request.tool_choice, tool):
            message = f"tools[{place}]: the hosted tool {tool.type} cannot be had with {dialect}"
            raise Refused(ErrorKind.UNSUPPORTED, message, param=f"tools[{place}]")
        losses.append(tool.type)
    left_out = {place for place, _ in foreign}
    return tuple(tool for place, tool in enumerate(request.tools) if place not in left_out)


def _forces(choice: ToolChoice | None, tool: HostedTool) -> bool:
    return choice is not None and choice.mode is ChoiceMode.NAMED and choice.name == tool.type


def _chosen(
    choice: ToolChoice, tools: tuple[Tool, ...], modes: frozenset[str], losses: list[str]
) -> tuple[ToolChoice | None, tuple[Tool, ...]]:
    """The choice, and the tools left to choose from."""
    if choice.mode is ChoiceMode.NONE and ChoiceMode.NONE not in modes:
        return None, ()
    if choice.mode is ChoiceMode.NAMED and ChoiceMode.NAMED not in modes:
        choice = ToolChoice(ChoiceMode.REQUIRED, allowed=(choice.name or "",))
    if choice.allowed and "allowed" not in modes:
        tools = tuple(tool for tool in tools if _name(tool) in choice.allowed)
        choice = ToolChoice(choice.mode, choice.name)
    if choice.mode is ChoiceMode.REQUIRED and ChoiceMode.REQUIRED not in modes:
        losses.append("tool_choice")
        choice = ToolChoice(allowed=choice.allowed)
    if choice == ToolChoice() and ChoiceMode.AUTO not in modes:
        return None, tools
    return choice, tools


def _name(tool: Tool) -> str:
    return tool.type if isinstance(tool, HostedTool) else tool.name
