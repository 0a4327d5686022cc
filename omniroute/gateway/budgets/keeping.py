"""Reads what was spent from the store, and writes what people are to know of it."""

from collections.abc import Sequence
from functools import partial

from sqlalchemy import Connection

from omniroute.clock import Clock
from omniroute.errors import StoreError
from omniroute.gateway.budgets import notices
from omniroute.gateway.budgets.book import UNBILLED, Budgets
from omniroute.gateway.budgets.notices import Notice
from omniroute.records import Snapshot
from omniroute.routing.periods import Period
from omniroute.store import audit, budgets
from omniroute.store.database import Database


async def load(book: Budgets, database: Database, clock: Clock) -> None:
    """Sums and notices as the store has them now; what is written later, `observe` tells.

    Read between two writes, so that every row is in the sums or is told later, and none is both.
    """
    ledger, now_ms = book.room.ledger, clock.now_ms()
    spans = {period: ledger.span(period, now_ms) for period in Period}
    unbilled = unbilled_labels(book.snapshot())

    def read(connection: Connection) -> set[Notice]:
        found = budgets.spent(connection, [span.start_ms for span in spans.values()], unbilled=unbilled)
        for period, span in spans.items():
            ledger.restore(period, span.start_ms, found[span.start_ms])
        return notices.given(connection, spans)

    book.noted = await database.write(read)


def unbilled_labels(snapshot: Snapshot) -> list[str]:
    """Providers, as rows name them, that send no bill."""
    return [one.label for one in snapshot.providers.values() if one.category in UNBILLED]


async def run(book: Budgets, database: Database) -> None:
    """Write notices for ever, as they are given. Raises `StoreError` with nothing lost."""
    while True:
        await book.wake.wait()
        await flush(book, database)


async def flush(book: Budgets, database: Database) -> None:
    """Every notice so far is in the audit log when this returns. Raises `StoreError` with nothing lost."""
    book.wake.clear()
    rows, book.unwritten = book.unwritten, []
    if not rows:
        return
    try:
        await database.write(partial(_append, rows=rows))
    except StoreError:
        book.unwritten = [*rows, *book.unwritten]
        book.wake.set()
        raise


def _append(connection: Connection, rows: Sequence[audit.AuditRow]) -> None:
    for row in rows:
        audit.append(connection, row)
