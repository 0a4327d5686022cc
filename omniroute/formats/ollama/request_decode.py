"""What a client asks in Ollama's dialect (API reference and the `ollama` SDK, read 2026-11-23)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from omniroute.conversation.parts import Extra, Media, Part, Text, Thinking, ToolResult, ToolUse
from omniroute.conversation.request import (
    FunctionTool,
    HostedTool,
    Message,
    Output,
    OutputKind,
    Reasoning,
    Request,
    Role,
    Sampling,
    Tool,
)
from omniroute.errors import ErrorKind, Refused
from omniroute.formats.codec import MADE_ID
from omniroute.formats.ollama.fields import BOOL, FORMAT, NUMBER, STRING, STRINGS, Node, missing, read_body
from omniroute.formats.ollama.media import image

_ROLES = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,  # the dialect has no such role, and its templates would skip it in silence
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "tool": Role.USER,
}
_THINK = msgspec.json.Decoder(bool | str)
_STOP = msgspec.json.Decoder(str | list[str])


def decode_request(
    body: bytes,
    *,
    model: str | None = None,
    stream: bool | None = None,
    members: Mapping[str, msgspec.Raw] | None = None,
) -> Request:
    """What the client asks of `/api/chat`. No messages at all: the model is to be loaded.

    `members`: those of the body, where it was taken apart already.
    Raises `Refused` naming the field that is at fault.
    """
    node = read_body(body, members)
    messages = _Messages()
    for message in node.nodes("messages"):
        messages.take(message)
    return asked(
        node, tuple(messages.taken), tools=tuple(map(_tool, node.nodes("tools"))), model=model, stream=stream
    )


def asked(
    node: Node,
    messages: tuple[Message, ...],
    *,
    tools: tuple[Tool, ...] = (),
    model: str | None = None,
    stream: bool | None = None,
) -> Request:
    """What both of Ollama's calls say beside the conversation itself."""
    name = model if model is not None else node.text("model")
    if not name.strip():
        raise Refused(ErrorKind.BAD_REQUEST, "the request names no model: set `model`", param="model")
    streams = node.take("stream", BOOL)
    options = node.node("options")
    sampling = _sampling(node, options or Node("options", {}))
    reasoning = _reasoning(node)
    output = _output(node)
    node.raw("model")
    return Request(
        model=name.strip(),
        messages=messages,
        tools=tools,
        sampling=sampling,
        reasoning=reasoning,
        output=output,
        stream=stream if stream is not None else streams is not False,
        extra=_extra(node, options),
    )


def _sampling(node: Node, options: Node) -> Sampling:
    limit = options.whole_number("num_predict")
    stop = options.take("stop", _STOP)
    return Sampling(
        # -1 is "without end", -2 "until the context is full": neither is a limit.
        max_tokens=limit if limit is not None and limit > 0 else None,
        temperature=options.take("temperature", NUMBER),
        top_p=options.take("top_p", NUMBER),
        top_k=options.whole_number("top_k"),
        stop=(stop,) if isinstance(stop, str) else tuple(stop or ()),
        seed=options.whole_number("seed"),
        presence_penalty=options.take("presence_penalty", NUMBER),
        frequency_penalty=options.take("frequency_penalty", NUMBER),
        logprobs=node.take("logprobs", BOOL),
        top_logprobs=node.whole_number("top_logprobs"),
    )


def _reasoning(node: Node) -> Reasoning:
    think = node.take("think", _THINK)
    return Reasoning(effort=think or None) if isinstance(think, str) else Reasoning(enabled=think)


def _output(node: Node) -> Output:
    if (schema := node.object("format")) is not None:
        return Output(kind=OutputKind.SCHEMA, schema=schema)
    match node.text("format"):
        case "json":
            return Output(kind=OutputKind.JSON)
        case "":
            return Output()
        case _:
            raise missing(node, "format", 'expected "json" or a JSON schema')


def _extra(node: Node, options: Node | None) -> Extra | None:
    """Unknown members; those of `options` as `options.num_ctx`, so that a report of them is understood."""
    members = node.rest()
    if options is not None:
        members |= {f"options.{name}": raw for name, raw in options.rest().items()}
    return Extra(FORMAT, members) if members else None


def _tool(node: Node) -> Tool:
    raw = msgspec.json.encode(node.rest())
    kind = node.text("type") or "function"
    function = node.node("function")
    if kind != "function":
        return HostedTool(FORMAT, kind, msgspec.Raw(raw))
    if function is None:
        raise missing(node, "function")
    return FunctionTool(
        name=_name(function),
        description=function.take("description", STRING),
        schema=function.raw("parameters"),
        extra=_nested_extra(node, function),
    )


def _name(function: Node) -> str:
    name = function.text("name")
    if not name:
        raise missing(function, "name")
    return name


def _nested_extra(node: Node, function: Node) -> Extra | None:
    """Unknown members of a tool or a call, those of its `function` in a member of that name."""
    members = node.rest()
    if inside := function.rest():
        members["function"] = msgspec.Raw(msgspec.json.encode(inside))
    return Extra(FORMAT, members) if members else None


@dataclass(slots=True)
class _Messages:
    """The conversation while it is read: results find the calls they belong to."""

    taken: list[Message] = field(default_factory=list)
    _open: list[tuple[str, str]] = field(default_factory=list)
    """Id and name of each call that has no result yet, in order."""
    _names: dict[str, str] = field(default_factory=dict)
    """Names of all calls, by id."""

    def take(self, node: Node) -> None:
        """Read one more."""
        word = node.text("role")
        role = _ROLES.get(word)
        if role is None:
            raise missing(node, "role", "expected system, user, assistant or tool")
        parts: tuple[Part, ...]
        match word:
            case "tool":
                parts = (self._result(node),)
            case "assistant":
                parts = self._said(node)
            case _:
                parts = content_of(node)
        self.taken.append(Message(role, parts, extra=node.extra()))

    def _said(self, node: Node) -> tuple[Part, ...]:
        thinking = node.text("thinking")
        parts: list[Part] = [Thinking(thinking)] if thinking else []
        parts += content_of(node)
        for call in node.nodes("tool_calls"):
            use = call_of(call, f"{MADE_ID}{len(self.taken)}_{len(parts)}")
            self._open.append((use.id, use.name))
            self._names[use.id] = use.name
            parts.append(use)
        return tuple(parts)

    def _result(self, node: Node) -> ToolResult:
        given, name = node.text("tool_call_id"), node.text("tool_name")
        id_ = self._close(given, name)
        return ToolResult(id_, content_of(node), name=name or self._names.get(id_))

    def _close(self, given: str, name: str) -> str:
        """The id of the call a result belongs to: what it says, else the first of its name, or of all."""
        for place, (id_, called) in enumerate(self._open):
            if id_ == given if given else not name or called == name:
                del self._open[place]
                return id_
        return given


def content_of(node: Node) -> tuple[Text | Media, ...]:
    """The images and the text of one message: images first, where Ollama's templates put them."""
    images = tuple(map(image, node.take("images", STRINGS) or ()))
    content = node.text("content")
    return (*images, Text(content)) if content else images


def call_of(node: Node, made: str) -> ToolUse:
    """A call. `made`: its id when it brings none, as older servers and their clients do not."""
    node.raw("type")
    function = node.node("function")
    if function is None:
        raise missing(node, "function")
    function.raw("index")  # says again which place in the list it has
    arguments = function.object("arguments")
    return ToolUse(
        id=node.text("id") or made,
        name=_name(function),
        # Some clients send them as other dialects do: as a string that holds JSON.
        arguments=function.text("arguments")
        if arguments is None
        else bytes(arguments).decode("utf-8", "replace"),
        extra=_nested_extra(node, function),
    )
