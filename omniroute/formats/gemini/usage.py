"""Token counts as Gemini tells them (API reference, read 2026-11-22)."""

import msgspec

from omniroute.conversation.usage import Usage


class UsageMetadata(msgspec.Struct):
    """Counts of one answer; in a stream a running total. Zeros are left out on the wire."""

    promptTokenCount: int | None = None
    candidatesTokenCount: int | None = None
    thoughtsTokenCount: int | None = None
    cachedContentTokenCount: int | None = None
    toolUsePromptTokenCount: int | None = None
    totalTokenCount: int | None = None


def disjoint(told: UsageMetadata) -> Usage:
    """The prompt's total includes what was cached; thoughts stand beside the candidates.

    A count that does not tell the prompt does not tell its parts either.
    """
    if told.promptTokenCount is None:
        return Usage(output=told.candidatesTokenCount, reasoning=told.thoughtsTokenCount)
    prompt = told.promptTokenCount + (told.toolUsePromptTokenCount or 0)
    return Usage(
        input=max(prompt - (told.cachedContentTokenCount or 0), 0),
        cache_read=told.cachedContentTokenCount,
        output=_output(told, prompt),
        reasoning=told.thoughtsTokenCount,
    )


def _output(told: UsageMetadata, prompt: int) -> int | None:
    """The candidates' count, or what the total leaves for it when it was zero and so left out."""
    if told.candidatesTokenCount is not None or told.totalTokenCount is None:
        return told.candidatesTokenCount
    return max(told.totalTokenCount - prompt - (told.thoughtsTokenCount or 0), 0)


def usage_metadata(usage: Usage) -> dict[str, int] | None:
    """The counts for a client; `None` when none is known."""
    counts = {
        "promptTokenCount": usage.prompt,
        "cachedContentTokenCount": usage.cache_read,
        "candidatesTokenCount": usage.output,
        "thoughtsTokenCount": usage.reasoning,
    }
    known = {name: count for name, count in counts.items() if count is not None}
    if not known:
        return None
    known["totalTokenCount"] = (usage.prompt or 0) + (usage.output or 0) + (usage.reasoning or 0)
    return known
