"""What failures cost a provider, an account, a model."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from omniroute.errors import Failure, FailureKind
from omniroute.records.preferences import Profile
from omniroute.routing.health import (
    ACCOUNT_S,
    CLOSED,
    EFFECTS,
    EXPIRED_AFTER,
    FOREVER,
    LONGEST_HINT_S,
    LONGEST_RATE_S,
    LONGEST_RESET_S,
    LONGEST_TRANSIENT_S,
    MAX_LEVEL,
    NO_MODEL_S,
    SHORTEST_HINT_S,
    Breaker,
    BreakerState,
    Cooldown,
    Reach,
    answered,
    cooled,
    failed,
)

Kind = FailureKind
PROFILE = Profile()
NOW_S = 1_000.0
COOLING = [kind for kind, effect in EFFECTS.items() if effect.reach is not None]


def failure(kind: FailureKind, retry_after_s: float | None = None, message: str = "no") -> Failure:
    return Failure(kind=kind, message=message, status=500, retry_after_s=retry_after_s)


def after(kind: FailureKind, retry_after_s: float | None = None) -> float:
    """How long the cooldown lasts that a first failure begins."""
    return cooled(None, failure(kind, retry_after_s), PROFILE, now_s=NOW_S).until_s - NOW_S


def test_every_kind_of_failure_has_its_effect() -> None:
    assert set(EFFECTS) == set(FailureKind)


@pytest.mark.parametrize(
    ("kind", "reach", "breaks"),
    [
        (Kind.CONNECT, Reach.MODEL, True),
        (Kind.SLOW, Reach.MODEL, True),
        (Kind.OVERLOADED, Reach.MODEL, True),
        (Kind.PROTOCOL, Reach.MODEL, True),
        (Kind.CUT, Reach.MODEL, True),
        (Kind.SILENT, Reach.MODEL, True),
        (Kind.RATE_LIMITED, Reach.MODEL, False),
        (Kind.NO_MODEL, Reach.MODEL, False),
        (Kind.QUOTA, Reach.ACCOUNT, False),
        (Kind.AUTH, Reach.ACCOUNT, False),
        (Kind.OVERDUE, None, False),
        (Kind.TOO_LONG, None, False),
        (Kind.CANNOT_EXPRESS, None, False),
        (Kind.BAD_REQUEST, None, False),
        (Kind.CONTENT, None, False),
        (Kind.CLIENT_GONE, None, False),
    ],
)
def test_only_what_the_provider_caused_costs_it_something(
    kind: FailureKind, reach: Reach | None, breaks: bool
) -> None:
    assert (EFFECTS[kind].reach, EFFECTS[kind].breaks) == (reach, breaks)


@pytest.mark.parametrize(
    ("kind", "lasts_s"),
    [
        (Kind.OVERLOADED, 3.0),
        (Kind.CONNECT, 3.0),
        (Kind.CUT, 3.0),
        (Kind.RATE_LIMITED, 1.0),
        (Kind.QUOTA, ACCOUNT_S),
        (Kind.AUTH, ACCOUNT_S),
        (Kind.NO_MODEL, NO_MODEL_S),
    ],
)
def test_how_long_a_first_failure_keeps_away_when_nobody_says(kind: FailureKind, lasts_s: float) -> None:
    assert after(kind) == lasts_s


@pytest.mark.parametrize(
    ("told_s", "lasts_s"),
    [(0.0, SHORTEST_HINT_S), (0.5, SHORTEST_HINT_S), (7.0, 7.0), (1e9, LONGEST_HINT_S)],
)
@pytest.mark.parametrize("kind", COOLING)
def test_what_the_provider_says_counts_within_bounds(
    kind: FailureKind, told_s: float, lasts_s: float
) -> None:
    assert after(kind, retry_after_s=told_s) == lasts_s


@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        (Kind.OVERLOADED, [3.0, 6.0, 12.0, 24.0, 48.0, LONGEST_TRANSIENT_S, LONGEST_TRANSIENT_S]),
        (Kind.RATE_LIMITED, [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, LONGEST_RATE_S, LONGEST_RATE_S]),
    ],
)
def test_each_failure_in_a_row_keeps_away_twice_as_long_up_to_a_cap(
    kind: FailureKind, steps: list[float]
) -> None:
    known: Cooldown | None = None
    found = []
    for _ in steps:
        now_s = NOW_S if known is None else known.until_s
        known = cooled(known, failure(kind), PROFILE, now_s=now_s)
        found.append(known.until_s - now_s)
    assert found == steps


def test_a_fixed_pause_for_rate_limits_does_not_grow() -> None:
    profile = Profile(rate_limit_cooldown=60_000)
    first = cooled(None, failure(Kind.RATE_LIMITED), profile, now_s=NOW_S)
    second = cooled(first, failure(Kind.RATE_LIMITED), profile, now_s=first.until_s)
    assert (first.until_s - NOW_S, second.until_s - first.until_s) == (60.0, 60.0)


@given(
    kinds=st.lists(st.sampled_from(COOLING), min_size=1, max_size=20),
    early=st.floats(0, 0.99),
)
def test_failures_of_the_same_wave_neither_extend_nor_harden_a_cooldown(
    kinds: list[FailureKind], early: float
) -> None:
    first = cooled(None, failure(kinds[0]), PROFILE, now_s=NOW_S)
    known = first
    for kind in kinds:
        now_s = NOW_S + early * (first.until_s - NOW_S)
        known = cooled(known, failure(kind, 500.0), PROFILE, now_s=now_s)
    assert known == first


def test_a_key_that_was_refused_three_times_in_a_row_waits_for_a_person() -> None:
    known: Cooldown | None = None
    for number in range(1, EXPIRED_AFTER + 1):
        now_s = NOW_S if known is None else known.until_s
        known = cooled(known, failure(Kind.AUTH, 5.0), PROFILE, now_s=now_s)
        assert (known.until_s == FOREVER) is (number == EXPIRED_AFTER)
    assert known is not None
    assert cooled(known, failure(Kind.OVERLOADED), PROFILE, now_s=1e12) == known


def test_another_failure_between_two_refusals_begins_their_count_anew() -> None:
    known: Cooldown | None = None
    for kind in (Kind.AUTH, Kind.AUTH, Kind.QUOTA, Kind.AUTH, Kind.AUTH):
        now_s = NOW_S if known is None else known.until_s
        known = cooled(known, failure(kind), PROFILE, now_s=now_s)
    assert known is not None
    assert known.until_s != FOREVER


@given(jitter=st.floats(0.8, 1.2), kind=st.sampled_from(COOLING))
def test_only_what_was_guessed_is_stretched(jitter: float, kind: FailureKind) -> None:
    guessed = cooled(None, failure(kind), PROFILE, now_s=0.0, jitter=jitter)
    told = cooled(None, failure(kind, 9.0), PROFILE, now_s=0.0, jitter=jitter)
    assert guessed.until_s == pytest.approx(after(kind) * jitter)
    assert told.until_s == 9.0


def test_what_is_kept_of_a_failure_is_short_and_says_why() -> None:
    kept = cooled(None, failure(Kind.QUOTA, message="x" * 10_000), PROFILE, now_s=0.0)
    assert (kept.reason, kept.status, kept.message) == ("quota_exhausted", 500, "x" * 200)


class Wards(RuleBasedStateMachine):
    """One account of one provider through failures, answers and time, beside what ought to hold."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = NOW_S
        self.cooldown: Cooldown | None = None
        self.breaker: Breaker = CLOSED
        self.in_a_row = 0
        self.refusals = 0

    @property
    def is_cooling(self) -> bool:
        return self.cooldown is not None and self.now_s < self.cooldown.until_s

    @rule(seconds=st.floats(0, 400))
    def time_passes(self, seconds: float) -> None:
        self.now_s += seconds

    @rule(kind=st.sampled_from(COOLING), told_s=st.none() | st.floats(0, 200))
    def a_request_fails(self, kind: FailureKind, told_s: float | None) -> None:
        """Also one that began before the cooldown did."""
        before, was_cooling = self.cooldown, self.is_cooling
        self.cooldown = cooled(before, failure(kind, told_s), PROFILE, now_s=self.now_s)
        if was_cooling:
            assert self.cooldown is before
        else:
            assert self.cooldown.since_s == self.now_s
            assert self.cooldown.until_s >= self.now_s + 0.8
            assert self.cooldown.level == (0 if before is None else min(before.level + 1, self.top(kind)))
            self.refusals = self.refusals + 1 if kind is Kind.AUTH else 0
        if EFFECTS[kind].breaks:
            self.breaks()

    def top(self, kind: FailureKind) -> int:
        return MAX_LEVEL if kind is Kind.RATE_LIMITED else PROFILE.max_backoff_level

    def breaks(self) -> None:
        before, state = self.breaker, self.breaker.state(self.now_s)
        self.breaker = failed(before, PROFILE, account_id="a", accounts=["a"], now_s=self.now_s)
        after_it = self.breaker.state(self.now_s)
        if state is BreakerState.OPEN:
            assert self.breaker is before
            return
        self.in_a_row += 1
        if state is BreakerState.HALF_OPEN:
            assert after_it is BreakerState.OPEN
            assert self.breaker.reset_s == min(before.reset_s * 2, LONGEST_RESET_S)
        else:
            opens = self.in_a_row >= PROFILE.circuit_breaker_threshold
            assert after_it is (BreakerState.OPEN if opens else BreakerState.CLOSED)

    @precondition(lambda self: not self.is_cooling)
    @rule()
    def a_request_is_answered(self) -> None:
        self.cooldown = None
        self.breaker = answered(self.breaker)
        self.in_a_row = self.refusals = 0
        assert self.breaker == CLOSED

    @invariant()
    def nobody_is_kept_away_longer_than_the_caps(self) -> None:
        if self.cooldown is None:
            return
        if self.refusals >= EXPIRED_AFTER:
            assert self.cooldown.until_s == FOREVER
        else:
            assert self.cooldown.until_s <= self.now_s + LONGEST_HINT_S

    @invariant()
    def an_open_breaker_is_tried_again_in_time(self) -> None:
        if self.breaker.state(self.now_s) is BreakerState.OPEN:
            assert self.breaker.until_s is not None
            assert self.breaker.until_s <= self.now_s + LONGEST_RESET_S


TestWards = Wards.TestCase


def test_a_breaker_opens_half_opens_and_closes() -> None:
    breaker = CLOSED
    for number in range(PROFILE.circuit_breaker_threshold):
        assert breaker.state(NOW_S) is BreakerState.CLOSED, number
        breaker = failed(breaker, PROFILE, account_id="a", accounts=["a"], now_s=NOW_S)
    assert breaker.until_s == NOW_S + 30.0
    assert breaker.state(NOW_S + 29.9) is BreakerState.OPEN
    assert breaker.state(NOW_S + 30.0) is BreakerState.HALF_OPEN
    assert answered(breaker) == CLOSED
    again = failed(breaker, PROFILE, account_id="b", accounts=["a", "b"], now_s=NOW_S + 31.0)
    assert (again.until_s, again.reset_s) == (NOW_S + 91.0, 60.0)


ANSWER = None


@given(
    outcomes=st.lists(st.sampled_from([*"abcdefg", ANSWER]), max_size=60),
    accounts=st.integers(1, 7),
    threshold=st.integers(1, 6),
)
def test_a_breaker_opens_when_failures_in_a_row_are_enough_and_of_enough_accounts(
    outcomes: list[str | None], accounts: int, threshold: int
) -> None:
    profile = Profile(circuit_breaker_threshold=threshold)
    names = "abcdefg"[:accounts]
    breaker, row = CLOSED, ""
    for name in outcomes:
        if name is ANSWER:
            breaker, row = answered(breaker), ""
        elif name in names:
            breaker = failed(breaker, profile, account_id=name, accounts=names, now_s=NOW_S)
            row += name
        opens = len(row) >= threshold and len(set(row)) >= min(threshold, accounts)
        assert breaker.state(NOW_S) is (BreakerState.OPEN if opens else BreakerState.CLOSED)
        assert breaker.failures == len(row)
        if opens:
            break


@pytest.mark.parametrize(
    ("row", "accounts", "opens"),
    [
        ("aaaaa", "a", True),
        ("aaaa", "a", False),
        ("aaaaa", "ab", False),
        ("aaaab", "ab", True),
        ("aaaaaaaaa", "abcde", False),
        ("abcd", "abcde", False),
        ("abcde", "abcde", True),
        ("abcde", "abcdefgh", True),
        ("aaaaaa", "", True),
    ],
)
def test_what_some_accounts_meet_says_nothing_of_the_provider(row: str, accounts: str, opens: bool) -> None:
    breaker = CLOSED
    for name in row:
        breaker = failed(breaker, PROFILE, account_id=name, accounts=accounts, now_s=NOW_S)
    assert (breaker.until_s is not None) is opens


def test_an_early_probe_that_fails_leaves_an_open_breaker_as_it_is() -> None:
    breaker = CLOSED
    for _ in range(PROFILE.circuit_breaker_threshold):
        breaker = failed(breaker, PROFILE, account_id="a", now_s=NOW_S)
    assert failed(breaker, PROFILE, account_id="a", now_s=NOW_S + 10.0) is breaker
    assert answered(breaker) == CLOSED


@given(shift=st.floats(-1e6, 1e6))
def test_only_differences_of_instants_matter(shift: float) -> None:
    plain = cooled(None, failure(Kind.OVERLOADED), PROFILE, now_s=0.0)
    moved = cooled(None, failure(Kind.OVERLOADED), PROFILE, now_s=shift)
    assert moved.until_s - shift == pytest.approx(plain.until_s, abs=1e-6)
    assert replace(moved, until_s=0.0, since_s=0.0) == replace(plain, until_s=0.0, since_s=0.0)
