"""Questions whose vectors are near: what was asked before that may mean the same. Off unless switched on."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from omniroute.gateway.cache.slots import slots
from omniroute.records import Snapshot

CAPACITY = 10_000
MAX_BYTES = 64 * 1024 * 1024
"""Of vectors; those of many dimensions are fewer."""
_CANDIDATES = 8
"""How many near questions are looked at: the nearest may differ in a number."""

_FEW = 256

Embed = Callable[[Snapshot, str, str], Awaitable[Sequence[float] | None]]
"""The vector of a text by a model; `None` when it is not to be had."""


@dataclass(frozen=True, slots=True)
class Known:
    """A question that was answered."""

    scope: str
    """Names everything of its request but the text."""
    text: str
    signature: str
    """Of the answer."""


@dataclass(frozen=True, slots=True)
class Near:
    """A known question near to another."""

    known: Known
    score: float
    """Cosine of the angle between their vectors."""


class Vectors:
    """Vectors of known questions, one float32 matrix; the oldest make room for the newest."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._matrix: Any = None  # numpy's array; numpy is imported when the first vector comes
        self._known: list[Known | None] = []
        self._rows: dict[str, list[int]] = {}
        """By scope."""
        self._next = 0

    def __len__(self) -> int:
        return sum(map(len, self._rows.values()))

    def add(self, known: Known, vector: Sequence[float]) -> None:
        """Remember a question. A vector of another length, so of another model, makes all others void."""
        import numpy as np

        unit = _unit(vector)
        if unit is None:
            return
        if self._matrix is None or self._matrix.shape[1] != len(unit):
            rows = max(min(self._capacity, MAX_BYTES // (4 * len(unit))), 1)
            # Pages of zeros take no memory before they are written.
            self._matrix = np.zeros((rows, len(unit)), dtype=np.float32)
            self._known, self._rows, self._next = [None] * rows, {}, 0
        row = self._next
        self._next = (row + 1) % len(self._known)
        if (old := self._known[row]) is not None:
            self._rows[old.scope].remove(row)
            if not self._rows[old.scope]:
                del self._rows[old.scope]
        self._matrix[row] = unit
        self._known[row] = known
        self._rows.setdefault(known.scope, []).append(row)

    async def nearest(
        self, scope: str, text: str, vector: Sequence[float], *, threshold: float
    ) -> Near | None:
        """The nearest question of the scope that agrees with `text` in everything that can be checked."""
        rows, matrix, unit = list(self._rows.get(scope, ())), self._matrix, _unit(vector)
        if not rows or unit is None or matrix.shape[1] != len(unit):
            return None
        known = [self._known[row] for row in rows]
        places, scores = await asyncio.to_thread(_search, matrix, rows, unit)
        if self._matrix is not matrix:
            return None  # all was forgotten meanwhile
        wanted = slots(text)
        for place, score in zip(places, scores, strict=True):
            found = known[place]
            # Another question may have taken the row while the thread read it.
            if score < threshold or found is None or self._known[rows[place]] is not found:
                continue
            if slots(found.text) == wanted:
                return Near(found, min(float(score), 1.0))
        return None

    def clear(self) -> None:
        """Forget all."""
        self._matrix, self._known, self._rows, self._next = None, [], {}, 0


def _unit(vector: Sequence[float]) -> Any:  # numpy's array
    import numpy as np

    given = np.asarray(vector, dtype=np.float32)
    length = float(np.linalg.norm(given)) if given.ndim == 1 else 0.0
    return given / length if length > 0 and math.isfinite(length) else None


def _search(matrix: Any, rows: Sequence[int], unit: Any) -> tuple[list[int], list[float]]:  # numpy's arrays
    """The nearest rows, the nearest first: places in `rows`, and their scores."""
    import numpy as np

    chosen = np.asarray(rows)
    # Gathering many rows would copy more than the product reads.
    scores = matrix[chosen] @ unit if len(rows) <= _FEW else (matrix[: max(rows) + 1] @ unit)[chosen]
    best = np.argsort(-scores, kind="stable")[:_CANDIDATES]
    return best.tolist(), scores[best].tolist()
