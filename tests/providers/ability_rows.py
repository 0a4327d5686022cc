"""What every shipped rule does to a request: at least one row for each."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from omniroute.conversation.abilities import Abilities
from omniroute.conversation.fit import fit
from omniroute.conversation.parts import Text, Thinking, ToolResult, ToolUse
from omniroute.conversation.request import (
    ChoiceMode,
    FunctionTool,
    Message,
    Output,
    OutputKind,
    Reasoning,
    Request,
    Role,
    Sampling,
    ToolChoice,
)
from omniroute.errors import Refused


@dataclass(frozen=True)
class Row:
    """A request for one model, and what becomes of it."""

    rule: str
    provider: str
    model: str
    dialect: str
    asks: Mapping[str, Any] = field(default_factory=dict)
    gets: Mapping[str, Any] = field(default_factory=dict)
    """What differs from what was asked; `refused` alone: the field that is refused."""
    losses: tuple[str, ...] = ()
    abilities: Mapping[str, Any] = field(default_factory=dict)
    """Facts for the encoder, which leave the request alone."""


_MESSAGES = {
    "s": Message(Role.SYSTEM, (Text("be brief"),)),
    "d": Message(Role.DEVELOPER, (Text("be exact"),)),
    "u": Message(Role.USER, (Text("hello"),)),
    "a": Message(Role.ASSISTANT, (Text("hi"),)),
    "n": Message(Role.USER, (Text("hello"),), name="ada"),
    "p": Message(Role.ASSISTANT, (Thinking("hm"), Text("hi"))),
    "t": Message(Role.ASSISTANT, (ToolUse("c1", "read", "{}"),)),
    "k": Message(Role.ASSISTANT, (Thinking("hm"), ToolUse("c1", "read", "{}"))),
    "r": Message(Role.USER, (ToolResult("c1", (Text("found"),)),)),
}
"""One letter for each kind of message."""
_LETTERS = {
    (message.role, tuple(type(part) for part in message.parts), message.name): letter
    for letter, message in _MESSAGES.items()
}


def request_of(model: str, asks: Mapping[str, Any]) -> Request:
    """The request that a row asks for."""
    left = {"turns": "u", **asks}
    messages = tuple(_MESSAGES[letter] for letter in left.pop("turns"))
    mode, kind, tools = left.pop("choice", None), left.pop("output", "text"), left.pop("tools", 0)
    left["stop"] = tuple(left.get("stop", ()))
    sampling = {name: left.pop(name) for name in Sampling.__struct_fields__ if name in left}
    reasoning = {name: left.pop(name) for name in Reasoning.__struct_fields__ if name in left}
    named = mode == ChoiceMode.NAMED
    return Request(
        model=model,
        messages=messages,
        tools=tuple(FunctionTool(f"tool{place}") for place in range(tools)),
        tool_choice=None if mode is None else ToolChoice(ChoiceMode(mode), "tool0" if named else None),
        sampling=Sampling(**sampling),
        reasoning=Reasoning(**reasoning),
        output=Output(kind=OutputKind(kind), verbosity=left.pop("verbosity", None)),
        **left,
    )


def shown(request: Request) -> dict[str, Any]:
    """What is said in a request, in the terms of a row."""
    flat: dict[str, Any] = {
        **msgspec.structs.asdict(request.sampling),
        **msgspec.structs.asdict(request.reasoning),
        "turns": "".join(_letter(message) for message in request.messages),
        "choice": None if request.tool_choice is None else request.tool_choice.mode.value,
        "output": request.output.kind.value,
        "tools": len(request.tools) or None,
        "verbosity": request.output.verbosity,
    }
    for name in ("parallel_tools", "user", "service_tier", "cache_key", "store", "metadata"):
        flat[name] = getattr(request, name)
    return {name: value for name, value in flat.items() if value is not None and value != ()}


def _letter(message: Message) -> str:
    return _LETTERS.get((message.role, tuple(type(part) for part in message.parts), message.name), "?")


def holds(row: Row, abilities: Abilities) -> bool:
    """Whether the row comes true with these abilities."""
    if any(getattr(abilities, name) != value for name, value in row.abilities.items()):
        return False
    request = request_of(row.model, row.asks)
    try:
        fitted = fit(request, abilities, dialect=row.dialect)
    except Refused as refused:
        return row.gets.get("refused") == refused.param
    wanted = {name: value for name, value in {**shown(request), **row.gets}.items() if value is not None}
    return shown(fitted.request) == wanted and set(fitted.losses) == set(row.losses)


def _row(values: Mapping[str, Any]) -> Row:
    provider, _, model = values["at"].partition("/")
    return Row(
        rule=values["rule"],
        provider=provider,
        model=model,
        dialect=values["in"],
        asks=values.get("asks", {}),
        gets={**dict.fromkeys(values.get("gone", ())), **values.get("gets", {})},
        losses=tuple(values.get("losses", ())),
        abilities=values.get("abilities", {}),
    )


ROWS = tuple(
    _row(values)
    for values in tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))["rows"]
)
