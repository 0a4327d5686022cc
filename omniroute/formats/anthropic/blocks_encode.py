"""Content blocks, as they go on the wire."""

from collections.abc import Sequence

import msgspec

from omniroute.conversation.parts import (
    Media,
    Opaque,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
)
from omniroute.formats.anthropic.citations import encode_citation
from omniroute.formats.anthropic.media import encode_media
from omniroute.formats.anthropic.members import NAME, cache_control, own
from omniroute.formats.codec import NO_ARGUMENTS, Losses, cannot_carry

Block = dict[str, object] | msgspec.Raw

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_FAILED = "error"
"""The API refuses a failed result that says nothing."""


def encode_text(part: Text, losses: Losses, *, for_client: bool = False) -> Block:
    """Something said."""
    block: dict[str, object] = {"type": "text", "text": part.text}
    if part.citations:
        told = [encode_citation(citation, for_client=for_client) for citation in part.citations]
        if None in told:
            losses.add("citations")
        if known := [citation for citation in told if citation is not None]:
            block["citations"] = known
    if part.cache is not None:
        block["cache_control"] = cache_control(part.cache)
    if part.extra is not None:
        block.update(own(part.extra, losses))
    return block


def encode_call(part: ToolUse, id: str, losses: Losses) -> Block:
    """A call of a client's tool."""
    block: dict[str, object] = {
        "type": "tool_use",
        "id": id,
        "name": part.name,
        "input": encode_input(part.arguments, losses),
    }
    if part.cache is not None:
        block["cache_control"] = cache_control(part.cache)
    if part.extra is not None:
        block.update(own(part.extra, losses))
    return block


def encode_input(text: str, losses: Losses) -> msgspec.Raw:
    """Arguments as an object: the text the model wrote, where it is one."""
    if text.strip() in NO_ARGUMENTS:
        return msgspec.Raw(b"{}")
    try:
        _OBJECT.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        losses.add("arguments")
        return msgspec.Raw(msgspec.json.encode({"_arguments": text}))
    return msgspec.Raw(text.encode())


def encode_thinking(part: Thinking, losses: Losses) -> Block | None:
    """A thought for an upstream, which takes its own only; `None` for any other."""
    if not part.signature or part.origin != NAME:
        losses.add("redacted_thinking" if part.redacted else "thinking")
        return None
    if part.redacted:
        return {"type": "redacted_thinking", "data": part.signature, **own(part.extra, losses)}
    return {
        "type": "thinking",
        "thinking": part.text,
        "signature": part.signature,
        **own(part.extra, losses),
    }


def encode_plain(part: Part, where: str, losses: Losses) -> Block | None:
    """A part that anybody but the model may say; `None` for an empty text. Raises `Refused`."""
    match part:
        case Text():
            return encode_text(part, losses) if part.text else None
        case Refusal(text, extra):
            own(extra, losses)
            return {"type": "text", "text": text} if text else None
        case Media():
            return encode_media(part, where, losses)
        case Opaque(format, type, value):
            if format != NAME:
                raise cannot_carry(type, where, NAME)
            return value
        case Thinking() | ToolUse() | ToolResult():
            raise cannot_carry(f"a {type_name(part)} here", where, NAME)


def type_name(part: Part) -> str:
    """What a part is called in errors."""
    match part:
        case Thinking():
            return "thought"
        case ToolUse():
            return "tool call"
        case _:
            return "tool result"


def encode_result(part: ToolResult, id: str, where: str, losses: Losses) -> Block:
    """What a tool gave back. Raises `Refused` for content the dialect cannot carry."""
    block: dict[str, object] = {"type": "tool_result", "tool_use_id": id}
    content = _result_content(part.parts, where, losses)
    if part.is_error:
        content = content or _FAILED
        block["is_error"] = True
    if content:
        block["content"] = content
    if part.cache is not None:
        block["cache_control"] = cache_control(part.cache)
    if part.extra is not None:
        block.update(own(part.extra, losses))
    return block


def _result_content(parts: Sequence[Text | Media | Opaque], where: str, losses: Losses) -> str | list[Block]:
    if len(parts) == 1 and isinstance(only := parts[0], Text) and only == Text(only.text):
        return only.text
    blocks = [encode_plain(part, f"{where}.content[{number}]", losses) for number, part in enumerate(parts)]
    return [block for block in blocks if block is not None]
