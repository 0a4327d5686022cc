"""What may be asked after what has happened."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from omniroute.errors import FailureKind
from omniroute.gateway.health.book import MODELS_OF_AN_ACCOUNT, PROBE_S, HealthBook
from omniroute.records import Preferences
from omniroute.records.logins import Login
from omniroute.routing.health import EFFECTS, BreakerState, Reach
from omniroute.routing.outlook import CIRCUIT_OPEN, PROBING, Obstacle, Scope
from omniroute.routing.plan import Attempt
from tests.gateway.health.world import ONE, TWO, A, B, C, HandClock, attempt, book_of, call, failure

Kind = FailureKind
REACHES = {kind: effect.reach for kind, effect in EFFECTS.items()}


def reason(obstacle: Obstacle | None) -> str | None:
    return None if obstacle is None else obstacle.reason


@pytest.mark.parametrize("kind", list(FailureKind))
def test_a_failure_holds_up_the_model_the_account_or_nothing(kind: FailureKind) -> None:
    book = book_of(HandClock())
    call(book, kind)
    same, other_model = book.obstacle(ONE, A, "m"), book.obstacle(ONE, A, "n")
    assert (same is not None) is (REACHES[kind] is not None)
    assert (other_model is not None) is (REACHES[kind] is Reach.ACCOUNT)
    assert book.obstacle(ONE, B, "m") is None
    assert reason(same) == (EFFECTS[kind].reason or None)


def test_accounts_that_were_signed_in_have_a_patience_of_their_own() -> None:
    clock = HandClock()
    book = book_of(clock)
    login = Login(token_url="https://vendor.example/token")
    for who in (A, replace(B, login=login)):
        call(book, Kind.SLOW, who)
    lasts = [book.locks[one.id, "m"].until_s - book.now_s for one in (A, B)]
    profiles = Preferences().provider_profiles
    assert [seconds * 1000 for seconds in lasts] == pytest.approx(
        [profiles.apikey.transient_cooldown, profiles.oauth.transient_cooldown]
    )


@pytest.mark.parametrize("kind", [kind for kind, reach in REACHES.items() if reach is None])
def test_what_the_client_caused_leaves_no_trace(kind: FailureKind) -> None:
    book = book_of(HandClock())
    for _ in range(20):
        call(book, kind)
    assert (book.breakers, book.cooldowns, book.locks, book.changed) == ({}, {}, {}, set())
    assert book.success_rate(ONE, "m") is None
    assert not book.load(A).failed_recently


def test_an_account_is_asked_again_when_its_time_has_come_and_an_answer_forgets_all() -> None:
    clock = HandClock()
    book = book_of(clock)
    call(book, Kind.RATE_LIMITED, retry_after_s=20.0)
    clock.pass_s(19.9)
    assert reason(book.obstacle(ONE, A, "m")) == "rate_limit_exceeded"
    clock.pass_s(0.1)
    assert book.obstacle(ONE, A, "m") is None
    assert book.is_probe(ONE, A, "m")
    call(book)
    assert not book.is_probe(ONE, A, "m")
    assert book.locks == {}


def test_while_one_probes_the_others_wait_but_not_for_long() -> None:
    clock = HandClock()
    book = book_of(clock)
    call(book, Kind.OVERLOADED)
    clock.pass_s(3.0)
    probe = attempt(book)
    assert probe.is_probe
    book.begin(probe)
    held = book.obstacle(ONE, A, "m")
    assert held is not None
    assert (held.reason, held.until_s - book.now_s) == (PROBING, PROBE_S)
    clock.pass_s(PROBE_S)
    assert book.obstacle(ONE, A, "m") is None
    book.end(probe, None)
    assert not book.is_probe(ONE, A, "m")


def test_only_the_probe_itself_ends_what_it_holds() -> None:
    clock = HandClock()
    book = book_of(clock)
    call(book, Kind.OVERLOADED)
    clock.pass_s(3.0)
    first, second = attempt(book), attempt(book)
    book.begin(first)
    book.begin(second)
    book.end(second, failure(Kind.CLIENT_GONE))
    assert reason(book.obstacle(ONE, A, "m")) == PROBING
    book.end(first, failure(Kind.CLIENT_GONE))
    assert book.obstacle(ONE, A, "m") is None


def test_a_probe_that_fails_keeps_away_for_longer() -> None:
    clock = HandClock()
    book = book_of(clock)
    for lasts_s in (3.0, 6.0, 12.0):
        call(book, Kind.OVERLOADED)
        held = book.obstacle(ONE, A, "m")
        assert held is not None
        assert held.until_s - book.now_s == pytest.approx(lasts_s)
        clock.pass_s(lasts_s)


def test_an_answer_lifts_nothing_that_came_after_it_was_asked_for() -> None:
    clock = HandClock()
    book = book_of(clock)
    early = attempt(book)
    book.begin(early)
    clock.pass_s(1.0)
    call(book, Kind.RATE_LIMITED, retry_after_s=60.0)
    call(book, Kind.QUOTA, retry_after_s=60.0)
    clock.pass_s(1.0)
    book.end(early, None)
    assert reason(book.obstacle(ONE, A, "m")) == "quota_exhausted"
    assert (A.id, "m") in book.locks


def test_an_answer_asked_for_before_a_breaker_opened_does_not_close_it() -> None:
    clock = HandClock()
    book = book_of(clock)
    early = attempt(book, B)
    book.begin(early)
    clock.pass_s(1.0)
    for _ in range(5):
        call(book, Kind.OVERLOADED)
    book.end(early, None)
    assert reason(book.obstacle(ONE, B, "m")) == CIRCUIT_OPEN


def test_several_models_locked_at_once_hold_up_the_account() -> None:
    book = book_of(HandClock())
    for model in ONE.models[: MODELS_OF_AN_ACCOUNT - 1]:
        call(book, Kind.RATE_LIMITED, model=model.id, retry_after_s=30.0)
    assert book.obstacle(ONE, A, "p") is None
    call(book, Kind.RATE_LIMITED, model="o", retry_after_s=9.0)
    held = book.obstacle(ONE, A, "p")
    assert held is not None
    assert held.scope is Scope.ACCOUNT
    assert held.until_s - book.now_s == pytest.approx(9.0)


def test_models_that_do_not_exist_say_nothing_of_the_account() -> None:
    book = book_of(HandClock())
    for model in ONE.models[:3]:
        call(book, Kind.NO_MODEL, model=model.id)
    assert book.obstacle(ONE, A, "p") is None


def test_five_failures_in_a_row_of_all_accounts_stop_the_provider_and_tell_of_it() -> None:
    clock = HandClock()
    book = book_of(clock)
    told = book.switched
    book.accounts_of = {"one": (A.id, B.id)}.__getitem__
    for who in (A, B, A, B):
        call(book, Kind.OVERLOADED, who)
    call(book, who=B)
    for who in (A, B, A, B, A):
        assert not told
        call(book, Kind.OVERLOADED, who)
    assert list(told) == [("one", BreakerState.OPEN)]
    assert reason(book.obstacle(ONE, B, "n")) == CIRCUIT_OPEN
    assert book.obstacle(TWO, C, "m") is None
    clock.pass_s(30.0)
    assert book.obstacle(ONE, B, "n") is None
    probe = attempt(book, B, model="n")
    assert probe.is_probe
    book.begin(probe)
    assert reason(book.obstacle(ONE, A, "n")) == PROBING
    book.end(probe, None)
    assert list(told) == [("one", BreakerState.OPEN), ("one", BreakerState.CLOSED)]


def test_one_accounts_failures_stop_no_provider_while_another_could_answer() -> None:
    book = book_of(HandClock())
    book.accounts_of = lambda _: (A.id, B.id)
    for _ in range(20):
        call(book, Kind.OVERLOADED, A)
    assert book.obstacle(ONE, B, "m") is None
    call(book, Kind.OVERLOADED, B)
    assert reason(book.obstacle(ONE, B, "n")) == CIRCUIT_OPEN


def test_an_account_that_is_away_itself_is_not_waited_for_before_the_provider_is_stopped() -> None:
    book = book_of(HandClock())
    book.accounts_of = lambda _: (A.id, B.id)
    call(book, Kind.AUTH, B)
    for _ in range(5):
        call(book, Kind.OVERLOADED, A)
    assert reason(book.obstacle(ONE, A, "n")) == CIRCUIT_OPEN


def test_while_one_probes_an_open_breaker_early_the_others_wait_and_its_answer_closes_it() -> None:
    clock = HandClock()
    book = book_of(clock)
    for _ in range(5):
        call(book, Kind.OVERLOADED)
    clock.pass_s(4.0)
    assert reason(book.obstacle(ONE, A, "m")) == CIRCUIT_OPEN
    assert book.obstacle_of_account(A, "m") is None
    probe = attempt(book)
    book.begin(probe)
    held = book.obstacle(ONE, B, "m")
    assert held is not None
    assert (held.reason, held.until_s - book.now_s) == (PROBING, PROBE_S)
    book.end(probe, None)
    assert book.obstacle(ONE, B, "m") is None
    assert book.breakers == {}


@pytest.mark.parametrize("shift_s", [-86_400.0, -1.0, 3_600.0])
def test_setting_the_machines_clock_changes_no_cooldown_while_we_run(shift_s: float) -> None:
    clock = HandClock()
    book = book_of(clock)
    call(book, Kind.RATE_LIMITED, retry_after_s=20.0)
    clock.wall_s += shift_s
    clock.pass_s(19.9)
    assert book.obstacle(ONE, A, "m") is not None
    clock.pass_s(0.2)
    assert book.obstacle(ONE, A, "m") is None


def test_a_learned_limit_with_nothing_left_holds_the_account_up_until_it_is_reset() -> None:
    clock = HandClock()
    book = book_of(clock)
    made = attempt(book)
    book.begin(made)
    told = {"x-ratelimit-limit-requests": "10", "x-ratelimit-remaining-requests": "0",
            "x-ratelimit-reset-requests": "6s"}  # fmt: skip
    book.end(made, None, headers=told)
    held = book.obstacle(ONE, A, "n")
    assert held is not None
    assert (held.scope, held.until_s - book.now_s) == (Scope.LIMIT, 6.0)
    clock.pass_s(6.0)
    assert book.obstacle(ONE, A, "n") is None


@pytest.mark.parametrize(
    ("kinds", "model", "left"),
    [
        ((Scope.ACCOUNT,), None, {"account": False, "model": True, "breaker": True}),
        ((Scope.MODEL,), None, {"account": True, "model": False, "breaker": True}),
        ((Scope.MODEL,), "other", {"account": True, "model": True, "breaker": True}),
        ((Scope.BREAKER,), None, {"account": True, "model": True, "breaker": False}),
    ],
)
def test_a_person_lifts_what_they_name(
    kinds: tuple[Scope, ...], model: str | None, left: dict[str, bool]
) -> None:
    book = book_of(HandClock())
    call(book, Kind.QUOTA)
    for _ in range(5):
        call(book, Kind.OVERLOADED)
    book.changed.clear()
    lifted = book.clear(kinds, model=model)
    assert {
        "account": bool(book.cooldowns),
        "model": bool(book.locks),
        "breaker": bool(book.breakers),
    } == left
    assert sum(lifted.values()) == len(book.changed) == list(left.values()).count(False)


def test_load_counts_calls_under_way_and_of_the_last_hour() -> None:
    clock = HandClock()
    book = book_of(clock)
    running = [attempt(book), attempt(book)]
    for one in running:
        book.begin(one)
    call(book, who=B)
    call(book, Kind.OVERLOADED, B)
    assert (book.load(A).in_flight, book.load(B).in_flight) == (2, 0)
    assert (book.load(A).failed_recently, book.load(B).failed_recently) == (False, True)
    assert (book.load(B).uses_last_hour, book.load(B).consecutive_uses) == (2, 2)
    clock.pass_s(3_601.0)
    assert book.load(B).uses_last_hour == 0
    assert not book.load(B).failed_recently
    for one in running:
        book.end(one, failure(Kind.CLIENT_GONE))
    assert book.load(A).in_flight == 0


@given(kinds=st.lists(st.none() | st.sampled_from(list(FailureKind)), max_size=40))
def test_nothing_stays_behind_of_calls_that_have_ended(kinds: list[FailureKind | None]) -> None:
    clock = HandClock()
    book = book_of(clock)
    under_way = []
    for kind in kinds:
        made = attempt(book)
        book.begin(made)
        under_way.append((made, kind))
        clock.pass_s(0.7)
    for made, kind in under_way:
        book.end(made, None if kind is None else failure(kind))
    assert book.uses.in_flight() == {}
    call(book)
    clock.pass_s(PROBE_S)
    assert all((held := book.obstacle(ONE, A, "m")) is None or held.reason != PROBING for _ in range(1))


class Asking(RuleBasedStateMachine):
    """Requests that ask only whom the book lets them ask, through failures, waits and a moved clock."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = HandClock()
        self.book: HealthBook = book_of(self.clock, Preferences())
        self.running: list[tuple[Attempt, float]] = []
        self.promised: dict[str, float] = {}
        """Account id to the end of what it was told to wait, by our own reckoning."""

    @rule(seconds=st.floats(0, 40))
    def time_passes(self, seconds: float) -> None:
        self.clock.pass_s(seconds)

    @rule(seconds=st.floats(-1e5, 1e5))
    def somebody_sets_the_clock(self, seconds: float) -> None:
        self.clock.wall_s += seconds

    @rule(who=st.sampled_from([A, B]))
    def a_request_asks_whom_it_may(self, who: object) -> None:
        account = A if who is A else B
        if self.book.obstacle(ONE, account, "m") is not None:
            return
        assert self.clock.monotonic_s() >= self.promised.get(account.id, 0.0), "it is asked while it cools"
        made = attempt(self.book, account)
        self.book.begin(made)
        self.running.append((made, self.clock.monotonic_s()))

    @precondition(lambda self: self.running)
    @rule(place=st.integers(0, 5), told_s=st.floats(1, 300))
    def one_is_told_to_wait(self, place: int, told_s: float) -> None:
        made, _ = self.running.pop(place % len(self.running))
        lock = self.book.locks.get((made.account.id, made.model))
        is_new = lock is None or self.book.now_s >= lock.until_s
        self.book.end(made, failure(Kind.RATE_LIMITED, told_s))
        if is_new:
            self.promised[made.account.id] = self.clock.monotonic_s() + told_s - 1e-6

    @precondition(lambda self: self.running)
    @rule(place=st.integers(0, 5), kind=st.sampled_from([Kind.OVERLOADED, Kind.AUTH, Kind.CLIENT_GONE]))
    def one_fails(self, place: int, kind: FailureKind) -> None:
        made, _ = self.running.pop(place % len(self.running))
        self.book.end(made, failure(kind))

    @precondition(lambda self: self.running)
    @rule(place=st.integers(0, 5))
    def one_is_answered(self, place: int) -> None:
        made, _ = self.running.pop(place % len(self.running))
        self.book.end(made, None)

    @rule()
    def a_person_clears_all(self) -> None:
        self.book.clear()
        self.promised.clear()

    @invariant()
    def what_is_held_up_ends_or_needs_a_person(self) -> None:
        for account in (A, B):
            held = self.book.obstacle(ONE, account, "m")
            if held is not None:
                assert held.until_s > self.book.now_s
                assert math.isfinite(held.until_s) or held.reason == "auth_error"

    @invariant()
    def counts_are_right(self) -> None:
        in_flight = self.book.uses.in_flight()
        assert sum(in_flight.values()) == len(self.running)


TestAsking = Asking.TestCase
