"""Anthropic Messages as it passes by (API reference, read 2026-11-22)."""

import msgspec

from omniroute.conversation.usage import UNKNOWN, Usage
from omniroute.errors import ProtocolError
from omniroute.formats.watch import Seen, SseWatch, decode, decode_event, in_band

KEEPALIVE = b'event: ping\ndata: {"type": "ping"}\n\n'
STREAM_TYPE = "text/event-stream; charset=utf-8"


class _CacheWrites(msgspec.Struct):
    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None


class _Usage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: _CacheWrites | None = None


class _Message(msgspec.Struct):
    model: str | None = None
    usage: _Usage | None = None


class _Delta(msgspec.Struct):
    type: str | None = None
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None


class _Error(msgspec.Struct):
    type: str | None = None
    message: str | None = None


class _Block(msgspec.Struct):
    type: str | None = None


class _Event(msgspec.Struct):
    type: str | None = None
    message: _Message | None = None
    delta: _Delta | None = None
    content_block: _Block | None = None
    usage: _Usage | None = None
    error: _Error | None = None


_EVENT = msgspec.json.Decoder(_Event)


class StreamWatch(SseWatch):
    """Reads along with a stream of message events."""

    def __init__(self) -> None:
        super().__init__(_note, _is_plain)


def _is_plain(chunk: bytes) -> bool:
    return chunk.count(b'"type":"content_block_delta"') == chunk.count(b"\n\n")


def _note(seen: Seen, data: bytes) -> None:
    event = decode_event(_EVENT, data)
    if event is None:
        return
    if event.delta is not None:
        text = event.delta.text or event.delta.thinking or event.delta.partial_json
        if text:
            seen.add_text(text)
    if event.content_block is not None and event.content_block.type not in ("text", "thinking"):
        seen.content = True  # a tool call or a redacted block is content before any delta
    if event.message is not None:
        seen.model = event.message.model or seen.model
        seen.usage = _merged(seen.usage, event.message.usage)
    if event.usage is not None:
        seen.usage = _merged(seen.usage, event.usage)
    if event.type == "message_stop":
        seen.finished = True
    elif event.type == "error":
        error = event.error or _Error()
        seen.failure = in_band(error.message, error.type)


def _merged(known: Usage, told: _Usage | None) -> Usage:
    """Counts only grow within one stream; a later event may leave out what an earlier one told."""
    if told is None:
        return known
    now = _disjoint(told)
    return Usage(
        input=_larger(known.input, now.input),
        cache_read=_larger(known.cache_read, now.cache_read),
        cache_write=_larger(known.cache_write, now.cache_write),
        cache_write_1h=_larger(known.cache_write_1h, now.cache_write_1h),
        output=_larger(known.output, now.output),
    )


def _disjoint(told: _Usage) -> Usage:
    """Anthropic's own buckets are disjoint but for the one-hour writes inside all cache writes."""
    writes = told.cache_creation or _CacheWrites()
    long_writes = writes.ephemeral_1h_input_tokens
    short_writes = told.cache_creation_input_tokens
    if short_writes is not None:
        short_writes = max(short_writes - (long_writes or 0), 0)
    return Usage(
        input=told.input_tokens,
        cache_read=told.cache_read_input_tokens,
        cache_write=short_writes,
        cache_write_1h=long_writes,
        output=told.output_tokens,
    )


def _larger(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)


class _Whole(msgspec.Struct):
    content: list[msgspec.Raw]
    model: str | None = None
    usage: _Usage | None = None


_WHOLE = msgspec.json.Decoder(_Whole)


def read_whole(body: bytes) -> Seen:
    """What a whole answer shows. Raises ProtocolError when it is no message."""
    try:
        whole = decode(_WHOLE, body)
    except (msgspec.ValidationError, ProtocolError):
        raise ProtocolError("the upstream's answer is not an Anthropic message") from None
    seen = Seen()
    seen.finished = True
    seen.model = whole.model
    seen.usage = _merged(UNKNOWN, whole.usage)
    if seen.usage.output is None:
        for block in whole.content:
            seen.add_text(bytes(block).decode("utf-8", "replace"))
    return seen
