"""Usage as the OpenAI family reports it (Chat and Embeddings), in disjoint buckets.

Source: the OpenAI API reference and recorded answers of compatible vendors, read 2026-11-22.
"""

import msgspec

from omniroute.conversation.usage import UNKNOWN, Usage


class _PromptDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _CompletionDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


class ChatUsage(msgspec.Struct):
    """The `usage` object; totals include their parts."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None
    cached_tokens: int | None = None
    """Moonshot tells it here."""
    prompt_cache_hit_tokens: int | None = None
    """DeepSeek tells it here."""


_DECODER = msgspec.json.Decoder(ChatUsage, strict=False)


def decode_usage(raw: bytes | msgspec.Raw) -> Usage:
    """The buckets; `UNKNOWN` for an object nobody can make sense of."""
    try:
        return disjoint(_DECODER.decode(raw))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return UNKNOWN


def disjoint(usage: ChatUsage) -> Usage:
    """Totals taken apart, so that no token stands in two buckets."""
    details = usage.prompt_tokens_details or _PromptDetails()
    cached = _first(details.cached_tokens, usage.cached_tokens, usage.prompt_cache_hit_tokens)
    written = details.cache_write_tokens
    reasoning = usage.completion_tokens_details.reasoning_tokens if usage.completion_tokens_details else None
    return Usage(
        input=_minus(usage.prompt_tokens, cached, written),
        cache_read=cached,
        cache_write=written,
        output=usage.completion_tokens
        if _reasoning_stands_apart(usage, reasoning)
        else _minus(usage.completion_tokens, reasoning),
        reasoning=reasoning,
    )


def _reasoning_stands_apart(usage: ChatUsage, reasoning: int | None) -> bool:
    """xAI counts reasoning beside `completion_tokens`, and only the total shows it."""
    if not reasoning or usage.prompt_tokens is None or usage.completion_tokens is None:
        return False
    return usage.total_tokens == usage.prompt_tokens + usage.completion_tokens + reasoning


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)


def _minus(total: int | None, *parts: int | None) -> int | None:
    """Never below zero: a vendor that reports parts larger than the whole exists."""
    return None if total is None else max(total - sum(part or 0 for part in parts), 0)
