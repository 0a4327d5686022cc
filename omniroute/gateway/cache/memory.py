"""The answers used last, in memory."""

from collections import OrderedDict
from collections.abc import Callable, Mapping

import msgspec

MAX_BYTES = 64 * 1024 * 1024


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """An answer as it was told, and what it spared."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    tenant: str
    requested: str
    """The model by the name the client used."""
    provider: str
    model: str
    tokens: int | None
    cost_nano_usd: int | None
    created_at_ms: int
    expires_at_ms: int

    @property
    def size_bytes(self) -> int:
        """About what it takes."""
        return len(self.body) + 500


class Memory:
    """The `most` answers used last, of at most 64 MiB together; the one unused for longest goes first."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self.size_bytes = 0
        self.evictions = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, signature: str, *, now_ms: int) -> Kept | None:
        """The answer of that name, unless its time is over."""
        kept = self._kept.get(signature)
        if kept is None:
            return None
        if kept.expires_at_ms <= now_ms:
            self._drop(signature)
            return None
        self._kept.move_to_end(signature)
        return kept

    def put(self, signature: str, kept: Kept, *, most: int) -> None:
        """Keep an answer, in place of one of the same name."""
        self._drop(signature)
        if kept.size_bytes > self._max_bytes:
            return
        self._kept[signature] = kept
        self.size_bytes += kept.size_bytes
        while len(self._kept) > most or self.size_bytes > self._max_bytes:
            self._drop(next(iter(self._kept)))
            self.evictions += 1

    def forget(self, unwanted: Callable[[Kept], bool] = lambda kept: True) -> int:
        """How many were dropped."""
        gone = [signature for signature, kept in self._kept.items() if unwanted(kept)]
        for signature in gone:
            self._drop(signature)
        return len(gone)

    def _drop(self, signature: str) -> None:
        kept = self._kept.pop(signature, None)
        if kept is not None:
            self.size_bytes -= kept.size_bytes
