"""Media in messages: `inlineData` and `fileData`, there and back."""

import base64
import re
from urllib.parse import SplitResult, urlsplit

import msgspec

from omniroute.conversation.parts import Base64, FileId, Media, MediaKind, PlainText, Url
from omniroute.formats.codec import cannot_carry
from omniroute.formats.gemini.members import NAME, Members, extra, members, string

_FILES_API = re.compile(r"(?:https://[^/]*\.googleapis\.com/.*)?files/[^/]+|gs://.+", re.DOTALL)
"""Addresses of what was uploaded to Google before: nobody else can read it."""
_VIDEO_SITES = ("youtube.com", "youtu.be")

_BY_ENDING = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "heic": "image/heic",
    "heif": "image/heif",
    "bmp": "image/bmp",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "html": "text/html",
    "csv": "text/csv",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "m4a": "audio/mp4",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
}
_BY_START = {
    "iVBORw0": "image/png",
    "/9j/": "image/jpeg",
    "R0lGOD": "image/gif",
    "UklGR": "image/webp",
    "JVBERi": "application/pdf",
}
"""First characters of base64 text of files that tell what they are."""


def decode_inline(raw: msgspec.Raw, rest: Members, where: str) -> Media:
    """Content inside the message. `rest`: the other members of the part."""
    inline = members(raw, where)
    mime = string(inline.pop("mimeType"), f"{where}.mimeType") if "mimeType" in inline else ""
    content = string(inline.pop("data"), f"{where}.data") if "data" in inline else ""
    name = string(inline["displayName"], f"{where}.displayName") if "displayName" in inline else None
    return Media(_kind(mime), Base64(mime, content), name=name, extra=extra(inline | rest))


def decode_file(raw: msgspec.Raw, rest: Members, where: str) -> Media:
    """Content at an address, Google's own or another."""
    file = members(raw, where)
    mime = string(file["mimeType"], f"{where}.mimeType") if "mimeType" in file else None
    uri = string(file.pop("fileUri"), f"{where}.fileUri") if "fileUri" in file else ""
    name = string(file["displayName"], f"{where}.displayName") if "displayName" in file else None
    if _FILES_API.fullmatch(uri):
        return Media(_kind(mime or ""), FileId(uri), name=name, extra=extra(file | rest))
    file.pop("mimeType", None)
    site = _split(uri).hostname if uri.startswith("http") else None
    is_video = site is not None and site.removeprefix("www.") in _VIDEO_SITES
    kind = MediaKind.VIDEO if is_video else _kind(mime or _mime_of(uri) or "")
    return Media(kind, Url(uri, mime), name=name, extra=extra(file | rest))


_BLOB = frozenset({"displayName", "mimeType"})
"""Members of the blob itself among a part's extra ones."""


def encode_media(part: Media, where: str) -> dict[str, object]:
    """The part for a Gemini server. Raises `Refused` for what it could not read."""
    own = part.extra.members if part.extra is not None and part.extra.format == NAME else {}
    blob = {name: value for name, value in own.items() if name in _BLOB}
    beside = {name: value for name, value in own.items() if name not in _BLOB}
    key, source = _source(part, where)
    return {key: source | blob, **beside}


def _source(part: Media, where: str) -> tuple[str, dict[str, object]]:
    match part.source:
        case Base64(media_type, content):
            mime = media_type or _mime_of_base64(content)
            if mime is None:
                raise cannot_carry(f"{part.kind} of no known media type", where, NAME)
            return "inlineData", {"mimeType": mime, "data": content}
        case PlainText(text):
            content = base64.b64encode(text.encode("utf-8", "replace")).decode()
            return "inlineData", {"mimeType": "text/plain", "data": content}
        case Url(url, media_type):
            return _url(part, url, media_type, where)
        case FileId(id):
            if not _FILES_API.fullmatch(id):
                raise cannot_carry("a file uploaded to another provider", where, NAME)
            return "fileData", {"fileUri": id}


def _url(part: Media, url: str, media_type: str | None, where: str) -> tuple[str, dict[str, object]]:
    mime = media_type or _mime_of(url)
    if mime is not None:
        return "fileData", {"mimeType": mime, "fileUri": url}
    if part.kind is MediaKind.VIDEO:
        return "fileData", {"fileUri": url}
    # The server has to be told what is there.
    raise cannot_carry(f"{part.kind} by an address that does not tell its media type", where, NAME)


def _mime_of(url: str) -> str | None:
    """What the ending of the address tells."""
    return _BY_ENDING.get(_split(url).path.rpartition(".")[2].lower())


def _split(url: str) -> SplitResult:
    """The parts of an address; none of what is no address."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def _mime_of_base64(content: str) -> str | None:
    return next((mime for start, mime in _BY_START.items() if content.startswith(start)), None)


def _kind(mime: str) -> MediaKind:
    family = mime.partition("/")[0]
    return MediaKind(family) if family in ("image", "audio", "video") else MediaKind.DOCUMENT
