"""Latency percentiles from log-scaled buckets: a sample costs an increment, the error is 3 %."""

import math
from collections.abc import Iterable
from functools import lru_cache

_BUCKETS = 256
_PER_E = 16
"""Buckets per factor e: 256 of them reach beyond two hours."""


class Histogram:
    """Counts of milliseconds in buckets that grow with the value."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}

    def add(self, ms: float) -> None:
        """One more sample."""
        bucket = _bucket(ms)
        self._counts[bucket] = self._counts.get(bucket, 0) + 1

    def merge(self, others: Iterable["Histogram"]) -> "Histogram":
        """This one with others added to it."""
        for other in others:
            for bucket, count in other._counts.items():
                self._counts[bucket] = self._counts.get(bucket, 0) + count
        return self

    def take_away(self, other: "Histogram") -> None:
        """Without samples that were added before."""
        for bucket, count in other._counts.items():
            left = self._counts[bucket] - count
            if left:
                self._counts[bucket] = left
            else:
                del self._counts[bucket]

    def percentile(self, share: float) -> float | None:
        """Milliseconds below which `share` (0 to 1) of the samples lie; `None` without samples."""
        total = sum(self._counts.values())
        if total == 0:
            return None
        wanted = math.ceil(share * total)
        for bucket in sorted(self._counts):
            wanted -= self._counts[bucket]
            if wanted <= 0:
                return round(math.expm1((bucket + 0.5) / _PER_E), 1)
        return None


@lru_cache(maxsize=4096)  # each sample goes into several histograms, and most come again
def _bucket(ms: float) -> int:
    return min(int(math.log1p(max(ms, 0.0)) * _PER_E), _BUCKETS - 1)
