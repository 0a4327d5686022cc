"""Connecting what is there already."""

import json

import pytest

from omniroute.exit_codes import ExitCode
from tests.cli.shell import Run

KEY = "gsk_0123456789abcdef"


def test_keys_in_the_environment_are_shown_and_not_added_unasked(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROQ_API_KEY", KEY)

    shown = run("providers", "import-env")

    assert shown.exit_code == ExitCode.USAGE
    assert "groq (from GROQ_API_KEY)" in shown.stderr
    assert KEY not in shown.output
    assert json.loads(run("providers", "list", "--json").stdout) == {"connections": []}


def test_keys_in_the_environment_are_added_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", KEY)

    first = run("providers", "import-env", "--yes", "--no-test", "--json")
    second = run("providers", "import-env", "--yes", "--no-test", "--json")

    assert [one["provider"] for one in json.loads(first.stdout)["added"]] == ["groq"]
    assert json.loads(second.stdout)["added"] == []
    assert json.loads(second.stdout)["found"] == [
        {"provider": "groq", "variable": "GROQ_API_KEY", "connected": True}
    ]
    assert KEY not in first.output + second.output


def test_an_environment_without_keys_is_no_error(run: Run) -> None:
    shown = run("providers", "import-env", "--yes")

    assert shown.exit_code == 0
    assert "no variable" in shown.stderr


def test_looking_for_local_servers_ends_well_whatever_is_found(run: Run) -> None:
    shown = run("providers", "detect", "--json")

    assert shown.exit_code == 0
    assert set(json.loads(shown.stdout)) == {"servers", "added"}
