"""What combos did, by hour and member: written with the rows of the requests they answered."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, func
from sqlalchemy.dialects.sqlite import insert

from omniroute.records import AttemptRow, Outcome, RequestRow
from omniroute.store import settings
from omniroute.store.tables import combo_hours as table
from omniroute.store.tables import combos

WHOLE = ""
"""In the place of a member: the combo's requests, each once, however many members it took."""
TEST = "combo-test"
"""Operation of the requests that only try a combo: they are not counted."""
HOUR_MS = 3_600_000
_KEY = ("combo_id", "model", "hour_ms")
_SUMS = ("requests", "successes", "failures", "fallbacks", "latency_ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What was done in one span."""

    requests: int = 0
    successes: int = 0
    failures: int = 0
    fallbacks: int = 0
    """Of a combo: how often another member was asked after one failed."""
    latency_ms: int = 0
    """In all."""
    last_status: int | None = None
    last_used_at_ms: int = 0

    def plus(self, other: "Counts") -> "Counts":
        """Both together; the later one's status stands."""
        newer = self if self.last_used_at_ms > other.last_used_at_ms else other
        return Counts(
            **{name: getattr(self, name) + getattr(other, name) for name in _SUMS},
            last_status=newer.last_status,
            last_used_at_ms=newer.last_used_at_ms,
        )


@dataclass(slots=True)
class ComboCounts:
    """One combo's counts since they were last cleared."""

    whole: Counts = field(default_factory=Counts)
    by_model: dict[str, Counts] = field(default_factory=dict)
    """By member, `provider/model`."""


def of_rows(rows: Iterable[RequestRow]) -> dict[tuple[str, str, int], Counts]:
    """What these requests add, by the combo's name, member and hour."""
    added: dict[tuple[str, str, int], Counts] = {}
    for row in rows:
        if row.combo is None or row.operation == TEST or row.outcome is Outcome.CANCELLED:
            continue
        hour_ms = row.started_at_ms - row.started_at_ms % HOUR_MS
        for member, counts in ((WHOLE, _whole(row)), *_attempts(row)):
            key = (row.combo, member, hour_ms)
            added[key] = added.get(key, Counts()).plus(counts)
    return added


def _whole(row: RequestRow) -> Counts:
    ok = row.outcome is Outcome.OK
    members = [(attempt.provider, attempt.model) for attempt in row.attempts]
    return Counts(
        requests=1,
        successes=int(ok),
        failures=int(not ok),
        fallbacks=sum(one != other for one, other in pairwise(members)),
        latency_ms=row.duration_ms,
        last_status=row.status,
        last_used_at_ms=row.started_at_ms,
    )


def _attempts(row: RequestRow) -> list[tuple[str, Counts]]:
    return [(f"{one.provider}/{one.model}", _attempt(row, one)) for one in row.attempts]


def _attempt(row: RequestRow, attempt: AttemptRow) -> Counts:
    ok = attempt.failure is None
    return Counts(
        requests=1,
        successes=int(ok),
        failures=int(not ok),
        latency_ms=attempt.duration_ms,
        last_status=attempt.status,
        last_used_at_ms=row.started_at_ms,
    )


def add(connection: Connection, rows: Sequence[RequestRow]) -> None:
    """Count the requests that combos answered, but for combos that are not to be counted."""
    added = of_rows(rows)
    if not added:
        return
    ids = _counted_ids(connection, {name for name, _, _ in added})
    for (name, member, hour_ms), counts in added.items():
        if name not in ids:
            continue
        values = {"combo_id": ids[name], "model": member, "hour_ms": hour_ms}
        values |= {column: getattr(counts, column) for column in (*_SUMS, "last_status", "last_used_at_ms")}
        statement = insert(table).values(values)
        sums = {column: table.c[column] + statement.excluded[column] for column in _SUMS}
        newest = {column: statement.excluded[column] for column in ("last_status", "last_used_at_ms")}
        connection.execute(statement.on_conflict_do_update(index_elements=_KEY, set_=sums | newest))


def _counted_ids(connection: Connection, names: Iterable[str]) -> dict[str, str]:
    defaults = settings.get(connection, "comboDefaults")
    usual = defaults.get("trackMetrics") if isinstance(defaults, dict) else None
    found = connection.execute(
        sa.select(combos.c.id, combos.c.name, combos.c.config).where(combos.c.name.in_(sorted(names)))
    )
    ids = {}
    for row in found:
        own = msgspec.json.decode(row.config).get("trackMetrics")
        if (usual if own is None else own) is not False:
            ids[row.name] = row.id
    return ids


def totals(connection: Connection, combo_id: str | None = None) -> dict[str, ComboCounts]:
    """Combo id to its counts: of all combos, or of one."""
    query = sa.select(table).order_by(table.c.hour_ms)
    if combo_id is not None:
        query = query.where(table.c.combo_id == combo_id)
    found: dict[str, ComboCounts] = {}
    for row in connection.execute(query):
        members = row._asdict()
        key = [members.pop(name) for name in _KEY]
        combo = found.setdefault(key[0], ComboCounts())
        counts = Counts(**members)
        if key[1] == WHOLE:
            combo.whole = combo.whole.plus(counts)
        else:
            combo.by_model[key[1]] = combo.by_model.get(key[1], Counts()).plus(counts)
    return found


def requests(connection: Connection) -> Mapping[str, int]:
    """How often each combo was asked since its counts were last cleared, by its id."""
    query = sa.select(table.c.combo_id, func.sum(table.c.requests)).where(table.c.model == WHOLE)
    return {combo_id: count for combo_id, count in connection.execute(query.group_by(table.c.combo_id))}


def by_hour(connection: Connection, *, since_ms: int) -> Mapping[tuple[str, str, int], int]:
    """Requests by combo id, member and hour, from an instant on; without those of whole combos."""
    query = sa.select(table.c.combo_id, table.c.model, table.c.hour_ms, func.sum(table.c.requests)).where(
        (table.c.hour_ms >= since_ms) & (table.c.model != WHOLE)
    )
    found = connection.execute(query.group_by(table.c.combo_id, table.c.model, table.c.hour_ms))
    return {(combo_id, model, hour_ms): requests for combo_id, model, hour_ms, requests in found}


def clear(connection: Connection, combo_id: str | None = None) -> int:
    """How many rows were forgotten: of all combos, or of one."""
    statement = sa.delete(table)
    if combo_id is not None:
        statement = statement.where(table.c.combo_id == combo_id)
    return connection.execute(statement).rowcount
