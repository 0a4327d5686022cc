"""The first hour of a user, command by command, on an empty home."""

import json
import socket
from pathlib import Path

import pytest

from omniroute.exit_codes import ExitCode
from tests.journeys.shell import Shell
from tests.scripted_upstream import TEXT, ScriptedUpstream, error, html, refused_url
from tests.server.installation import Installation

OPENAI_KEY = "sk-openai-EnvironmentEnvironment01"
ANTHROPIC_KEY = "sk-ant-StandardInputStandardIn02"
WRONG_KEY = "sk-openai-NotAcceptedNotAccepted03"
MODEL = "openai/gpt-6-luna"
ANSWERED = 4


@pytest.fixture
def shell(installation: Installation) -> Shell:
    """Nothing has been set up."""
    return Shell(installation)


def add_openai(shell: Shell, upstream: ScriptedUpstream, *more: str) -> None:
    """The key from a variable."""
    place = ("--base-url", f"{upstream.url}/v1", "--allow-private")
    shell.ok("providers", "add", "openai", *place, "--api-key-env", "MY_KEY", *more, MY_KEY=OPENAI_KEY)


def add_anthropic(shell: Shell, upstream: ScriptedUpstream) -> None:
    """The key on standard input."""
    place = ("--base-url", f"{upstream.url}/v1", "--allow-private")
    shell.ok("providers", "add", "anthropic", *place, "--name", "work", typed=ANTHROPIC_KEY + "\n")


def use(shell: Shell) -> str:
    """What a user does once providers are there; the gateway key that was made."""
    assert "openai" in shell.ok("providers", "list")
    shell.ok("providers", "test")
    tested = shell.document("providers", "test")
    accounts = shell.document("providers", "list")["connections"]
    assert {(one["provider"], one["name"]) for one in accounts} == {("openai", "main"), ("anthropic", "work")}
    assert {one["testStatus"] for one in accounts} == {"active"}, tested
    key = str(shell.document("keys", "create", "laptop")["key"])
    assert key not in shell.ok("keys", "list")
    assert [one["name"] for one in shell.document("keys", "list")["keys"]] == ["laptop"]
    assert MODEL in {model["id"] for model in shell.document("models")["data"]}
    assert shell.ok("chat", "-m", MODEL, "hi").strip() == TEXT
    assert shell.ok("chat", "-m", "anthropic/claude-opus-5", "--no-stream", "hi").strip() == TEXT
    shell.document("chat", "-m", MODEL, "--key-env", "MINE", "hi", MINE=key)
    return key


def check_counts(shell: Shell) -> None:
    """The demo, and three questions to providers; one of them had to be asked in a second dialect."""
    usage = shell.document("usage")
    groups = {group["name"]: group for group in usage["groups"] if group["requests"] > group["errors"]}
    assert set(groups) == {"gpt-6-luna (openai)", "claude-opus-5 (anthropic)", "echo (demo)"}
    assert [groups["gpt-6-luna (openai)"][name] for name in ("requests", "promptTokens")] == [2, 200]
    assert groups["claude-opus-5 (anthropic)"]["completionTokens"] == 20
    by_provider = {group["name"] for group in shell.document("usage", "--by", "provider")["groups"]}
    assert by_provider >= {"openai", "anthropic", "demo"}
    rows = shell.document("requests")["requests"]
    assert len(rows) == usage["totalRequests"]
    assert len([row for row in rows if row["outcome"] == "ok"]) == ANSWERED
    assert rows[0]["apiKeyName"] == "laptop"
    assert rows[0]["id"] in shell.ok("requests", "show", rows[0]["id"])
    assert shell.document("requests", "show", rows[0]["id"])["log"] == rows[0]
    for command in ("usage", "requests"):
        assert "gpt-6-luna" in shell.ok(command)


def check_no_secret(shell: Shell, *secrets: str) -> None:
    """No key stands in any output, nor in any file of the gateway."""
    told = [*shell.printed, *(_text(path) for path in _files(shell.installation.paths.data_dir))]
    for secret in secrets:
        assert [text for text in told if secret in text] == []


def _files(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


def _text(path: Path) -> str:
    return path.read_bytes().decode("latin-1")


def test_the_way_of_the_readme(shell: Shell, upstream: ScriptedUpstream) -> None:
    started = shell.document("serve")
    assert started["url"].startswith("http://127.0.0.1:")
    assert TEXT not in shell.ok("demo")
    add_openai(shell, upstream)
    add_anthropic(shell, upstream)
    key = use(shell)
    shell.printed.remove(next(text for text in shell.printed if key in text))  # told once, when it is made
    check_counts(shell)
    assert shell.document("status")["url"] == started["url"]
    assert shell.document("tools", "diff", "claude", "--model", MODEL)["changed"]
    assert started["url"] in shell.ok("tools", "diff", "codex", "--model", MODEL)
    assert not list(shell.installation.directory.glob(".c*"))
    shell.ok("doctor")
    assert "answers at" in shell.ok("logs")
    token = shell.installation.paths.token.read_text().strip()
    check_no_secret(shell, OPENAI_KEY, ANTHROPIC_KEY, key)
    shell.ok("stop")
    assert shell.ends("status") == ExitCode.NOT_RUNNING
    check_no_secret(shell, OPENAI_KEY, ANTHROPIC_KEY, key)
    assert [path.name for path in _files(shell.installation.paths.data_dir) if token in _text(path)] == [
        shell.installation.paths.token.name
    ]
    assert not [text for text in shell.printed if token in text]


def test_the_same_without_a_running_gateway(shell: Shell, upstream: ScriptedUpstream) -> None:
    shell.ok("demo")
    add_openai(shell, upstream)
    add_anthropic(shell, upstream)
    key = use(shell)
    shell.printed.remove(next(text for text in shell.printed if key in text))
    check_counts(shell)
    assert "TOKEN" in shell.ok("tools", "diff", "claude")
    shell.ok("stop")
    check_no_secret(shell, OPENAI_KEY, ANTHROPIC_KEY, key)


def test_what_was_set_up_without_a_gateway_is_served_by_one(shell: Shell, upstream: ScriptedUpstream) -> None:
    add_openai(shell, upstream, "--no-test")
    shell.ok("serve")
    assert shell.ok("chat", "-m", MODEL, "hi").strip() == TEXT
    assert upstream.requests[-1].headers["Authorization"] == f"Bearer {OPENAI_KEY}"
    shell.ok("stop")


@pytest.mark.parametrize("serves", [False, True])
def test_failures_have_their_exit_codes(shell: Shell, upstream: ScriptedUpstream, serves: bool) -> None:
    if serves:
        shell.ok("serve")
    place = ("--base-url", f"{upstream.url}/v1", "--allow-private", "--api-key-env", "MY_KEY")
    upstream.script(*[error(401, "no such key")] * 3)
    refused = shell.run("providers", "add", "openai", *place, MY_KEY=WRONG_KEY)
    assert refused.returncode == ExitCode.REFUSED
    assert "no such key" in refused.stderr
    upstream.queue.clear()
    assert shell.document("providers", "list")["connections"] == []
    assert shell.ends("providers", "add", "openai", *place) == ExitCode.CONFIG
    assert shell.ends("providers", "add", "no-such-provider") == ExitCode.NOT_FOUND
    assert shell.ends("providers", "show", "nobody") == ExitCode.NOT_FOUND
    assert shell.ends("providers", "add", "openai", "--api-key", WRONG_KEY) == ExitCode.USAGE
    assert shell.ends("keys", "revoke", "nobody") == ExitCode.NOT_FOUND
    assert shell.ends("requests", "show", "01NOTHING") == ExitCode.NOT_FOUND
    assert shell.ends("chat", "-m", "nowhere/model", "hi") == ExitCode.NOT_FOUND
    assert shell.ends("no-such-command") == ExitCode.USAGE
    add_openai(shell, upstream)
    upstream.script(*[html(502)] * 3)
    assert shell.ends("chat", "-m", MODEL, "hi") == ExitCode.UPSTREAM
    check_no_secret(shell, OPENAI_KEY, WRONG_KEY)


def test_an_upstream_nobody_listens_at_is_named(shell: Shell) -> None:
    node = ("--type", "openai-compatible", "--base-url", refused_url(), "--name", "lab", "--no-test")
    shell.ok("providers", "add", *node)
    tested = shell.run("providers", "test", "lab")
    assert tested.returncode == ExitCode.UPSTREAM
    assert "lab" in tested.stdout
    asked = shell.run("chat", "-m", "lab/some-model", "hi")
    assert asked.returncode == ExitCode.UPSTREAM
    assert asked.stdout == ""
    assert "lab" in asked.stderr


def test_a_taken_port_and_a_second_gateway_are_told_apart(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert shell.ends("serve", "--port", port) == ExitCode.PORT_TAKEN
        assert port in shell.printed[-1]
    shell.ok("serve")
    again = shell.run("serve")
    assert again.returncode == ExitCode.ALREADY_RUNNING
    assert str(shell.installation.server().pid) in again.stderr
    assert json.loads(shell.ok("stop", "--json"))
