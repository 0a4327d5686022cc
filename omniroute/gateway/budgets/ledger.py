"""What every subject has spent in the running day, week and month."""

from collections.abc import Iterable, Mapping
from datetime import tzinfo

from omniroute.routing.periods import Period, Span, span_of
from omniroute.store.budgets import NOTHING, Spent

_MOST_KEPT = 3
"""Spans of each period that are remembered, should the machine's clock be set back across a start."""


class Ledger:
    """Sums by subject, for those without a budget too: one that is set later counts from the start."""

    def __init__(self, zone: tzinfo | None) -> None:
        self._zone = zone
        self._running: dict[Period, Span] = {}
        self._sums: dict[Period, dict[int, dict[str, Spent]]] = {period: {} for period in Period}
        """By period and the start of its span."""

    def span(self, period: Period, now_ms: int) -> Span:
        """The span that is running."""
        running = self._running.get(period)
        if running is None or not running.start_ms <= now_ms < running.end_ms:
            running = self._running[period] = span_of(period, now_ms, self._zone)
        return running

    def spent(self, period: Period, subject: str, now_ms: int) -> Spent:
        """In the span that is running."""
        return self._sums[period].get(self.span(period, now_ms).start_ms, {}).get(subject, NOTHING)

    def restore(self, period: Period, start_ms: int, sums: Mapping[str, Spent]) -> None:
        """What was spent in a span so far, as the store has it."""
        self._sums[period][start_ms] = dict(sums)

    def add(self, subjects: Iterable[str], more: Spent, *, at_ms: int, now_ms: int) -> None:
        """A request that began at `at_ms` has cost something."""
        for period in Period:
            span = self.span(period, now_ms)
            if at_ms not in span:
                span = span_of(period, at_ms, self._zone)
            spans = self._sums[period]
            sums = spans.setdefault(span.start_ms, {})
            for subject in subjects:
                sums[subject] = sums.get(subject, NOTHING).plus(more)
            if len(spans) > _MOST_KEPT:
                del spans[min(spans)]
