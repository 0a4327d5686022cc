"""Settings that the running gateway follows, from the shell."""

import json
from pathlib import Path

import pytest

from omniroute.exit_codes import ExitCode
from tests.cli.shell import Run


def test_a_system_prompt_is_set_shown_and_cleared(run: Run) -> None:
    assert run("settings", "system-prompt", "set", "Be brief.").exit_code == 0
    assert run("settings", "system-prompt", "show").stdout == "Be brief.\n"

    assert run("settings", "system-prompt", "clear").exit_code == 0

    shown = run("settings", "system-prompt", "show", "--json")
    assert json.loads(shown.stdout) == {"enabled": False, "prompt": ""}


def test_a_system_prompt_may_come_from_a_file_or_a_pipe(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "prompt.txt"
    file.write_text("Be kind.\n", encoding="utf-8")
    run("settings", "system-prompt", "set", "--file", str(file))
    assert run("settings", "system-prompt", "show").stdout == "Be kind.\n\n"

    run("settings", "system-prompt", "set", "--file", "-", typed="Be clear.")
    assert run("settings", "system-prompt", "show").stdout == "Be clear.\n"


@pytest.mark.parametrize(
    "words",
    [
        ("system-prompt", "set"),
        ("system-prompt", "set", "  "),
        ("system-prompt", "set", "a", "--file", "b"),
        ("system-prompt", "set", "--file", "no/such/file"),
        ("thinking-budget", "set"),
        ("thinking-budget", "set", "--mode", "loud"),
        ("thinking-budget", "set", "--budget", "131073"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_changes(run: Run, words: tuple[str, ...]) -> None:
    assert run("settings", *words).exit_code == ExitCode.USAGE
    assert run("settings", "system-prompt", "show").stdout == ""


def test_a_thinking_budget_keeps_what_is_not_named(run: Run) -> None:
    run("settings", "thinking-budget", "set", "--mode", "custom", "--budget", "8000")
    run("settings", "thinking-budget", "set", "--effort", "high")

    shown = run("settings", "thinking-budget", "show", "--json")
    assert json.loads(shown.stdout) == {"mode": "custom", "customBudget": 8000, "effortLevel": "high"}
    assert (
        run("settings", "thinking-budget", "show").stdout
        == "mode: custom\nbudget: 8000 tokens\neffort: high\n"
    )


def test_a_list_is_written_as_json_and_a_text_in_its_place_is_told_how(run: Run) -> None:
    wrong = run("settings", "set", "blockedProviders=poe")
    assert wrong.exit_code == ExitCode.USAGE
    assert (
        """blockedProviders: must be a list, not text; write it as 'blockedProviders=["one", "two"]'"""
        in (wrong.stderr)
    )

    assert run("settings", "set", 'blockedProviders=["poe"]').stdout == 'blockedProviders=["poe"]\n'
