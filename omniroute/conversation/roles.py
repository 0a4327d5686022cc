"""Who speaks, as one target allows it."""

from collections.abc import Iterable, Sequence

import msgspec

from omniroute.conversation.abilities import Abilities
from omniroute.conversation.parts import Part, Text, ToolResult
from omniroute.conversation.request import Message, Request, Role

BILLING_HEADER = "x-anthropic-billing-header"
"""How a system block of Claude Code begins that instructs nobody."""

_SYSTEM_ROLES = (Role.SYSTEM, Role.DEVELOPER)
_FRAME_HEAD = "[System Instructions]"
_FRAME_TAIL = "[User Message]"


def fitted_roles(request: Request, abilities: Abilities, dialect: str, losses: list[str]) -> Request:
    """With system texts where the target reads them, and with turns that alternate where it wants that."""
    messages = request.messages
    if dialect != "anthropic":
        messages = _without_billing(messages, losses)
    if not abilities.developer_role:
        messages = _plain_system(messages)
    if not abilities.system_role:
        messages = _framed(messages, losses)
    elif not abilities.mid_system:
        messages = _joined(messages)
    if abilities.merge_turns:
        messages = merged(messages)
    return request if messages is request.messages else msgspec.structs.replace(request, messages=messages)


def leading(messages: Sequence[Message]) -> int:
    """How many system messages stand before the conversation."""
    for place, message in enumerate(messages):
        if message.role not in _SYSTEM_ROLES:
            return place
    return len(messages)


def merged(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """With consecutive messages of one speaker made one."""
    turns: list[Message] = []
    for message in messages:
        before = turns[-1] if turns else None
        if before is not None and before.role is message.role and message.role not in _SYSTEM_ROLES:
            turns[-1] = msgspec.structs.replace(before, parts=before.parts + message.parts)
        else:
            turns.append(message)
    return messages if len(turns) == len(messages) else tuple(turns)


def _without_billing(messages: tuple[Message, ...], losses: list[str]) -> tuple[Message, ...]:
    place = next(
        (p for p, m in enumerate(messages[: leading(messages)]) if any(map(_is_billing, m.parts))), None
    )
    if place is None:
        return messages
    losses.append(BILLING_HEADER)
    message = messages[place]
    parts = tuple(part for part in message.parts if not _is_billing(part))
    rest = (msgspec.structs.replace(message, parts=parts),) if parts else ()
    return (*messages[:place], *rest, *messages[place + 1 :])


def _is_billing(part: Part) -> bool:
    return isinstance(part, Text) and part.text.lstrip().startswith(BILLING_HEADER + ":")


def _plain_system(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    if not any(message.role is Role.DEVELOPER for message in messages):
        return messages
    return tuple(
        msgspec.structs.replace(message, role=Role.SYSTEM) if message.role is Role.DEVELOPER else message
        for message in messages
    )


def _joined(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """With every system text in one message at the top."""
    systems = [message for message in messages if message.role in _SYSTEM_ROLES]
    if not systems or (len(systems) == 1 and messages[0] is systems[0]):
        return messages
    top = msgspec.structs.replace(systems[0], parts=_all_parts(systems))
    return (top, *(message for message in messages if message.role not in _SYSTEM_ROLES))


def _framed(messages: tuple[Message, ...], losses: list[str]) -> tuple[Message, ...]:
    """With the system texts at the head of the first user message."""
    systems = [message for message in messages if message.role in _SYSTEM_ROLES]
    if not systems:
        return messages
    rest = [message for message in messages if message.role not in _SYSTEM_ROLES]
    parts = _all_parts(systems)
    if any(isinstance(part, Text) and part.cache for part in parts):
        losses.append("cache_control")
    text = "\n\n".join(part.text for part in parts if isinstance(part, Text))
    others = tuple(part for part in parts if not isinstance(part, Text))
    place = next((p for p, message in enumerate(rest) if message.role is Role.USER), None)
    if place is None:
        rest.insert(0, Message(Role.USER, _with_frame((), text, others)))
    else:
        user = rest[place]
        rest[place] = msgspec.structs.replace(user, parts=_with_frame(user.parts, text, others))
    return tuple(rest)


def _with_frame(parts: tuple[Part, ...], text: str, others: tuple[Part, ...]) -> tuple[Part, ...]:
    """The frame and the user's first words are one text: between two, some servers put nothing."""
    results = tuple(part for part in parts if isinstance(part, ToolResult))
    said = tuple(part for part in parts if not isinstance(part, ToolResult))
    head = f"{_FRAME_HEAD}\n{text}\n\n{_FRAME_TAIL}\n"
    first = said[0] if said else None
    if isinstance(first, Text) and not others:
        return (*results, msgspec.structs.replace(first, text=head + first.text), *said[1:])
    return (*results, Text(head), *others, *said)


def _all_parts(messages: Iterable[Message]) -> tuple[Part, ...]:
    return tuple(part for message in messages for part in message.parts)
