"""A book of health beside a clock that a test moves."""

from dataclasses import dataclass
from random import Random

from omniroute.errors import Failure, FailureKind
from omniroute.gateway.health.book import HealthBook
from omniroute.records import Account, Preferences, Provider
from omniroute.routing.plan import Attempt
from tests.routing.samples import account, provider

START_S = 1_790_000_000.0

ONE, TWO = provider("one", "m", "n", "o", "p"), provider("two", "m")
A, B = account("one", "a"), account("one", "b")
C = account("two", "c")


@dataclass(slots=True)
class HandClock:
    """Time as the test says; both clocks move apart when somebody sets the wall clock."""

    wall_s: float = START_S
    since_start_s: float = 500.0

    def now_ms(self) -> int:
        return round(self.wall_s * 1000)

    def monotonic_s(self) -> float:
        return self.since_start_s

    def pass_s(self, seconds: float) -> None:
        self.wall_s += seconds
        self.since_start_s += seconds


class SteadyChance(Random):
    """No jitter."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


def book_of(clock: HandClock, preferences: Preferences | None = None) -> HealthBook:
    """An empty book."""
    known = preferences or Preferences()
    return HealthBook(clock, preferences=lambda: known, price=lambda *_: None, rng=SteadyChance())


def failure(kind: FailureKind, retry_after_s: float | None = None) -> Failure:
    """One failure of this kind."""
    return Failure(kind=kind, message="no", status=500, retry_after_s=retry_after_s)


def attempt(book: HealthBook, who: Account = A, of: Provider = ONE, model: str = "m") -> Attempt:
    """As planning makes it now."""
    return Attempt(of, who, model, is_probe=book.is_probe(of, who, model))


def call(
    book: HealthBook,
    kind: FailureKind | None = None,
    who: Account = A,
    *,
    of: Provider = ONE,
    model: str = "m",
    retry_after_s: float | None = None,
) -> None:
    """One call from beginning to end; `kind` `None`: it was answered."""
    made = attempt(book, who, of, model)
    book.begin(made)
    book.end(made, None if kind is None else failure(kind, retry_after_s), latency_ms=100)
