"""`/api/cache`: what the response cache holds and did, and how to empty it."""

from functools import partial

import sqlalchemy as sa

from omniroute.api.cache import (
    CacheBody,
    CacheDay,
    CacheReport,
    CacheStats,
    CacheSums,
    Cleared,
    IdempotencyState,
    Layer,
    Layers,
    PromptPrefix,
    Removed,
    StatsCleared,
    WouldBeHit,
)
from omniroute.clock import iso
from omniroute.errors import StoreError
from omniroute.gateway import idempotency
from omniroute.gateway.cache import memory
from omniroute.server.manage.call import ApiError, ManageCall
from omniroute.server.manage.rows import note, read
from omniroute.server.manage.views import NANO
from omniroute.store import response_cache as store
from omniroute.store import usage


async def show_cache(call: ManageCall) -> CacheBody:
    """`GET /api/cache`"""
    cache = call.gateway.cache
    extent = await _extent(call)
    counters = cache.counters
    rate = _share(counters.hits, counters.hits + counters.misses)
    return CacheBody(
        semantic_cache=CacheSums(
            memory_size=len(cache.memory),
            memory_max_size=call.gateway.snapshot.preferences.cache.max_entries,
            db_size=extent.rows,
            hit_rate=rate,
            hit_rate_percent=round(rate * 100, 2),
            memory_entries=len(cache.memory),
            db_entries=extent.rows,
            hits=counters.hits,
            misses=counters.misses,
            tokens_saved=counters.tokens_saved,
            cost_saved_usd=counters.cost_saved_nano_usd / NANO,
        ),
        idempotency=_idempotency(call),
    )


async def clear_cache(call: ManageCall) -> Cleared:
    """`DELETE /api/cache`: every layer, or the answers to requests for one `model`."""
    return await _clear(call, call.query.get("model"))


async def show_stats(call: ManageCall) -> CacheStats:
    """`GET /api/cache/stats`"""
    await _write_out(call)
    cache, most = call.gateway.cache, call.gateway.snapshot.preferences.cache.max_entries
    now_ms = call.gateway.clock.now_ms()

    def query(connection: sa.Connection) -> tuple[store.Extent, dict[str, store.Day], usage.Sums]:
        return (
            store.extent(connection, now_ms=now_ms),
            store.days(connection),
            usage.totals(connection),
        )

    extent, days, sums = await read(call, query)
    counters = cache.counters
    return CacheStats(
        size=len(cache.memory),
        max_size=most,
        hits=counters.hits,
        misses=counters.misses,
        evictions=cache.memory.evictions,
        hit_rate=round(100 * _share(counters.hits, counters.hits + counters.misses), 2),
        layers=Layers(
            memory=Layer(
                entries=len(cache.memory),
                size_bytes=cache.memory.size_bytes,
                max_entries=most,
                max_size_bytes=memory.MAX_BYTES,
            ),
            disk=Layer(
                entries=extent.rows,
                size_bytes=extent.size_bytes,
                max_entries=store.MAX_ROWS,
                max_size_bytes=store.MAX_BYTES,
            ),
            idempotency=_idempotency(call),
            prompt_prefix=PromptPrefix(
                cached_tokens=sums.cache_read,
                prompt_tokens=sums.prompt,
                ratio=_share(sums.cache_read, sums.prompt),
            ),
        ),
        daily=[_day(date, day) for date, day in days.items()],
    )


async def clear_stats(call: ManageCall) -> StatsCleared:
    """`DELETE /api/cache/stats`: the answers and the counters."""
    await _clear(call, None)
    try:
        await call.gateway.cache.clear_counts()
    except StoreError as error:
        raise _unavailable(error) from None
    return StatsCleared(success=True, message="the cache and its counters are empty")


async def show_report(call: ManageCall) -> CacheReport:
    """`GET /api/cache/report`: what the semantic tier, in shadow, would have answered."""
    settings = call.gateway.snapshot.preferences.cache
    return CacheReport(
        mode=settings.semantic,
        threshold=settings.semantic_threshold,
        would_be_hits=[
            WouldBeHit(
                at=iso(one.at_ms),
                score=round(one.score, 4),
                model=one.model,
                asked=one.asked,
                known=one.known,
            )
            for one in reversed(call.gateway.cache.likeness.sighted)
        ],
    )


async def _clear(call: ManageCall, model: str | None) -> Cleared:
    gateway = call.gateway
    try:
        expired = await gateway.cache.sweep()
        from_memory, from_disk = await gateway.cache.forget(None if model is None else (model,))
        await gateway.database.write(
            lambda c: note(call, c, "cache.clear", model, memory=str(from_memory), db=str(from_disk))
        )
    except StoreError as error:
        raise _unavailable(error) from None
    keys = gateway.idempotency.clear() if model is None else 0
    removed = Removed(memory=from_memory, db=from_disk, idempotency=keys)
    return Cleared(ok=True, expired_removed=expired, removed=removed)


async def _extent(call: ManageCall) -> store.Extent:
    await _write_out(call)
    return await read(call, partial(store.extent, now_ms=call.gateway.clock.now_ms()))


async def _write_out(call: ManageCall) -> None:
    """What waits for the disk is counted too."""
    try:
        await call.gateway.cache.flush()
    except StoreError as error:
        raise _unavailable(error) from None


def _unavailable(error: StoreError) -> ApiError:
    return ApiError(503, "SERVICE_UNAVAILABLE", str(error))


def _idempotency(call: ManageCall) -> IdempotencyState:
    return IdempotencyState(active_keys=len(call.gateway.idempotency), window_ms=idempotency.WINDOW_MS)


def _day(date: str, day: store.Day) -> CacheDay:
    return CacheDay(
        date=date,
        hits=day.hits,
        misses=day.misses,
        tokens_saved=day.tokens_saved,
        cost_saved_usd=day.cost_saved_nano_usd / NANO,
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
