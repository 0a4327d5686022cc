"""What a message is made of.

Values only: frozen, and equal when their content is. `extra` holds what this version does not model; it
is written back only into the format it came from.
"""

from enum import StrEnum
from typing import TypeAlias

import msgspec


class Extra(msgspec.Struct, frozen=True):
    """Members of one node that only its own format understands, as they stood."""

    format: str
    """The dialect (`FormatName` as text) they are to be written back into."""
    members: dict[str, msgspec.Raw]


class CacheMark(msgspec.Struct, frozen=True):
    """The prompt up to here is worth caching at the provider."""

    ttl: str | None = None
    """`5m`, `1h`; `None`: the provider's usual time."""


class Base64(msgspec.Struct, frozen=True):
    """Content inside the message; base64 text, never decoded on the way."""

    media_type: str
    """`image/png`, …; empty when nobody said."""
    data: str


class Url(msgspec.Struct, frozen=True):
    """Content at an address that the provider fetches."""

    url: str
    media_type: str | None = None


class FileId(msgspec.Struct, frozen=True):
    """Content uploaded to one provider before; no other has it."""

    id: str


class PlainText(msgspec.Struct, frozen=True):
    """A document that is given as its text."""

    text: str


Source: TypeAlias = Base64 | Url | FileId | PlainText


class MediaKind(StrEnum):
    """What a piece of media is."""

    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    DOCUMENT = "document"


class Citation(msgspec.Struct, frozen=True):
    """Where a text has something from."""

    url: str | None = None
    title: str | None = None
    cited_text: str | None = None
    start: int | None = None
    """Offset in the text of the part, in characters."""
    end: int | None = None
    extra: Extra | None = None


class Text(msgspec.Struct, frozen=True):
    """Something said."""

    text: str
    citations: tuple[Citation, ...] = ()
    cache: CacheMark | None = None
    extra: Extra | None = None


class Media(msgspec.Struct, frozen=True):
    """An image, a recording, a film or a document."""

    kind: MediaKind
    source: Source
    name: str | None = None
    """File name or title."""
    detail: str | None = None
    """How closely an image is looked at: `low`, `high`, `auto`."""
    cache: CacheMark | None = None
    extra: Extra | None = None


class ToolUse(msgspec.Struct, frozen=True):
    """The model calls a tool of the client."""

    id: str
    """Matches the result; empty where the dialect gives none (encoders then make one)."""
    name: str
    arguments: str = ""
    """As the model wrote it: JSON text, valid or not; for a custom tool plain text. Empty: no arguments."""
    custom: bool = False
    """A custom tool's input is free text, not JSON."""
    namespace: str | None = None
    """Group the tool was declared in, where the dialect has groups."""
    signature: str | None = None
    """Opaque proof that has to come back with the call, to its origin only (Gemini)."""
    origin: str | None = None
    """The dialect whose provider made the signature."""
    cache: CacheMark | None = None
    extra: Extra | None = None


class Thinking(msgspec.Struct, frozen=True):
    """What the model thought, in words or sealed."""

    text: str = ""
    signature: str | None = None
    """Opaque: an Anthropic signature, Responses' encrypted content, a Gemini thought signature."""
    redacted: bool = False
    """Sealed: `signature` is all there is."""
    origin: str | None = None
    """The dialect whose provider made the signature; `None` when there is none."""
    id: str | None = None
    """The provider's own id of the item, where it has one."""
    extra: Extra | None = None


class Refusal(msgspec.Struct, frozen=True):
    """The model declines, in words of its own."""

    text: str
    extra: Extra | None = None


class Opaque(msgspec.Struct, frozen=True):
    """A block that only one dialect knows: tools a provider ran itself, and whatever is new."""

    format: str
    type: str
    """What it calls itself, for people: `server_tool_use`, `web_search_call`, …"""
    value: msgspec.Raw
    """The block as it stood."""


class ToolResult(msgspec.Struct, frozen=True):
    """What a tool of the client gave back."""

    tool_use_id: str
    parts: tuple["Text | Media | Opaque", ...] = ()
    is_error: bool = False
    name: str | None = None
    """The tool's name, where the dialect repeats it."""
    custom: bool = False
    """The result of a custom tool."""
    cache: CacheMark | None = None
    extra: Extra | None = None


Part: TypeAlias = Text | Media | ToolUse | ToolResult | Thinking | Refusal | Opaque
