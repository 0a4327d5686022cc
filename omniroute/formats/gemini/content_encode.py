"""The parts of a message, as they go on the wire."""

from typing import Any

import msgspec

from omniroute.conversation.parts import Extra, Media, Opaque, Part, Text, Thinking, ToolResult, ToolUse
from omniroute.conversation.parts import Refusal as RefusalPart
from omniroute.formats.codec import MADE_ID, NO_ARGUMENTS, Losses, cannot_carry
from omniroute.formats.gemini.content_decode import SIGNATURE
from omniroute.formats.gemini.media import encode_media
from omniroute.formats.gemini.members import NAME

WireObject = dict[str, Any]
"""Of values JSON can hold, `msgspec.Raw` among them."""
WirePart = WireObject | msgspec.Raw

POSITION_ID = "gemini_"
"""How ids of calls begin that are made from their place in the request."""

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


def own(extra: Extra | None, losses: Losses) -> dict[str, msgspec.Raw]:
    """What only this dialect understands; the same of another one is lost, by name."""
    if extra is None:
        return {}
    if extra.format == NAME:
        return extra.members
    for name in extra.members:
        losses.add(name)
    return {}


def encode_text(part: Text | RefusalPart, losses: Losses) -> WireObject:
    """Something said."""
    return {"text": part.text} | own(part.extra, losses) if part.extra else {"text": part.text}


def encode_call(part: ToolUse, losses: Losses, *, id: str = "") -> WireObject:
    """A call of a function, with the signature when Gemini made it."""
    call: WireObject = {"id": id} if id else {}
    call |= {"name": part.name, "args": _arguments(part.arguments, losses)}
    call |= own(part.extra, losses)
    if part.signature and part.origin == NAME:
        return {"functionCall": call, "thoughtSignature": part.signature}
    return {"functionCall": call}


def encode_thought(part: Thinking, losses: Losses) -> WirePart:
    """A thought, with the signature when Gemini made it."""
    wire: WireObject = {"text": part.text, "thought": True}
    if part.signature and part.origin == NAME:
        wire["thoughtSignature"] = part.signature
    return wire | own(part.extra, losses)


def add_opaque(part: Opaque, wire: list[WirePart], losses: Losses) -> None:
    """A block of this dialect, as it stood; one of another is lost."""
    if part.format != NAME:
        losses.add(part.type)
        return
    last = wire[-1] if wire else None
    if part.type == SIGNATURE and isinstance(last, dict) and last.keys() == {"text"}:
        value = _OBJECT.decode(part.value)
        if "text" not in value:
            last |= value
            return
    wire.append(part.value)


def encode_result(part: ToolResult, name: str, where: str, *, id: str, nested: bool) -> list[WirePart]:
    """The result of a function. `nested`: the model takes media inside of results, not only beside them."""
    text = "".join(piece.text for piece in part.parts if isinstance(piece, Text))
    media: list[WirePart] = []
    for place, piece in enumerate(part.parts):
        match piece:
            case Media():
                media.append(encode_media(piece, f"{where}.content[{place}]"))
            case Opaque(format) if format != NAME:
                raise cannot_carry(piece.type, f"{where}.content[{place}]", NAME)
            case Opaque():
                media.append(piece.value)
            case Text():
                pass
    response: WireObject = {"id": id} if id else {}
    response |= {"name": name, "response": _answer(text, is_error=part.is_error)}
    if part.extra is not None and part.extra.format == NAME:
        response |= part.extra.members
    if media and nested:
        return [{"functionResponse": response | {"parts": media}}]
    return [{"functionResponse": response}, *media]


def may_send_id(part: ToolUse) -> bool:
    """True for a call whose id Gemini gave itself."""
    made = (MADE_ID, POSITION_ID)
    return part.origin == NAME and bool(part.id) and not part.id.startswith(made) and "_omr" not in part.id


def encode_answer_part(part: Part, wire: list[WirePart], losses: Losses, *, id: str = "") -> None:
    """A part of an answer for a client, put behind those before it. `id`: of a tool call."""
    match part:
        case Text() | RefusalPart():
            wire.append(encode_text(part, losses))
        case Thinking(redacted=True):
            losses.add("redacted_thinking")
        case Thinking():
            wire.append(encode_thought(part, losses))
        case ToolUse():
            wire.append(encode_call(part, losses, id=id))
        case Opaque():
            add_opaque(part, wire, losses)
        case Media():
            wire.append(encode_media(part, "answer"))
        case ToolResult():
            losses.add("tool_result")


def _arguments(text: str, losses: Losses) -> Any:  # JSON of any shape
    if text.strip() in NO_ARGUMENTS:
        return {}
    try:
        _OBJECT.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        losses.add("arguments")
        return {"_arguments": text}
    return msgspec.Raw(text)


def _answer(text: str, *, is_error: bool) -> Any:  # JSON of any shape
    """Servers take objects only; the names inside are the ones Google's guide uses."""
    if is_error:
        return {"error": text}
    if text.lstrip().startswith("{"):
        try:
            _OBJECT.decode(text)
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            return {"result": text}
        return msgspec.Raw(text)
    return {"result": text}
