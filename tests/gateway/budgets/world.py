"""A book of budgets beside a clock that a test moves."""

from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from omniroute.gateway.budgets.book import Ask, Budgets
from omniroute.providers.pricing import FREE
from omniroute.records import Budget, Category, Preferences, Price, Provider, Rates, RequestRow, Snapshot
from omniroute.routing.plan import Attempt
from tests.gateway.health.world import HandClock
from tests.routing.samples import account, provider
from tests.store.samples import request_row

NOON_S = datetime(2026, 11, 25, 12, tzinfo=UTC).timestamp()
"""A Wednesday."""
USD = 10**9

PAID = provider("paid", "m", "n")
PLAN = provider("plan", "m", category=Category.SUBSCRIPTION)
HOME = provider("home", "m", category=Category.LOCAL)
A, B, P, H = account("paid", "a"), account("paid", "b"), account("plan", "p"), account("home", "h")
PRICES: dict[tuple[str, str], Price] = {
    ("paid", "m"): Price(rates=Rates(input=1 * USD, output=10 * USD), source="test"),
    ("paid", "n"): Price(rates=Rates(input=100 * USD, output=1000 * USD), source="test"),
    ("plan", "m"): Price(rates=Rates(input=1 * USD, output=10 * USD), source="test"),
    ("home", "m"): FREE,
}
"""Per million tokens."""


class World:
    """The book, its clock, and the configuration in force."""

    def __init__(self, *budgets: Budget, **preferences: Any) -> None:
        self.clock = HandClock(wall_s=NOON_S)
        providers: dict[str, Provider] = {one.id: one for one in (PAID, PLAN, HOME)}
        self.snapshot = Snapshot(
            version=1,
            providers=MappingProxyType(providers),
            names=MappingProxyType({name: name for name in providers}),
            accounts=MappingProxyType({"paid": (A, B), "plan": (P,), "home": (H,)}),
            keys=MappingProxyType({}),
            aliases=MappingProxyType({}),
            owners=MappingProxyType({}),
            preferences=Preferences(**preferences),
        )
        self.set(*budgets)
        self.book = Budgets(
            self.clock, UTC, snapshot=lambda: self.snapshot, price=lambda *target: PRICES.get(target)
        )
        self._rows = 0

    def set(self, *budgets: Budget) -> None:
        """Other budgets from now on."""
        known = MappingProxyType({budget.subject: budget for budget in budgets})
        self.snapshot = replace(self.snapshot, budgets=known)

    def spend(self, nano_usd: int | None, **members: Any) -> None:
        """A request was written down."""
        self.book.observe([self.row(cost_nano_usd=nano_usd, **members)])

    def row(self, **members: Any) -> RequestRow:
        """A request of key k1 by account a of the paid provider that ended now, but for `members`."""
        self._rows += 1
        known: dict[str, Any] = {
            "started_at_ms": self.clock.now_ms(),
            "api_key_id": "k1",
            "account_id": A.id,
            "provider": "paid",
        }
        return request_row(self._rows, **{**known, **members})

    def ask(self, row_id: str = "r", **members: Any) -> Ask:
        """A request of key k1 with a prompt of a thousand tokens."""
        known: dict[str, Any] = {"key_id": "k1", "prompt_tokens": 1000, "max_tokens": 100}
        return Ask(row_id=row_id, **{**known, **members})


def paid(model: str = "m") -> Attempt:
    """An attempt at the provider that bills."""
    return Attempt(PAID, A, model)
