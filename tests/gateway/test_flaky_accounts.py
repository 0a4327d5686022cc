"""Ten thousand requests over five flaky accounts: who can be served is, as the strategy says."""

from collections import Counter
from random import Random

import pytest

from omniroute.errors import Failure, FailureKind
from omniroute.records import Account, AccountStrategy, Preferences
from omniroute.routing.accounts import by_session
from tests.gateway.flaky import FIVE, Fate, Simulation, run

REQUESTS = 10_000
Kind = FailureKind


def now_and_then(chance: Random, share: float, *kinds: FailureKind) -> Fate:
    """Every account fails this share of its calls, in one of these ways."""

    def fate(account: Account, now_s: float) -> Failure | None:
        del account, now_s
        if chance.random() >= share:
            return None
        kind = chance.choice(kinds)
        hint_s = chance.uniform(1, 4) if kind is Kind.RATE_LIMITED else None
        return Failure(kind=kind, message="no", retry_after_s=hint_s)

    return fate


def simulated(
    strategy: AccountStrategy, *kinds: FailureKind, share: float, seed: int = 1, sessions: int = 0
) -> Simulation:
    chance = Random(seed)  # noqa: S311 - chance that repeats
    preferences = Preferences(
        fallback_strategy=strategy,
        sticky_round_robin_limit=1,
        session_affinity=sessions > 0,
    )
    made = Simulation(now_and_then(chance, share, *kinds), preferences, chance)
    run(made.run(REQUESTS, per_second=5, sessions=sessions))
    return made


MIXED = (Kind.RATE_LIMITED, Kind.RATE_LIMITED, Kind.OVERLOADED, Kind.CONNECT, Kind.CUT, Kind.SILENT)


@pytest.mark.parametrize("strategy", list(AccountStrategy))
def test_no_request_fails_that_an_account_could_have_served(strategy: AccountStrategy) -> None:
    made = simulated(strategy, *MIXED, share=0.2)
    assert made.stranded == []
    assert made.disturbed == [], "no account is called while it cools, but for its probe"
    assert len(made.unserved) <= REQUESTS / 1000, made.unserved
    assert made.served.total() + len(made.unserved) == REQUESTS
    assert made.asked.total() > REQUESTS * 1.15


EVEN = {
    AccountStrategy.ROUND_ROBIN: 0.03,
    AccountStrategy.RANDOM: 0.03,
    AccountStrategy.LEAST_USED: 0.03,
    AccountStrategy.P2C: 0.06,  # who failed within five minutes is spared on purpose
}


@pytest.mark.parametrize(("strategy", "off"), EVEN.items())
def test_the_load_is_spread_evenly_where_the_strategy_says_so(strategy: AccountStrategy, off: float) -> None:
    made = simulated(strategy, *MIXED, share=0.02)
    assert made.unserved == []
    shares = {one.name: made.served[one.name] / REQUESTS for one in FIVE}
    assert all(share == pytest.approx(0.2, abs=off) for share in shares.values()), shares


def test_the_first_account_is_filled_first() -> None:
    made = simulated(AccountStrategy.FILL_FIRST, *MIXED, share=0.02)
    assert made.unserved == []
    counts = [made.served[one.name] for one in FIVE]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 0.7 * REQUESTS


def test_a_session_stays_with_its_account_but_while_that_one_fails() -> None:
    made = simulated(AccountStrategy.ROUND_ROBIN, *MIXED, share=0.02, sessions=200)
    assert made.unserved == []
    home: Counter[str] = Counter()
    for session, counts in made.by_session.items():
        first = by_session(FIVE, session)[0].name
        home["at home"] += counts[first]
        assert counts.most_common(1)[0][0] == first, (session, counts)
    assert home.total() / REQUESTS > 0.85


def test_accounts_that_are_gone_for_good_cost_the_others_nothing() -> None:
    chance = Random(3)  # noqa: S311 - chance that repeats
    flaky = now_and_then(chance, 0.02, *MIXED)

    def fate(account: Account, now_s: float) -> Failure | None:
        if account.name in "ab":
            return Failure(kind=Kind.AUTH, message="no such key", status=401)
        return flaky(account, now_s)

    made = Simulation(fate, Preferences(), chance)
    run(made.run(REQUESTS, per_second=5))
    assert made.unserved == []
    assert made.disturbed == []
    for name in "ab":
        assert 3 <= made.asked[name] <= 6, "three refusals, and who was under way; then a person has to help"


def test_an_outage_of_all_is_told_and_when_it_is_over_all_are_served() -> None:
    chance = Random(4)  # noqa: S311 - chance that repeats
    begins_s, ends_s = 1300.0, 1600.0

    def fate(account: Account, now_s: float) -> Failure | None:
        del account
        return Failure(kind=Kind.OVERLOADED, message="down") if begins_s <= now_s < ends_s else None

    made = Simulation(fate, Preferences(), chance)
    run(made.run(REQUESTS, per_second=5))
    during = 5 * (ends_s - begins_s)
    assert made.disturbed == []
    assert made.asked.total() - made.served.total() < 0.1 * during, "a provider that is down is let alone"
    assert len(made.unserved) < 2.1 * during, "and tried again within the breaker's longest pause"
    assert len(made.unserved) > 0.5 * during
