"""What every subject has spent in the running day, week and month."""

from collections.abc import Iterable, Mapping
from datetime import tzinfo

from omniroute.routing.periods import Period, Span, span_of
from omniroute.store.budgets import NOTHING, Spent

_MOST_KEPT = 3
"""Spans of each period that are remembered, should the machine's clock be set back across a start."""

Sums = dict[str, Spent]
"""By subject."""


class Ledger:
    """Sums by subject, for those without a budget too: one that is set later counts from the start."""

    def __init__(self, zone: tzinfo | None) -> None:
        self._zone = zone
        self._start_ms = self._end_ms = 0
        """Of the day: weeks and months begin with one."""
        self._spans: dict[Period, Span] = {}
        self._kept: dict[Period, dict[int, Sums]] = {period: {} for period in Period}
        """By period and the start of its span."""
        self._running: tuple[Sums, ...] = ()

    def running(self, now_ms: int) -> tuple[Sums, ...]:
        """What was spent in the running day, week and month: in the order of `Period`."""
        if not self._start_ms <= now_ms < self._end_ms:
            self._spans = {period: span_of(period, now_ms, self._zone) for period in Period}
            day = self._spans[Period.DAILY]
            self._start_ms, self._end_ms = day.start_ms, day.end_ms
            self._running = tuple(self._sums(period, span.start_ms) for period, span in self._spans.items())
        return self._running

    def span(self, period: Period, now_ms: int) -> Span:
        """The span that is running."""
        self.running(now_ms)
        return self._spans[period]

    def restore(self, period: Period, start_ms: int, spent: Mapping[str, Spent]) -> None:
        """What was spent in a span so far, as the store has it."""
        sums = self._sums(period, start_ms)
        sums.clear()
        sums.update(spent)

    def add(self, subjects: Iterable[str], more: Spent, *, at_ms: int, now_ms: int) -> None:
        """A request that began at `at_ms` has cost something."""
        for period, running in zip(Period, self.running(now_ms), strict=True):
            is_past = at_ms not in self._spans[period]
            sums = self._sums(period, span_of(period, at_ms, self._zone).start_ms) if is_past else running
            for subject in subjects:
                sums[subject] = sums.get(subject, NOTHING).plus(more)

    def _sums(self, period: Period, start_ms: int) -> Sums:
        """Of the span that begins there; the oldest that is not running is forgotten for it."""
        kept = self._kept[period]
        sums = kept.setdefault(start_ms, {})
        if len(kept) > _MOST_KEPT:
            in_use = (start_ms, self._spans[period].start_ms)
            del kept[min(one for one in kept if one not in in_use)]
        return sums
