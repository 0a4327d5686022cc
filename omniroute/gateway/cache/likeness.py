"""The tier that goes by likeness: it answers, or only reports what it would have answered."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from omniroute.gateway.cache.key import Keys
from omniroute.gateway.cache.rules import Asked
from omniroute.gateway.cache.semantic import Embed, Known, Near, Vectors
from omniroute.records import Snapshot

MAX_SIGHTED = 1000
"""Would-be hits that are kept for the report; past it the oldest go."""
MAX_WAITING = 100
"""Questions that wait for their vector; past it the oldest are never known."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """An answer that likeness would have given, and did not."""

    at_ms: int
    score: float
    model: str
    asked: str
    known: str


@dataclass(frozen=True, slots=True)
class _Waiting:
    snapshot: Snapshot
    model: str
    known: Known
    requested: str
    at_ms: int


async def _no_vector(snapshot: Snapshot, model: str, text: str) -> Sequence[float] | None:
    del snapshot, model, text
    return None


class Likeness:
    """Near questions, and the report about them. Kept in memory: texts are never written down."""

    def __init__(self) -> None:
        self.embed: Embed = _no_vector
        """Set once, by whoever can ask an embedding model."""
        self.sighted: deque[Sighting] = deque(maxlen=MAX_SIGHTED)
        self._vectors = Vectors()
        self._waiting: deque[_Waiting] = deque(maxlen=MAX_WAITING)

    async def near(self, asked: Asked, keys: Keys) -> Near | None:
        """A known question near enough to be answered as this one. Only where the tier is `on`."""
        settings = asked.snapshot.preferences.cache
        if settings.semantic != "on" or settings.semantic_model is None or keys.scope is None:
            return None
        vector = await self.embed(asked.snapshot, settings.semantic_model, keys.question)
        if vector is None:
            return None
        threshold = settings.semantic_threshold
        return await self._vectors.nearest(keys.scope, keys.question, vector, threshold=threshold)

    def learn(self, asked: Asked, keys: Keys, *, now_ms: int) -> None:
        """Have a question that was answered known soon, its answer being kept under its exact key."""
        settings = asked.snapshot.preferences.cache
        if settings.semantic == "off" or settings.semantic_model is None or keys.scope is None:
            return
        known = Known(keys.scope, keys.question, keys.exact)
        self._waiting.append(
            _Waiting(asked.snapshot, settings.semantic_model, known, asked.requested, now_ms)
        )

    async def work(self) -> None:
        """Get the vectors of all questions that wait; in shadow, note what would have been answered."""
        while self._waiting:
            one = self._waiting.popleft()
            known, settings = one.known, one.snapshot.preferences.cache
            vector = await self.embed(one.snapshot, one.model, known.text)
            if vector is None:
                continue
            if settings.semantic == "shadow":
                threshold = settings.semantic_threshold
                near = await self._vectors.nearest(known.scope, known.text, vector, threshold=threshold)
                if near is not None and near.known.text != known.text:
                    sighting = Sighting(one.at_ms, near.score, one.requested, known.text, near.known.text)
                    self.sighted.append(sighting)
            self._vectors.add(known, vector)

    def clear(self) -> None:
        """Forget all questions; the report stays."""
        self._vectors.clear()
        self._waiting.clear()
