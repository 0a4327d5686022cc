"""Usage as Chat reports it, written."""

from omniroute.conversation.usage import Usage


def encode_usage(usage: Usage) -> dict[str, object] | None:
    """The `usage` object, whose totals include their parts; `None` when nothing is known."""
    prompt, completion = usage.prompt, usage.completion
    if prompt is None and completion is None:
        return None
    written: dict[str, object] = {
        "prompt_tokens": prompt or 0,
        "completion_tokens": completion or 0,
        "total_tokens": (prompt or 0) + (completion or 0),
    }
    details: dict[str, object] = {}
    if usage.cache_read is not None:
        details["cached_tokens"] = usage.cache_read
    if usage.cache_write is not None or usage.cache_write_1h is not None:
        details["cache_write_tokens"] = (usage.cache_write or 0) + (usage.cache_write_1h or 0)
    if details:
        written["prompt_tokens_details"] = details
    if usage.reasoning is not None:
        written["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning}
    return written
