"""Images as Ollama has them: base64 without a word about what is in it."""

import re
from base64 import b64decode

from omniroute.conversation.parts import Base64, Media, MediaKind

_DATA_URL = re.compile(r"data:([^;,]*)[^,]*;base64,")
_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
)


def image(data: str) -> Media:
    """The image; a `data:` URL, which some clients send, is taken apart."""
    if url := _DATA_URL.match(data):
        data = data[url.end() :]
        return Media(MediaKind.IMAGE, Base64(url[1] or media_type_of(data), data))
    return Media(MediaKind.IMAGE, Base64(media_type_of(data), data))


def media_type_of(data: str) -> str:
    """What the first bytes tell; empty when they tell nothing."""
    try:
        start = b64decode(data[:16])
    except ValueError:
        return ""
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "image/webp"
    if start[4:8] == b"ftyp":
        return "image/avif" if start[8:12] == b"avif" else "image/heic"
    return next((name for magic, name in _STARTS if start.startswith(magic)), "")
