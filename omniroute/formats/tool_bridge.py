"""Tools of a request in a dialect that has fewer kinds of them, and the answer's calls back again."""

import json
import operator
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from omniroute.conversation.abilities import Abilities, Structured
from omniroute.conversation.events import Event
from omniroute.conversation.output_shape import words_for
from omniroute.conversation.parts import Part, Text, ToolResult, ToolUse
from omniroute.conversation.request import (
    ChoiceMode,
    CustomTool,
    FunctionTool,
    HostedTool,
    Message,
    Output,
    OutputKind,
    Request,
    Role,
    Tool,
    ToolChoice,
)
from omniroute.conversation.response import Response
from omniroute.formats.remembered import TOOLS
from omniroute.formats.restored import JSON_ANSWER, AnswerTool, Restoring, restored
from omniroute.formats.schema import compiled
from omniroute.formats.tool_names import Key, ToolNames

_INPUT_SCHEMA = msgspec.Raw(
    b'{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],'
    b'"additionalProperties":false}'
)
_ANY_OBJECT = msgspec.Raw(b'{"type":"object"}')
_MAX_GRAMMAR = 20_000
"""Characters of a grammar that are told to the model."""


class Bridge:
    """Gives an answer's tool calls the names and kinds the client knows them by. One for each answer."""

    def __init__(self, names: ToolNames, customs: frozenset[Key], answer: AnswerTool | None) -> None:
        self.is_plain = not customs and answer is None and names.is_plain()
        """Nothing has to be restored."""
        self._names = names
        self._customs = customs
        self._answer = answer
        self._restoring: Restoring | None = None

    def response(self, response: Response) -> Response:
        """A whole answer as the client knows its tools."""
        return response if self.is_plain else restored(response, self._names, self._customs, self._answer)

    def events(self, events: Sequence[Event]) -> list[Event]:
        """The events of a stream as the client knows its tools; some are held back for later ones."""
        if self.is_plain:
            return list(events)
        if self._restoring is None:
            self._restoring = Restoring(self._names, self._customs, self._answer)
        return self._restoring.events(events)


def bridge(
    request: Request,
    dialect: str,
    *,
    abilities: Abilities | None = None,
    custom_tools: bool | None = None,
) -> tuple[Request, Bridge]:
    """The request with tools that `dialect` has, and the way back for its answer.

    `custom_tools`: whether the target takes tools with free text; `None`: as the dialect usually does.
    """
    if custom_tools is None:
        custom_tools = dialect == "openai-responses"
    request, answer = _with_answer_tool(request, dialect, abilities)
    if answer is None and _is_plain(request, dialect):
        return request, Bridge(ToolNames(dialect, ()), frozenset(), None)
    keys = [(tool.namespace, tool.name) for tool in request.tools if not isinstance(tool, HostedTool)]
    names = ToolNames(dialect, keys)
    bridging = _Bridging(names, custom_tools=custom_tools)
    messages = bridging.messages(request.messages)
    tools = bridging.tools(request.tools)
    choice = bridging.choice(request.tool_choice, request.tools)
    customs = frozenset(bridging.customs)
    if tools is not request.tools or messages is not request.messages or choice is not request.tool_choice:
        request = msgspec.structs.replace(request, tools=tools, messages=messages, tool_choice=choice)
    return request, Bridge(names, customs, answer)


def _is_plain(request: Request, dialect: str) -> bool:
    """True when the request says nothing about tools that the dialect has otherwise."""
    entry = TOOLS.entry(request.tools)
    choice = request.tool_choice
    if entry is None or (choice is not None and choice.allowed):
        return False
    names = ToolNames(dialect, ())
    fact = f"tools {dialect} takes as they are"
    if fact not in entry.facts:
        if not all(_keeps_name(tool, names) for tool in request.tools):
            return False
        entry.facts.add(fact)
    return _are_plain(request.messages, names)


def _keeps_name(tool: Tool, names: ToolNames) -> bool:
    if isinstance(tool, FunctionTool):
        key = (None, tool.name)
        return tool.namespace is None and names.upstream(key) == key
    return isinstance(tool, HostedTool)


def _are_plain(messages: tuple[Message, ...], names: ToolNames) -> bool:
    """True when no call or result says anything that the dialect has otherwise."""
    called: dict[str, None] = {}
    for message in messages:
        for part in message.parts:
            if isinstance(part, ToolUse):
                if part.custom or part.namespace is not None:
                    return False
                called[part.name] = None
            elif isinstance(part, ToolResult) and (part.custom or part.name is not None):
                return False
    return all(names.upstream((None, name))[1] == name for name in called)


@dataclass(slots=True)
class _Called:
    """A call of the history as the upstream is told of it."""

    name: str
    custom: bool


class _Bridging:
    """One request's way to the upstream."""

    def __init__(self, names: ToolNames, *, custom_tools: bool) -> None:
        self._names = names
        self._custom_tools = custom_tools
        self._calls: dict[str, _Called] = {}
        self.customs: set[Key] = set()
        """What the upstream calls the tools whose text is wrapped."""

    def tools(self, tools: tuple[Tool, ...]) -> tuple[Tool, ...]:
        """The declarations; the same tuple when none changes."""
        told: set[str] = set()
        changed = tuple(self._tool(tool, told) for tool in tools)
        return tools if all(map(operator.is_, changed, tools)) else changed

    def _tool(self, tool: Tool, told: set[str]) -> Tool:
        if isinstance(tool, HostedTool):
            return tool
        key = (tool.namespace, tool.name)
        wire = self._names.upstream(key)
        if isinstance(tool, CustomTool) and not self._custom_tools:
            self.customs.add(wire)
            return FunctionTool(
                name=wire[1], description=_with_grammar(tool), schema=_INPUT_SCHEMA, namespace=wire[0]
            )
        if wire == key:
            return tool
        if isinstance(tool, CustomTool):
            return msgspec.structs.replace(tool, name=wire[1], namespace=wire[0])
        description = tool.description
        group = tool.namespace_description if wire[0] is None else None
        if group and tool.namespace is not None and tool.namespace not in told:
            told.add(tool.namespace)
            about = f"The tools {tool.namespace}__*: {group}"
            description = f"{description}\n\n{about}" if description else about
        return msgspec.structs.replace(
            tool,
            name=wire[1],
            namespace=wire[0],
            description=description,
            namespace_description=tool.namespace_description if wire[0] is not None else None,
        )

    def messages(self, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        """The history; the same tuple when nothing in it changes."""
        changed: list[Message] | None = None
        for place, message in enumerate(messages):
            new = self._message(message)
            if new is not message:
                changed = list(messages) if changed is None else changed
                changed[place] = new
        return messages if changed is None else tuple(changed)

    def _message(self, message: Message) -> Message:
        changed: list[Part] | None = None
        for place, part in enumerate(message.parts):
            if isinstance(part, ToolUse):
                new: Part = self._use(part)
            elif isinstance(part, ToolResult):
                new = self._result(part)
            else:
                continue
            if new is not part:
                changed = list(message.parts) if changed is None else changed
                changed[place] = new
        return message if changed is None else msgspec.structs.replace(message, parts=tuple(changed))

    def _use(self, part: ToolUse) -> ToolUse:
        key = (part.namespace, part.name)
        wire = self._names.upstream(key)
        wrapped = part.custom and not self._custom_tools
        if part.id:
            self._calls[part.id] = _Called(wire[1], part.custom and not wrapped)
        if not wrapped and wire == key:
            return part
        arguments = _wrapped(part.arguments) if wrapped else part.arguments
        return msgspec.structs.replace(
            part, name=wire[1], namespace=wire[0], arguments=arguments, custom=part.custom and not wrapped
        )

    def _result(self, part: ToolResult) -> ToolResult:
        called = self._calls.get(part.tool_use_id)
        custom = part.custom and self._custom_tools if called is None else called.custom
        name = part.name
        if name is not None:
            name = called.name if called is not None else self._names.upstream((None, name))[1]
        if name == part.name and custom == part.custom:
            return part
        return msgspec.structs.replace(part, name=name, custom=custom)

    def choice(self, choice: ToolChoice | None, tools: tuple[Tool, ...]) -> ToolChoice | None:
        """Which tools may be called, by the names the upstream knows."""
        if choice is None or (choice.name is None and not choice.allowed):
            return choice
        declared: dict[str, list[Key]] = {}
        for tool in tools:
            if not isinstance(tool, HostedTool):
                declared.setdefault(tool.name, []).append((tool.namespace, tool.name))

        def named(name: str) -> list[str]:
            keys = declared.get(name)
            return [self._names.upstream(key)[1] for key in keys] if keys else [name]

        chosen = None if choice.name is None else named(choice.name)[0]
        allowed = tuple(dict.fromkeys(wire for name in choice.allowed for wire in named(name)))
        if chosen == choice.name and allowed == choice.allowed:
            return choice
        return msgspec.structs.replace(choice, name=chosen, allowed=allowed)


def _wrapped(text: str) -> str:
    try:
        return msgspec.json.encode({"input": text}).decode()
    except UnicodeEncodeError:  # half a surrogate pair, which only an escape can write
        return json.dumps({"input": text})


def _with_grammar(tool: CustomTool) -> str | None:
    """The tool's description with what its text has to look like."""
    about = [tool.description] if tool.description else []
    about.append("Write the whole text of the input into `input`, as it is, not as JSON.")
    grammar = _grammar(tool.format)
    if grammar:
        about.append(grammar)
    return "\n\n".join(about)


def _grammar(declared: msgspec.Raw | None) -> str | None:
    """The grammar in words: `{type, syntax, definition}` (Responses) or `{type, grammar: {…}}` (Chat)."""
    try:
        format = msgspec.json.decode(declared, type=dict[str, object]) if declared is not None else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    inner = format.get("grammar")
    grammar = inner if isinstance(inner, dict) else format
    definition = grammar.get("definition")
    if not isinstance(definition, str):
        return None
    syntax = grammar.get("syntax")
    kind = f"{syntax} grammar" if isinstance(syntax, str) else "grammar"
    return f"The text has to match this {kind}:\n{definition[:_MAX_GRAMMAR]}"


def _with_answer_tool(
    request: Request, dialect: str, abilities: Abilities | None
) -> tuple[Request, AnswerTool | None]:
    """The request with its JSON answer asked for as the arguments of a tool, where the target has it so."""
    output = request.output
    if abilities is None or abilities.structured is not Structured.TOOL or output.kind is OutputKind.TEXT:
        return request, None
    plain = msgspec.structs.replace(
        output, kind=OutputKind.TEXT, schema=None, name=None, description=None, strict=None
    )
    if request.tools:  # a forced call would keep the model from the client's own tools
        return _in_words(msgspec.structs.replace(request, output=plain), output, abilities), None
    schema = compiled(output.schema or _ANY_OBJECT, dialect)
    tool = FunctionTool(
        name=JSON_ANSWER,
        description=output.description or "Gives the answer. Always call it, and write nothing else.",
        schema=schema.schema,
        strict=output.strict,
    )
    asked = msgspec.structs.replace(
        request, tools=(tool,), tool_choice=ToolChoice(ChoiceMode.NAMED, JSON_ANSWER), output=plain
    )
    return asked, AnswerTool(unwraps=schema.wrapped)


def _in_words(request: Request, output: Output, abilities: Abilities) -> Request:
    """The request with the shape of the answer told where its system text stands."""
    wish = Text(words_for(output))
    messages = list(request.messages)
    last_leading = -1
    for place, message in enumerate(messages):
        if message.role not in (Role.SYSTEM, Role.DEVELOPER):
            break
        last_leading = place
    first_user = next((n for n, message in enumerate(messages) if message.role is Role.USER), None)
    if last_leading >= 0:
        told = messages[last_leading]
        messages[last_leading] = msgspec.structs.replace(told, parts=(*told.parts, wish))
    elif abilities.system_role or first_user is None:
        messages.insert(0, Message(Role.SYSTEM, (wish,)))
    else:
        told = messages[first_user]
        messages[first_user] = msgspec.structs.replace(told, parts=(wish, *told.parts))
    return msgspec.structs.replace(request, messages=tuple(messages))
