"""The row of every client request: written in batches, read in pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, and_, func, insert, or_, select, true

from omniroute.conversation.usage import Usage
from omniroute.records import AttemptRow, Outcome, RequestRow
from omniroute.store import keys
from omniroute.store.tables import call_log, usage

_INSERT_USAGE = insert(usage)
_INSERT_CALL = insert(call_log)
_JOINED = select(usage, *(column for column in call_log.c if column.name not in usage.c)).join_from(
    usage, call_log, usage.c.id == call_log.c.id
)
_BUCKETS = ("input", "cache_read", "cache_write", "cache_write_1h", "output", "reasoning", "estimated")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which requests to list; `None` sets no limit."""

    status: str | None = None
    """`ok`, `error` (all that is not ok), another outcome, or an HTTP status as digits."""
    model: str | None = None
    """Part of the used or the requested model's name."""
    provider: str | None = None
    account: str | None = None
    """Name or id."""
    api_key: str | None = None
    """Part of the key's name or id."""
    search: str | None = None
    """Part of a model, path, account, key, error or request id."""
    since_ms: int | None = None
    until_ms: int | None = None
    """Not included."""


def append(connection: Connection, rows: Sequence[RequestRow]) -> None:
    """Add the rows of requests that ended, and note the use of their keys."""
    if not rows:
        return
    connection.execute(_INSERT_USAGE, [_usage_values(row) for row in rows])
    connection.execute(_INSERT_CALL, [_call_values(row) for row in rows])
    used_at_ms: dict[str, int] = {}
    for row in rows:
        if row.api_key_id is not None:
            used_at_ms[row.api_key_id] = max(row.started_at_ms, used_at_ms.get(row.api_key_id, 0))
    keys.touch(connection, used_at_ms)


def find(connection: Connection, request_row_id: str) -> RequestRow | None:
    """One request by the id of its row."""
    row = connection.execute(_JOINED.where(usage.c.id == request_row_id)).first()
    return None if row is None else _request(row._asdict())


def listing(
    connection: Connection, filters: Filters, *, limit: int, offset: int = 0
) -> tuple[list[RequestRow], int]:
    """A page of requests, newest first, and how many there are in all."""
    query = _JOINED.where(_condition(filters))
    page = query.order_by(usage.c.started_at_ms.desc(), usage.c.id.desc()).limit(limit).offset(offset)
    rows = [_request(row._asdict()) for row in connection.execute(page)]
    total: int = connection.execute(_counted(query)).scalar_one()
    return rows, total


def _usage_values(row: RequestRow) -> dict[str, object]:
    tokens = row.usage
    return {
        "id": row.id,
        "started_at_ms": row.started_at_ms,
        "provider": row.provider,
        "model": row.model,
        "account_id": row.account_id,
        "account_name": row.account_name,
        "api_key_id": row.api_key_id,
        "api_key_name": row.api_key_name,
        "session_id": row.session_id,
        "outcome": row.outcome.value,
        "status": row.status,
        "stream": row.stream,
        "input": tokens.input,
        "cache_read": tokens.cache_read,
        "cache_write": tokens.cache_write,
        "cache_write_1h": tokens.cache_write_1h,
        "output": tokens.output,
        "reasoning": tokens.reasoning,
        "estimated": tokens.estimated,
        "cost_nano_usd": row.cost_nano_usd,
        "price_source": row.price_source,
        "ttft_ms": row.ttft_ms,
        "duration_ms": row.duration_ms,
    }


def _call_values(row: RequestRow) -> dict[str, object]:
    return {
        "id": row.id,
        "started_at_ms": row.started_at_ms,
        "request_id": row.request_id,
        "method": row.method,
        "path": row.path,
        "operation": row.operation,
        "client_format": row.client_format,
        "upstream_format": row.upstream_format,
        "requested_model": row.requested_model,
        "error": row.error,
        "attempts": msgspec.json.encode(row.attempts).decode(),
        "dropped": msgspec.json.encode(row.dropped).decode(),
    }


def _counted(query: Select[Any]) -> Any:  # its type differs between SQLAlchemy 2.0 and 2.1
    return query.with_only_columns(func.count(), maintain_column_froms=True)


def _condition(filters: Filters) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = []
    if filters.status is not None:
        conditions.append(_of_status(filters.status))
    if filters.model is not None:
        conditions.append(_holds(filters.model, usage.c.model, call_log.c.requested_model))
    if filters.provider is not None:
        conditions.append(usage.c.provider == filters.provider)
    if filters.account is not None:
        conditions.append(or_(usage.c.account_name == filters.account, usage.c.account_id == filters.account))
    if filters.api_key is not None:
        conditions.append(_holds(filters.api_key, usage.c.api_key_name, usage.c.api_key_id))
    if filters.search is not None:
        words = (usage.c.model, call_log.c.requested_model, call_log.c.path, call_log.c.error)
        names = (usage.c.account_name, usage.c.api_key_name, call_log.c.request_id, usage.c.provider)
        conditions.append(_holds(filters.search, *words, *names))
    if filters.since_ms is not None:
        conditions.append(usage.c.started_at_ms >= filters.since_ms)
    if filters.until_ms is not None:
        conditions.append(usage.c.started_at_ms < filters.until_ms)
    return and_(true(), *conditions)


def _of_status(status: str) -> ColumnElement[bool]:
    if status.isdecimal():
        return usage.c.status == int(status)
    if status == Outcome.ERROR:
        return usage.c.outcome != Outcome.OK.value
    return usage.c.outcome == status


def _holds(part: str, *columns: ColumnElement[Any]) -> ColumnElement[bool]:
    return or_(*(column.icontains(part, autoescape=True) for column in columns))


def _request(row: dict[str, Any]) -> RequestRow:  # SQLAlchemy types no column
    members = {name: value for name, value in row.items() if name not in _BUCKETS}
    members["usage"] = Usage(**{name: row[name] for name in _BUCKETS})
    members["outcome"] = Outcome(row["outcome"])
    members["attempts"] = msgspec.json.decode(row["attempts"], type=tuple[AttemptRow, ...])
    members["dropped"] = msgspec.json.decode(row["dropped"], type=tuple[str, ...])
    return RequestRow(**members)
