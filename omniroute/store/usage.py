"""Sums over the requests, made by the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    true,
)

from omniroute.records import Outcome
from omniroute.store.tables import usage as table

_DAY_MS = 86_400_000
_MINUTE_MS = 60_000
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which requests to count; `None` sets no limit."""

    since_ms: int | None = None
    until_ms: int | None = None
    """Not included."""
    provider: str | None = None
    model: str | None = None
    api_key_id: str | None = None


EVERYTHING = Filter()


class By(StrEnum):
    """What the requests of one group have in common."""

    PROVIDER = "provider"
    MODEL = "model"
    """Provider and model."""
    ACCOUNT = "account"
    """Provider, model and account."""
    KEY = "key"
    DAY = "day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Sums of the requests of one group; what was not known counts as 0."""

    requests: int = 0
    errors: int = 0
    """Told as an error, or cut; not those the client cancelled."""
    prompt: int = 0
    """All prompt tokens, cached ones included."""
    completion: int = 0
    cache_read: int = 0
    cache_write: int = 0
    """Short and one-hour writes together."""
    reasoning: int = 0
    estimated: int = 0
    """Requests with tokens counted by us."""
    cost_nano_usd: int = 0
    unpriced: int = 0
    """Requests with tokens but without a cost: not in `cost_nano_usd`."""
    last_used_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One group and its sums; only the members it is grouped by are set."""

    sums: Sums
    provider: str | None = None
    """`None` also for requests that came to no provider."""
    model: str | None = None
    account_id: str | None = None
    account_name: str | None = None
    api_key_id: str | None = None
    """`None` also for requests without a key."""
    api_key_name: str | None = None
    day: str | None = None
    """`2026-11-22`"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """Sums of one minute."""

    requests: int = 0
    prompt: int = 0
    completion: int = 0
    cost_nano_usd: int = 0


def totals(connection: Connection, chosen: Filter = EVERYTHING) -> Sums:
    """Sums over all chosen requests."""
    return _sums(connection.execute(select(*_SUMS).where(_condition(chosen))).one()._asdict())


def grouped(
    connection: Connection, chosen: Filter, by: By, *, timezone: tzinfo | None = None
) -> tuple[Group, ...]:
    """One group per value, most requests first; days in order of time.

    `timezone` is whose days are meant, `None` the machine's.
    """
    if by is By.DAY:
        return _days(connection, chosen, timezone)
    columns, shown = _GROUPED_BY[by]
    query = select(*columns, *shown, *_SUMS).where(_condition(chosen)).group_by(*columns)
    names = [column.name for column in (*columns, *shown)]
    groups = [
        Group(sums=_sums(row._asdict()), **{name: row._asdict()[name] for name in names})
        for row in connection.execute(query)
    ]
    return tuple(sorted(groups, key=lambda group: -group.sums.requests))


def last_ten_minutes(connection: Connection, now_ms: int) -> tuple[Minute, ...]:
    """Exactly ten minutes, oldest first, the running one last."""
    first = now_ms // _MINUTE_MS - 9
    minute = (table.c.started_at_ms // literal(_MINUTE_MS)).label("minute")
    columns = (_SUMS_BY_NAME[name] for name in Minute.__slots__)
    query = select(minute, *columns).where(
        table.c.started_at_ms >= first * _MINUTE_MS, table.c.started_at_ms < (first + 10) * _MINUTE_MS
    )
    found = {
        int(row.minute): Minute(**{name: int(row._asdict()[name]) for name in Minute.__slots__})
        for row in connection.execute(query.group_by(minute))
    }
    return tuple(found.get(first + index, Minute()) for index in range(10))


def _total(value: ColumnElement[Any]) -> ColumnElement[int]:
    return func.coalesce(func.sum(value), 0)


def _known(column: ColumnElement[Any]) -> ColumnElement[int]:
    return func.coalesce(column, 0)


def _how_many(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return _total(case((condition, 1), else_=0))


_PROMPT = _known(table.c.cache_read) + _known(table.c.cache_write) + _known(table.c.cache_write_1h)
_HAS_USAGE = or_(table.c.input.is_not(None), table.c.output.is_not(None))
# A total is known only when its main bucket is, as in `Usage`: NULL and a number is NULL, not summed.
_SUMS_BY_NAME: dict[str, ColumnElement[int]] = {
    "requests": func.count(),
    "errors": _how_many(table.c.outcome.in_((Outcome.ERROR.value, Outcome.CUT.value))),
    "prompt": _total(table.c.input + _PROMPT),
    "completion": _total(table.c.output + _known(table.c.reasoning)),
    "cache_read": _total(table.c.cache_read),
    "cache_write": _total(_known(table.c.cache_write) + _known(table.c.cache_write_1h)),
    "reasoning": _total(table.c.reasoning),
    "estimated": _how_many(table.c.estimated),
    "cost_nano_usd": _total(table.c.cost_nano_usd),
    "unpriced": _how_many(and_(_HAS_USAGE, table.c.cost_nano_usd.is_(None))),
    "last_used_ms": func.max(table.c.started_at_ms),
}
_SUMS_BY_NAME = {name: column.label(name) for name, column in _SUMS_BY_NAME.items()}
_SUMS = tuple(_SUMS_BY_NAME.values())

_Columns = Sequence[ColumnElement[Any]]
_ACCOUNT_NAME = func.max(table.c.account_name).label("account_name")
_KEY_NAME = func.max(table.c.api_key_name).label("api_key_name")
_GROUPED_BY: dict[By, tuple[_Columns, _Columns]] = {
    By.PROVIDER: ((table.c.provider,), ()),
    By.MODEL: ((table.c.provider, table.c.model), ()),
    By.ACCOUNT: ((table.c.provider, table.c.model, table.c.account_id), (_ACCOUNT_NAME,)),
    By.KEY: ((table.c.api_key_id,), (_KEY_NAME,)),
}


def _condition(chosen: Filter) -> ColumnElement[bool]:
    conditions = [
        column == value
        for column, value in (
            (table.c.provider, chosen.provider),
            (table.c.model, chosen.model),
            (table.c.api_key_id, chosen.api_key_id),
        )
        if value is not None
    ]
    if chosen.since_ms is not None:
        conditions.append(table.c.started_at_ms >= chosen.since_ms)
    if chosen.until_ms is not None:
        conditions.append(table.c.started_at_ms < chosen.until_ms)
    return and_(true(), *conditions)


def _sums(row: dict[str, Any]) -> Sums:  # SQLAlchemy types no column
    # PostgreSQL sums big integers as decimals.
    sums: dict[str, Any] = {name: None if row[name] is None else int(row[name]) for name in Sums.__slots__}
    return Sums(**sums)


def _days(connection: Connection, chosen: Filter, timezone: tzinfo | None) -> tuple[Group, ...]:
    condition = _condition(chosen)
    at = table.c.started_at_ms
    first, last = connection.execute(select(func.min(at), func.max(at)).where(condition)).one()
    if first is None:
        return ()
    day = ((at + _offset(first, last, timezone)) // literal(_DAY_MS)).label("day")
    query = select(day, *_SUMS).where(condition).group_by(day).order_by(day)
    return tuple(
        Group(sums=_sums(row._asdict()), day=(_EPOCH + timedelta(days=int(row.day))).isoformat())
        for row in connection.execute(query)
    )


def _offset(first_ms: int, last_ms: int, timezone: tzinfo | None) -> ColumnElement[int]:
    """The zone's offset from UTC in ms at each row's instant, for rows between the two."""
    steps = _changes(first_ms, last_ms, timezone)
    latest = cast(literal(_offset_ms(last_ms, timezone)), Integer)
    if not steps:
        return latest
    return case(*((table.c.started_at_ms < until_ms, offset) for until_ms, offset in steps), else_=latest)


def _changes(first_ms: int, last_ms: int, timezone: tzinfo | None) -> list[tuple[int, int]]:
    """(instant, offset before it) of every change of the zone's offset, ascending."""
    changes = []
    start = first_ms
    while start < last_ms:
        end = min(start + _DAY_MS, last_ms)
        before = _offset_ms(start, timezone)
        if _offset_ms(end, timezone) != before:
            low, high = start, end  # the offset is still `before` at low, no more at high
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if _offset_ms(middle, timezone) == before else (low, middle)
            changes.append((high, before))
        start = end
    return changes


def _offset_ms(at_ms: int, timezone: tzinfo | None) -> int:
    offset = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(timezone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds() * 1000)
