"""What comes after a failed attempt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.errors import Failure, FailureKind
from omniroute.routing.decide import AFTER, Next, decide
from omniroute.routing.plan import Attempt
from tests.routing.samples import account, provider

ONE, TWO = provider("one", "m"), provider("two", "m")
A = Attempt(ONE, account("one", "a"), "m")
B = Attempt(ONE, account("one", "b"), "m")
C = Attempt(TWO, account("two", "c"), "m")
PLAN = (A, B, C)


def failed(attempt: Attempt, kind: FailureKind) -> tuple[Attempt, Failure]:
    return attempt, Failure(kind=kind, message="no")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (FailureKind.CONNECT, A),
        (FailureKind.SLOW, B),
        (FailureKind.OVERLOADED, B),
        (FailureKind.RATE_LIMITED, B),
        (FailureKind.QUOTA, B),
        (FailureKind.AUTH, B),
        (FailureKind.PROTOCOL, B),
        (FailureKind.CUT, B),
        (FailureKind.SILENT, B),
        (FailureKind.NO_MODEL, C),
        (FailureKind.TOO_LONG, C),
        (FailureKind.BAD_REQUEST, None),
        (FailureKind.CONTENT, None),
        (FailureKind.CLIENT_GONE, None),
    ],
)
def test_after_the_first_failure(kind: FailureKind, expected: Attempt | None) -> None:
    assert decide(PLAN, [failed(A, kind)]) == expected


def test_every_kind_of_failure_has_its_next_step() -> None:
    assert set(AFTER) == set(FailureKind)


def test_the_first_attempt_needs_no_failure() -> None:
    assert decide(PLAN, []) == A
    assert decide((), []) is None


@pytest.mark.parametrize(
    ("failures", "expected"),
    [
        ([(A, FailureKind.CONNECT), (A, FailureKind.CONNECT)], B),
        ([(A, FailureKind.CONNECT), (A, FailureKind.AUTH)], B),
        ([(A, FailureKind.AUTH), (B, FailureKind.CONNECT)], B),
        ([(A, FailureKind.AUTH), (B, FailureKind.NO_MODEL)], C),
        ([(A, FailureKind.NO_MODEL), (C, FailureKind.SLOW)], None),
        ([(A, FailureKind.AUTH), (B, FailureKind.AUTH), (C, FailureKind.AUTH)], None),
        ([(A, FailureKind.AUTH), (B, FailureKind.BAD_REQUEST)], None),
    ],
)
def test_after_several_failures(
    failures: list[tuple[Attempt, FailureKind]], expected: Attempt | None
) -> None:
    assert decide(PLAN, [failed(*one) for one in failures]) == expected


@given(kinds=st.lists(st.sampled_from(list(FailureKind)), min_size=12, max_size=12))
def test_it_ends_and_asks_nobody_more_than_twice(kinds: list[FailureKind]) -> None:
    failures: list[tuple[Attempt, Failure]] = []
    for kind in kinds:
        attempt = decide(PLAN, failures)
        if attempt is None:
            break
        failures.append(failed(attempt, kind))
    asked = [attempt for attempt, _ in failures]
    assert len(failures) <= 2 * len(PLAN)
    for attempt in PLAN:
        twice = asked.count(attempt) == 2
        assert asked.count(attempt) <= 2
        assert not twice or (attempt, failed(attempt, FailureKind.CONNECT)[1]) in failures


def test_the_same_account_is_tried_again_only_where_the_table_says_so() -> None:
    again = {kind for kind, steps in AFTER.items() if Next.SAME_ACCOUNT in steps}
    assert again == {FailureKind.CONNECT}
