"""What comes after a failed attempt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.errors import Failure, FailureKind
from omniroute.records import ModelFacts
from omniroute.routing.decide import AFTER, BACKOFF_S, LONGEST_WAIT_S, Next, Step, decide
from omniroute.routing.plan import Attempt
from omniroute.routing.route import Effective
from tests.routing.samples import account, provider

ONE, TWO = provider("one", "m"), provider("two", "m")
A = Attempt(ONE, account("one", "a"), "m")
B = Attempt(ONE, account("one", "b"), "m")
C = Attempt(TWO, account("two", "c"), "m")
PLAN = (A, B, C)

Kind = FailureKind
ASKED_AGAIN_WHEN_ALONE = {Kind.CONNECT, Kind.OVERLOADED, Kind.RATE_LIMITED}


def failed(
    attempt: Attempt, kind: FailureKind, retry_after_s: float | None = None
) -> tuple[Attempt, Failure]:
    return attempt, Failure(kind=kind, message="no", retry_after_s=retry_after_s)


def asked(step: Step | None) -> Attempt | None:
    return None if step is None else step.attempt


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Kind.CONNECT, A),
        (Kind.SLOW, B),
        (Kind.OVERDUE, C),
        (Kind.OVERLOADED, B),
        (Kind.RATE_LIMITED, B),
        (Kind.QUOTA, B),
        (Kind.AUTH, B),
        (Kind.PROTOCOL, B),
        (Kind.CUT, B),
        (Kind.SILENT, B),
        (Kind.NO_MODEL, C),
        (Kind.TOO_LONG, None),
        (Kind.CANNOT_EXPRESS, C),
        (Kind.BAD_REQUEST, None),
        (Kind.CONTENT, None),
        (Kind.CLIENT_GONE, None),
    ],
)
def test_after_the_first_failure(kind: FailureKind, expected: Attempt | None) -> None:
    step = decide(PLAN, [failed(A, kind)])
    assert asked(step) == expected
    assert step is None or step.delay_s == 0, "while others are left nobody waits"


def test_every_kind_of_failure_has_its_next_step() -> None:
    assert set(AFTER) == set(FailureKind)


def test_the_first_attempt_needs_no_failure() -> None:
    assert decide(PLAN, []) == Step(A)
    assert decide((), []) is None


@pytest.mark.parametrize(
    ("failures", "expected"),
    [
        ([(A, Kind.CONNECT), (A, Kind.CONNECT)], B),
        ([(A, Kind.CONNECT), (A, Kind.AUTH)], B),
        ([(A, Kind.AUTH), (B, Kind.CONNECT)], B),
        ([(A, Kind.AUTH), (B, Kind.NO_MODEL)], C),
        ([(A, Kind.AUTH), (B, Kind.CANNOT_EXPRESS)], C),
        ([(A, Kind.OVERLOADED), (B, Kind.RATE_LIMITED)], C),
        ([(A, Kind.OVERDUE), (C, Kind.OVERDUE)], B),
        ([(A, Kind.OVERDUE), (C, Kind.OVERDUE), (B, Kind.OVERDUE)], None),
        ([(A, Kind.NO_MODEL), (C, Kind.SLOW)], None),
        ([(A, Kind.AUTH), (B, Kind.AUTH), (C, Kind.AUTH)], None),
        ([(A, Kind.AUTH), (B, Kind.BAD_REQUEST)], None),
        ([(A, Kind.OVERLOADED), (B, Kind.CONTENT)], None),
    ],
)
def test_after_several_failures(
    failures: list[tuple[Attempt, FailureKind]], expected: Attempt | None
) -> None:
    assert asked(decide(PLAN, [failed(*one) for one in failures])) == expected


@pytest.mark.parametrize("kind", list(FailureKind))
def test_the_only_account_is_asked_once_more_where_that_may_help(kind: FailureKind) -> None:
    wait_s = 4.0
    failures = [failed(A, kind, wait_s)] * (2 if kind is Kind.CONNECT else 1)
    step = decide((A,), failures)
    if kind is Kind.CONNECT:
        assert step is None, "it was asked twice at once"
    elif kind in ASKED_AGAIN_WHEN_ALONE:
        assert step == Step(A, wait_s)
        assert decide((A,), [*failures, failed(A, kind, wait_s)]) is None
    else:
        assert step is None


@pytest.mark.parametrize(
    ("kind", "retry_after_s", "expected"),
    [
        (Kind.OVERLOADED, None, Step(A, BACKOFF_S)),
        (Kind.OVERLOADED, 0.0, Step(A, 0.0)),
        (Kind.OVERLOADED, LONGEST_WAIT_S, Step(A, LONGEST_WAIT_S)),
        (Kind.OVERLOADED, LONGEST_WAIT_S + 0.1, None),
        (Kind.RATE_LIMITED, 2.5, Step(A, 2.5)),
        (Kind.RATE_LIMITED, LONGEST_WAIT_S + 0.1, None),
        (Kind.RATE_LIMITED, None, None),
    ],
)
def test_the_pause_is_the_one_that_was_asked_for(
    kind: FailureKind, retry_after_s: float | None, expected: Step | None
) -> None:
    assert decide((A,), [failed(A, kind, retry_after_s)]) == expected


def test_of_several_the_one_that_may_be_asked_soonest_is_asked_again() -> None:
    failures = [
        failed(A, Kind.RATE_LIMITED, 8.0),
        failed(B, Kind.RATE_LIMITED, 3.0),
        failed(C, Kind.OVERLOADED, 5.0),
    ]
    assert decide(PLAN, failures) == Step(B, 3.0)
    again = [*failures, failed(B, Kind.RATE_LIMITED, 3.0)]
    assert decide(PLAN, again) == Step(C, 5.0)


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_a_combo_says_how_often_and_after_what_pause(retries: int) -> None:
    config = Effective(max_retries=retries, retry_delay_ms=1500)
    attempt = Attempt(ONE, account("one", "a"), "m", config)
    failures: list[tuple[Attempt, Failure]] = []
    pauses = []
    while (step := decide((attempt,), failures)) is not None:
        pauses.append(step.delay_s)
        failures.append(failed(attempt, Kind.OVERLOADED))
        assert len(failures) < 10
    assert pauses == [0.0] + [1.5] * retries


def test_a_combo_may_let_others_try_what_one_refused_for_its_content() -> None:
    open_minded = Effective(fall_back_on_content=True)
    first, second, third = (Attempt(one.provider, one.account, "m", open_minded) for one in (A, B, C))
    assert asked(decide((first, second, third), [failed(first, Kind.CONTENT)])) == third
    assert decide((first, second), [failed(first, Kind.CONTENT)]) is None


def sized(name: str, tokens: int | None) -> Attempt:
    return Attempt(provider(name, ModelFacts(id="m", context_tokens=tokens)), account(name), "m")


def test_after_a_context_error_only_larger_windows_are_asked() -> None:
    small, middle, large = sized("s", 1_000), sized("m", 10_000), sized("l", 100_000)
    unknown = sized("u", None)
    order = (middle, small, unknown, large)
    assert asked(decide(order, [failed(middle, Kind.TOO_LONG)])) == large
    assert decide((large, small, middle), [failed(large, Kind.TOO_LONG)]) is None
    assert asked(decide((unknown, small), [failed(unknown, Kind.TOO_LONG)])) == small


def test_a_small_window_is_not_asked_after_the_larger_one_failed_for_other_reasons() -> None:
    small, smaller, large = sized("s", 1_000), sized("t", 500), sized("l", 100_000)
    failures = [failed(small, Kind.TOO_LONG), failed(large, Kind.OVERLOADED)]
    assert asked(decide((small, large, smaller), failures)) != smaller


@given(kinds=st.lists(st.sampled_from(list(FailureKind)), min_size=12, max_size=12))
def test_it_ends_and_asks_nobody_more_than_twice(kinds: list[FailureKind]) -> None:
    failures: list[tuple[Attempt, Failure]] = []
    for kind in kinds:
        step = decide(PLAN, failures)
        if step is None:
            break
        failures.append(failed(step.attempt, kind))
    asked_ones = [attempt for attempt, _ in failures]
    assert len(failures) <= 2 * len(PLAN)
    for attempt in PLAN:
        kinds_seen = {why.kind for one, why in failures if one == attempt}
        assert asked_ones.count(attempt) <= 2
        assert asked_ones.count(attempt) < 2 or kinds_seen & ASKED_AGAIN_WHEN_ALONE


@given(
    kinds=st.lists(
        st.sampled_from([kind for kind, steps in AFTER.items() if Next.OTHER_ACCOUNT in steps]),
        min_size=12,
        max_size=12,
    )
)
def test_nobody_gives_up_while_somebody_was_not_asked(kinds: list[FailureKind]) -> None:
    failures: list[tuple[Attempt, Failure]] = []
    for kind in kinds:
        if (step := decide(PLAN, failures)) is None:
            break
        failures.append(failed(step.attempt, kind))
    assert {id(attempt) for attempt, _ in failures} == {id(attempt) for attempt in PLAN}


def test_the_same_account_is_tried_again_only_where_the_table_says_so() -> None:
    at_once = {kind for kind, steps in AFTER.items() if Next.SAME_ACCOUNT in steps}
    later = {kind for kind, steps in AFTER.items() if Next.RETRY in steps}
    assert at_once == {Kind.CONNECT}
    assert later == ASKED_AGAIN_WHEN_ALONE
