"""Counts of tokens that providers gave, kept for a while, and the exact tokenizers that were loaded."""

from collections import OrderedDict
from dataclasses import dataclass

from omniroute.clock import Clock
from omniroute.conversation.count import CountText
from omniroute.conversation.exact import exact_counter

KEPT_S = 60.0
MAX_KEPT = 1024
"""Counts kept at once; past it the oldest goes."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The prompt tokens of a request."""

    tokens: int
    body: bytes | None = None
    """The provider's own answer, when it is one of the client's dialect."""


class Counts:
    """What is remembered between counts."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[tuple[str, ...], tuple[float, Counted]] = OrderedDict()
        self._exact: dict[str, CountText | None] = {}

    def find(self, key: tuple[str, ...]) -> Counted | None:
        """What a provider said to the same question within `KEPT_S`."""
        kept = self._kept.get(key)
        return kept[1] if kept is not None and kept[0] > self._clock.monotonic_s() else None

    def keep(self, key: tuple[str, ...], counted: Counted) -> None:
        """Remember what a provider said."""
        self._kept[key] = (self._clock.monotonic_s() + KEPT_S, counted)
        self._kept.move_to_end(key)
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)

    def exact(self, family: str) -> CountText | None:
        """The tokenizer of a family, loaded at its first use; call it off the event loop."""
        if family not in self._exact:
            self._exact[family] = exact_counter(family)
        return self._exact[family]
