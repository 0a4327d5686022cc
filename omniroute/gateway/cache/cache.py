"""The response cache: memory, then disk, then opt-in tiers; one upstream call for identical requests."""

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial

from omniroute.clock import Clock
from omniroute.conversation.usage import Usage
from omniroute.errors import StoreError
from omniroute.gateway.cache.changes import outdated
from omniroute.gateway.cache.disk import Disk
from omniroute.gateway.cache.key import Keys, keys_of
from omniroute.gateway.cache.likeness import Likeness
from omniroute.gateway.cache.memory import Kept, Memory
from omniroute.gateway.cache.rules import Asked, is_keepable, why_not
from omniroute.gateway.cache.single_flight import SingleFlight
from omniroute.gateway.call import Reply
from omniroute.gateway.recording import Ask, RecordingReply, Told
from omniroute.gateway.usage_log import UsageEntry
from omniroute.records import Outcome, Snapshot
from omniroute.store import response_cache as store
from omniroute.store.database import Database

HEADER = "X-OmniRoute-Cache"
HIT, MISS = "HIT", "MISS"
FLUSH_S = 0.25
SWEEP_S = 300.0

_KEPT_HEADERS = ("Content-Type", "X-OmniRoute-Model", "X-OmniRoute-Combo", "X-OmniRoute-Dropped")

_log = logging.getLogger(__name__)

Cost = Callable[[str, str, Usage], int | None]
"""Nano-USD for a provider's model and its usage; `None`: not known."""


@dataclass(slots=True)
class Counters:
    """What the cache did since the start, or since it was cleared."""

    hits: int = 0
    misses: int = 0
    tokens_saved: int = 0
    cost_saved_nano_usd: int = 0


@dataclass(frozen=True, slots=True)
class _Found:
    signature: str
    kept: Kept
    header: str = HIT


class ResponseCache:
    """Answers from what was answered before, where that is safe; else passes the request on."""

    def __init__(
        self, database: Database, clock: Clock, *, zone: tzinfo | None, cost: Cost, wait_s: float
    ) -> None:
        """`wait_s`: how long a request waits for an identical one under way before it goes itself."""
        self._database = database
        self._clock = clock
        self._cost = cost
        self._wait_s = wait_s
        self._flights = SingleFlight()
        self._flushing = asyncio.Lock()
        self._outdated: frozenset[str] | None = frozenset()
        """Requested models whose answers on disk are to go; `None`: all."""
        self._forgotten = 0
        """How often answers were dropped: one that was asked for before is not kept after."""
        self.memory = Memory()
        self.disk = Disk(database, clock, zone)
        self.likeness = Likeness()
        self.counters = Counters()

    async def answer(self, asked: Asked, reply: Reply, entry: UsageEntry, ask: Ask) -> None:
        """Answer from what is kept; or have `ask` answer, and keep that. Raises what `ask` raises."""
        keys = keys_of(asked) if why_not(asked) is None else None
        if keys is None:
            await ask(reply)
            return
        while True:
            kept = self.memory.get(keys.exact, now_ms=self._clock.now_ms())
            if kept is not None:
                await self._tell(_Found(keys.exact, kept), reply, entry)
                return
            flight = self._flights.find(keys.exact)
            if flight is None:
                await self._lead(asked, keys, reply, entry, ask)
                return
            await flight.wait(self._wait_s)
            if flight.kept is not None:
                await self._tell(_Found(keys.exact, flight.kept), reply, entry)
                return
            if not flight.abandoned:  # it failed, or is no answer for others: each asks for itself
                self._miss(entry)
                await ask(reply)
                return

    async def _lead(self, asked: Asked, keys: Keys, reply: Reply, entry: UsageEntry, ask: Ask) -> None:
        """Look everywhere, then ask; whoever waits for the same gets the same."""
        forgotten = self._forgotten
        with self._flights.fly(keys.exact) as flight:
            found = await self._find(asked, keys)
            if found is not None:
                flight.kept = found.kept
                await self._tell(found, reply, entry)
                return
            self._miss(entry)
            recording = RecordingReply(reply)
            try:
                await ask(recording)
            finally:  # whether or not the client waited for it; does not await
                if isinstance(recording.told, Told):
                    flight.kept = self._kept(asked, recording.told, entry)
                    if flight.kept is not None and self._forgotten == forgotten:
                        self._keep(asked, keys, flight.kept)

    async def _find(self, asked: Asked, keys: Keys) -> _Found | None:
        now_ms = self._clock.now_ms()
        names = [keys.exact] if keys.words is None else [keys.exact, keys.words]
        for name in names:
            if (kept := self.memory.get(name, now_ms=now_ms)) is not None:
                return _Found(name, kept)
        if (found := await self._from_disk(asked, names, now_ms)) is not None:
            return found
        near = await self.likeness.near(asked, keys)
        if near is None:
            return None
        name, header = near.known.signature, f"semantic; score={near.score:.3f}"
        if (kept := self.memory.get(name, now_ms=now_ms)) is not None:
            return _Found(name, kept, header)
        found = await self._from_disk(asked, [name], now_ms)
        return None if found is None else _Found(name, found.kept, header)

    async def _from_disk(self, asked: Asked, names: list[str], now_ms: int) -> _Found | None:
        if self._outdated is None or asked.requested in self._outdated:
            return None  # what is there is to go
        forgotten = self._forgotten
        found = await self.disk.find(names, now_ms=now_ms)
        if found is None or self._forgotten != forgotten:
            return None
        # Its own time to expire comes with it.
        self.memory.put(*found, most=asked.snapshot.preferences.cache.max_entries)
        return _Found(*found)

    async def _tell(self, found: _Found, reply: Reply, entry: UsageEntry) -> None:
        """Answer with what is kept. No account was asked, so none is touched."""
        kept, now_ms = found.kept, self._clock.now_ms()
        self.disk.count(now_ms=now_ms, signature=found.signature, saved=kept)
        self.counters.hits += 1
        self.counters.tokens_saved += kept.tokens or 0
        self.counters.cost_saved_nano_usd += kept.cost_nano_usd or 0
        entry.cache = HIT
        await replay(Told(kept.status, kept.headers, kept.body), {HEADER: found.header}, reply, entry,
                     now_s=self._clock.monotonic_s(), by=(kept.provider, kept.model))  # fmt: skip

    def _miss(self, entry: UsageEntry) -> None:
        entry.cache = MISS
        self.counters.misses += 1
        self.disk.count(now_ms=self._clock.now_ms())

    def _kept(self, asked: Asked, told: Told, entry: UsageEntry) -> Kept | None:
        """What others who ask the same now may have of an answer."""
        format_name = asked.call.operation.format
        if told.status != 200 or format_name is None:
            return None
        settings, now_ms = asked.snapshot.preferences.cache, self._clock.now_ms()
        usage = entry.usage
        tokens = None
        if usage.prompt is not None and usage.completion is not None:
            tokens = usage.prompt + usage.completion
        provider, model = entry.provider or "", entry.model or ""
        return Kept(
            status=told.status,
            headers={name: told.headers[name] for name in _KEPT_HEADERS if name in told.headers},
            body=told.body,
            tenant=asked.tenant,
            requested=asked.requested,
            provider=provider,
            model=model,
            tokens=tokens,
            cost_nano_usd=None if tokens is None else self._cost(provider, model, usage),
            created_at_ms=now_ms,
            expires_at_ms=now_ms + settings.ttl_ms,
        )

    def _keep(self, asked: Asked, keys: Keys, kept: Kept) -> None:
        """Have an answer for later too, if it ended well."""
        format_name = asked.call.operation.format
        if format_name is None or not is_keepable(format_name, kept.status, kept.body):
            return
        for name in filter(None, (keys.exact, keys.words)):
            self.memory.put(name, kept, most=asked.snapshot.preferences.cache.max_entries)
            self.disk.put(name, kept)
        self.likeness.learn(asked, keys, now_ms=kept.created_at_ms)

    async def run(self) -> None:
        """Write behind, sweep and learn, for ever."""
        swept_s = self._clock.monotonic_s()
        while True:
            await asyncio.sleep(FLUSH_S)
            try:
                await self.flush()
                if self._clock.monotonic_s() - swept_s >= SWEEP_S:
                    swept_s = self._clock.monotonic_s()
                    await self.sweep()
            except StoreError as error:
                _log.warning("the response cache cannot be written: %s", error)
            await self.likeness.work()

    async def flush(self) -> None:
        """What waited is on disk when this returns. Raises `StoreError` with nothing lost."""
        async with self._flushing:
            outdated = self._outdated
            if outdated is None or outdated:
                names = None if outdated is None else list(outdated)
                await self._database.write(partial(store.delete, models=names))
                if self._outdated is outdated:  # else more has become so meanwhile
                    self._outdated = frozenset()
            await self.disk.flush()

    async def sweep(self) -> int:
        """How many answers went whose time was over: those on disk are counted. Raises `StoreError`."""
        now_ms = self._clock.now_ms()
        self.memory.forget(lambda kept: kept.expires_at_ms <= now_ms)
        return await self._database.write(partial(store.delete_expired, now_ms=now_ms))

    def follow(self, old: Snapshot, new: Snapshot) -> None:
        """Forget what a change of the configuration made worthless: at once in memory, soon on disk."""
        models = outdated(old, new)
        if models is not None and not models:
            return
        self._forget_in_memory(models)
        self._outdated = None if models is None or self._outdated is None else self._outdated | models

    def _forget_in_memory(self, models: Collection[str] | None) -> int:
        self._forgotten += 1
        if models is None:
            self.likeness.clear()

        def unwanted(kept: Kept) -> bool:
            return models is None or kept.requested in models

        self.disk.drop_waiting(unwanted)
        return self.memory.forget(unwanted)

    async def forget(self, models: Collection[str] | None = None) -> tuple[int, int]:
        """Drop the answers to requests for these models, or all: how many went from memory, and from disk.

        Raises `StoreError`.
        """
        async with self._flushing:
            from_memory = self._forget_in_memory(models)
            names = None if models is None else list(models)
            return from_memory, await self._database.write(partial(store.delete, models=names))

    async def clear_counts(self) -> None:
        """Count from nothing again, daily sums too. Raises `StoreError`."""
        async with self._flushing:
            self.counters = Counters()
            self.memory.evictions = 0
            self.disk.forget_counts()
            await self._database.write(store.clear_days)


async def replay(
    told: Told,
    headers: dict[str, str],
    reply: Reply,
    entry: UsageEntry,
    *,
    now_s: float,
    by: tuple[str | None, str | None],
) -> None:
    """Give an answer a second time: it uses no tokens, and is on record under who gave it first."""
    entry.provider, entry.model = by[0] or None, by[1] or None
    entry.usage, entry.complete = Usage(input=0, output=0), True
    entry.first_byte_s = now_s
    entry.end(Outcome.OK, told.status)
    try:
        await reply.whole(told.status, {**told.headers, "X-OmniRoute-Attempts": "0", **headers}, told.body)
    except ConnectionError:
        entry.end(Outcome.CANCELLED, 499, "the client went away before the answer was sent")
