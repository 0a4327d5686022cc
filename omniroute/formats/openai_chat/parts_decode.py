"""Content of messages as Chat writes it, of requests and of answers (API reference, read 2026-11-22)."""

import msgspec

from omniroute.conversation.parts import (
    Base64,
    CacheMark,
    Extra,
    FileId,
    Media,
    MediaKind,
    Opaque,
    Part,
    Refusal,
    Source,
    Text,
    Thinking,
    ToolUse,
    Url,
)
from omniroute.formats.openai_chat.node import (
    DIALECT,
    Malformed,
    Node,
    as_raw,
    as_text,
    is_list,
    is_null,
    is_text,
)
from omniroute.formats.openai_chat.reasoning import take_thinking

_AUDIO_TYPES = {"mp3": "audio/mpeg", "pcm16": "audio/pcm", "g711_ulaw": "audio/basic"}
AUDIO_FORMATS = {
    "audio/mpeg": "mp3",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/pcm": "pcm16",
    "audio/basic": "g711_ulaw",
}
"""Chat's word for a media type, where it is not its second half."""


def take_content(message: Node) -> list[Part]:
    """The message's content, a string or a list of parts."""
    value = message.raw("content")
    if value is None:
        return []
    path = f"{message.path}.content"
    if is_text(value):
        text = as_text(value, path)
        return [Text(text)] if text else []
    if not is_list(value):
        raise Malformed(path, "must be a string or an array of parts")
    message.put_back("content", value)
    parts: list[Part] = []
    for place, item in enumerate(message.items("content")):
        if is_text(item):
            parts.append(Text(as_text(item, path)))
        elif not is_null(item):
            parts += _content_part(Node.of(item, f"{path}[{place}]"), item)
    return parts


def take_assistant(message: Node) -> list[Part]:
    """What the assistant thought, said and called, in this order."""
    parts: list[Part] = [*take_thinking(message), *take_content(message)]
    refusal = message.text("refusal")
    if refusal:
        parts.append(Refusal(refusal))
    return parts


def take_tool_calls(message: Node, legacy_id: str = "") -> list[ToolUse]:
    """The tools the assistant calls; the old single call only where there are no others."""
    calls = [_tool_use(call) for call in message.nodes("tool_calls")] if "tool_calls" in message else []
    legacy = message.node("function_call") if "function_call" in message else None
    if legacy is not None and not calls:
        name, arguments = legacy.text("name") or "", _arguments(legacy, "arguments")
        if name or arguments:
            calls.append(ToolUse(legacy_id, name, arguments))
    return calls


def take_cache_mark(node: Node) -> CacheMark | None:
    """The `cache_control` that Anthropic has and OpenRouter takes over."""
    if "cache_control" not in node:
        return None
    mark = node.node("cache_control")
    if mark is None:
        return None
    mark.raw("type")
    return CacheMark(mark.text("ttl"))


def media_source(url: str) -> Source:
    """What an address holds: content itself, or a place to fetch it from."""
    if url[:5].lower() != "data:":
        return Url(url)
    head, comma, content = url[5:].partition(",")
    media_type, _, _ = head.partition(";")
    if not comma or "base64" not in head:
        return Url(url)
    return Base64(media_type, content)


def audio_type(format: str | None) -> str:
    """The media type of Chat's word for a format of audio."""
    return _AUDIO_TYPES.get(format, f"audio/{format}") if format else ""


def _content_part(part: Node, raw: msgspec.Raw) -> list[Part]:
    """One part; none when it is empty."""
    kind = part.text("type")
    match kind:
        case "text" | "input_text" | "output_text":
            text = part.text("text")
            cache = take_cache_mark(part)
            return [Text(text, cache=cache, extra=part.extra())] if text else []
        case "image_url" | "input_image":
            return [linked(part, "image_url", MediaKind.IMAGE)]
        case "video_url":
            return [linked(part, "video_url", MediaKind.VIDEO)]
        case "input_audio":
            return [_audio(part)]
        case "file":
            return [_file(part)]
        case _:
            return _rarer_part(part, kind, raw)


def _rarer_part(part: Node, kind: str | None, raw: msgspec.Raw) -> list[Part]:
    match kind:
        case "document_url":
            name = part.text("document_name")
            extra = Extra(DIALECT, {"type": as_raw(kind)})
            source = media_source(_link(part, "document_url"))
            return [Media(MediaKind.DOCUMENT, source, name, cache=take_cache_mark(part), extra=extra)]
        case "refusal":
            refusal = part.text("refusal")
            return [Refusal(refusal, extra=part.extra())] if refusal else []
        case "thinking":
            return _listed_thinking(part)
        case _:
            return [Opaque(DIALECT, kind or "part without a type", raw)]


def _listed_thinking(part: Node) -> list[Part]:
    """Mistral's thoughts among the parts of the content."""
    value = part.text_or_raw("thinking")
    signature = part.text("signature") or None
    if isinstance(value, str):
        text = value
    elif value is not None:
        part.put_back("thinking", value)
        text = "".join(piece.text("text") or "" for piece in part.nodes("thinking"))
    else:
        text = ""
    if not text and not signature:
        return []
    return [Thinking(text, signature, origin=DIALECT if signature else None)]


def linked(part: Node, name: str, kind: MediaKind) -> Media:
    """An image or a film at an address; some vendors leave the object around it out."""
    value = part.text_or_raw(name)
    cache = take_cache_mark(part)
    if isinstance(value, str):
        detail = part.text("detail")
        return Media(kind, media_source(value), detail=detail, cache=cache, extra=part.extra())
    if value is None:
        raise Malformed(f"{part.path}.{name}", "is missing")
    link = Node.of(value, f"{part.path}.{name}")
    url = link.text("url")
    if not url:
        raise Malformed(f"{link.path}.url", "is missing")
    detail = link.text("detail")
    rest = {**part.rest(), **({name: as_raw(inner)} if (inner := link.rest()) else {})}
    return Media(
        kind, media_source(url), detail=detail, cache=cache, extra=Extra(DIALECT, rest) if rest else None
    )


def _link(part: Node, name: str) -> str:
    value = part.text_or_raw(name)
    if value is not None and not isinstance(value, str):
        value = Node.of(value, f"{part.path}.{name}").text("url")
    if not value:
        raise Malformed(f"{part.path}.{name}", "is missing")
    return value


def _audio(part: Node) -> Media:
    value = part.text_or_raw("input_audio")
    cache = take_cache_mark(part)
    if isinstance(value, str):
        return Media(MediaKind.AUDIO, Base64("", value), cache=cache, extra=part.extra())
    if value is None:
        raise Malformed(f"{part.path}.input_audio", "is missing")
    audio = Node.of(value, f"{part.path}.input_audio")
    content = audio.text("data")
    if not content:
        raise Malformed(f"{audio.path}.data", "is missing")
    source = media_source(content) if content.startswith("data:") else None
    return Media(
        MediaKind.AUDIO,
        source or Base64(audio_type(audio.text("format")), content),
        cache=cache,
        extra=part.extra(),
    )


def _file(part: Node) -> Media:
    file = part.node("file")
    if file is None:
        raise Malformed(f"{part.path}.file", "is missing")
    cache = take_cache_mark(part)
    name = file.text("filename")
    id, content = file.text("file_id"), file.text("file_data")
    extra = part.extra()
    source: Source
    if content:
        source = media_source(content)
        if isinstance(source, Url) and not source.url.startswith(("http:", "https:")):
            source = Base64("", content)
        elif isinstance(source, Url):
            extra = Extra(DIALECT, {"type": as_raw("file"), **(extra.members if extra else {})})
    elif id:
        source = FileId(id)
    else:
        raise Malformed(f"{file.path}.file_data", "is missing")
    return Media(MediaKind.DOCUMENT, source, name, cache=cache, extra=extra)


def _tool_use(call: Node) -> ToolUse:
    """One call. `index`, which some servers leave in whole answers, says nothing."""
    call.raw("index")
    kind = call.text("type")
    id = call.text("id") or ""
    cache = take_cache_mark(call)
    signature = _google_signature(call)
    custom = kind == "custom"
    inner = call.node("custom" if custom else "function")
    if inner is None:
        raise Malformed(f"{call.path}.{'custom' if custom else 'function'}", "is missing")
    name = inner.text("name") or ""
    arguments = _arguments(inner, "input" if custom else "arguments")
    return ToolUse(
        id,
        name,
        arguments,
        custom=custom,
        signature=signature,
        origin=DIALECT if signature else None,
        cache=cache,
        extra=call.extra(),
    )


def _arguments(call: Node, name: str) -> str:
    """The text the model wrote; an object, which some servers give, as its JSON."""
    value = call.text_or_raw(name)
    if value is None:
        return ""
    return value if isinstance(value, str) else bytes(value).decode()


def _google_signature(call: Node) -> str | None:
    """The thought signature in what Google's own Chat endpoint adds to a call."""
    raw = call.raw("extra_content")
    if raw is None:
        return None
    try:
        signature = google_signature(raw)
    except msgspec.DecodeError:
        signature = None
    if signature is None:
        call.put_back("extra_content", raw)
    return signature


class _Google(msgspec.Struct, forbid_unknown_fields=True):
    thought_signature: str


class _ExtraContent(msgspec.Struct, forbid_unknown_fields=True):
    google: _Google


_EXTRA_CONTENT = msgspec.json.Decoder(_ExtraContent)


def google_signature(raw: msgspec.Raw) -> str | None:
    """The signature when there is nothing else in it. Raises DecodeError for another shape."""
    return _EXTRA_CONTENT.decode(raw).google.thought_signature or None
