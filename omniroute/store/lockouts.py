"""Who is locked out for wrong keys, and which addresses are banned for a time."""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from omniroute.store.tables import lockouts as table

BAN = "ban:"
"""What stands before the address of a ban."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lockout:
    """What is remembered of one identifier."""

    identifier: str
    """`ip:` and an address, `key:` and the beginning of a key, or `BAN` and an address."""
    failures: int = 0
    """Since `first_failure_ms`."""
    first_failure_ms: int = 0
    locked_until_ms: int = 0
    times_locked: int = 0
    """In a row, each within a day of the one before."""
    reason: str | None = None


def find(connection: Connection, identifier: str) -> Lockout | None:
    """What is remembered of it."""
    row = connection.execute(sa.select(table).where(table.c.identifier == identifier)).first()
    return None if row is None else Lockout(**row._mapping)


def listing(connection: Connection) -> Mapping[str, Lockout]:
    """All, by identifier."""
    rows = connection.execute(sa.select(table).order_by(table.c.identifier))
    return {row.identifier: Lockout(**row._mapping) for row in rows}


def put(connection: Connection, lockout: Lockout) -> None:
    """Store it in place of what was remembered."""
    connection.execute(sa.delete(table).where(table.c.identifier == lockout.identifier))
    values = {name: getattr(lockout, name) for name in lockout.__slots__}
    connection.execute(sa.insert(table).values(values))


def delete(connection: Connection, identifier: str) -> bool:
    """Whether anything was remembered of it."""
    return bool(connection.execute(sa.delete(table).where(table.c.identifier == identifier)).rowcount)


def delete_ended(connection: Connection, *, before_ms: int) -> None:
    """Forget locks and failures that ended before that instant."""
    is_over = (table.c.locked_until_ms < before_ms) & (table.c.first_failure_ms < before_ms)
    connection.execute(sa.delete(table).where(is_over))
