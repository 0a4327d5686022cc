"""What a client asks in Anthropic Messages (API reference, read 2026-11-23)."""

from collections.abc import Mapping

import msgspec

from omniroute.conversation.parts import Extra
from omniroute.conversation.request import Message, Request, Role, Sampling
from omniroute.errors import ErrorKind, Refused
from omniroute.formats import remembered
from omniroute.formats.anthropic.blocks_decode import Content, decode_content, parts_of
from omniroute.formats.anthropic.members import NAME, Members, WrongShape, items, raw_json, read
from omniroute.formats.anthropic.thinking import decode_thinking
from omniroute.formats.anthropic.tools import decode_choice, decode_tools
from omniroute.formats.envelope import check_model_name

_ROLES = {
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "system": Role.SYSTEM,
    "developer": Role.DEVELOPER,
}


def decode_request(
    body: bytes,
    *,
    model: str | None = None,
    stream: bool | None = None,
    members: Mapping[str, msgspec.Raw] | None = None,
    need_max_tokens: bool = True,
) -> Request:
    """What the client asks. Raises `Refused` naming the field that is at fault.

    `members`: those of the body, where it was taken apart already. `need_max_tokens`: False for a body whose
    tokens are only counted.
    """
    return read(
        body,
        lambda top: _request(top, model, stream=stream, need_max_tokens=need_max_tokens),
        members=members,
    )


def _request(members: Members, model: str | None, *, stream: bool | None, need_max_tokens: bool) -> Request:
    named = members.text("model")
    asked_stream = members.flag("stream")
    extras: dict[str, msgspec.Raw] = {}
    messages = (*_system(members), *_messages(members))
    tools = decode_tools(members)
    choice, parallel = decode_choice(members, tools, extras)
    reasoning, output = decode_thinking(members, extras)
    sampling = _sampling(members)
    if sampling.max_tokens is None and need_max_tokens:
        raise Refused(ErrorKind.BAD_REQUEST, "max_tokens: must be given", param="max_tokens")
    user = _user(members, extras)
    tier = members.text("service_tier")
    rest = members.rest()
    extras.update(rest.members if rest is not None else {})
    return Request(
        model=_model(model if model is not None else named),
        messages=messages,
        tools=tools,
        tool_choice=choice,
        parallel_tools=parallel,
        sampling=sampling,
        reasoning=reasoning,
        output=output,
        stream=bool(asked_stream) if stream is None else stream,
        user=user,
        service_tier=tier,
        extra=Extra(NAME, extras) if extras else None,
    )


def _model(name: str | None) -> str:
    name = (name or "").strip()
    if not name:
        raise Refused(ErrorKind.BAD_REQUEST, "the request names no model: set `model`", param="model")
    check_model_name(name)
    return name


def _system(members: Members) -> tuple[Message, ...]:
    parts = decode_content(members.raw("system"), "system")
    return (Message(Role.SYSTEM, parts),) if parts else ()


_MESSAGE = msgspec.json.Decoder(dict[str, Content])
_NONE = msgspec.Raw(b"[]")


def _messages(members: Members) -> list[Message]:
    raw = members.raw("messages")
    if raw is None or raw == _NONE:
        raise WrongShape("messages", "a list of at least one message")
    messages: list[Message] = []
    for place, item in enumerate(items(raw, "messages")):
        message = remembered.MESSAGES.read(NAME, item, _message, place)
        if message is not None:
            messages.append(message)
    return messages


def _message(raw: msgspec.Raw, place: int) -> Message | None:
    """One message; `None` for one that says nothing. Raises `WrongShape`."""
    path = f"messages[{place}]"
    try:
        message = _MESSAGE.decode(raw)
    except msgspec.ValidationError:
        return _unusual_message(Members.of(raw, path))
    if message.keys() != _USUAL or not isinstance(name := message["role"], str):
        return _unusual_message(Members.of(raw, path))
    role = _role(name, f"{path}.role")
    parts = parts_of(message["content"], f"{path}.content")
    return Message(role, parts) if parts else None


_USUAL = {"role", "content"}


def _unusual_message(message: Members) -> Message | None:
    """The same member by member, which takes longer: something is more, less or other than usual."""
    role = _role(message.required("role"), message.at("role"))
    parts = decode_content(message.raw("content"), message.at("content"))
    return Message(role, parts, extra=message.rest()) if parts else None


def _role(name: str, path: str) -> Role:
    role = _ROLES.get(name)
    if role is None:
        raise WrongShape(path, "user, assistant or system")
    return role


def _sampling(members: Members) -> Sampling:
    stop = tuple(
        _stop(raw, f"stop_sequences[{place}]") for place, raw in enumerate(members.items("stop_sequences"))
    )
    return Sampling(
        max_tokens=members.count("max_tokens"),
        temperature=members.number("temperature"),
        top_p=members.number("top_p"),
        top_k=members.count("top_k"),
        stop=stop,
    )


_STRING = msgspec.json.Decoder(str)


def _stop(raw: msgspec.Raw, path: str) -> str:
    try:
        return _STRING.decode(raw)
    except msgspec.ValidationError:
        raise WrongShape(path, "a string") from None


def _user(members: Members, extras: dict[str, msgspec.Raw]) -> str | None:
    """The end user's id; the rest of the metadata stays as it stood."""
    metadata = members.nested("metadata")
    if metadata is None:
        return None
    user = metadata.text("user_id")
    if metadata.left:
        extras["metadata"] = raw_json(metadata.left)
    return user
