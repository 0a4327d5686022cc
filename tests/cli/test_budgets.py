"""Budgets from the shell."""

import json
from typing import Any

import pytest

from omniroute.exit_codes import ExitCode
from tests.cli.shell import Run


@pytest.fixture
def key_id(run: Run) -> str:
    """A key named laptop."""
    made: dict[str, str] = json.loads(run("keys", "create", "laptop", "--json").stdout)
    return made["id"]


def listed(run: Run) -> dict[str, dict[str, Any]]:
    entries = json.loads(run("budgets", "list", "--json").stdout)["budgets"]
    return {one["keyName"]: one for one in entries}


def test_a_key_gets_a_budget_bit_by_bit(run: Run, key_id: str) -> None:
    run("budgets", "set", "laptop", "--daily", "5")
    said = run("budgets", "set", key_id, "--monthly", "50", "--warn", "0.9")

    assert said.stderr == "key 'laptop' may spend $5.00 a day, $50.00 a month\n"
    mine = listed(run)["laptop"]
    assert (mine["dailyLimitUsd"], mine["monthlyLimitUsd"], mine["warningThreshold"]) == (5, 50, 0.9)
    assert mine["status"] == "ok"


@pytest.mark.usefixtures("key_id")
def test_a_limit_is_removed_by_zero_and_a_budget_by_name(run: Run) -> None:
    run("budgets", "set", "laptop", "--daily", "5", "--weekly", "20")

    assert "$20.00 a week" in run("budgets", "set", "laptop", "--daily", "0").stderr
    assert run("budgets", "remove", "laptop").exit_code == 0
    assert run("budgets", "remove", "laptop").exit_code == ExitCode.NOT_FOUND
    assert listed(run)["laptop"]["status"] == "none"


def test_an_account_and_all_requests_have_budgets_too(run: Run) -> None:
    url = ("--base-url", "http://127.0.0.1:9/v1", "--allow-private", "--no-test")
    run("providers", "add", "groq", *url, typed="gsk_0123456789abcdef")

    for whose in (("--account", "groq"), ("--all",), ("*",)):
        assert run("budgets", "set", *whose, "--weekly", "0.25").exit_code == 0

    assert {name for name, one in listed(run).items() if one["weeklyLimitUsd"] == 0.25} == {
        "groq/main",
        "all requests",
    }
    shown = run("budgets", "show", "--account", "groq").stdout
    assert "this week:   $0 of $0.2500" in shown
    assert "left:        $0.2500 of the weekly limit" in shown


@pytest.mark.usefixtures("key_id")
def test_a_table_shows_what_was_spent_of_what(run: Run) -> None:
    run("budgets", "set", "laptop", "--monthly", "50")

    lines = run("budgets", "list").stdout.splitlines()
    assert lines[0].split()[:2] == ["WHO", "TODAY"]
    assert "$0 of $50.00" in lines[2]


@pytest.mark.usefixtures("key_id")
@pytest.mark.parametrize(
    "words",
    [
        ("set", "laptop"),
        ("set", "--daily", "5"),
        ("set", "laptop", "--all", "--daily", "5"),
        ("set", "laptop", "--daily", "-1"),
        ("set", "laptop", "--daily", "0.00000000001"),
        ("set", "laptop", "--daily", "5", "--warn", "2"),
        ("show",),
        ("remove", "nobody"),
    ],
)
def test_what_makes_no_sense_is_refused(run: Run, words: tuple[str, ...]) -> None:
    before = listed(run)

    assert run("budgets", *words).exit_code != 0
    assert listed(run) == before
