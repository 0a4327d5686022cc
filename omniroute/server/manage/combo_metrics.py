"""`/api/combos/metrics`: what combos did."""

import sqlalchemy as sa

from omniroute.api.combos import AllComboMetrics, ComboMetrics, MemberMetrics, OneComboMetrics, Success
from omniroute.server.manage.call import ManageCall
from omniroute.server.manage.combos import combo_named
from omniroute.server.manage.rows import commit, note, read
from omniroute.server.manage.usage import write_out
from omniroute.server.manage.views import shown_instant
from omniroute.store import combo_hours, combos
from omniroute.store.combo_hours import ComboCounts, Counts
from omniroute.store.combos import ComboRow


async def show_metrics(call: ManageCall) -> OneComboMetrics | AllComboMetrics:
    """`GET /api/combos/metrics`: all of them by name, or with `?combo=` one."""
    await write_out(call)
    wanted = call.query.get("combo")
    if wanted is None:
        rows, counts = await read(call, lambda c: (combos.rows(c), combo_hours.totals(c)))
        return AllComboMetrics(
            metrics={row.name: _shown(row, counts[row.id]) for row in rows if row.id in counts}
        )
    row = await read(call, lambda c: combo_named(c, wanted))
    counts = await read(call, lambda c: combo_hours.totals(c, row.id))
    if row.id not in counts:
        return OneComboMetrics(metrics=None, message=f"the combo {row.name!r} has not been asked yet")
    return OneComboMetrics(metrics=_shown(row, counts[row.id]))


async def clear_metrics(call: ManageCall) -> Success:
    """`DELETE /api/combos/metrics`: of all combos, or with `?combo=` of one."""
    await write_out(call)
    wanted = call.query.get("combo")

    def clear(connection: sa.Connection) -> ComboRow | None:
        row = None if wanted is None else combo_named(connection, wanted)
        combo_hours.clear(connection, None if row is None else row.id)
        note(call, connection, "metrics.reset", None if row is None else row.id)
        return row

    row = await commit(call, clear)
    call.gateway.combo_uses.forget(None if row is None else row.id)
    what = "all combos" if row is None else f"the combo {row.name!r}"
    return Success(message=f"the counts of {what} begin anew")


def _shown(row: ComboRow, counts: ComboCounts) -> ComboMetrics:
    whole = counts.whole
    return ComboMetrics(
        strategy=row.strategy,
        total_requests=whole.requests,
        total_successes=whole.successes,
        total_failures=whole.failures,
        total_fallbacks=whole.fallbacks,
        total_latency_ms=whole.latency_ms,
        avg_latency_ms=_share(whole.latency_ms, whole.requests),
        success_rate=_share(100 * whole.successes, whole.requests),
        fallback_rate=_share(100 * whole.fallbacks, whole.requests),
        last_used_at=shown_instant(whole.last_used_at_ms or None),
        by_model={name: _member(member) for name, member in sorted(counts.by_model.items())},
    )


def _member(counts: Counts) -> MemberMetrics:
    return MemberMetrics(
        requests=counts.requests,
        successes=counts.successes,
        failures=counts.failures,
        total_latency_ms=counts.latency_ms,
        avg_latency_ms=_share(counts.latency_ms, counts.requests),
        success_rate=_share(100 * counts.successes, counts.requests),
        last_status=counts.last_status,
        last_used_at=shown_instant(counts.last_used_at_ms or None),
    )


def _share(sum_: int, number: int) -> int:
    return round(sum_ / number) if number else 0
