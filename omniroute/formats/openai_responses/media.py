"""Images, files and recordings as content parts, both ways."""

from omniroute.conversation.parts import Base64, Extra, FileId, Media, MediaKind, PlainText, Source, Url
from omniroute.formats.codec import Losses, cannot_carry
from omniroute.formats.openai_responses.members import DIALECT, MARK, Members, WrongShape, own

_AUDIO_TYPES = {"mp3": "audio/mpeg"}
_AUDIO_FORMATS = {"audio/mpeg": "mp3", "audio/mp3": "mp3", "audio/x-wav": "wav", "audio/wave": "wav"}
_KINDS = {"image": MediaKind.IMAGE, "audio": MediaKind.AUDIO, "video": MediaKind.VIDEO}
_OPENAI_FILE = "file-"
"""How ids of OpenAI's own files begin, whichever of its dialects named them."""


def decode_image(part: Members) -> Media:
    """An `input_image`. Raises `WrongShape`."""
    detail = part.text("detail")
    file_id = part.text("file_id")
    url = _image_url(part)
    source: Source
    if url is not None:
        source = from_url(url)
    elif file_id is not None:
        source = FileId(file_id)
    else:
        raise WrongShape(part.path, "an image with `image_url` or `file_id`")
    return Media(
        MediaKind.IMAGE,
        source,
        detail=None if detail == "auto" else detail,
        extra=part.rest() or _mark(source),
    )


def _image_url(part: Members) -> str | None:
    """Some clients send Chat's shape, an object with the address inside."""
    raw = part.peek("image_url")
    if raw is not None and bytes(raw).startswith(b"{"):
        nested = part.nested("image_url")
        return nested.text("url") if nested else None
    return part.text("image_url")


def decode_file(part: Members) -> Media:
    """An `input_file`. Raises `WrongShape`."""
    name, file_id = part.text("filename"), part.text("file_id")
    url, content = part.text("file_url"), part.text("file_data")
    source: Source
    if content is not None:
        source = from_url(content) if content.startswith("data:") else Base64("", content)
    elif url is not None:
        source = Url(url)
    elif file_id is not None:
        source = FileId(file_id)
    else:
        raise WrongShape(part.path, "a file with `file_data`, `file_url` or `file_id`")
    media_type = source.media_type if isinstance(source, Base64) else ""
    kind = _KINDS.get(media_type.partition("/")[0], MediaKind.DOCUMENT)
    if name == _default_name(media_type):
        name = None
    # The mark tells an image that came as a file from one that came as an image.
    marked = MARK if kind is not MediaKind.DOCUMENT else _mark(source)
    return Media(kind, source, name=name, extra=part.rest() or marked)


def _mark(source: Source) -> Extra | None:
    """Ids of files are good only where they come from."""
    return MARK if isinstance(source, FileId) else None


def decode_audio(part: Members) -> Media:
    """An `input_audio`. Raises `WrongShape`."""
    audio = part.nested("input_audio") or part
    content, kind = audio.text("data"), audio.text("format") or ""
    if content is None:
        raise WrongShape(part.at("input_audio.data"), "a string")
    source = Base64(_AUDIO_TYPES.get(kind, f"audio/{kind}" if kind else ""), content)
    return Media(MediaKind.AUDIO, source, extra=part.rest())


def from_url(url: str) -> Source:
    """What an address holds: the content itself, when it is a data address in base64."""
    if url.startswith("data:"):
        head, comma, content = url[5:].partition(",")
        if comma and head.endswith(";base64"):
            return Base64(head.removesuffix(";base64"), content)
    return Url(url)


def encode_media(media: Media, where: str, losses: Losses) -> dict[str, object]:
    """The content part. Raises `Refused` for what the dialect has no place for."""
    if media.cache is not None:
        losses.add("cache_control")
    members = own(media.extra)
    if media.kind is MediaKind.IMAGE and not _came_as_file(media):
        part = _image(media, where)
    elif media.kind is MediaKind.AUDIO and not _came_as_file(media):
        part = _audio(media, where)
    elif media.kind is MediaKind.DOCUMENT or members is not None:
        part = _file(media, where, losses)
    else:
        raise cannot_carry(media.kind.value, where, DIALECT)
    return {**part, **members} if members else part


def _came_as_file(media: Media) -> bool:
    return media.extra == MARK and isinstance(media.source, Base64)


def _image(media: Media, where: str) -> dict[str, object]:
    detail = media.detail or "auto"
    match media.source:
        case Base64(media_type, content):
            url = f"data:{media_type};base64,{content}"
            return {"type": "input_image", "image_url": url, "detail": detail}
        case Url(url):
            return {"type": "input_image", "image_url": url, "detail": detail}
        case FileId(id):
            return {"type": "input_image", "file_id": _own_file(media, id, where), "detail": detail}
        case PlainText():
            raise cannot_carry("an image given as text", where, DIALECT)


def _audio(media: Media, where: str) -> dict[str, object]:
    match media.source:
        case Base64(media_type, content):
            kind = _AUDIO_FORMATS.get(media_type) or media_type.partition("/")[2]
            return {"type": "input_audio", "input_audio": {"data": content, "format": kind}}
        case _:
            raise cannot_carry("audio that is not in the request", where, DIALECT)


def _file(media: Media, where: str, losses: Losses) -> dict[str, object]:
    match media.source:
        case Base64(media_type, content):
            text = f"data:{media_type};base64,{content}" if media_type else content
            name = media.name or _default_name(media_type)
            return {"type": "input_file", "filename": name, "file_data": text}
        case Url(url):
            part: dict[str, object] = {"type": "input_file", "file_url": url}
        case FileId(id):
            part = {"type": "input_file", "file_id": _own_file(media, id, where)}
        case PlainText(text):
            if media.name:
                losses.add("title")
            return {"type": "input_text", "text": text}
    return {**part, "filename": media.name} if media.name else part


def _own_file(media: Media, id: str, where: str) -> str:
    if own(media.extra) is None and not id.startswith(_OPENAI_FILE):
        raise cannot_carry("a file uploaded to another provider", where, DIALECT)
    return id


def _default_name(media_type: str) -> str:
    """The API wants a name with every file it gets; what ends it tells the kind."""
    return f"document.{media_type.partition('/')[2].partition(';')[0] or 'pdf'}"
