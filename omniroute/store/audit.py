"""Who changed what: rows are added, never altered."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
from sqlalchemy import Connection, func, insert, select

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


def append(connection: Connection, row: AuditRow) -> None:
    """Add one row."""
    details = msgspec.json.encode(dict(row.details)).decode()
    values = {name: getattr(row, name) for name in row.__slots__}
    connection.execute(insert(table).values({**values, "details": details}))


def listing(connection: Connection, *, limit: int, offset: int = 0) -> tuple[list[AuditRow], int]:
    """A page of rows, newest first, and how many there are in all."""
    query = select(table).order_by(table.c.at_ms.desc(), table.c.id.desc()).limit(limit).offset(offset)
    rows = [
        AuditRow(**{**row._mapping, "details": msgspec.json.decode(row.details, type=dict[str, str])})
        for row in connection.execute(query)
    ]
    return rows, int(connection.execute(select(func.count()).select_from(table)).scalar_one())
