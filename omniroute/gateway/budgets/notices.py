"""What the audit log is told of budgets: each level once a period."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection

from omniroute.clock import iso
from omniroute.routing.periods import Period, Span
from omniroute.store import audit
from omniroute.ulid import new_ulid

_MOST_READ = 1000
NANO = 10**9


class Level(StrEnum):
    """How far a budget is used; the value is what the audit log calls it."""

    WARNING = "budget.warning"
    EXCEEDED = "budget.exceeded"


@dataclass(frozen=True, slots=True)
class Notice:
    """A level that a subject has come to; a limit that was changed is a new one."""

    subject: str
    period: Period
    start_ms: int
    level: Level
    limit: str
    """In USD."""


def dollars(nano_usd: int) -> str:
    """The exact amount without needless zeros: `4.98`."""
    whole, rest = divmod(nano_usd, NANO)
    return f"{whole}.{rest:09d}".rstrip("0").rstrip(".")


def row_of(notice: Notice, span: Span, *, spent: int, now_ms: int) -> audit.AuditRow:
    """The row for the audit log."""
    return audit.AuditRow(
        id=new_ulid(now_ms),
        at_ms=now_ms,
        action=notice.level.value,
        actor="system",
        target=notice.subject,
        details={
            "period": notice.period.value,
            "limitUsd": notice.limit,
            "spentUsd": dollars(spent),
            "resetsAt": iso(span.end_ms),
        },
    )


def given(connection: Connection, running: Mapping[Period, Span]) -> set[Notice]:
    """What was noted already in the spans that are running."""
    noted: set[Notice] = set()
    for level in Level:
        rows, _ = audit.listing(connection, audit.Filters(action=level.value), limit=_MOST_READ)
        for row in rows:
            period = next((one for one in running if one.value == row.details.get("period")), None)
            if period is not None and row.at_ms in running[period] and row.target is not None:
                limit = row.details.get("limitUsd", "")
                noted.add(Notice(row.target, period, running[period].start_ms, level, limit))
    return noted
