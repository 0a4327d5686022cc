"""Token counts as Anthropic tells them (API reference, read 2026-11-23)."""

import msgspec

from omniroute.conversation.usage import Usage


class CacheWrites(msgspec.Struct):
    """Tokens written to the cache by how long they stay."""

    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None


class OutputDetails(msgspec.Struct):
    """What of the output was thought."""

    thinking_tokens: int | None = None


class WireUsage(msgspec.Struct):
    """The `usage` object."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: CacheWrites | None = None
    output_tokens_details: OutputDetails | None = None


def disjoint(told: WireUsage) -> Usage:
    """The buckets; input and both sides of the cache stand apart on the wire already."""
    long_writes = told.cache_creation.ephemeral_1h_input_tokens if told.cache_creation else None
    short_writes = told.cache_creation_input_tokens
    if short_writes is not None:
        short_writes = max(short_writes - (long_writes or 0), 0)
    elif told.cache_creation is not None:
        short_writes = told.cache_creation.ephemeral_5m_input_tokens
    thought = told.output_tokens_details.thinking_tokens if told.output_tokens_details else None
    output = told.output_tokens
    if output is not None and thought is not None:
        output = max(output - thought, 0)
    return Usage(
        input=told.input_tokens,
        cache_read=told.cache_read_input_tokens,
        cache_write=short_writes,
        cache_write_1h=long_writes,
        output=output,
        reasoning=thought,
    )


def updated(before: WireUsage, told: WireUsage) -> WireUsage:
    """The counts so far; a later event may leave out what an earlier one told."""
    return WireUsage(
        *(
            old if (new := getattr(told, name)) is None else new
            for name, old in zip(WireUsage.__struct_fields__, msgspec.structs.astuple(before), strict=True)
        )
    )


def encode_usage(usage: Usage) -> dict[str, object]:
    """The `usage` object; both sums are mandatory, and what is not known beside them is null."""
    writes = None
    if usage.cache_write is not None or usage.cache_write_1h is not None:
        writes = (usage.cache_write or 0) + (usage.cache_write_1h or 0)
    told: dict[str, object] = {
        "input_tokens": usage.input or 0,
        "cache_creation_input_tokens": writes,
        "cache_read_input_tokens": usage.cache_read,
        "output_tokens": usage.completion or 0,
    }
    if usage.cache_write_1h is not None:
        told["cache_creation"] = {
            "ephemeral_5m_input_tokens": usage.cache_write or 0,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        }
    if usage.reasoning is not None:
        told["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    return told
