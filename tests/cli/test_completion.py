"""Completion scripts."""

from pathlib import Path

import pytest

from omniroute.cli.completion import FILES, Shell, script
from omniroute.exit_codes import ExitCode
from tests.cli.shell import Run

SHIPPED = Path(__file__).resolve().parents[2] / "completions"
SUFFIX = {Shell.BASH: "bash", Shell.ZSH: "zsh", Shell.FISH: "fish", Shell.POWERSHELL: "ps1"}


@pytest.mark.parametrize("shell", Shell)
def test_the_shipped_script_is_the_generated_one(shell: Shell) -> None:
    assert (SHIPPED / f"omniroute.{SUFFIX[shell]}").read_text() == script(shell)


@pytest.mark.parametrize("shell", Shell)
def test_the_script_is_installed_where_the_shell_looks(shell: Shell, run: Run) -> None:
    shown = run("completion", "install", shell.value)

    installed = Path.home() / FILES[shell]
    assert shown.exit_code == 0
    assert installed.read_text() == script(shell)
    assert str(installed) in shown.stderr


def test_installing_touches_no_file_of_the_user(run: Run) -> None:
    (Path.home() / ".zshrc").write_text("# mine\n")

    run("completion", "install", "zsh")

    assert (Path.home() / ".zshrc").read_text() == "# mine\n"


def test_without_a_name_the_users_own_shell_is_meant(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/usr/bin/fish")

    assert run("completion", "show").stdout == script(Shell.FISH)


def test_an_unknown_shell_has_to_be_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/bin/dash")

    shown = run("completion", "show")

    assert shown.exit_code == ExitCode.CONFIG
    assert "bash, zsh, fish or powershell" in shown.stderr


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("omniroute pro", {"providers"}),
        ("omniroute providers imp", {"import-env"}),
        ("omniroute usage --b", {"--by"}),
        ("omniroute usage --by mo", {"model"}),
        ("omniroute tools apply cl", {"claude"}),
    ],
)
def test_the_tab_key_completes(
    words: str, offered: set[str], data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import subprocess
    import sys

    monkeypatch.setenv("_OMNIROUTE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    shown = subprocess.run([sys.executable, "-m", "omniroute"], capture_output=True, text=True, check=True)

    assert set(shown.stdout.split()) == offered
