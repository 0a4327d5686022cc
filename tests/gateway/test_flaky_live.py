"""Live requests over five flaky accounts; `python -m benchmarks.flaky` has ten thousand by each strategy."""

from pathlib import Path

import pytest

from omniroute.records import AccountStrategy
from tests.gateway.flaky_live import NAMES, STORM, run

REQUESTS = 1000


@pytest.mark.parametrize("strategy", [AccountStrategy.ROUND_ROBIN, AccountStrategy.FILL_FIRST])
def test_every_request_is_served_and_shares_are_what_the_strategy_says(
    tmp_path: Path, strategy: AccountStrategy
) -> None:
    made = run(tmp_path, strategy, REQUESTS)
    assert made.statuses == {200: REQUESTS}
    assert made.failed == {}
    assert made.disturbed == [], "no account is called while it cools, but for its probe"
    assert made.failures.total() > 50, "they are flaky"
    assert made.probes > 20
    off = 0.0 if strategy is AccountStrategy.FILL_FIRST else 0.02
    for name in NAMES:
        assert made.first[name] / REQUESTS == pytest.approx(made.due[name] / REQUESTS, abs=off + 1e-9), name


def test_in_a_storm_no_request_fails_that_an_account_could_have_served(tmp_path: Path) -> None:
    made = run(tmp_path, AccountStrategy.ROUND_ROBIN, REQUESTS // 2, seed=3, weather=STORM)
    assert made.statuses.total() == REQUESTS // 2
    assert made.failed, "it is a storm"
    assert made.stranded == []
    assert made.disturbed == []
