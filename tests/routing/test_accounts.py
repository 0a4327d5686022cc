"""In which order a provider's accounts are asked."""

from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.records import Account, AccountStrategy
from omniroute.routing.accounts import STRATEGIES, Pick, by_session
from omniroute.routing.outlook import Load
from tests.routing.samples import account

FIVE = tuple(account("one", name) for name in "abcde")
DRAWS = 6_000


def pick(*loads: Load, seed: int = 1, sticky: int = 3) -> Pick:
    known = dict(zip((one.id for one in FIVE), loads, strict=False))
    chance = Random(seed)  # noqa: S311 - chance that repeats
    return Pick(lambda one: known.get(one.id, Load()), chance, sticky)


def names(accounts: Sequence[Account]) -> str:
    return "".join(one.name for one in accounts)


def order(strategy: AccountStrategy, picked: Pick, accounts: Sequence[Account] = FIVE) -> str:
    return names(STRATEGIES[strategy](accounts, picked))


@pytest.mark.parametrize("strategy", list(AccountStrategy))
@given(seed=st.integers(0, 1000), count=st.integers(0, 5))
def test_every_strategy_gives_each_account_once(strategy: AccountStrategy, seed: int, count: int) -> None:
    found = order(strategy, pick(seed=seed), FIVE[:count])
    assert sorted(found) == sorted(names(FIVE[:count]))


@pytest.mark.parametrize("strategy", [AccountStrategy.FILL_FIRST, AccountStrategy.COST_OPTIMIZED])
def test_by_priority_the_first_is_filled_first(strategy: AccountStrategy) -> None:
    assert order(strategy, pick(Load(in_flight=50, uses_last_hour=1000))) == "abcde"


@given(sticky=st.integers(0, 5), rounds=st.integers(1, 40))
def test_in_turn_each_gets_its_run_and_then_the_one_unused_the_longest(sticky: int, rounds: int) -> None:
    loads = [Load() for _ in FIVE]
    served: list[str] = []
    for at in range(rounds):
        first = order(AccountStrategy.ROUND_ROBIN, pick(*loads, sticky=sticky))[0]
        place = "abcde".index(first)
        runs = loads[place].consecutive_uses + 1 if served[-1:] == [first] else 1
        loads[place] = Load(last_used_s=float(at), consecutive_uses=runs)
        served.append(first)
    run = max(sticky, 1)
    assert served == ["abcde"[at // run % 5] for at in range(rounds)]


def test_of_two_drawn_the_less_busy_is_asked() -> None:
    picked = pick(Load(in_flight=9), Load(), Load(in_flight=9), Load(in_flight=9), Load(in_flight=9), seed=2)
    firsts = Counter(order(AccountStrategy.P2C, picked)[0] for _ in range(DRAWS))
    share = firsts["b"] / DRAWS
    assert share == pytest.approx(2 / 5, abs=0.03), "it wins whenever it is drawn: 4 of 10 pairs"


def test_two_draws_among_equals_spread_over_all() -> None:
    picked = pick(seed=4)
    firsts: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    for _ in range(DRAWS):
        found = order(AccountStrategy.P2C, picked)
        firsts[found[0]] += 1
        seconds[found[1]] += 1
    for drawn in (firsts, seconds):
        assert all(drawn[name] / DRAWS == pytest.approx(1 / 5, abs=0.025) for name in "abcde"), drawn


@pytest.mark.parametrize(
    "busy", [Load(in_flight=1), Load(failed_recently=True), Load(backoff_level=1), Load(queued=1)]
)
def test_of_two_everything_that_makes_busy_counts(busy: Load) -> None:
    picked = pick(busy)
    assert {order(AccountStrategy.P2C, picked, FIVE[:2]) for _ in range(50)} == {"ba"}


def test_at_random_all_are_first_equally_often() -> None:
    picked = pick(seed=9)
    firsts = Counter(order(AccountStrategy.RANDOM, picked)[0] for _ in range(DRAWS))
    assert all(firsts[name] / DRAWS == pytest.approx(1 / 5, abs=0.025) for name in "abcde"), firsts


@given(uses=st.lists(st.integers(0, 3), min_size=5, max_size=5), seen=st.permutations(range(5)))
def test_by_use_the_least_used_then_the_one_unused_the_longest(uses: list[int], seen: list[int]) -> None:
    loads = [Load(uses_last_hour=use, last_used_s=at) for use, at in zip(uses, seen, strict=True)]
    wanted = sorted(range(5), key=lambda place: (uses[place], seen[place]))
    assert order(AccountStrategy.LEAST_USED, pick(*loads)) == "".join("abcde"[place] for place in wanted)


SESSIONS = [f"session {number}" for number in range(1_000)]


def test_sessions_are_spread_evenly() -> None:
    firsts = Counter(by_session(FIVE, session)[0].name for session in SESSIONS)
    assert all(firsts[name] / len(SESSIONS) == pytest.approx(1 / 5, abs=0.05) for name in "abcde"), firsts


def test_who_joins_takes_its_share_and_moves_nobody_elses() -> None:
    before = {session: by_session(FIVE[:4], session)[0] for session in SESSIONS}
    after = {session: by_session(FIVE, session)[0] for session in SESSIONS}
    moved = [session for session in SESSIONS if before[session] != after[session]]
    assert all(after[session] == FIVE[4] for session in moved)
    assert len(moved) / len(SESSIONS) == pytest.approx(1 / 5, abs=0.05)


@given(session=st.text(max_size=40), gone=st.integers(0, 4))
def test_who_leaves_changes_nothing_in_the_order_of_the_others(session: str, gone: int) -> None:
    left = [one for place, one in enumerate(FIVE) if place != gone]
    everybody = by_session(FIVE, session)
    assert by_session(left, session) == [one for one in everybody if one is not FIVE[gone]]


@given(session=st.text(max_size=40), shuffled=st.permutations(FIVE))
def test_a_sessions_order_does_not_depend_on_how_accounts_are_listed(
    session: str, shuffled: list[Account]
) -> None:
    assert by_session(shuffled, session) == by_session(FIVE, session)
