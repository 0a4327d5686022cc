"""Usage as OpenAI Responses reports it, in disjoint buckets (API reference, read 2026-11-22)."""

import msgspec

from omniroute.conversation.usage import UNKNOWN, Usage


class _InputDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _OutputDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


class WireUsage(msgspec.Struct):
    """The `usage` object; totals include their parts."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: _InputDetails | None = None
    output_tokens_details: _OutputDetails | None = None


_DECODER = msgspec.json.Decoder(WireUsage, strict=False)


def decode_usage(raw: bytes | msgspec.Raw) -> Usage:
    """The buckets; `UNKNOWN` for an object nobody can make sense of."""
    try:
        return disjoint(_DECODER.decode(raw))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return UNKNOWN


def disjoint(told: WireUsage) -> Usage:
    """Totals taken apart, so that no token stands in two buckets."""
    inputs = told.input_tokens_details or _InputDetails()
    reasoning = told.output_tokens_details.reasoning_tokens if told.output_tokens_details else None
    return Usage(
        input=_minus(told.input_tokens, inputs.cached_tokens, inputs.cache_write_tokens),
        cache_read=inputs.cached_tokens,
        cache_write=inputs.cache_write_tokens,
        output=_minus(told.output_tokens, reasoning),
        reasoning=reasoning,
    )


def _minus(total: int | None, *parts: int | None) -> int | None:
    return None if total is None else max(total - sum(part or 0 for part in parts), 0)


def encode_usage(usage: Usage) -> dict[str, object] | None:
    """The `usage` object, `None` when nothing is known; its counts are all mandatory for the SDKs."""
    if usage.prompt is None and usage.completion is None:
        return None
    prompt, completion = usage.prompt or 0, usage.completion or 0
    told: dict[str, object] = {
        "input_tokens": prompt,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read or 0,
            "cache_write_tokens": (usage.cache_write or 0) + (usage.cache_write_1h or 0),
        },
        "output_tokens": completion,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning or 0},
        "total_tokens": prompt + completion,
    }
    if usage.estimated:
        told["estimated"] = True
    return told
