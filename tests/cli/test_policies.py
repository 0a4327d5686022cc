"""Policies, locks, the IP filter and proxies from the shell."""

import json

import pytest

from omniroute.exit_codes import ExitCode
from tests.cli.shell import Run


def test_a_policy_is_made_changed_and_deleted(run: Run) -> None:
    run("keys", "create", "ci")
    made = run(
        "policies", "create", "no echo", "--block", "*echo*", "--for-key", "ci", "--days", "fri-mon", "--json"
    )
    policy = json.loads(made.stdout)
    assert policy["actions"] == {"block_model": ["*echo*"]}
    assert policy["conditions"]["time_window"]["days"] == ["mon", "fri", "sat", "sun"]
    assert len(policy["conditions"]["api_key_ids"]) == 1

    run("policies", "edit", "no echo", "--unconditional", "--hours", "22:00-06:00", "--off")
    changed = json.loads(run("policies", "show", "no echo", "--json").stdout)
    assert (changed["enabled"], changed["actions"]) == (False, policy["actions"])
    assert changed["conditions"] == {"time_window": {"start": "22:00", "end": "06:00", "days": []}}
    assert "blocks *echo*" in run("policies", "list").stdout
    said = run("policies", "edit", "no echo", "--for-key", "ci")
    assert "with key ci" in said.stderr
    assert "with key ci" in run("policies", "list").stdout
    assert run("policies", "edit", "no echo").exit_code == ExitCode.USAGE

    assert run("policies", "delete", "no echo").exit_code == 0
    assert run("policies", "show", "no echo").exit_code == ExitCode.NOT_FOUND


def test_an_evaluation_says_what_would_happen(run: Run) -> None:
    run("policies", "create", "cap", "--max-tokens", "500")
    allowed = run("policies", "evaluate", "demo/echo").stdout
    assert allowed.splitlines() == ["allowed", "targets: demo/echo", "policies: cap", "at most 500 tokens"]
    run("policies", "create", "none here", "--block", "*", "--from", "203.0.113.0/24")
    refused = run("policies", "evaluate", "demo/echo", "--from", "203.0.113.9").stdout
    assert refused == "refused: the policy 'none here' blocks the model 'demo/echo'\n"
    assert run("chat", "-m", "demo/echo", "hello").exit_code == 0


def test_a_policy_acts_on_a_live_request(run: Run) -> None:
    run("policies", "create", "no demo", "--block", "demo/*")
    shown = run("chat", "-m", "demo/echo", "hello")
    assert shown.exit_code != 0
    assert "no demo" in shown.output


@pytest.mark.parametrize(
    "words",
    [
        ("x",),
        ("x", "--block", "*", "--prefer", "groq"),
        ("x", "--block", "*", "--hours", "soon"),
        ("x", "--block", "*", "--days", "someday"),
        ("x", "--prefer", "nobody"),
        ("x", "--block", "*", "--from", "here"),
        ("x", "--block", "*", "--for-key", "nobody"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(words: tuple[str, ...], run: Run) -> None:
    assert run("policies", "create", *words).exit_code != 0
    assert json.loads(run("policies", "list", "--json").stdout)["policies"] == []


def test_unlocking_what_is_not_locked_says_so(run: Run) -> None:
    assert run("unlock", "ip:203.0.113.9").exit_code == ExitCode.NOT_FOUND


def test_the_filter_is_set_and_shown(run: Run) -> None:
    run("settings", "ip-filter", "set", "--on", "--blacklist", "203.0.113.0/24, 10.*.*.7")
    run("settings", "ip-filter", "ban", "198.51.100.7", "--for", "12h", "--reason", "scanner")
    shown = run("settings", "ip-filter", "show").stdout
    assert "blacklist: 203.0.113.0/24, 10.*.*.7" in shown
    assert "banned: 198.51.100.7 for 12 h: scanner" in shown
    run("settings", "ip-filter", "unban", "198.51.100.7")
    found = json.loads(run("settings", "ip-filter", "show", "--json").stdout)
    assert (found["enabled"], found["tempBans"]) == (True, [])


@pytest.mark.parametrize(
    "words",
    [("set",), ("set", "--blacklist", "host.example"), ("ban", "here"), ("ban", "1.2.3.4", "--for", "long")],
)
def test_a_filter_that_makes_no_sense_is_refused(words: tuple[str, ...], run: Run) -> None:
    assert run("settings", "ip-filter", *words).exit_code != 0


def test_a_password_is_piped_in_and_never_shown(run: Run) -> None:
    set_up = run("settings", "proxy", "set", "socks5h://me@proxy.example", typed="a secret\n")
    assert "socks5://me@proxy.example:1080" in set_up.stdout
    for words in (("show",), ("show", "--json"), ("remove",)):
        assert "a secret" not in run("settings", "proxy", *words).output
    assert "a secret" not in run("audit").output
    assert json.loads(run("settings", "proxy", "show", "--json").stdout)["global"] is None


def test_a_proxy_is_for_whom_it_was_set(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("providers", "add", "groq", "--no-test", typed="gsk_0123456789abcdef")
    monkeypatch.setenv("PROXY_PASSWORD", "a secret")
    run("settings", "proxy", "set", "proxy.example:3128", "--provider", "groq")
    named = ("--account", "groq", "--password-env", "PROXY_PASSWORD", "--json")
    found = json.loads(run("settings", "proxy", "set", "https://me@proxy.example", *named).stdout)
    assert found["providers"]["groq"] == {
        "type": "http",
        "host": "proxy.example",
        "port": 3128,
        "username": None,
        "password": None,
    }
    assert [(one["port"], one["password"]) for one in found["keys"].values()] == [(443, "****")]
    run("settings", "proxy", "remove", "--account", "groq")
    assert json.loads(run("settings", "proxy", "show", "--json").stdout)["keys"] == {}


@pytest.mark.parametrize(
    "words",
    [
        ("http://me:secret@proxy.example",),
        ("ftp://proxy.example",),
        ("http://proxy.example:x",),
        ("http://proxy.example", "--provider", "groq", "--combo", "x"),
        ("http://proxy.example", "--provider", "nobody"),
        ("http://me@proxy.example", "--password-env", "NOT_SET"),
    ],
)
def test_a_proxy_that_makes_no_sense_is_refused(words: tuple[str, ...], run: Run) -> None:
    refused = run("settings", "proxy", "set", *words)
    assert refused.exit_code != 0
    assert "secret" not in refused.output.replace("a password in the command line", "")
    assert "no proxies are set" in run("settings", "proxy", "show").output


def test_a_test_of_a_proxy_that_is_not_there_fails(run: Run) -> None:
    shown = run("settings", "proxy", "test", "http://127.0.0.1:1")
    assert shown.exit_code != 0
    assert "127.0.0.1:1" in shown.output
