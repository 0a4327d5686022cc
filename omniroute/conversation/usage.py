"""Tokens of one answer, in buckets that do not overlap."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one answer in disjoint buckets. `None`: not known.

    Decoders of dialects whose totals include their parts (OpenAI, Gemini) subtract them.
    """

    input: int | None = None
    """Prompt tokens that were neither read from nor written to a prompt cache."""
    cache_read: int | None = None
    cache_write: int | None = None
    """Written to a prompt cache with the short (five-minute) life."""
    cache_write_1h: int | None = None
    output: int | None = None
    """Visible output; where a provider does not tell reasoning apart, reasoning too."""
    reasoning: int | None = None
    estimated: bool = False
    """True when a bucket was counted by us, not by the provider."""

    @property
    def prompt(self) -> int | None:
        """All prompt tokens, or `None` when not even `input` is known."""
        if self.input is None:
            return None
        return self.input + (self.cache_read or 0) + (self.cache_write or 0) + (self.cache_write_1h or 0)

    @property
    def completion(self) -> int | None:
        """All output tokens, or `None` when `output` is not known."""
        if self.output is None:
            return None
        return self.output + (self.reasoning or 0)


UNKNOWN = Usage()
"""No bucket is known."""
