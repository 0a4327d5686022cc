"""The response cache of the running gateway. Calls raise as `Client` does."""

from urllib.parse import urlencode

from omniroute.api.cache import CacheBody, CacheReport, CacheStats, Cleared, StatsCleared
from omniroute.client.http import Client


def cache_overview(client: Client) -> CacheBody:
    """What the cache did since the start."""
    return client.get("/api/cache", CacheBody)


def cache_stats(client: Client) -> CacheStats:
    """Every layer, and the last days."""
    return client.get("/api/cache/stats", CacheStats)


def clear_cache(client: Client, model: str | None = None) -> Cleared:
    """Every kept answer is gone, or those to requests for one model."""
    query = f"?{urlencode({'model': model})}" if model is not None else ""
    return client.delete(f"/api/cache{query}", Cleared)


def clear_cache_stats(client: Client) -> StatsCleared:
    """Every kept answer and all counters are gone."""
    return client.delete("/api/cache/stats", StatsCleared)


def cache_report(client: Client) -> CacheReport:
    """What the semantic tier would have answered."""
    return client.get("/api/cache/report", CacheReport)
