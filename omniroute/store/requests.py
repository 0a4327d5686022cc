"""The row of every client request: written in batches, read in pages."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    Select,
    Table,
    and_,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.sqlite import insert

from omniroute.conversation.usage import Usage
from omniroute.records import AttemptRow, Outcome, RequestRow
from omniroute.store import combo_hours, keys
from omniroute.store.tables import call_log, usage

_JOINED = select(usage, *(column for column in call_log.c if column.name not in usage.c)).join_from(
    usage, call_log, usage.c.id == call_log.c.id
)
_MOST = 10**15
_BUCKETS = ("input", "cache_read", "cache_write", "cache_write_1h", "output", "reasoning", "estimated")


ROWS_A_STATEMENT = 32
"""Below the fewest bound values that any SQLite in use allows."""
_VALUES = re.compile(r"VALUES (\([^()]*\))")


class CalledAccount(msgspec.Struct, frozen=True):
    """What is read of an attempt to count it."""

    provider: str
    """As rows name it."""
    account_id: str


_CALLED = msgspec.json.Decoder(tuple[CalledAccount, ...])
MOST_CALLS = 10_000
"""Requests whose calls are read: the start waits for it, 30 ms for so many."""


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
    """Add the rows of requests that ended, each id once, and note the use of their keys and combos."""
    if not rows:
        return
    try:
        with connection.begin_nested():
            _add_rows(connection, rows)
    except UnicodeEncodeError:
        _add_rows(connection, [_encodable(row) for row in rows])
    used_at_ms: dict[str, int] = {}
    for row in rows:
        if row.api_key_id is not None:
            used_at_ms[row.api_key_id] = max(row.started_at_ms, used_at_ms.get(row.api_key_id, 0))
    keys.touch(connection, used_at_ms)
    combo_hours.add(connection, rows)


def find(connection: Connection, request_row_id: str) -> RequestRow | None:
    """One request by the id of its row."""
    row = connection.execute(_JOINED.where(usage.c.id == request_row_id)).first()
    return None if row is None else _request(row._asdict())


def find_asked(connection: Connection, request_id: str) -> RequestRow | None:
    """The newest request of that `X-Request-Id`."""
    query = _JOINED.where(call_log.c.request_id == request_id).order_by(usage.c.id.desc()).limit(1)
    row = connection.execute(query).first()
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


def calls(connection: Connection, *, since_ms: int) -> list[tuple[int, CalledAccount]]:
    """The accounts that were called, and when their request began, the oldest first.

    Only of the newest requests, where there were very many.
    """
    newest = (
        select(usage.c.started_at_ms, call_log.c.attempts)
        .join_from(usage, call_log, usage.c.id == call_log.c.id)
        .where(usage.c.started_at_ms >= since_ms)
        .order_by(usage.c.started_at_ms.desc())
        .limit(MOST_CALLS)
    )
    rows = connection.execute(newest).all()
    return [(at_ms, call) for at_ms, attempts in reversed(rows) for call in _CALLED.decode(attempts)]


def _add_rows(connection: Connection, rows: Sequence[RequestRow]) -> None:
    _add_all(connection, usage, [_usage_values(row) for row in rows])
    _add_all(connection, call_log, [_call_values(row) for row in rows])


def _add_all(connection: Connection, table: Table, rows: list[tuple[object, ...]]) -> None:
    # Past the statement machinery, whose work per row is more than SQLite's own: it holds the interpreter
    # lock, so every answer under way would wait for it. Many rows in one statement, because each statement
    # takes that lock anew. Values are bound in the order of the columns.
    for start in range(0, len(rows), ROWS_A_STATEMENT):
        group = rows[start : start + ROWS_A_STATEMENT]
        text = _insert_text(table, connection.dialect, len(group))
        connection.exec_driver_sql(text, tuple(chain.from_iterable(group)))


@cache
def _insert_text(table: Table, dialect: Dialect, rows: int) -> str:
    # A row that is there already was kept by a write whose end its caller did not see.
    statement = insert(table).on_conflict_do_nothing(index_elements=[table.c.id])
    head, values, tail = _VALUES.split(str(statement.compile(dialect=dialect)), maxsplit=1)
    return f"{head}VALUES {', '.join([values] * rows)}{tail}"


def _usage_values(row: RequestRow) -> tuple[object, ...]:
    tokens = row.usage
    return (
        row.id,
        row.started_at_ms,
        row.provider,
        row.model,
        row.account_id,
        row.account_name,
        row.api_key_id,
        row.api_key_name,
        row.session_id,
        row.outcome.value,
        row.status,
        row.stream,
        _plausible(tokens.input),
        _plausible(tokens.cache_read),
        _plausible(tokens.cache_write),
        _plausible(tokens.cache_write_1h),
        _plausible(tokens.output),
        _plausible(tokens.reasoning),
        tokens.estimated,
        _plausible(row.cost_nano_usd),
        row.price_source,
        row.ttft_ms,
        row.duration_ms,
    )


def _encodable(row: RequestRow) -> RequestRow:
    """The row with a question mark for every half of a surrogate pair, which a client's JSON may hold."""
    attempts = tuple(replace(attempt, **_clean(attempt)) for attempt in row.attempts)
    dropped = tuple(map(_clean_text, row.dropped))
    return replace(row, **{**_clean(row), "attempts": attempts, "dropped": dropped})


def _clean(row: RequestRow | AttemptRow) -> dict[str, Any]:  # of several members' types
    values = {name: getattr(row, name) for name in row.__slots__}
    return {name: _clean_text(value) for name, value in values.items() if type(value) is str}


def _clean_text(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _plausible(value: int | None) -> int | None:
    """The number, or unknown: a few absurd ones from an upstream would overflow every later sum."""
    return None if value is None or not 0 <= value <= _MOST else value


def _call_values(row: RequestRow) -> tuple[object, ...]:
    return (
        row.id,
        row.request_id,
        row.method,
        row.path,
        row.operation,
        row.client_format,
        row.upstream_format,
        row.requested_model,
        row.error,
        msgspec.json.encode(row.attempts).decode(),
        msgspec.json.encode(row.dropped).decode(),
        row.combo,
        row.cache,
        row.decision.decode() if row.decision is not None else None,
    )


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
    members["decision"] = row["decision"].encode() if row["decision"] is not None else None
    return RequestRow(**members)
