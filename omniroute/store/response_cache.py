"""Answers kept on disk, and what they spared, day by day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection, func
from sqlalchemy.dialects.sqlite import insert

from omniroute.store.tables import cache_days, response_cache

MAX_ROWS = 10_000
MAX_BYTES = 64 * 1024 * 1024
_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedRow:
    """One answer."""

    signature: str
    tenant: str
    model: str
    """By the name the client used."""
    answer: bytes
    tokens_saved: int | None
    """Each time it is used; `None`: not known."""
    cost_saved_nano_usd: int | None
    created_at_ms: int
    expires_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What the cache did on one day of the gateway's time zone."""

    hits: int = 0
    misses: int = 0
    tokens_saved: int = 0
    cost_saved_nano_usd: int = 0


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is kept."""

    rows: int
    size_bytes: int


def find(connection: Connection, signatures: Sequence[str], *, now_ms: int) -> CachedRow | None:
    """The first of these that is there and whose time is not over."""
    found = connection.execute(
        sa.select(response_cache).where(
            response_cache.c.signature.in_(signatures), response_cache.c.expires_at_ms > now_ms
        )
    )
    rows = {row.signature: row._asdict() for row in found}
    for signature in signatures:
        if (members := rows.get(signature)) is not None:
            return CachedRow(**{name: members[name] for name in CachedRow.__slots__})
    return None


def put(connection: Connection, rows: Sequence[CachedRow]) -> None:
    """Keep these answers, in place of ones of the same name; the oldest go when there are too many."""
    for row in rows:
        members = {name: getattr(row, name) for name in CachedRow.__slots__}
        members |= {"hits": 0, "size_bytes": len(row.answer)}
        statement = insert(response_cache).values(members)
        connection.execute(statement.on_conflict_do_update(index_elements=["signature"], set_=members))
    _trim(connection)


def count_hits(connection: Connection, hits: Mapping[str, int]) -> None:
    """Note how often answers were used."""
    for signature, times in hits.items():
        connection.execute(
            sa.update(response_cache)
            .where(response_cache.c.signature == signature)
            .values(hits=response_cache.c.hits + times)
        )


def delete_expired(connection: Connection, *, now_ms: int) -> int:
    """How many answers went because their time was over."""
    return connection.execute(
        sa.delete(response_cache).where(response_cache.c.expires_at_ms <= now_ms)
    ).rowcount


def delete(connection: Connection, models: Sequence[str] | None = None) -> int:
    """How many answers went: those of requests for these models, or all."""
    statement = sa.delete(response_cache)
    if models is not None:
        statement = statement.where(response_cache.c.model.in_(models))
    return connection.execute(statement).rowcount


def extent(connection: Connection, *, now_ms: int) -> Extent:
    """How much is kept that can still be used."""
    size = func.coalesce(func.sum(response_cache.c.size_bytes), 0)
    query = sa.select(func.count(), size).where(response_cache.c.expires_at_ms > now_ms)
    rows, size_bytes = connection.execute(query).one()
    return Extent(rows, size_bytes)


def add_days(connection: Connection, days: Mapping[str, Day]) -> None:
    """Add to the sums of days, written `2026-11-22`."""
    for day, sums in days.items():
        members = {name: getattr(sums, name) for name in Day.__slots__}
        statement = insert(cache_days).values({"day": day, **members})
        added = {name: cache_days.c[name] + statement.excluded[name] for name in members}
        connection.execute(statement.on_conflict_do_update(index_elements=["day"], set_=added))


def days(connection: Connection, *, limit: int = 30) -> dict[str, Day]:
    """The last days on which the cache did something, the newest first."""
    found = connection.execute(sa.select(cache_days).order_by(cache_days.c.day.desc()).limit(limit))
    return {row.day: Day(**{name: row._mapping[name] for name in Day.__slots__}) for row in found}


def clear_days(connection: Connection) -> None:
    """Begin to count at nothing."""
    connection.execute(sa.delete(cache_days))


def _trim(connection: Connection) -> None:
    """Oldest first, until what is left is within the bounds."""
    table = response_cache
    count, size = connection.execute(
        sa.select(func.count(), func.coalesce(func.sum(table.c.size_bytes), 0))
    ).one()
    while count > MAX_ROWS or size > MAX_BYTES:
        oldest = sa.select(table.c.signature, table.c.size_bytes).order_by(table.c.created_at_ms)
        gone = []
        for signature, size_bytes in connection.execute(oldest.limit(_BATCH)):
            if count <= MAX_ROWS and size <= MAX_BYTES:
                break
            gone.append(signature)
            count, size = count - 1, size - size_bytes
        if not gone:
            return
        connection.execute(sa.delete(table).where(table.c.signature.in_(gone)))
