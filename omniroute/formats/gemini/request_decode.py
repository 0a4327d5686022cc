"""What a client asks in Gemini's dialect (API reference, read 2026-11-23)."""

from collections.abc import Mapping

import msgspec

from omniroute.conversation.parts import Part, Text, ToolUse
from omniroute.conversation.request import Message, Output, Reasoning, Request, Role, Sampling
from omniroute.errors import ErrorKind, Refused
from omniroute.formats.gemini.config import decode_config
from omniroute.formats.gemini.content_decode import decode_model_part, decode_result, decode_user_part
from omniroute.formats.gemini.content_encode import POSITION_ID
from omniroute.formats.gemini.members import (
    NAME,
    Members,
    extra,
    items,
    members,
    plain_text,
    read,
    string,
    tidy,
)
from omniroute.formats.gemini.tools import decode_choice, decode_tools

_ROLES = {
    "user": Role.USER,
    "function": Role.USER,
    "tool": Role.USER,
    "model": Role.ASSISTANT,
    "assistant": Role.ASSISTANT,
    "system": Role.SYSTEM,
}


def decode_request(
    body: bytes,
    *,
    model: str | None = None,
    stream: bool | None = None,
    members: Mapping[str, msgspec.Raw] | None = None,
) -> Request:
    """What the client asks. `model` and `stream` are said by the path, not by the body.

    `members` are the body's where it was taken apart already.
    Raises `Refused` naming the field that is at fault.
    """

    def whole(text: bytes) -> Request:
        top = _top(text) if members is None or text is not body else tidy(dict(members))
        return _request(top, model, stream=bool(stream))

    return read(body, whole)


def decode_count_request(body: bytes, model: str | None = None) -> Request:
    """What a client wants counted: contents alone, or a whole request inside.

    Raises `Refused` naming the field that is at fault.
    """

    def inner(text: bytes) -> Request:
        top = _top(text)
        if "generateContentRequest" in top:
            top = members(top["generateContentRequest"], "generateContentRequest")
        return _request(top, model, stream=False)

    return read(body, inner)


def _top(body: bytes) -> Members:
    return members(body, "the body")


def _request(top: Members, model: str | None, *, stream: bool) -> Request:
    named = top.pop("model", None)
    if model is None:
        model = string(named, "model").removeprefix("models/") if named is not None else ""
        if not model:
            raise Refused(ErrorKind.BAD_REQUEST, "the request names no model", param="model")
    extras: Members = {}
    messages = _system(top.pop("systemInstruction", None))
    messages += _Contents().messages(top.pop("contents", None))
    sampling, reasoning, output = Sampling(), Reasoning(), Output()
    if "generationConfig" in top:
        sampling, reasoning, output = decode_config(top.pop("generationConfig"), extras)
    tools = decode_tools(top.pop("tools")) if "tools" in top else ()
    choice = decode_choice(top.pop("toolConfig"), extras) if "toolConfig" in top else None
    pin = string(top.pop("cachedContent"), "cachedContent") if "cachedContent" in top else None
    return Request(
        model=model,
        messages=tuple(messages),
        tools=tools,
        tool_choice=choice,
        sampling=sampling,
        reasoning=reasoning,
        output=output,
        stream=stream,
        pin=pin or None,
        extra=extra(top | extras),
    )


def _system(raw: msgspec.Raw | None) -> list[Message]:
    if raw is None:
        return []
    where = "systemInstruction"
    parts: list[Part] = []
    for place, item in enumerate(_parts(raw, where)):
        part = decode_user_part(item, f"{where}.parts[{place}]")
        if part is not None:
            parts.append(part)
    return [Message(Role.SYSTEM, tuple(parts))] if parts else []


def _parts(raw: msgspec.Raw, where: str) -> list[Members]:
    """The parts of a content; a bare text, or a bare part, stands for a content of one."""
    start = bytes(memoryview(raw)[:1])
    if start == b'"':
        return [{"text": raw}]
    if start == b"[":
        return _listed(raw, where)
    content = members(raw, where)
    if "parts" in content:
        return _parts(content["parts"], f"{where}.parts")
    return [content] if content.keys() - {"role"} else []


def _listed(raw: msgspec.Raw, where: str) -> list[Members]:
    """A list of parts, with bare texts among them."""
    return [
        {"text": item} if bytes(memoryview(item)[:1]) == b'"' else members(item, f"{where}[{place}]")
        for place, item in enumerate(items(raw, where))
    ]


class _Content(msgspec.Struct):
    """A content as nearly all are."""

    role: str | None = None
    parts: list[Members] | None = None


_CONTENTS = msgspec.json.Decoder(list[_Content])


def _contents(raw: msgspec.Raw) -> list[tuple[str, list[Members]]]:
    """Role and parts of each content."""
    try:
        fast = _CONTENTS.decode(raw)
    except msgspec.ValidationError:
        return _odd_contents(raw)
    if all(content.parts is not None for content in fast):
        return [(content.role or "", content.parts or []) for content in fast]
    return _odd_contents(raw)


def _odd_contents(raw: msgspec.Raw) -> list[tuple[str, list[Members]]]:
    """The same of what SDKs write in short: a text, one content, parts alone; or one that is wrong."""
    if bytes(memoryview(raw)[:1]) == b'"':
        return [("", _parts(raw, "contents"))]
    contents: list[tuple[str, list[Members]]] = []
    for number, item in enumerate(items(raw, "contents")):
        where, word = f"contents[{number}]", ""
        if bytes(memoryview(item)[:1]) == b"{":
            content = members(item, where)
            word = string(content["role"], f"{where}.role") if "role" in content else ""
        contents.append((word, _parts(item, where)))
    return contents


def _role(word: str, where: str) -> Role:
    if word and word not in _ROLES:
        message = f"{where}: must be `user` or `model`, not `{word[:40]}`"
        raise Refused(ErrorKind.BAD_REQUEST, message, param=where)
    return _ROLES.get(word, Role.USER)


class _Contents:
    """Reads contents in order: calls and results without ids are matched by order and name."""

    def __init__(self) -> None:
        self._pending: list[tuple[str, str]] = []
        """Id and name of calls of the turn that wait for their result."""
        self._after_model = False

    def messages(self, raw: msgspec.Raw | None) -> list[Message]:
        """The messages; contents of nothing give none."""
        if raw is None:
            raise Refused(ErrorKind.BAD_REQUEST, "contents: is required", param="contents")
        contents = _contents(raw)
        if not contents:
            raise Refused(ErrorKind.BAD_REQUEST, "contents: must not be empty", param="contents")
        messages: list[Message] = []
        for number, (word, told) in enumerate(contents):
            role = _role(word, f"contents[{number}].role")
            parts = self._content(role, told, number)
            if parts:
                messages.append(Message(role, tuple(parts)))
        return messages

    def _content(self, role: Role, told: list[Members], number: int) -> list[Part]:
        if role is Role.ASSISTANT and not self._after_model:
            self._pending.clear()
        self._after_model = role is Role.ASSISTANT
        parts: list[Part] = []
        for place, item in enumerate(told):
            self._part(item, role, parts, (number, place))
        return parts

    def _part(self, item: Members, role: Role, parts: list[Part], at: tuple[int, int]) -> None:
        if len(item) == 1 and (plain := plain_text(item)) is not None:
            if plain:
                parts.append(Text(plain))
            return
        item = tidy(item)
        number, place = at
        where = f"contents[{number}].parts[{place}]"
        if role is Role.ASSISTANT:
            for part in decode_model_part(item, where):
                if isinstance(part, ToolUse):
                    # Numbered among the calls: thoughts beside them come and go.
                    calls = sum(isinstance(earlier, ToolUse) for earlier in parts)
                    id = part.id or f"{POSITION_ID}{number}_{calls}"
                    self._pending.append((id, part.name))
                    # An id that was given is Gemini's own, so it may go back there.
                    origin = NAME if part.id else part.origin
                    part = msgspec.structs.replace(part, id=id, origin=origin)
                parts.append(part)
            return
        if "functionResponse" not in item:
            found = decode_user_part(item, where)
            if found is not None:
                parts.append(found)
            return
        where = f"{where}.functionResponse"
        response = members(item["functionResponse"], where)
        parts.append(decode_result(response, self._answered(response, at, where), where))

    def _answered(self, response: Members, at: tuple[int, int], where: str) -> str:
        """The id of the call that a result answers; one of its own for a result nobody asked for."""
        id = string(response["id"], f"{where}.id") if "id" in response else ""
        name = string(response["name"], f"{where}.name") if "name" in response else ""
        for place, (call_id, called) in enumerate(self._pending):
            is_numbered = call_id.startswith(POSITION_ID)
            if id == call_id or ((not id or is_numbered) and name in (called, "")):
                del self._pending[place]
                return call_id
        return id or f"{POSITION_ID}{at[0]}_r{at[1]}"
