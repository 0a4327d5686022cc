"""Requests as Chat clients write them (API reference, read 2026-11-22)."""

from collections.abc import Mapping

import msgspec

from omniroute.conversation.parts import Extra, Media, Opaque, Part, Text, ToolResult
from omniroute.conversation.request import (
    Message,
    Output,
    OutputKind,
    Reasoning,
    Request,
    Role,
    Sampling,
)
from omniroute.errors import ErrorKind, Refused
from omniroute.formats.codec import MADE_ID
from omniroute.formats.envelope import check_model_name
from omniroute.formats.openai_chat.node import DIALECT, Malformed, Node, NotJson, as_raw, read
from omniroute.formats.openai_chat.parts_decode import (
    take_assistant,
    take_cache_mark,
    take_content,
    take_tool_calls,
)
from omniroute.formats.openai_chat.plain import plain_message
from omniroute.formats.openai_chat.tools import take_tool_choice, take_tools

_ROLES = {"system": Role.SYSTEM, "developer": Role.DEVELOPER, "user": Role.USER, "assistant": Role.ASSISTANT}


def decode_request(
    body: bytes,
    *,
    model: str | None = None,
    stream: bool | None = None,
    members: Mapping[str, msgspec.Raw] | None = None,
) -> Request:
    """What the client asks. Raises `Refused` naming the field that is at fault.

    `members`: those of the body, where it was taken apart already.
    """
    try:
        return read(body, lambda root: _request(root, model, stream=stream), members=members)
    except Malformed as error:
        kind = ErrorKind.BAD_REQUEST if error.path else ErrorKind.INVALID_JSON
        raise Refused(kind, str(error), param=error.path or None) from None
    except NotJson as error:
        raise Refused(ErrorKind.INVALID_JSON, f"the body is not valid JSON: {error}") from None


def _request(root: Node, model: str | None, *, stream: bool | None) -> Request:
    named = (root.text("model") or "").strip()
    model = model if model is not None else named
    if not model:
        raise Malformed("model", "is missing")
    check_model_name(model)
    streams = root.flag("stream") or False
    include_usage, stream_rest = _stream_options(root)
    messages = _messages(root)
    tools = take_tools(root)
    choice = take_tool_choice(root)
    reasoning, thinking_rest = _reasoning(root)
    request = Request(
        model=model,
        messages=messages,
        tools=tools,
        tool_choice=choice,
        parallel_tools=root.flag("parallel_tool_calls"),
        sampling=_sampling(root),
        reasoning=reasoning,
        output=_output(root),
        stream=streams if stream is None else stream,
        include_usage=include_usage,
        user=root.text("user"),
        metadata=root.raw("metadata"),
        service_tier=root.text("service_tier"),
        cache_key=root.text("prompt_cache_key"),
        store=root.flag("store"),
    )
    rest = {**root.rest(), **stream_rest, **thinking_rest}
    return msgspec.structs.replace(request, extra=Extra(DIALECT, rest)) if rest else request


def _stream_options(root: Node) -> tuple[bool, dict[str, msgspec.Raw]]:
    options = root.node("stream_options")
    if options is None:
        return False, {}
    include_usage = options.flag("include_usage") or False
    rest = options.rest()
    return include_usage, {"stream_options": as_raw(rest)} if rest else {}


def _sampling(root: Node) -> Sampling:
    max_tokens, newer = root.integer("max_tokens"), root.integer("max_completion_tokens")
    stop = root.text_or_raw("stop")
    stops: tuple[str, ...] = (stop,) if isinstance(stop, str) and stop else ()
    if stop is not None and not isinstance(stop, str):
        root.put_back("stop", stop)
        stops = root.texts("stop")
    return Sampling(
        max_tokens=newer if newer is not None else max_tokens,
        temperature=root.number("temperature"),
        top_p=root.number("top_p"),
        top_k=root.integer("top_k"),
        stop=stops,
        seed=root.integer("seed"),
        presence_penalty=root.number("presence_penalty"),
        frequency_penalty=root.number("frequency_penalty"),
        candidates=root.integer("n"),
        logprobs=root.flag("logprobs"),
        top_logprobs=root.integer("top_logprobs"),
        logit_bias=root.raw("logit_bias"),
    )


def _reasoning(root: Node) -> tuple[Reasoning, dict[str, msgspec.Raw]]:
    """The wish in any of the words vendors have for it, and what is left of their objects."""
    effort = root.text("reasoning_effort")
    enabled = root.flag("enable_thinking")
    budget = root.integer("thinking_budget")
    adaptive: bool | None = None
    summary: str | None = None
    left: dict[str, msgspec.Raw] = {}
    thinking = root.node("thinking")
    if thinking is not None:
        kind = thinking.text("type")
        adaptive = True if kind in ("adaptive", "auto") else None
        enabled = {"enabled": True, "disabled": False}.get(kind or "", enabled)
        budget = _or(budget, thinking.integer("budget_tokens"))
        if rest := thinking.rest():
            left["thinking"] = as_raw(rest)
    router = root.node("reasoning")  # OpenRouter's
    if router is not None:
        effort = effort or router.text("effort")
        budget = _or(budget, router.integer("max_tokens"))
        enabled = enabled if enabled is not None else router.flag("enabled")
        summary = "omitted" if router.flag("exclude") else router.text("summary")
        if rest := router.rest():
            left["reasoning"] = as_raw(rest)
    if effort == "none":
        enabled, effort = False, None
    if enabled is None and budget is not None:
        enabled = budget != 0
    reasoning = Reasoning(
        enabled=enabled, effort=effort, budget_tokens=budget, adaptive=adaptive, summary=summary
    )
    return reasoning, left


def _or(first: int | None, second: int | None) -> int | None:
    return second if first is None else first


def _output(root: Node) -> Output:
    modalities = tuple(word.lower() for word in root.texts("modalities"))
    verbosity, audio = root.text("verbosity"), root.raw("audio")
    shape = root.node("response_format")
    if shape is None:
        return Output(verbosity=verbosity, modalities=modalities, audio=audio)
    kind = shape.text("type")
    if kind in ("text", None):
        return Output(verbosity=verbosity, modalities=modalities, audio=audio)
    if kind == "json_object":
        return Output(kind=OutputKind.JSON, verbosity=verbosity, modalities=modalities, audio=audio)
    schema = shape.node("json_schema")
    if kind != "json_schema" or schema is None:
        raise Malformed("response_format.type", "must be text, json_object or json_schema with its schema")
    return Output(
        kind=OutputKind.SCHEMA,
        schema=schema.raw("schema"),
        name=schema.text("name"),
        description=schema.text("description"),
        strict=schema.flag("strict"),
        verbosity=verbosity,
        modalities=modalities,
        audio=audio,
    )


def _messages(root: Node) -> tuple[Message, ...]:
    if "messages" not in root:
        raise Malformed("messages", "is missing")
    raws = root.items("messages")
    if not raws:
        raise Malformed("messages", "must hold at least one message")
    legacy_id = ""
    messages: list[Message] = []
    for place, raw in enumerate(raws):
        plain = plain_message(raw)
        if plain is not None:
            messages.append(plain)
            continue
        node = Node.of(raw, f"messages[{place}]")
        role = node.text("role")
        if role == "assistant":
            if "function_call" in node:
                legacy_id = f"{MADE_ID}{place}"
            messages.append(_assistant(node, legacy_id))
        elif role in ("tool", "function"):
            messages.append(_result(node, legacy_id if role == "function" else ""))
        elif role in _ROLES:
            messages.append(_plain(node, _ROLES[role]))
        else:
            raise Malformed(f"{node.path}.role", "must be system, developer, user, assistant or tool")
    return tuple(messages)


def _plain(node: Node, role: Role) -> Message:
    parts = take_content(node)
    _mark_last(node, parts)
    node.raw("tool_calls")  # null, or nothing a user could say
    return Message(role, tuple(parts), node.text("name"), node.extra())


def _assistant(node: Node, legacy_id: str) -> Message:
    parts = take_assistant(node)
    parts += take_tool_calls(node, legacy_id)
    _mark_last(node, parts)
    return Message(Role.ASSISTANT, tuple(parts), node.text("name"), node.extra())


def _mark_last(node: Node, parts: list[Part]) -> None:
    """A mark on the whole message stands for one on its last part that can have it."""
    if "cache_control" not in node:
        return
    for place in range(len(parts) - 1, -1, -1):
        part = parts[place]
        if hasattr(part, "cache"):
            mark = take_cache_mark(node)
            parts[place] = msgspec.structs.replace(part, cache=mark) if part.cache is None else part
            return


def _result(node: Node, legacy_id: str) -> Message:
    """What a tool gave back; in the old form it is known by the tool's name only."""
    id = node.text("tool_call_id") or legacy_id
    parts = tuple(part for part in take_content(node) if isinstance(part, Text | Media | Opaque))
    result = ToolResult(id, parts, name=node.text("name"), cache=take_cache_mark(node))
    return Message(Role.USER, (result,), None, node.extra())
