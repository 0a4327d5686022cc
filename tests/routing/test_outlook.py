"""When a client whom nobody can serve is told to come back."""

from math import inf
from random import Random

import pytest

from omniroute.routing.outlook import CIRCUIT_OPEN, Obstacle, Scope, ask_again_s

NOW_S = 1_000_000.0


def told(*obstacles: Obstacle, seed: int = 1) -> float | None:
    return ask_again_s(obstacles, now_s=NOW_S, rng=Random(seed))  # noqa: S311  # spreads, no secret


@pytest.mark.parametrize(
    "obstacle",
    [
        Obstacle(Scope.LIMIT, "rate_limit_exceeded", NOW_S + 40),
        Obstacle(Scope.ACCOUNT, "quota_exhausted", NOW_S + 40),
        Obstacle(Scope.BUDGET, "budget_exceeded", NOW_S + 40),
    ],
)
def test_an_end_that_others_chose_is_told_as_it_is(obstacle: Obstacle) -> None:
    assert told(obstacle) == 40


def test_clients_of_an_end_that_we_chose_come_back_one_after_the_other() -> None:
    broken = Obstacle(Scope.BREAKER, CIRCUIT_OPEN, NOW_S + 40)
    waits = {told(broken, seed=seed) or 0.0 for seed in range(20)}
    assert len(waits) == 20
    assert min(waits) >= 40
    assert max(waits) <= 44


def test_the_first_that_is_over_counts_and_nobody_comes_back_at_once() -> None:
    late, past = (Obstacle(Scope.LIMIT, "rate_limit_exceeded", NOW_S + left) for left in (90, -5))
    never = Obstacle(Scope.ACCOUNT, "auth_error", inf)
    assert told(never, late) == 90
    assert told(late, past) == 1


def test_nothing_is_told_where_only_a_person_can_help() -> None:
    assert told() is None
    assert told(Obstacle(Scope.ACCOUNT, "auth_error", inf)) is None
