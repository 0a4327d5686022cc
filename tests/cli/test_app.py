"""The table of commands, and what it says of a wrong one."""

import subprocess
import sys

import pytest
from typer.core import TyperGroup

from omniroute import __version__
from omniroute.cli.app import COMMANDS, load_command
from tests.cli.shell import Run


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_says_of_each_command_what_its_help_begins_with(name: str) -> None:
    command = load_command(name)

    assert command is not None
    assert command.name == name
    assert command.help


def test_the_help_names_every_command(run: Run) -> None:
    shown = run("--help")

    assert shown.exit_code == 0
    assert {line.split()[0] for line in shown.stdout.partition("Commands:")[2].splitlines() if line} == set(
        COMMANDS
    )


def test_no_command_is_loaded_for_the_help() -> None:
    script = (
        "import sys\n"
        "from omniroute.cli.app import main\n"
        "sys.argv = ['omniroute', '--help']\n"
        "try:\n    main()\n"
        "finally:\n    print(*sys.modules, file=sys.stderr)\n"
    )
    fresh = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    loaded = set(fresh.stderr.split())
    assert "omniroute.cli.ending" in loaded
    assert (
        not {"omniroute.cli.keys", "omniroute.cli.serve", "msgspec", "pydantic", "rich", "aiohttp"} & loaded
    )


def test_a_command_that_is_not_there_is_answered_with_the_nearest(run: Run) -> None:
    shown = run("provider", "list")

    assert shown.exit_code == 2
    assert "Did you mean providers?" in shown.stderr
    assert shown.stdout == ""


def test_the_version_is_shown(run: Run) -> None:
    assert run("--version").stdout == f"omniroute {__version__}\n"


def every_command(group: TyperGroup, path: tuple[str, ...]) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, command in group.commands.items():
        found += every_command(command, (*path, name)) if isinstance(command, TyperGroup) else [(*path, name)]
    return found


def all_commands() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name in COMMANDS:
        command = load_command(name)
        found += every_command(command, (name,)) if isinstance(command, TyperGroup) else [(name,)]
    return found


@pytest.mark.parametrize("words", all_commands(), ids=" ".join)
def test_every_command_explains_itself_with_an_example(words: tuple[str, ...], run: Run) -> None:
    shown = run(*words, "--help")

    assert shown.exit_code == 0
    assert "Example" in shown.stdout
    assert f"omniroute {' '.join(words)}" in shown.stdout.partition("Example")[2]
