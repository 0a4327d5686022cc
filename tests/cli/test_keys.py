"""Keys of the gateway from the shell."""

import json
import re

import pytest

from omniroute.exit_codes import ExitCode
from tests.cli.shell import Run


def test_the_key_is_all_that_is_printed_and_only_once(run: Run) -> None:
    shown = run("keys", "create", "laptop")

    key = shown.stdout.strip()
    assert re.fullmatch(r"sk-omr-\w{40,}", key)
    assert shown.stdout == f"{key}\n"
    for words in (("list",), ("list", "--json"), ("show", "laptop"), ("show", "laptop", "--json")):
        assert key not in run("keys", *words).output


def test_a_key_may_be_limited(run: Run) -> None:
    run(
        "keys",
        "create",
        "ci",
        "--scope",
        "manage",
        "--model",
        "groq/*",
        "--model",
        "demo/*",
        "--expires",
        "30d",
    )

    key = json.loads(run("keys", "show", "ci", "--json").stdout)["key"]
    assert key["scopes"] == ["manage"]
    assert key["allowedModels"] == ["groq/*", "demo/*"]
    assert key["expiresAt"]
    assert "groq/*" in run("keys", "list").stdout


def test_a_revoked_key_is_gone(run: Run) -> None:
    created = json.loads(run("keys", "create", "laptop", "--json").stdout)

    assert run("keys", "revoke", created["id"][:12]).exit_code == 0
    assert run("keys", "show", "laptop").exit_code == ExitCode.NOT_FOUND


def test_two_keys_of_one_name_are_refused(run: Run) -> None:
    run("keys", "create", "laptop")

    assert run("keys", "create", "laptop").exit_code == ExitCode.REFUSED


@pytest.mark.parametrize("written", ["soon", "2020-01-01"])
def test_a_key_that_would_be_of_no_use_is_refused(written: str, run: Run) -> None:
    assert run("keys", "create", "laptop", "--expires", written).exit_code != 0
    assert json.loads(run("keys", "list", "--json").stdout) == {"keys": []}
