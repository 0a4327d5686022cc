"""The book of budgets: reserves before a request is made, and counts what it cost once it is written down."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from omniroute.clock import Clock
from omniroute.errors import ErrorKind, Failure, FailureKind, Refused
from omniroute.gateway.budgets import notices
from omniroute.gateway.budgets.estimate import PriceOf, estimate_nano
from omniroute.gateway.budgets.notices import Level, Notice, dollars
from omniroute.gateway.budgets.room import Over, Room, told
from omniroute.records import (
    EVERYTHING,
    Account,
    Budget,
    Category,
    Provider,
    RequestRow,
    Snapshot,
    of_account,
)
from omniroute.routing.outlook import Obstacle, Scope
from omniroute.routing.plan import Attempt
from omniroute.store import audit, budgets
from omniroute.store.budgets import Spent

UNBILLED = frozenset(Category) - {Category.API_KEY, Category.NODE}
"""Providers that send no bill for an answer; budgets count its worth only where the user asks for it."""
SMALL_PROMPT = 32_768
"""Tokens that any window holds: no need to look the model up."""
_LONGEST_MS = 32 * 86_400_000

Target = tuple[str, str]
"""A provider's label and a model's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request as far as budgets need to know it."""

    row_id: str
    """Of its usage entry: its row ends the reservation, whatever became of the request."""
    key_id: str | None
    prompt_tokens: int
    max_tokens: int | None


class Budgets:
    """What was spent and what is reserved. Nothing here waits or touches the store: see `keeping`."""

    def __init__(
        self, clock: Clock, zone: tzinfo | None, *, snapshot: Callable[[], Snapshot], price: PriceOf
    ) -> None:
        self._clock = clock
        self.snapshot = snapshot
        self._price = price
        self.room = Room(clock, zone)
        self._held: dict[str, Reservation] = {}
        """By row id."""
        self.noted: set[Notice] = set()
        self.unwritten: list[audit.AuditRow] = []
        """Notices for the audit log."""
        self.wake = asyncio.Event()

    # What requests ask.

    def check(self, snapshot: Snapshot, key_id: str | None, providers: Iterable[Provider]) -> bool:
        """Whether a budget of the request is past its warning threshold: answers say so.

        Raises `Refused` when nothing is left. Before the cache: what is used up stops kept answers too.
        """
        if not snapshot.budgets:
            return False
        subjects = budgets.subjects(key_id, None)
        looks = [self.room.look(snapshot, budget, 0) for budget in _of(snapshot, subjects)]
        if not all(fits for fits, _ in looks) and any(counts(snapshot, one) for one in providers):
            self._demand_room(snapshot, subjects, 0)
        return any(warns for _, warns in looks)

    def admit(
        self, snapshot: Snapshot, ask: Ask, attempts: Sequence[Attempt], notes: list[str]
    ) -> "Reservation | None":
        """Room for the dearest of the attempts; `None`: no budget has a say. Raises `Refused`.

        What no price is known for is written into `notes`, or refused if that is what the user wants. Prices
        have to be at hand: see `look_up`.
        """
        if not applies(snapshot, ask.key_id, attempts):
            return None
        amounts: dict[Target, int | None] = {}
        for attempt in attempts:
            target = (attempt.provider.label, attempt.model)
            if target not in amounts and counts(snapshot, attempt.provider):
                amounts[target] = self._estimate(ask, attempt)
        if not amounts:
            return None
        dearest, unpriced = 0, []
        for target, amount in amounts.items():
            if amount is None:
                unpriced.append(target)
            elif amount > dearest:
                dearest = amount
        if unpriced:
            _judge(snapshot, unpriced, notes, is_all=len(unpriced) == len(amounts))
        made = self.reserve(
            snapshot, row_id=ask.row_id, key_id=ask.key_id, account_id=None, estimate_nano=dearest
        )
        if unpriced and snapshot.preferences.unknown_price == "refuse":
            made.unpriced = frozenset(unpriced)
        return made

    def reserve(
        self,
        snapshot: Snapshot,
        *,
        row_id: str,
        key_id: str | None,
        account_id: str | None,
        estimate_nano: int,
    ) -> "Reservation":
        """Room in every budget concerned, held until the row is written. Raises `Refused`."""
        subjects = budgets.subjects(key_id, account_id)
        self._demand_room(snapshot, subjects, estimate_nano)
        made = Reservation(self, snapshot, row_id, key_id, estimate_nano)
        if account_id is not None:
            made.account = subjects[-1]
        self._held[row_id] = made
        self.room.hold(subjects, estimate_nano)
        return made

    def obstacle(self, account: Account) -> Obstacle | None:
        """Why the account must not be asked now, when its budget is used up."""
        snapshot = self.snapshot()
        if not snapshot.budgets:
            return None
        budget = snapshot.budgets.get(of_account(account.id))
        over = None if budget is None else self.room.over(snapshot, budget, 0)
        return None if over is None else Obstacle(Scope.BUDGET, "budget_exceeded", over.span.end_ms / 1000)

    def _estimate(self, ask: Ask, attempt: Attempt) -> int | None:
        price = self._price(attempt.provider.label, attempt.model)
        if price is None:
            return None
        prompt = ask.prompt_tokens
        facts = attempt.provider.model(attempt.model) if prompt > SMALL_PROMPT else None
        if facts is not None and facts.context_tokens is not None:
            prompt = min(prompt, facts.context_tokens)  # pictures are many bytes and few tokens
        return estimate_nano(price, prompt, ask.max_tokens)

    def _demand_room(self, snapshot: Snapshot, subjects: Iterable[str], asked: int) -> None:
        """Raises `Refused` for the budget that is the longest to come back."""
        found = [self.room.over(snapshot, budget, asked) for budget in _of(snapshot, subjects)]
        overs = [one for one in found if one is not None]
        if not overs:
            return
        over = max(overs, key=lambda one: one.span.end_ms)
        self._note_refusal(over)
        raise Refused(
            ErrorKind.BUDGET_EXCEEDED,
            told(snapshot, over),
            retry_after_s=max((over.span.end_ms - self._clock.now_ms()) / 1000, 1.0),
        )

    # What requests cost.

    def observe(self, rows: Sequence[RequestRow]) -> None:
        """Rows are on disk: what they cost is spent now, and no longer reserved."""
        snapshot, now_ms = self.snapshot(), self._clock.now_ms()
        touched: set[str] = set()
        for row in rows:
            held = self._held.pop(row.id, None)
            if held is not None:
                self.room.hold(held.subjects, -held.amount)
            if not row.cost_nano_usd:
                continue
            subjects = budgets.subjects(row.api_key_id, row.account_id)
            provider = snapshot.providers.get(snapshot.names.get(row.provider or "", ""))
            is_covered = provider is not None and provider.category in UNBILLED
            more = Spent(covered=row.cost_nano_usd) if is_covered else Spent(billed=row.cost_nano_usd)
            self.room.ledger.add(subjects, more, at_ms=row.started_at_ms, now_ms=now_ms)
            touched.update(subjects)
        for budget in _of(snapshot, touched):
            for one in self.room.standing(snapshot, budget):
                if one.spent >= one.limit * budget.warning_threshold:
                    self._note(one, Level.WARNING)
                if one.spent >= one.limit:
                    self._note(one, Level.EXCEEDED)

    def _note_refusal(self, over: Over) -> None:
        if not over.is_for_now:
            self._note(over, Level.EXCEEDED)

    def _note(self, over: Over, level: Level) -> None:
        notice = Notice(over.subject, over.period, over.span.start_ms, level, dollars(over.limit))
        if notice in self.noted:
            return
        now_ms = self._clock.now_ms()
        self.noted = {one for one in self.noted if one.start_ms >= now_ms - _LONGEST_MS} | {notice}
        self.unwritten.append(notices.row_of(notice, over.span, spent=over.spent, now_ms=now_ms))
        self.wake.set()

    # What reservations do.

    def drop(self, reservation: "Reservation") -> None:
        """Free what is reserved; its row, when it comes, counts all the same."""
        if self._held.pop(reservation.row_id, None) is not None:
            self.room.hold(reservation.subjects, -reservation.amount)

    def resize(self, reservation: "Reservation", amount: int) -> None:
        """Hold another amount until the row is written."""
        if reservation.row_id in self._held:
            self.room.hold(reservation.subjects, amount - reservation.amount)
            reservation.amount = amount

    def move(self, reservation: "Reservation", account_id: str) -> str | None:
        """Hold the amount for another account too; why not, when its own budget has no room."""
        subject, snapshot = of_account(account_id), reservation.snapshot
        budget = snapshot.budgets.get(subject)
        held = reservation.account
        if subject == held or (budget is None and held is None) or reservation.row_id not in self._held:
            return None
        over = None if budget is None else self.room.over(snapshot, budget, reservation.amount)
        if over is not None:
            self._note_refusal(over)
            return told(snapshot, over)
        self.room.hold(reservation.subjects, -reservation.amount)
        reservation.account = None if budget is None else subject
        self.room.hold(reservation.subjects, reservation.amount)
        return None


class Reservation:
    """Money held for one request until its row is written."""

    __slots__ = ("_book", "_key_id", "account", "amount", "row_id", "snapshot", "unpriced")

    def __init__(
        self, book: Budgets, snapshot: Snapshot, row_id: str, key_id: str | None, amount: int
    ) -> None:
        self._book = book
        self._key_id = key_id
        self.snapshot = snapshot
        self.row_id = row_id
        self.amount = amount
        self.account: str | None = None
        """The subject of the account's budget, when the one that is asked has a budget."""
        self.unpriced: frozenset[Target] = frozenset()
        """Targets that may not be asked, because nobody knows what they cost."""

    @property
    def subjects(self) -> list[str]:
        """Whose budgets it is held in."""
        found = budgets.subjects(self._key_id, None)
        return found if self.account is None else [*found, self.account]

    def take(self, attempt: Attempt) -> Failure | None:
        """Before each attempt: `None` when it may be made, else why its account or model may not be asked."""
        if self.unpriced and (attempt.provider.label, attempt.model) in self.unpriced:
            why: str | None = f"no price is known for {attempt.provider.label}/{attempt.model}"
        else:
            why = self._book.move(self, attempt.account.id)
        return None if why is None else Failure(kind=FailureKind.QUOTA, message=why, code="budget_exceeded")

    def settle(self, cost_nano: int | None) -> None:
        """The request has ended: its cost, or with `None` the estimate, is held until its row is written."""
        if cost_nano is not None:
            self._book.resize(self, cost_nano)

    def release(self) -> None:
        """Nothing was asked of anybody."""
        self._book.drop(self)


def counts(snapshot: Snapshot, provider: Provider) -> bool:
    """Whether what the provider answers counts toward budgets."""
    category = provider.category  # compared by identity, because hashing a member takes a microsecond
    is_billed = category is Category.API_KEY or category is Category.NODE
    return is_billed or snapshot.preferences.budget_count_subscriptions


def applies(snapshot: Snapshot, key_id: str | None, attempts: Sequence[Attempt]) -> bool:
    """Whether a budget has a say in a request."""
    known = snapshot.budgets
    if not known:
        return False
    if EVERYTHING in known or key_id in known:
        return True
    return any(of_account(attempt.account.id) in known for attempt in attempts)


def _of(snapshot: Snapshot, subjects: Iterable[str]) -> list[Budget]:
    return [snapshot.budgets[subject] for subject in subjects if subject in snapshot.budgets]


def _judge(snapshot: Snapshot, unpriced: Sequence[Target], notes: list[str], *, is_all: bool) -> None:
    """Say that targets have no price. Raises `Refused` when there is no other and the user allows none."""
    names = ", ".join(sorted("/".join(target) for target in unpriced))
    if is_all and snapshot.preferences.unknown_price == "refuse":
        raise Refused(
            ErrorKind.BUDGET_EXCEEDED,
            f"no price is known for {names}, and such models are refused under a budget"
            " (setting unknownPrice)",
        )
    notes.append(f"no price is known for {names}: nothing is reserved for it")
