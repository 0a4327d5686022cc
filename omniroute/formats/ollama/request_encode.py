"""A request for a server that speaks Ollama (API reference, read 2026-11-23)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from omniroute.conversation.abilities import Abilities, EffortStyle
from omniroute.conversation.parts import (
    Base64,
    Extra,
    Media,
    MediaKind,
    Opaque,
    Part,
    PlainText,
    Refusal,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
)
from omniroute.conversation.request import (
    ChoiceMode,
    FunctionTool,
    HostedTool,
    Message,
    OutputKind,
    Reasoning,
    Request,
    Role,
    Tool,
)
from omniroute.errors import ErrorKind, Refused
from omniroute.formats.codec import NO_ARGUMENTS, Encoded, Losses, cannot_carry, state_elsewhere
from omniroute.formats.ollama.fields import FORMAT, MEMBERS, members_of
from omniroute.formats.schema import compiled

Json = dict[str, Any]  # a JSON object while it is built

_SAMPLING = {
    "max_tokens": "num_predict",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "stop": "stop",
    "seed": "seed",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
}
_ROLES = {Role.SYSTEM: "system", Role.DEVELOPER: "system", Role.USER: "user", Role.ASSISTANT: "assistant"}
_BY_WORD = frozenset({EffortStyle.EFFORT, EffortStyle.ADAPTIVE, EffortStyle.BUDGET})
_NO_MEMBER = ("user", "metadata", "service_tier", "cache_key", "store")
"""Fields of a request the dialect has no place for."""


def encode_request(request: Request, abilities: Abilities) -> Encoded:
    """The body for `/api/chat`. Raises `Refused` for content that the dialect cannot carry."""
    losses = Losses()
    _refuse(request)
    body: Json = {"model": abilities.model, "messages": _Messages(losses).written(request.messages)}
    if tools := _tools(request, losses):
        body["tools"] = tools
    body["stream"] = request.stream
    _shape(request, body, losses)
    if (think := _think(request.reasoning, abilities, losses)) is not None:
        body["think"] = think
    options = _options(request, body, losses)
    for name, raw in extra_of(request.extra, losses).items():
        if name.startswith("options."):
            options[name.removeprefix("options.")] = raw
        else:
            body[name] = raw
    if options:
        body["options"] = options
    for name in _NO_MEMBER:
        if getattr(request, name) is not None:
            losses.add(name)
    return Encoded(msgspec.json.encode(body), losses.names)


def _refuse(request: Request) -> None:
    """What cannot be left out without another answer coming of it."""
    if (request.sampling.candidates or 1) > 1:
        raise Refused(ErrorKind.UNSUPPORTED, "n: a model that speaks ollama gives one answer", param="n")
    if request.pin is not None:
        raise state_elsewhere(FORMAT)


def _options(request: Request, body: Json, losses: Losses) -> Json:
    sampling = request.sampling
    options: Json = {}
    for name, word in _SAMPLING.items():
        value = getattr(sampling, name)
        if value is not None and value != ():
            options[word] = value
    for name in ("logprobs", "top_logprobs"):
        if (value := getattr(sampling, name)) is not None:
            body[name] = value
    if sampling.logit_bias is not None:
        losses.add("logit_bias")
    return options


def _shape(request: Request, body: Json, losses: Losses) -> None:
    """What the answer is to look like."""
    output = request.output
    if output.kind is OutputKind.JSON:
        body["format"] = "json"
    elif output.kind is OutputKind.SCHEMA and output.schema is not None:
        schema = compiled(output.schema, FORMAT, answer=True)
        body["format"] = schema.schema
        _add(losses, schema.losses)
    if output.verbosity is not None:
        losses.add("verbosity")
    if set(output.modalities) - {"text"}:
        losses.add("modalities")
    if output.audio is not None:
        losses.add("audio")


def _think(reasoning: Reasoning, abilities: Abilities, losses: Losses) -> bool | str | None:
    """On, off, or how much by a word."""
    if reasoning.budget_tokens is not None and reasoning.budget_tokens > 0:
        losses.add("budget_tokens")
    if reasoning.enabled is False or reasoning.effort == "none" or reasoning.budget_tokens == 0:
        return False
    if reasoning.effort is not None and abilities.effort_style in _BY_WORD:
        return reasoning.effort
    wanted = reasoning.enabled or reasoning.adaptive or reasoning.effort or reasoning.budget_tokens
    return True if wanted else None


def _tools(request: Request, losses: Losses) -> list[Json | msgspec.Raw]:
    choice = request.tool_choice
    tools: Iterable[Tool] = request.tools
    if request.parallel_tools is False and tools:
        losses.add("parallel_tools")
    if choice is not None and tools:
        if choice.mode is ChoiceMode.NONE:
            return []  # the only way to say it: a model without tools calls none
        if choice.mode is not ChoiceMode.AUTO:
            losses.add("tool_choice")
        if choice.allowed:
            tools = [tool for tool in tools if getattr(tool, "name", "") in choice.allowed]
    return [_tool(tool, f"tools[{index}]", losses) for index, tool in enumerate(tools)]


def _tool(tool: Tool, where: str, losses: Losses) -> Json | msgspec.Raw:
    match tool:
        case FunctionTool(namespace=None):
            function: Json = {"name": tool.name}
            if tool.description is not None:
                function["description"] = tool.description
            if tool.schema is not None:
                from omniroute.formats.schema import compiled

                schema = compiled(tool.schema, FORMAT)
                function["parameters"] = schema.schema
                _add(losses, schema.losses)
            if tool.strict:
                losses.add("strict")
            _cached(tool, losses)
            return with_extra({"type": "function", "function": function}, tool.extra, losses)
        case HostedTool(format=dialect) if dialect == FORMAT:
            return tool.value
        case HostedTool():
            raise cannot_carry(f"the tool {tool.type}", where, FORMAT)
        case _:
            raise cannot_carry(f"the tool {tool.name}", where, FORMAT)


@dataclass(slots=True)
class _Messages:
    """The conversation while it is written."""

    losses: Losses
    _written: list[Json] = field(default_factory=list)
    _called: dict[str, str] = field(default_factory=dict)
    """Names of the tools called so far, by id: results repeat them."""

    def written(self, messages: Iterable[Message]) -> list[Json]:
        """All of it. Raises `Refused` for a part that cannot be carried."""
        for index, message in enumerate(messages):
            self._write(message, f"messages[{index}].content")
        return self._written

    def _write(self, message: Message, where: str) -> None:
        """A message; results of tools become messages of their own, where they stand."""
        if message.name is not None:
            self.losses.add("name")
        parts: list[tuple[str, Part]] = []
        for index, part in enumerate(message.parts):
            place = f"{where}[{index}]"
            if isinstance(part, ToolResult):
                self._flush(message, parts)
                self._result(part, place, extra_of(message.extra, self.losses))
            else:
                parts.append((place, part))
        if parts or not message.parts:
            self._flush(message, parts)

    def _flush(self, message: Message, parts: list[tuple[str, Part]]) -> None:
        if not parts and message.parts:
            return
        body: Json = {"role": _ROLES[message.role], "content": ""}
        said = _Said(self.losses, is_answer=message.role is Role.ASSISTANT)
        for place, part in parts:
            said.take(part, place)
        said.into(body)
        if said.calls:
            self._called |= {use.id: use.name for use in said.calls}
            body["tool_calls"] = [_call(use, self.losses) for use in said.calls]
        body |= extra_of(message.extra, self.losses)
        self._written.append(body)
        parts.clear()

    def _result(self, result: ToolResult, place: str, extra: dict[str, msgspec.Raw]) -> None:
        said = _Said(self.losses, is_answer=False)
        for index, part in enumerate(result.parts):
            said.take(part, f"{place}.content[{index}]")
        body: Json = {"role": "tool", "content": ""}
        said.into(body)
        if name := result.name or self._called.get(result.tool_use_id):
            body["tool_name"] = name
        if result.tool_use_id:
            body["tool_call_id"] = result.tool_use_id
        if result.is_error:
            self.losses.add("is_error")
        _cached(result, self.losses)
        self._written.append(body | extra_of(result.extra, self.losses) | extra)


@dataclass(slots=True)
class _Said:
    """What one message of the dialect holds: one text, one thought, images, calls."""

    losses: Losses
    is_answer: bool
    texts: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    calls: list[ToolUse] = field(default_factory=list)

    def take(self, part: Part, place: str) -> None:
        """Add a part. Raises `Refused` for one that cannot be carried."""
        match part:
            case Text() | Refusal():
                self._text(part)
            case Media():
                self._media(part, place)
            case Thinking():
                if part.redacted:
                    self.losses.add("redacted_thinking")
                elif part.text:
                    self.thoughts.append(part.text)
            case ToolUse():
                _cached(part, self.losses)
                self.calls.append(part)
            case Opaque() if self.is_answer:
                self.losses.add(part.type)
            case Opaque():
                raise cannot_carry(part.type, place, FORMAT)
            case ToolResult():
                raise cannot_carry("the result of a tool", place, FORMAT)

    def into(self, body: Json) -> None:
        """Write it all but the calls."""
        # The pieces of an answer are one text; what a user gives in pieces are several.
        body["content"] = ("" if self.is_answer else "\n\n").join(self.texts)
        if self.thoughts:
            body["thinking"] = "\n\n".join(self.thoughts)
        if self.images:
            body["images"] = self.images

    def _text(self, part: Text | Refusal) -> None:
        if part.text:
            self.texts.append(part.text)
        if isinstance(part, Text):
            _cached(part, self.losses)
            if part.citations:
                self.losses.add("citations")
        extra_of(part.extra, self.losses)

    def _media(self, part: Media, place: str) -> None:
        _cached(part, self.losses)
        extra_of(part.extra, self.losses)
        match part.source:
            case Base64() if part.kind is MediaKind.IMAGE:
                self.images.append(part.source.data)
                if part.detail not in (None, "auto"):
                    self.losses.add("detail")
            case PlainText():
                self.texts.append(f"{part.name}\n\n{part.source.text}" if part.name else part.source.text)
            case _:
                what = (
                    "an image that is not given as base64"
                    if part.kind is MediaKind.IMAGE
                    else part.kind.value
                )
                raise cannot_carry(what, place, FORMAT)


def _call(use: ToolUse, losses: Losses) -> Json:
    call: Json = {"id": use.id} if use.id else {}
    call["function"] = {"name": use.name, "arguments": arguments_of(use, losses)}
    return with_extra(call, use.extra, losses)


def arguments_of(use: ToolUse, losses: Losses) -> msgspec.Raw:
    """The arguments as an object; text that is none is wrapped in one, which is a loss."""
    if use.arguments.strip() in NO_ARGUMENTS:
        return msgspec.Raw(b"{}")
    text = use.arguments.encode("utf-8", "replace")
    try:
        MEMBERS.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        losses.add("arguments")
        return msgspec.Raw(msgspec.json.encode({"_arguments": use.arguments}))
    return msgspec.Raw(text.strip())


def with_extra(node: Json, extra: Extra | None, losses: Losses) -> Json:
    """The node with what its own dialect had more; members of `function` go in there."""
    members = dict(extra_of(extra, losses))
    if (inside := members.pop("function", None)) is not None:
        node["function"] |= MEMBERS.decode(inside)
    return node | members


def extra_of(extra: Extra | None, losses: Losses) -> dict[str, msgspec.Raw]:
    """What is to be written back; another dialect's is lost, by name."""
    if extra is not None and extra.format != FORMAT:
        _add(losses, extra.members)
    return members_of(extra)


def _cached(part: Text | Media | ToolUse | ToolResult | FunctionTool, losses: Losses) -> None:
    if part.cache is not None:
        losses.add("cache_control")


def _add(losses: Losses, names: Iterable[str]) -> None:
    for name in names:
        losses.add(name)
