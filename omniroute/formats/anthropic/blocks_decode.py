"""Content blocks, as they stand on the wire (API reference, read 2026-11-23)."""

from collections.abc import Callable

import msgspec

from omniroute.conversation.parts import Media, Opaque, Part, Text, Thinking, ToolResult, ToolUse
from omniroute.formats.anthropic.citations import decode_citation
from omniroute.formats.anthropic.media import decode_media
from omniroute.formats.anthropic.members import NAME, Members, WrongShape, is_text, items, raw_json

_TEXT = msgspec.Raw(b'"text"')
_DIRECT = b'{"type":"direct"}'


Content = str | list[dict[str, msgspec.Raw]]
"""What messages, system prompts and results hold."""

_CONTENT = msgspec.json.Decoder(Content)


def decode_content(raw: msgspec.Raw | None, path: str) -> tuple[Part, ...]:
    """The parts of a content that is a string or a list of blocks. Raises `WrongShape`."""
    if raw is None:
        return ()
    content: Content
    try:
        content = _CONTENT.decode(raw)
    except msgspec.ValidationError:
        content = [_block(item, f"{path}[{place}]") for place, item in enumerate(items(raw, path))]
    return parts_of(content, path)


def parts_of(content: Content, path: str) -> tuple[Part, ...]:
    """The same of one that was taken apart already."""
    if isinstance(content, str):
        return (Text(content),) if content else ()
    parts: list[Part] = []
    for place, members in enumerate(content):
        part = decode_block(Members(members, f"{path}[{place}]"))
        if part is not None:
            parts.append(part)
    return tuple(parts)


def decode_block(block: Members) -> Part | None:
    """One block; `None` for one that says nothing. Raises `WrongShape`."""
    kind = block.left.get("type")
    reader = _READERS.get(bytes(kind)) if kind is not None else None
    if reader is None:
        return _other(block)
    del block.left["type"]
    return reader(block)


def _block(raw: msgspec.Raw, path: str) -> dict[str, msgspec.Raw]:
    """A block; some clients put plain strings into the list."""
    if is_text(raw):
        return {"type": _TEXT, "text": raw}
    return Members.of(raw, path).left


def _other(block: Members) -> Part:
    whole = dict(block.left)
    kind = block.required("type")
    media = decode_media(block, kind) if kind in ("image", "document") else None
    return media or Opaque(NAME, kind, raw_json(whole))


def _text(block: Members) -> Text | None:
    text = block.text("text")
    if not text:
        return None
    if not block.left:
        return Text(text)
    citations = tuple(
        decode_citation(Members.of(raw, f"{block.at('citations')}[{place}]"))
        for place, raw in enumerate(block.items("citations"))
    )
    return Text(text, citations, block.cache(), block.rest())


def tool_use(block: Members) -> ToolUse:
    """A call of a client's tool; its input as the text it stood as. Raises `WrongShape`."""
    id, name = block.required("id"), block.required("name")
    arguments = block.raw("input")
    cache = block.cache()
    caller = block.left.get("caller")
    if caller is not None and bytes(caller).replace(b" ", b"") == _DIRECT:
        del block.left["caller"]  # the model itself: what no word would mean too
    return ToolUse(
        id,
        name,
        "{}" if arguments is None else bytes(arguments).decode(),
        cache=cache,
        extra=block.rest(),
    )


def _tool_result(block: Members) -> ToolResult:
    id, is_error = block.required("tool_use_id"), block.flag("is_error")
    where = block.at("content")
    parts: list[Text | Media | Opaque] = []
    for part in decode_content(block.raw("content"), where):
        if not isinstance(part, Text | Media | Opaque):
            raise WrongShape(where, "text, images and documents")
        parts.append(part)
    cache = block.cache()
    return ToolResult(id, tuple(parts), bool(is_error), cache=cache, extra=block.rest())


def _thinking(block: Members) -> Thinking | None:
    text, signature = block.text("thinking") or "", block.text("signature")
    if not text and not signature:
        return None
    return Thinking(text, signature or None, origin=NAME, extra=block.rest())


def redacted(block: Members) -> Thinking:
    """Sealed thinking. Raises `WrongShape`."""
    return Thinking("", block.required("data"), redacted=True, origin=NAME, extra=block.rest())


_READERS: dict[bytes, Callable[[Members], Part | None]] = {
    b'"text"': _text,
    b'"tool_use"': tool_use,
    b'"tool_result"': _tool_result,
    b'"thinking"': _thinking,
    b'"redacted_thinking"': redacted,
}
