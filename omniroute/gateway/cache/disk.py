"""The cache's second tier: answers in the store, read when memory has none, written behind."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from functools import partial

import msgspec
from sqlalchemy import Connection

from omniroute.clock import Clock
from omniroute.errors import StoreError
from omniroute.gateway.cache.memory import Kept
from omniroute.store import response_cache as store
from omniroute.store.database import Database

MAX_WAITING = 1000
"""Answers that wait to be written; past it the newest are kept in memory only."""

_log = logging.getLogger(__name__)
_DECODER = msgspec.msgpack.Decoder(Kept)
_ENCODER = msgspec.msgpack.Encoder()


class Disk:
    """Answers and counters on their way to the store."""

    def __init__(self, database: Database, clock: Clock, zone: tzinfo | None) -> None:
        self._database = database
        self._clock = clock
        self._zone = zone
        self._waiting: dict[str, Kept] = {}
        self._hits: Counter[str] = Counter()
        self._days: dict[str, store.Day] = {}

    async def find(self, signatures: Sequence[str], *, now_ms: int) -> tuple[str, Kept] | None:
        """The first of these that can be used; a store that cannot be read has none."""
        for signature in signatures:
            kept = self._waiting.get(signature)
            if kept is not None and kept.expires_at_ms > now_ms:
                return signature, kept
        try:
            row = await self._database.read(partial(store.find, signatures=signatures, now_ms=now_ms))
            return None if row is None else (row.signature, _DECODER.decode(row.answer))
        except (StoreError, msgspec.MsgspecError) as error:
            _log.warning("the response cache cannot be read: %s", error)
            return None

    def put(self, signature: str, kept: Kept) -> None:
        """Have an answer written soon."""
        if len(self._waiting) < MAX_WAITING or signature in self._waiting:
            self._waiting[signature] = kept

    def count(self, *, now_ms: int, signature: str | None = None, saved: Kept | None = None) -> None:
        """Add a look-up to its day: a hit with what it spared, or a miss."""
        day = datetime.fromtimestamp(now_ms / 1000, self._zone).date().isoformat()
        sums = self._days.get(day, store.Day())
        if signature is None or saved is None:
            self._days[day] = _plus(sums, store.Day(misses=1))
            return
        self._hits[signature] += 1
        tokens, cost = saved.tokens or 0, saved.cost_nano_usd or 0
        self._days[day] = _plus(sums, store.Day(hits=1, tokens_saved=tokens, cost_saved_nano_usd=cost))

    async def flush(self) -> None:
        """Everything that waited is in the store when this returns. Raises `StoreError` with nothing lost."""
        waiting, hits, days = dict(self._waiting), Counter(self._hits), dict(self._days)
        if not (waiting or hits or days):
            return

        def write(connection: Connection) -> None:
            if waiting:
                store.put(connection, [_row(signature, kept) for signature, kept in waiting.items()])
            store.count_hits(connection, hits)
            store.add_days(connection, days)

        await self._database.write(write)
        for signature, kept in waiting.items():
            if self._waiting.get(signature) is kept:
                del self._waiting[signature]
        self._hits -= hits
        for day, sums in days.items():
            rest = _minus(self._days.get(day, sums), sums)
            if rest == store.Day():
                self._days.pop(day, None)
            else:
                self._days[day] = rest

    def drop_waiting(self, unwanted: Callable[[Kept], bool]) -> int:
        """How many answers will not be written."""
        gone = [signature for signature, kept in self._waiting.items() if unwanted(kept)]
        for signature in gone:
            del self._waiting[signature]
        return len(gone)

    def forget_counts(self) -> None:
        """What was counted and is not written is not counted."""
        self._hits.clear()
        self._days.clear()


def _row(signature: str, kept: Kept) -> store.CachedRow:
    return store.CachedRow(
        signature=signature,
        tenant=kept.tenant,
        model=kept.requested,
        answer=_ENCODER.encode(kept),
        tokens_saved=kept.tokens,
        cost_saved_nano_usd=kept.cost_nano_usd,
        created_at_ms=kept.created_at_ms,
        expires_at_ms=kept.expires_at_ms,
    )


def _plus(one: store.Day, other: store.Day) -> store.Day:
    return store.Day(**{name: getattr(one, name) + getattr(other, name) for name in store.Day.__slots__})


def _minus(one: store.Day, other: store.Day) -> store.Day:
    return store.Day(**{name: getattr(one, name) - getattr(other, name) for name in store.Day.__slots__})
