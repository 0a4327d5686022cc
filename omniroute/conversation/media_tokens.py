"""How many tokens images, documents and recordings have, as providers document it.

An image: `width * height / 750`, at most 4,784 for the models that look closest (Anthropic, Vision); a page
of a PDF 258 at Gemini (Google, Document understanding), 1,500 to 3,000 for its text and its image at
Anthropic (PDF support); a second of sound 32 and of film 263 at Gemini (Google, Tokens), a second of sound
10 at OpenAI (Realtime costs). All read 2026-11-23.
"""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from math import ceil
from typing import Literal

from omniroute.conversation.parts import Base64, Media, MediaKind

UNSEEN_IMAGE = 1600
"""An image whose size nobody knows."""
MAX_IMAGE = 4784

_PIXELS_PER_TOKEN = 750
_PAGE = 2250
_GEMINI_PAGE = 258
_BYTES_PER_PAGE = 100_000
"""Of a PDF whose pages cannot be counted; scans have more, texts less."""
_SOUND_PER_S = 10
_GEMINI_SOUND_PER_S = 32
_FILM_PER_S = 263
_SOUND_BYTES_PER_S = 16_000
"""Of compressed sound: 128 kbit/s."""
_FILM_BYTES_PER_S = 250_000
"""Of film: 2 Mbit/s."""
_HEAD_BYTES = 256 * 1024
"""Where the size of an image stands, also behind a camera's notes and a preview."""

_PAGE_OBJECT = re.compile(rb"/Type\s*/Page(?![a-zA-Z])")
_PAGE_COUNT = re.compile(rb"/(?:Count|N)\s+(\d{1,5})\b")
_BASE64_OTHER = str.maketrans("-_", "+/", " \t\r\n")


def media_tokens(media: Media, family: str) -> int:
    """The tokens of one piece of media that is not plain text, for models of one family of tokenizers."""
    gemini = family == "gemini"
    match media.kind:
        case MediaKind.IMAGE:
            return _image(media)
        case MediaKind.DOCUMENT:
            return _pages(media) * (_GEMINI_PAGE if gemini else _PAGE)
        case MediaKind.AUDIO:
            per_s = _GEMINI_SOUND_PER_S if gemini else _SOUND_PER_S
            return ceil(_sound_s(media) * per_s)
        case MediaKind.VIDEO:
            return ceil(_size(media) / _FILM_BYTES_PER_S) * _FILM_PER_S


def image_size(head: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG, JPEG, GIF or WebP by its first bytes; `None`: not told there."""
    if head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR":
        return _both(head, 16, 4, "big")
    if head.startswith((b"GIF87a", b"GIF89a")):
        return _both(head, 6, 2, "little")
    if head.startswith(b"\xff\xd8"):
        return _jpeg(head)
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _webp(head)
    return None


def pdf_pages(content: bytes) -> int:
    """The pages of a PDF, guessed by its size where they stand in compressed objects."""
    pages = len(_PAGE_OBJECT.findall(content))
    if pages:
        return pages
    told = [int(number) for number in _PAGE_COUNT.findall(content)]
    return max(told, default=0) or max(ceil(len(content) / _BYTES_PER_PAGE), 1)


def _image(media: Media) -> int:
    if not isinstance(media.source, Base64):
        return UNSEEN_IMAGE
    size = image_size(_bytes(media.source.data[: _HEAD_BYTES * 4 // 3 // 4 * 4]))
    if size is None or 0 in size:
        return UNSEEN_IMAGE
    return min(ceil(size[0] * size[1] / _PIXELS_PER_TOKEN), MAX_IMAGE)


def _pages(media: Media) -> int:
    """One where nobody can look inside."""
    if not isinstance(media.source, Base64):
        return 1
    content = _bytes(media.source.data)
    return pdf_pages(content) if content.startswith(b"%PDF") else max(ceil(len(content) / 3000), 1)


def _sound_s(media: Media) -> float:
    """A WAV tells its bytes a second; of others it is guessed."""
    if not isinstance(media.source, Base64):
        return 0.0
    head = _bytes(media.source.data[:64])
    told = int.from_bytes(head[28:32], "little") if head.startswith(b"RIFF") and len(head) >= 32 else 0
    return _size(media) / (told or _SOUND_BYTES_PER_S)


def _size(media: Media) -> int:
    """Bytes of the content, without decoding it."""
    return len(media.source.data.rstrip("=")) * 3 // 4 if isinstance(media.source, Base64) else 0


def _bytes(text: str) -> bytes:
    """The content; empty where it is no base64."""
    text = text.translate(_BASE64_OTHER).rstrip("=")
    try:
        return b64decode(text + "=" * (-len(text) % 4))
    except (Base64Error, ValueError):
        return b""


def _both(head: bytes, start: int, width: int, order: Literal["big", "little"]) -> tuple[int, int] | None:
    """Two numbers of equal width that follow each other."""
    middle, end = start + width, start + 2 * width
    if len(head) < end:
        return None
    return int.from_bytes(head[start:middle], order), int.from_bytes(head[middle:end], order)


def _jpeg(head: bytes) -> tuple[int, int] | None:
    """From the first start-of-frame segment: C0 to CF but for C4, C8 and CC, which are other tables."""
    place = 2
    while place + 9 <= len(head) and head[place] == 0xFF:
        marker = head[place + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            sides = _both(head, place + 5, 2, "big")
            return None if sides is None else (sides[1], sides[0])
        if marker == 0xFF:
            place += 1  # padding
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:
            place += 2  # without a length
        else:
            place += 2 + int.from_bytes(head[place + 2 : place + 4])
    return None


def _webp(head: bytes) -> tuple[int, int] | None:
    """Lossy, lossless and extended files keep their size in three ways (RFC 9649)."""
    if len(head) < 30:
        return None
    match head[12:16]:
        case b"VP8 ":
            lossy = int.from_bytes(head[26:30], "little")
            return lossy & 0x3FFF, lossy >> 16 & 0x3FFF
        case b"VP8L":
            bits = int.from_bytes(head[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
        case _:
            return None
