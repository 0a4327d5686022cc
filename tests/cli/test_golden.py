"""What people and scripts see, as it was agreed: a change here is a change for them."""

import json

import pytest
from syrupy.assertion import SnapshotAssertion
from typer.core import TyperCommand, TyperGroup

from omniroute.cli.app import COMMANDS, load_command
from tests.cli.shell import Run

JSON_COMMANDS = (
    "accounts list",
    "aliases list",
    "audit",
    "budgets list",
    "budgets show --all",
    "chat -m demo/echo --json hello",
    "chains list",
    "combos list",
    "combos show daily",
    "config path",
    "config set port 8080",
    "config show",
    "demo",
    "export",
    "keys create second",
    "keys list",
    "keys show first",
    "models",
    "providers catalog groq",
    "providers import-env",
    "providers list",
    "providers models groq",
    "providers show groq",
    "providers test groq",
    "requests",
    "resilience show",
    "route daily --dry-run",
    "settings show",
    "tools diff codex",
    "usage",
)


def names(command: object, path: str) -> list[str]:
    if isinstance(command, TyperGroup):
        inner = [name for word, one in command.commands.items() for name in names(one, f"{path} {word}")]
        return [path, *inner]
    assert isinstance(command, TyperCommand)
    return [path]


def shape(value: object) -> object:
    """The members of a JSON value with the kinds of what they hold."""
    if isinstance(value, dict):
        return {name: shape(value[name]) for name in value}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_is_as_agreed(command: str, run: Run, snapshot: SnapshotAssertion) -> None:
    texts = [run(*name.split(), "--help").stdout for name in names(load_command(command), command)]

    assert "\n".join(texts) == snapshot


def test_the_json_of_each_command_is_as_agreed(run: Run, snapshot: SnapshotAssertion) -> None:
    key_and_url = ("--base-url", "http://127.0.0.1:9/v1", "--allow-private", "--no-test")
    run("providers", "add", "groq", *key_and_url, typed="gsk_0123456789abcdef")
    run("keys", "create", "first")
    run("combos", "create", "daily", "groq/a")
    run("aliases", "set", "fast", "daily")
    run("chains", "set", "gpt", "groq")
    run("chat", "-m", "demo/echo", "hello")

    shapes = {}
    for command in JSON_COMMANDS:
        words = command.split() if "--json" in command else [*command.split(), "--json"]
        shapes[command] = shape(json.loads(run(*words).stdout or "null"))

    assert shapes == snapshot
