"""The parts of a message, as they stand on the wire."""

import msgspec

from omniroute.conversation.parts import Extra, Media, Opaque, Part, Text, Thinking, ToolResult, ToolUse
from omniroute.formats.gemini.media import decode_file, decode_inline
from omniroute.formats.gemini.members import (
    NAME,
    Members,
    boolean,
    extra,
    json_text,
    members,
    objects,
    string,
)

SIGNATURE = "thought_signature"
"""What an opaque part is called that holds a signature beside a text.

With `text` in it, it stood as a part of its own; without, it belongs to the text before it.
"""

_OPAQUE = ("executableCode", "codeExecutionResult", "toolCall", "toolResponse")
_ANSWER_KEYS = ("result", "output", "error")


def decode_model_part(part: Members, where: str) -> list[Part]:
    """What a part the model said comes to: none for an empty text, two for a text with a signature."""
    signature = string(part["thoughtSignature"], where) if "thoughtSignature" in part else ""
    if "functionCall" in part:
        return [_tool_use(part, signature, where)]
    if (text := _text(part, where)) is None:
        return _other(part, where)
    if _is_thought(part, where):
        if not text and not signature:
            return []
        origin = NAME if signature else None
        return [Thinking(text, signature or None, origin=origin, extra=_beside(part))]
    found: list[Part] = [Text(text, extra=_beside(part))] if text else []
    if signature:
        found.append(signature_part(signature, joined=bool(text) or "text" not in part))
    return found


def signature_part(signature: str, *, joined: bool) -> Opaque:
    """A signature that stands beside a text (`joined`), or on an empty one."""
    members = {"thoughtSignature": signature} if joined else {"text": "", "thoughtSignature": signature}
    return Opaque(NAME, SIGNATURE, msgspec.Raw(msgspec.json.encode(members)))


def decode_user_part(part: Members, where: str) -> Part | None:
    """What a part of anybody else comes to, but results of functions; `None` for an empty text."""
    if (text := _text(part, where)) is not None:
        part.pop("text", None)
        if "thought" in part and not _is_thought(part, where):
            del part["thought"]
        return Text(text, extra=extra(part)) if text else None
    found = _other(part, where)
    return found[0] if found else None


def decode_result(response: Members, tool_use_id: str, where: str) -> ToolResult:
    """The result of a function; its id has been found by the caller."""
    response.pop("id", None)
    name = string(response.pop("name"), f"{where}.name") if "name" in response else None
    raw = response.pop("response", None)
    text, is_error = ("", False) if raw is None else _answer(raw, where)
    parts: list[Text | Media | Opaque] = [Text(text)] if text else []
    if "parts" in response:
        for place, item in enumerate(objects(response.pop("parts"), f"{where}.parts")):
            found = decode_user_part(item, f"{where}.parts[{place}]")
            if isinstance(found, Text | Media | Opaque):
                parts.append(found)
    return ToolResult(tool_use_id, tuple(parts), is_error, name=name or None, extra=extra(response))


def decode_call(raw: msgspec.Raw, where: str) -> tuple[str, str, str, Members]:
    """Id, name and arguments of a function call, and what else it holds."""
    call = members(raw, where)
    id = string(call.pop("id"), f"{where}.id") if "id" in call else ""
    name = string(call.pop("name"), f"{where}.name") if "name" in call else ""
    arguments = json_text(call.pop("args")) if "args" in call else "{}"
    return id, name, arguments, call


def _tool_use(part: Members, signature: str, where: str) -> ToolUse:
    id, name, arguments, rest = decode_call(part["functionCall"], f"{where}.functionCall")
    return ToolUse(
        id,
        name,
        arguments,
        signature=signature or None,
        origin=NAME if signature else None,
        extra=extra(rest),
    )


def _text(part: Members, where: str) -> str | None:
    """The part's text; "" for a part of nothing but a signature, `None` for a part of another kind."""
    if "text" in part:
        return string(part["text"], f"{where}.text")
    return "" if part.keys() <= {"thought", "thoughtSignature"} else None


def _is_thought(part: Members, where: str) -> bool:
    return "thought" in part and boolean(part["thought"], f"{where}.thought")


def _beside(part: Members) -> Extra | None:
    return extra(
        {name: value for name, value in part.items() if name not in ("text", "thought", "thoughtSignature")}
    )


def _other(part: Members, where: str) -> list[Part]:
    """Media, and blocks that only this dialect knows."""
    rest = {name: value for name, value in part.items() if name not in ("inlineData", "fileData")}
    if "inlineData" in part:
        return [decode_inline(part["inlineData"], rest, f"{where}.inlineData")]
    if "fileData" in part:
        return [decode_file(part["fileData"], rest, f"{where}.fileData")]
    kind = next((name for name in _OPAQUE if name in part), None) or next(iter(part), "part")
    return [Opaque(NAME, kind, msgspec.Raw(msgspec.json.encode(part)))]


def _answer(raw: msgspec.Raw, where: str) -> tuple[str, bool]:
    """What a function answered as text, and whether it failed."""
    if bytes(memoryview(raw)[:1]) != b"{":
        text = json_text(raw)
        return (string(raw, where) if text.startswith('"') else text), False
    answer = members(raw, where)
    if len(answer) == 1:
        name, value = next(iter(answer.items()))
        if bytes(memoryview(value)[:1]) == b'"' and name in _ANSWER_KEYS:
            return string(value, where), name == "error"
    return (json_text(raw) if answer else ""), False
