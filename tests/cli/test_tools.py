"""Coding tools pointed at the gateway and back."""

import json
from pathlib import Path

import pytest

from omniroute.exit_codes import ExitCode
from tests.cli.shell import Run

FILES = {"claude": ".claude/settings.json", "codex": ".codex/config.toml"}
BEFORE = {"claude": b'{\n  "model": "opus"\n}\n', "codex": b'# mine\nmodel = "o5"\n'}


@pytest.fixture(params=FILES)
def tool(request: pytest.FixtureRequest, data_dir: Path) -> str:
    name = str(request.param)
    file = file_of(name)
    file.parent.mkdir()
    file.write_bytes(BEFORE[name])
    return name


def file_of(tool: str) -> Path:
    return Path.home() / FILES[tool]


def key_names(run: Run) -> list[str]:
    return [key["name"] for key in json.loads(run("keys", "list", "--json").stdout)["keys"]]


def test_a_tool_gets_a_key_of_its_own_and_loses_it_with_the_reset(tool: str, run: Run) -> None:
    applied = run("tools", "apply", tool, "--model", "demo/echo")
    written = file_of(tool).read_text()

    assert applied.exit_code == 0
    assert "no gateway runs" in applied.stderr
    assert "http://127.0.0.1:20128" in written
    assert key_names(run) == [tool]

    assert run("tools", "reset", tool).exit_code == 0
    assert file_of(tool).read_bytes() == BEFORE[tool]
    assert key_names(run) == []


def test_applying_twice_changes_nothing_and_makes_no_second_key(tool: str, run: Run) -> None:
    run("tools", "apply", tool)
    written = file_of(tool).read_bytes()

    again = json.loads(run("tools", "apply", tool, "--json").stdout)

    assert again["changed"] is False
    assert file_of(tool).read_bytes() == written
    assert key_names(run) == [tool]


def test_a_key_that_was_revoked_is_replaced(tool: str, run: Run) -> None:
    run("tools", "apply", tool)
    before = file_of(tool).read_bytes()
    run("keys", "revoke", tool)

    run("tools", "apply", tool)

    assert file_of(tool).read_bytes() != before
    assert key_names(run) == [tool]


def test_a_key_of_the_users_own_is_used_and_kept(
    tool: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = run("keys", "create", "mine").stdout.strip()
    monkeypatch.setenv("MY_KEY", key)

    run("tools", "apply", tool, "--key-env", "MY_KEY", "--base-url", "http://10.0.0.5:20128")

    assert key in file_of(tool).read_text()
    assert "http://10.0.0.5:20128" in file_of(tool).read_text()
    run("tools", "reset", tool)
    assert key_names(run) == ["mine"]


def test_the_difference_is_shown_without_a_key_and_without_writing(tool: str, run: Run) -> None:
    preview = run("tools", "diff", tool)
    run("tools", "apply", tool)
    key = json.loads(run("keys", "list", "--json").stdout)["keys"][0]["key"].partition("****")[0]

    assert "+" in preview.stdout
    assert file_of(tool).name in preview.stdout
    again = run("tools", "diff", tool, "--base-url", "http://10.0.0.5:1")
    assert key not in again.output
    assert "****" in again.output or "10.0.0.5" in again.output


def test_the_status_says_whether_the_gateway_is_used(tool: str, run: Run) -> None:
    before = json.loads(run("tools", "status", tool, "--json").stdout)["tools"][tool]
    run("tools", "apply", tool)
    after = json.loads(run("tools", "status", "--json").stdout)["tools"][tool]

    assert before["config"]["status"] != "configured"
    assert after["config"]["status"] == "configured"
    assert after["config"]["keyMatches"] is True
    assert "configured" in run("tools", "status").stdout


def test_a_broken_file_is_left_alone_and_no_key_is_made(tool: str, run: Run) -> None:
    file_of(tool).write_text("{ = broken")

    shown = run("tools", "apply", tool)

    assert shown.exit_code == ExitCode.CONFIG
    assert file_of(tool).read_text() == "{ = broken"
    assert key_names(run) == []


def test_claude_takes_a_model_for_each_of_its_own(run: Run, data_dir: Path) -> None:
    run("tools", "apply", "claude", "--opus", "demo/a", "--sonnet", "demo/b", "--haiku", "demo/c")

    settings = json.loads(file_of("claude").read_text())["env"]
    assert settings["ANTHROPIC_DEFAULT_OPUS_MODEL"] == "demo/a"
    assert settings["ANTHROPIC_DEFAULT_SONNET_MODEL"] == "demo/b"
    assert settings["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == "demo/c"
    assert run("tools", "apply", "codex", "--opus", "demo/a").exit_code == ExitCode.USAGE
