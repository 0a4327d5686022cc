"""The response cache over the real server and the real client."""

from omniroute.client import cache
from omniroute.gateway.cache.memory import Kept
from tests.server.manage.place import Place


def keep(place: Place, name: str, model: str) -> None:
    kept = Kept(
        status=200,
        headers={},
        body=b"{}",
        tenant="local",
        requested=model,
        provider="up",
        model="m",
        tokens=10,
        cost_nano_usd=1_000_000_000,
        created_at_ms=place.clock.now_ms(),
        expires_at_ms=place.clock.now_ms() + 60_000,
    )
    ours = place.gateway.cache
    ours.memory.put(name, kept, most=100)
    ours.disk.put(name, kept)


async def test_what_is_kept_is_counted_in_every_layer(place: Place) -> None:
    keep(place, "a", "one")
    keep(place, "b", "two")

    overview = await place.call(cache.cache_overview)
    stats = await place.call(cache.cache_stats)

    sums = overview.semantic_cache
    assert (sums.memory_entries, sums.db_entries, sums.hit_rate) == (2, 2, 0)
    assert overview.idempotency.window_ms == 5000
    assert (stats.size, stats.layers.disk.entries, stats.layers.memory.max_entries) == (2, 2, 500)


async def test_one_model_or_everything_is_forgotten_and_noted(place: Place) -> None:
    keep(place, "a", "one")
    keep(place, "b", "two")
    await place.call(cache.cache_overview)  # writes them out

    first = await place.call(cache.clear_cache, "one")
    rest = await place.call(cache.clear_cache)

    assert (first.removed.memory, first.removed.db) == (1, 1)
    assert (rest.removed.memory, rest.removed.db) == (1, 1)
    _, log, _ = await place.raw("GET", "/api/compliance/audit-log?action=cache.clear")
    assert [entry["target"] for entry in log["entries"]] == [None, "one"]


async def test_counters_begin_anew_with_the_cache(place: Place) -> None:
    ours = place.gateway.cache
    ours.counters.hits = 3
    ours.disk.count(now_ms=place.clock.now_ms())
    assert [day.misses for day in (await place.call(cache.cache_stats)).daily] == [1]

    assert (await place.call(cache.clear_cache_stats)).success

    stats = await place.call(cache.cache_stats)
    assert (stats.hits, stats.daily) == (0, [])


async def test_the_report_names_the_mode(place: Place) -> None:
    report = await place.call(cache.cache_report)
    assert (report.mode, report.would_be_hits) == ("off", [])
