"""What the response cache did and holds."""

import msgspec


class CacheSums(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The response cache since the start, or since it was cleared."""

    memory_size: int
    memory_max_size: int
    db_size: int
    hit_rate: float
    """From 0 to 1; 0 when nothing was looked for."""
    hit_rate_percent: float
    memory_entries: int
    db_entries: int
    hits: int
    misses: int
    tokens_saved: int
    cost_saved_usd: float


class IdempotencyState(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Requests that are known by their key."""

    active_keys: int
    window_ms: int


class CacheBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer of `GET /api/cache`."""

    semantic_cache: CacheSums
    """Its old name: what it holds are exact answers, unless other tiers are switched on."""
    idempotency: IdempotencyState


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """How many answers went from each layer."""

    memory: int
    db: int
    idempotency: int


class Cleared(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer of `DELETE /api/cache`."""

    ok: bool
    expired_removed: int
    removed: Removed


class Layer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One place where answers are kept."""

    entries: int
    size_bytes: int
    max_entries: int
    max_size_bytes: int


class PromptPrefix(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The providers' own caches of prompts, over all recorded usage."""

    cached_tokens: int
    prompt_tokens: int
    ratio: float


class Layers(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Every layer by name."""

    memory: Layer
    disk: Layer
    idempotency: IdempotencyState
    prompt_prefix: PromptPrefix


class CacheDay(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One day in the gateway's time zone."""

    date: str
    hits: int
    misses: int
    tokens_saved: int
    cost_saved_usd: float


class CacheStats(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer of `GET /api/cache/stats`."""

    size: int
    max_size: int
    hits: int
    misses: int
    evictions: int
    hit_rate: float
    """In percent here."""
    layers: Layers
    daily: list[CacheDay]


class StatsCleared(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `DELETE /api/cache/stats`."""

    success: bool
    message: str


class WouldBeHit(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Two questions that the semantic tier, in shadow, takes for the same."""

    at: str
    score: float
    model: str
    asked: str
    known: str


class CacheReport(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer of `GET /api/cache/report`."""

    mode: str
    """The semantic tier's: off, shadow or on."""
    threshold: float
    would_be_hits: list[WouldBeHit]
    """The newest first; kept in memory only."""
