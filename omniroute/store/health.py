"""What holds providers and accounts up, so that a restart does not forget it."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from omniroute.store.tables import health_states as table

State = tuple[str, str, str | None]
"""Kind, subject, and the state as JSON; `None`: nothing holds it up any more."""


def save(connection: Connection, states: Iterable[State], *, now_ms: int) -> None:
    """Replace or remove each state."""
    for kind, subject, state in states:
        at = (table.c.kind == kind) & (table.c.subject == subject)
        connection.execute(sa.delete(table).where(at))
        if state is not None:
            row = {"kind": kind, "subject": subject, "state": state, "updated_at_ms": now_ms}
            connection.execute(sa.insert(table).values(**row))


def listing(connection: Connection) -> Sequence[tuple[str, str, str]]:
    """Kind, subject and JSON of everything that was kept."""
    rows = connection.execute(sa.select(table.c.kind, table.c.subject, table.c.state))
    return [(row.kind, row.subject, row.state) for row in rows]
