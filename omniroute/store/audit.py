"""Who changed what: rows are added, never altered."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, func, insert, select, true

from omniroute.store.tables import audit_log as table


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One change, without any secret."""

    id: str
    at_ms: int
    action: str
    """`provider.create`, `apiKey.delete`, …"""
    actor: str
    """`cli`, `tui`, `user`, `key:{id}`, `system`"""
    target: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    ip_address: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which rows to list; `None` sets no limit."""

    action: str | None = None
    """An action, or the beginning of some with `*` at its end."""
    actor: str | None = None
    target: str | None = None


EVERYTHING = Filters()


def append(connection: Connection, row: AuditRow) -> None:
    """Add one row."""
    details = msgspec.json.encode(dict(row.details)).decode()
    values = {name: getattr(row, name) for name in row.__slots__}
    connection.execute(insert(table).values({**values, "details": details}))


def listing(
    connection: Connection, filters: Filters = EVERYTHING, *, limit: int, offset: int = 0
) -> tuple[list[AuditRow], int]:
    """A page of rows, newest first, and how many there are in all."""
    chosen = _condition(filters)
    order = (table.c.at_ms.desc(), table.c.id.desc())
    query = select(table).where(chosen).order_by(*order).limit(limit).offset(offset)
    rows = [
        AuditRow(**{**row._mapping, "details": msgspec.json.decode(row.details, type=dict[str, str])})
        for row in connection.execute(query)
    ]
    return rows, int(connection.execute(select(func.count()).select_from(table).where(chosen)).scalar_one())


def _condition(filters: Filters) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = []
    if filters.action is not None and filters.action.endswith("*"):
        conditions.append(table.c.action.startswith(filters.action[:-1], autoescape=True))
    elif filters.action is not None:
        conditions.append(table.c.action == filters.action)
    if filters.actor is not None:
        conditions.append(table.c.actor == filters.actor)
    if filters.target is not None:
        conditions.append(table.c.target == filters.target)
    return and_(true(), *conditions)
