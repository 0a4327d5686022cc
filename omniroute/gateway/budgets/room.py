"""How much room budgets leave, from what was spent and what is reserved."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import tzinfo

from omniroute.clock import Clock, iso
from omniroute.gateway.budgets.ledger import Ledger
from omniroute.gateway.budgets.notices import dollars
from omniroute.records import EVERYTHING, Budget, Snapshot, of_account
from omniroute.routing.periods import Period, Span
from omniroute.store.budgets import NOTHING


@dataclass(frozen=True, slots=True)
class Over:
    """A limit, and what stands against it."""

    subject: str
    period: Period
    span: Span
    limit: int
    spent: int
    reserved: int = 0
    asked: int = 0
    """What was to be reserved besides."""

    @property
    def is_for_now(self) -> bool:
        """There would be room, were it not for requests under way."""
        return self.spent < self.limit and self.spent + self.asked <= self.limit


class Room:
    """What was spent and what is reserved, by subject."""

    def __init__(self, clock: Clock, zone: tzinfo | None) -> None:
        self._clock = clock
        self.ledger = Ledger(zone)
        self.reserved: dict[str, int] = {}
        """For requests that are under way or not yet written down."""

    def hold(self, subjects: Iterable[str], amount: int) -> None:
        """Reserve more, or less."""
        for subject in subjects:
            left = self.reserved.get(subject, 0) + amount
            if left:
                self.reserved[subject] = left
            else:
                self.reserved.pop(subject, None)

    def look(self, snapshot: Snapshot, budget: Budget, asked: int) -> tuple[bool, bool]:
        """Whether every limit has room for so much more, and whether one is spent so far that one warns.

        On the way of each request, so it is quick.
        """
        covered, fits, warns = snapshot.preferences.budget_count_subscriptions, True, False
        subject = budget.subject
        taken = self.reserved.get(subject, 0) + asked
        for limit, sums in zip(_limits(budget), self.ledger.running(self._clock.now_ms()), strict=True):
            if limit is None:
                continue
            known = sums.get(subject)
            spent = 0 if known is None else known.counted(covered=covered)
            if spent >= limit or spent + taken > limit:
                fits = False
            if spent >= limit * budget.warning_threshold:
                warns = True
        return fits, warns

    def over(self, snapshot: Snapshot, budget: Budget, asked: int) -> Over | None:
        """The limit that leaves no room for so much more, the last to end if there are several."""
        fits, _ = self.look(snapshot, budget, asked)
        if fits:
            return None
        reserved = self.reserved.get(budget.subject, 0)
        last = max(
            (
                one
                for one in self.standing(snapshot, budget)
                if one.spent >= one.limit or one.spent + reserved + asked > one.limit
            ),
            key=lambda one: one.span.end_ms,
        )
        return replace(last, reserved=reserved, asked=asked)

    def standing(self, snapshot: Snapshot, budget: Budget) -> list[Over]:
        """Every limit of the budget with what is spent of it."""
        now_ms = self._clock.now_ms()
        covered = snapshot.preferences.budget_count_subscriptions
        found = []
        for period, limit, sums in zip(Period, _limits(budget), self.ledger.running(now_ms), strict=True):
            if limit is not None:
                spent = sums.get(budget.subject, NOTHING).counted(covered=covered)
                found.append(Over(budget.subject, period, self.ledger.span(period, now_ms), limit, spent))
        return found


def _limits(budget: Budget) -> tuple[int | None, int | None, int | None]:
    """In the order of `Period`."""
    return budget.daily_nano_usd, budget.weekly_nano_usd, budget.monthly_nano_usd


def told(snapshot: Snapshot, over: Over) -> str:
    """What a client is told of a limit that leaves no room."""
    whose = f"the {over.period} budget of {_name(snapshot, over.subject)} is used up"
    amounts = f"{dollars(over.spent)} of {dollars(over.limit)} USD spent"
    if over.reserved:
        amounts += f", {dollars(over.reserved)} reserved by requests under way"
    if over.spent < over.limit:
        amounts += f", and this request may cost {dollars(over.asked)}"
    return f"{whose}: {amounts}; it begins anew at {iso(over.span.end_ms)}"


def _name(snapshot: Snapshot, subject: str) -> str:
    """A subject as its user calls it."""
    if subject == EVERYTHING:
        return "all requests"
    for key in snapshot.keys.values():
        if key.id == subject:
            return f"key {key.name!r}"
    for accounts in snapshot.accounts.values():
        for account in accounts:
            if of_account(account.id) == subject:
                return f"account {account.name!r}"
    return subject
