"""Images and documents as blocks, both ways."""

import base64
import binascii

from omniroute.conversation.parts import Base64, FileId, Media, MediaKind, PlainText, Source, Url
from omniroute.formats.anthropic.members import MARK, NAME, Members, cache_control, own
from omniroute.formats.codec import Losses, cannot_carry

_FILE = "file_"
"""How ids of Anthropic's own files begin."""
_PDF = "application/pdf"
_MAGIC = {"iVBORw0": "image/png", "/9j/": "image/jpeg", "R0lGOD": "image/gif", "UklGR": "image/webp"}
"""How images begin in base64."""
_KINDS = {"image": MediaKind.IMAGE, "document": MediaKind.DOCUMENT}


def decode_media(block: Members, kind: str) -> Media | None:
    """An image or a document; `None` where its source is one that no other dialect has."""
    wire = block.nested("source")
    source = _source(wire) if wire is not None else None
    if wire is None or source is None or wire.rest() is not None:
        return None
    name = block.text("title") if kind == "document" else None
    cache, extra = block.cache(), block.rest()
    if extra is None and isinstance(source, FileId) and not source.id.startswith(_FILE):
        extra = MARK
    return Media(_KINDS[kind], source, name=name, cache=cache, extra=extra)


def _source(wire: Members) -> Source | None:
    match wire.text("type"):
        case "base64":
            return Base64(wire.text("media_type") or "", wire.required("data"))
        case "url":
            return Url(wire.required("url"))
        case "file":
            return FileId(wire.required("file_id"))
        case "text":
            wire.text("media_type")
            return PlainText(wire.required("data"))
        case _:
            return None


def encode_media(media: Media, where: str, losses: Losses) -> dict[str, object]:
    """The block. Raises `Refused` for what the dialect has no place for."""
    if media.detail not in (None, "auto"):
        losses.add("detail")
    match media.kind:
        case MediaKind.IMAGE:
            block: dict[str, object] = {"type": "image", "source": _image(media, where)}
        case MediaKind.DOCUMENT:
            block = {"type": "document", "source": _document(media, where)}
            if media.name is not None:
                block["title"] = media.name
        case MediaKind.AUDIO | MediaKind.VIDEO:
            raise cannot_carry(media.kind.value, where, NAME)
    if media.cache is not None:
        block["cache_control"] = cache_control(media.cache)
    return {**block, **own(media.extra, losses)}


def _image(media: Media, where: str) -> dict[str, str]:
    match media.source:
        case Base64(media_type, content):
            return {
                "type": "base64",
                "media_type": _image_type(media_type, content),
                "data": content,
            }
        case PlainText():
            raise cannot_carry("an image given as text", where, NAME)
        case source:
            return _elsewhere(source, media, where)


def _image_type(media_type: str, content: str) -> str:
    if media_type:
        return "image/jpeg" if media_type == "image/jpg" else media_type
    return next((kind for magic, kind in _MAGIC.items() if content.startswith(magic)), "image/png")


def _document(media: Media, where: str) -> dict[str, str]:
    match media.source:
        case Base64(media_type, content):
            kind = media_type.partition(";")[0].strip().lower() or _PDF
            if kind == _PDF:
                return {"type": "base64", "media_type": _PDF, "data": content}
            text = _text(content) if kind.startswith("text/") or kind == "application/json" else None
            if text is None:
                raise cannot_carry(f"a document of type {media_type}", where, NAME)
            return {"type": "text", "media_type": "text/plain", "data": text}
        case PlainText(text):
            return {"type": "text", "media_type": "text/plain", "data": text}
        case source:
            return _elsewhere(source, media, where)


def _text(content: str) -> str | None:
    try:
        return base64.b64decode(content, validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def _elsewhere(source: Url | FileId, media: Media, where: str) -> dict[str, str]:
    if isinstance(source, Url):
        if not source.url.startswith(("https://", "http://")):
            raise cannot_carry(f"a {media.kind.value} at an address of another provider", where, NAME)
        return {"type": "url", "url": source.url}
    is_own = media.extra is not None and media.extra.format == NAME
    if not is_own and not source.id.startswith(_FILE):
        raise cannot_carry("a file uploaded to another provider", where, NAME)
    return {"type": "file", "file_id": source.id}
