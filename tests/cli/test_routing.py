"""Accounts, resilience, settings, plans and decisions from the shell."""

import json
import re

import pytest

from omniroute.cli.assign import assigned, flat
from omniroute.cli.failures import UsageError
from omniroute.exit_codes import ExitCode
from tests.cli.shell import Run
from tests.scripted_upstream import ScriptedUpstream, error


@pytest.fixture
def connected(run: Run, upstream: ScriptedUpstream) -> ScriptedUpstream:
    """A provider with one account."""
    url = ("--base-url", f"{upstream.url}/v1", "--allow-private", "--no-test", "--name", "work")
    run("providers", "add", "groq", *url, typed="gsk_0123456789abcdef")
    upstream.requests.clear()
    return upstream


def test_settings_are_written_as_people_write_them() -> None:
    written = ("cache.ttl-ms=5000", "cache.scope=global", "mode=", "on=true", "list=[1,2]", "text=a=b")
    change = assigned(written)
    assert change == {
        "cache": {"ttlMs": 5000, "scope": "global"},
        "mode": None,
        "on": True,
        "list": [1, 2],
        "text": "a=b",
    }
    assert ("cache.ttlMs", "5000") in flat(change)
    for wrong in ("name", "=5", "a..b=1"):
        with pytest.raises(UsageError):
            assigned([wrong])
    with pytest.raises(UsageError):
        assigned(["a=1", "a.b=2"])


def test_settings_are_shown_under_the_names_that_set_takes(run: Run) -> None:
    changed = run("settings", "set", "cache.ttl-ms=5000", "fallbackStrategy=p2c")
    assert changed.stdout.splitlines()[1] == "cache.ttlMs=5000"

    assert "fallbackStrategy=p2c" in run("settings", "show").stdout
    assert run("settings", "show", "cache.ttlMs").stdout == "cache.ttlMs=5000\n"
    assert json.loads(run("settings", "show", "cache", "--json").stdout)["ttlMs"] == 5000
    assert run("settings", "show", "none").exit_code == ExitCode.NOT_FOUND
    assert run("settings", "set", "none=1").exit_code == ExitCode.REFUSED


def test_patience_is_changed_and_set_back(run: Run) -> None:
    run("resilience", "set", "apikey.circuit-breaker-threshold=2", "rateLimit.requestsPerMinute=60")
    shown = json.loads(run("resilience", "show", "--json").stdout)
    assert shown["profiles"]["apikey"]["circuitBreakerThreshold"] == 2
    assert shown["defaults"]["requestsPerMinute"] == 60
    lines = run("resilience", "show").stdout
    assert "apikey.circuitBreakerThreshold" in lines
    assert re.search(r"^rateLimit\.enabled:? +false$", lines, re.MULTILINE)
    assert run("resilience", "set", "rateLimit=").exit_code == ExitCode.USAGE

    run("resilience", "set", "rateLimit.requestsPerMinute=")

    assert json.loads(run("resilience", "show", "--json").stdout)["defaults"]["requestsPerMinute"] == 100


@pytest.mark.usefixtures("connected")
def test_an_account_tells_its_state(run: Run) -> None:
    assert json.loads(run("accounts", "list", "--json").stdout)["accounts"][0]["state"] == "ready"
    assert "groq/work" in run("accounts", "list", "--provider", "groq").stdout
    assert "ready" in run("accounts", "show", "groq/work").stdout
    assert "was not held up" in run("accounts", "clear", "groq", "--model", "m").stderr
    assert run("accounts", "clear", "groq/work").exit_code == 0
    assert run("accounts", "clear", "--all").exit_code == 0
    assert run("resilience", "reset", "--provider", "groq").exit_code == 0


@pytest.mark.parametrize("words", [(), ("x", "--all"), ("--all", "--model", "m")])
def test_what_is_to_be_cleared_has_to_be_named(run: Run, words: tuple[str, ...]) -> None:
    assert run("accounts", "clear", *words).exit_code == ExitCode.USAGE


def test_a_plan_is_shown_without_asking_anybody(run: Run, connected: ScriptedUpstream) -> None:
    run("combos", "create", "daily", "groq/a", "none/b")

    shown = run("route", "daily", "--dry-run", "--tokens", "10", "--tools")

    assert shown.exit_code == 0, shown.output
    assert "groq/a" in shown.stdout
    assert "none/b" in shown.stdout
    assert not connected.requests
    made = json.loads(run("route", "daily", "--dry-run", "--json").stdout)
    assert [one["model"] for one in made["attempts"]] == ["a"]
    assert run("route", "daily").exit_code == ExitCode.USAGE
    assert run("route", "no-such-model", "--dry-run").exit_code == ExitCode.NOT_FOUND


def test_a_request_explains_itself(run: Run, connected: ScriptedUpstream) -> None:
    run("combos", "create", "daily", "groq/a", "groq/b")
    connected.script(error(404))
    assert run("explain").exit_code == ExitCode.NOT_FOUND
    run("chat", "-m", "daily", "hello")
    log = json.loads(run("requests", "--json").stdout)["requests"][0]

    shown = run("explain", log["id"][:20])

    assert shown.exit_code == 0, shown.output
    for part in ("asked for:", "daily", "priority", "groq/a", "groq/b", "no_model"):
        assert part in shown.stdout
    by_request_id = json.loads(run("explain", log["requestId"], "--json").stdout)
    assert by_request_id["decision"]["combo"] == "daily"
    assert run("explain").stdout == shown.stdout  # the newest
    assert run("explain", "nothing-like-it").exit_code == ExitCode.NOT_FOUND


@pytest.mark.parametrize(
    "command",
    [
        ("explain", ""),
        ("requests", "show", ""),
        ("combos", "show", ""),
        ("combos", "delete", " "),
        ("accounts", "show", ""),
        ("policies", "show", ""),
        ("keys", "show", ""),
        ("providers", "show", ""),
    ],
)
def test_an_empty_name_is_nothing_that_could_be_found(run: Run, command: tuple[str, ...]) -> None:
    assert run(*command).exit_code == ExitCode.NOT_FOUND


def test_a_combo_without_models_is_warned_of(run: Run) -> None:
    run("combos", "create", "lone", "demo/echo")
    assert "it holds no models" in run("combos", "edit", "lone", "--drop", "demo/echo").stderr
