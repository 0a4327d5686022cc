"""The catalogue on the screen."""

import json

from omniroute.exit_codes import ExitCode
from tests.cli.shell import Run


def test_every_provider_is_listed_with_its_status(run: Run) -> None:
    listed = json.loads(run("providers", "catalog", "--json").stdout)["providers"]

    assert len(listed) > 50
    assert {one["status"] for one in listed} >= {"active", "restricted", "forbidden", "retired"}


def test_one_provider_is_shown_with_its_models(run: Run) -> None:
    [one] = json.loads(run("providers", "catalog", "groq", "--json").stdout)["providers"]
    shown = run("providers", "catalog", "groq")

    assert one["models"]
    assert "GROQ_API_KEY" in shown.stdout
    assert one["models"][0]["id"] in shown.stdout
    assert "omniroute providers add groq" in shown.stderr


def test_a_status_is_all_that_is_listed_when_asked_for(run: Run) -> None:
    listed = json.loads(run("providers", "catalog", "--status", "forbidden", "--json").stdout)["providers"]

    assert listed
    assert {one["status"] for one in listed} == {"forbidden"}
    assert all(one["statusNote"] for one in listed)


def test_a_query_that_fits_nothing_is_not_found(run: Run) -> None:
    assert run("providers", "catalog", "no such provider").exit_code == ExitCode.NOT_FOUND
