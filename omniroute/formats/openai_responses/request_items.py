"""The input of a request, as messages."""

import msgspec

from omniroute.conversation.parts import Extra, Media, Opaque, Part, Text, ToolResult
from omniroute.conversation.request import Message, Role
from omniroute.formats.openai_responses.items import (
    CUSTOM_CALL,
    FUNCTION_CALL,
    MESSAGE,
    REASONING,
    decode_call,
    decode_message,
    decode_reasoning,
)
from omniroute.formats.openai_responses.media import decode_audio, decode_file, decode_image
from omniroute.formats.openai_responses.members import (
    DIALECT,
    MARK,
    Members,
    Objects,
    WrongShape,
    is_text,
    plain_texts,
    raw_json,
    text_of,
)

_RESULTS = {"function_call_output": False, "custom_tool_call_output": True}
_FROM_CLIENT = frozenset(
    {"item_reference", "mcp_approval_response", "additional_tools", "compaction_trigger"}
)
"""Items of this dialect alone that a client says; all others are what a model did."""
_ROLES = {role.value: role for role in Role}


def decode_input(request: Members) -> list[Message]:
    """The messages of the `input` member. Raises `WrongShape`."""
    raw = request.raw("input")
    if raw is None:
        if request.peek("prompt") or request.peek("previous_response_id"):
            return []
        raise WrongShape("input", "a string or a list")
    if is_text(raw):
        text = text_of(raw)
        return [Message(Role.USER, (Text(text),))] if text else []
    if bytes(memoryview(raw)[:1]) == b"{":
        raw = raw_json([raw])
    return _messages(Objects(raw, request, "input"))


def _messages(items: Objects) -> list[Message]:
    """Neighbouring items of the model are one message."""
    messages: list[Message] = []
    turn: list[Part] = []
    for place, item in enumerate(items.members):
        kind = item.text("type") or MESSAGE
        parts = _said_by_model(kind, item, items, place)
        if parts is not None:
            turn.extend(parts)
            continue
        message = _from_client(kind, item, items, place)
        if not message.parts:
            continue
        if turn:
            messages.append(Message(Role.ASSISTANT, tuple(turn)))
            turn = []
        messages.append(message)
    if turn:
        messages.append(Message(Role.ASSISTANT, tuple(turn)))
    return messages


_ASSISTANT = msgspec.Raw(b'"assistant"')


def _said_by_model(kind: str, item: Members, items: Objects, place: int) -> list[Part] | None:
    """The parts of an item of the model, `None` for one of the client."""
    if kind == MESSAGE:
        return decode_message(item) if item.peek("role") == _ASSISTANT else None
    if kind == FUNCTION_CALL:
        return [decode_call(item, custom=False)]
    if kind == CUSTOM_CALL:
        return [decode_call(item, custom=True)]
    if kind == REASONING:
        return [decode_reasoning(item, exact=True)]
    if kind in _RESULTS or kind in _FROM_CLIENT or kind.endswith("_call_output"):
        return None
    return [Opaque(DIALECT, kind, items.raw(place))]


def _from_client(kind: str, item: Members, items: Objects, place: int) -> Message:
    if kind == MESSAGE:
        return _message(item)
    if kind in _RESULTS:
        return Message(Role.USER, (_result(item, custom=_RESULTS[kind]),))
    return Message(Role.USER, (Opaque(DIALECT, kind, items.raw(place)),), extra=MARK)


def _message(item: Members) -> Message:
    name = item.text("role")
    role = _ROLES.get(name or "")
    if role is None:
        raise WrongShape(item.at("role"), "user, assistant, system or developer")
    parts = _parts(item, "content")
    extra = item.rest()
    if extra is None and role is Role.SYSTEM:
        extra = MARK  # without it, it would be taken for instructions
    return Message(role, parts, extra=extra)


def _result(item: Members, *, custom: bool) -> ToolResult:
    call_id = item.text("call_id") or ""
    parts = _parts(item, "output")
    return ToolResult(call_id, parts, custom=custom, extra=item.rest())


def _parts(item: Members, name: str) -> tuple[Text | Media | Opaque, ...]:
    """What a string or a list of content parts says."""
    raw = item.raw(name)
    if raw is None:
        return ()
    if is_text(raw):
        text = text_of(raw)
        return (Text(text),) if text else ()
    texts = plain_texts(raw)
    if texts is not None:
        return tuple(Text(text) for text in texts)
    parts = Objects(raw, item, name)
    found = (_part(part, parts, place) for place, part in enumerate(parts.members))
    return tuple(part for part in found if part is not None)


def _part(part: Members, parts: Objects, place: int) -> Text | Media | Opaque | None:
    match part.text("type"):
        case "input_text" | "text" | "output_text" | None:
            text = part.text("text")
            part.left.pop("annotations", None)
            return Text(text, extra=_kept(part)) if text else None
        case "input_image" | "image_url":
            return decode_image(part)
        case "input_file":
            return decode_file(part)
        case "input_audio":
            return decode_audio(part)
        case kind:
            return Opaque(DIALECT, kind, parts.raw(place))


def _kept(part: Members) -> Extra | None:
    if part.peek("logprobs") == _EMPTY:
        del part.left["logprobs"]
    return part.rest()


_EMPTY = msgspec.Raw(b"[]")
