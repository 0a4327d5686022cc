"""What may be spent, and what was."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from omniroute.records import EVERYTHING, Budget, of_account
from omniroute.store.key_value import bump_config_version
from omniroute.store.tables import budgets as table
from omniroute.store.tables import usage


class Spent(NamedTuple):
    """What requests cost, in nano-USD."""

    billed: int = 0
    covered: int = 0
    """Worth of requests that a subscription, a free service or the user's own machine served."""

    def plus(self, other: "Spent") -> "Spent":
        """Both together."""
        return Spent(self.billed + other.billed, self.covered + other.covered)

    def counted(self, *, covered: bool) -> int:
        """What counts toward a budget; `covered` says whether the worth of what nobody bills does."""
        return self.billed + self.covered if covered else self.billed


NOTHING = Spent()


def put(connection: Connection, budget: Budget) -> None:
    """Set a subject's budget; one without any limit is removed."""
    values = {name: getattr(budget, name) for name in budget.__slots__}
    connection.execute(sa.delete(table).where(table.c.subject == budget.subject))
    if budget.limits:
        connection.execute(sa.insert(table).values(values))
    bump_config_version(connection)


def delete(connection: Connection, subject: str) -> bool:
    """Whether there was such a budget."""
    removed = bool(connection.execute(sa.delete(table).where(table.c.subject == subject)).rowcount)
    if removed:
        bump_config_version(connection)
    return removed


def listing(connection: Connection) -> Mapping[str, Budget]:
    """Every budget by its subject."""
    rows = connection.execute(sa.select(table).order_by(table.c.subject))
    return {row.subject: Budget(**row._mapping) for row in rows}


def spent(
    connection: Connection, since_ms: Collection[int], *, unbilled: Collection[str]
) -> Mapping[int, Mapping[str, Spent]]:
    """What every subject spent since each of the instants, in one pass over the requests.

    `unbilled` are the providers, as rows name them, whose answers nobody bills.
    """
    starts = sorted(set(since_ms))
    covered = usage.c.provider.in_(sorted(unbilled))
    cost, at = usage.c.cost_nano_usd, usage.c.started_at_ms
    sums = [sa.func.sum(sa.case((at >= start, cost), else_=0)) for start in starts]
    query = (
        sa.select(usage.c.api_key_id, usage.c.account_id, covered.label("covered"), *sums)
        .where(at >= starts[0], cost > 0)
        .group_by(usage.c.api_key_id, usage.c.account_id, covered)
    )
    found: dict[int, dict[str, Spent]] = {start: {} for start in starts}
    for key_id, account_id, is_covered, *amounts in connection.execute(query):
        for start, amount in zip(starts, map(int, amounts), strict=True):
            more = Spent(covered=amount) if is_covered else Spent(billed=amount)
            for subject in subjects(key_id, account_id):
                found[start][subject] = found[start].get(subject, NOTHING).plus(more)
    return found


def requests(connection: Connection, subject: str) -> int:
    """How many requests ever counted toward a subject."""
    query = sa.select(sa.func.count()).select_from(usage)
    if subject.startswith(of_account("")):
        query = query.where(usage.c.account_id == subject.removeprefix(of_account("")))
    elif subject != EVERYTHING:
        query = query.where(usage.c.api_key_id == subject)
    return int(connection.execute(query).scalar_one())


def subjects(key_id: str | None, account_id: str | None) -> list[str]:
    """Whose budgets a request counts toward; one without a key only toward that of all."""
    found = [EVERYTHING]
    if key_id is not None:
        found.append(key_id)
    if account_id is not None:
        found.append(of_account(account_id))
    return found
