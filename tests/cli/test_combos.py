"""Combos, aliases and chains from the shell."""

import json
from typing import Any

import pytest

from omniroute.cli.combos.group import Strategy
from omniroute.exit_codes import ExitCode
from omniroute.records import Strategy as Known
from tests.cli.shell import Run
from tests.scripted_upstream import ScriptedUpstream, error


@pytest.fixture
def connected(run: Run, upstream: ScriptedUpstream) -> ScriptedUpstream:
    """A provider with one account."""
    url = ("--base-url", f"{upstream.url}/v1", "--allow-private", "--no-test")
    run("providers", "add", "groq", *url, typed="gsk_0123456789abcdef")
    upstream.requests.clear()
    return upstream


def shown(run: Run, name: str) -> Any:
    return json.loads(run("combos", "show", name, "--json").stdout)["combo"]


def test_the_strategies_are_those_of_the_gateway() -> None:
    assert [one.value for one in Strategy] == [one.value for one in Known]


@pytest.mark.usefixtures("connected")
def test_a_combo_is_made_shown_and_deleted(run: Run) -> None:
    made = run(
        "combos",
        "create",
        "daily",
        "groq/a=70",
        "groq/b",
        "--account",
        "groq/b=groq",
        "--set",
        "max-retries=2",
    )

    assert made.exit_code == 0, made.output
    combo = shown(run, "daily")
    assert combo["models"] == [
        {"model": "groq/a", "weight": 70},
        {"model": "groq/b", "accounts": ["groq"]},
    ]
    assert combo["config"] == {"maxRetries": 2}
    assert "groq/a > groq/b" in run("combos", "list").stdout
    assert "maxRetries=2" in run("combos", "show", "daily").stdout
    assert run("combos", "delete", "daily").exit_code == 0
    assert json.loads(run("combos", "list", "--json").stdout) == {"combos": []}


@pytest.mark.usefixtures("connected")
def test_only_what_is_named_changes(run: Run) -> None:
    run("combos", "create", "daily", "groq/a", "groq/b", "--set", "maxRetries=2")

    run("combos", "edit", "daily", "--add", "groq/c=5", "--drop", "groq/a", "--strategy", "weighted")
    run("combos", "edit", "daily", "--set", "max-retries=", "--off", "--name", "nightly")

    combo = shown(run, "nightly")
    assert combo["models"] == ["groq/b", {"model": "groq/c", "weight": 5}]
    assert (combo["strategy"], combo["isActive"], combo["config"]) == ("weighted", False, {})


@pytest.mark.parametrize(
    "words",
    [
        ("create", "x"),
        ("create", "x", "m=heavy"),
        ("create", "x", "m", "--account", "other=work"),
        ("create", "x", "m", "--set", "max-retries"),
        ("create", "x", "m", "--strategy", "best"),
        ("edit", "daily"),
        ("edit", "daily", "--drop", "groq/none"),
    ],
)
def test_what_makes_no_sense_is_refused(run: Run, words: tuple[str, ...]) -> None:
    run("combos", "create", "daily", "groq/a")
    assert run("combos", *words).exit_code == ExitCode.USAGE
    assert len(json.loads(run("combos", "list", "--json").stdout)["combos"]) == 1


def test_an_unknown_combo_is_not_found(run: Run) -> None:
    for words in (("show", "none"), ("test", "none"), ("delete", "none"), ("edit", "none", "--off")):
        assert run("combos", *words).exit_code == ExitCode.NOT_FOUND


def test_a_test_tells_who_works(run: Run, connected: ScriptedUpstream) -> None:
    run("combos", "create", "daily", "groq/a", "groq/b")
    connected.script(error(401))

    tested = run("combos", "test", "daily", "--first")

    assert tested.exit_code == 0, tested.output
    assert "groq/a: does not work" in tested.stdout
    assert "groq/b: works" in tested.stdout
    connected.script(error(401), error(401))
    assert run("combos", "test", "daily", "--json").exit_code == ExitCode.UPSTREAM


@pytest.mark.usefixtures("connected")
def test_an_alias_and_a_pattern_are_set_listed_and_removed(run: Run) -> None:
    assert run("aliases", "set", "fast", "groq/a").exit_code == 0
    assert run("aliases", "set", "gpt-4*", "groq/b").exit_code == 0

    assert json.loads(run("aliases", "list", "--json").stdout) == {
        "aliases": {"fast": "groq/a"},
        "wildcards": [{"pattern": "gpt-4*", "target": "groq/b"}],
    }
    assert "gpt-4*" in run("aliases", "list").stdout
    assert run("aliases", "remove", "gpt-4*").exit_code == 0
    assert run("aliases", "remove", "gpt-4*").exit_code == ExitCode.NOT_FOUND
    assert run("aliases", "set", "fast", "fast").exit_code == ExitCode.REFUSED


def test_a_chain_is_set_listed_and_removed(run: Run) -> None:
    assert run("chains", "set", "gpt", "openai", "groq/llama/x").exit_code == 0

    steps = json.loads(run("chains", "list", "--json").stdout)["gpt"]
    assert [(step["provider"], step["model"]) for step in steps] == [("openai", None), ("groq", "llama/x")]
    assert "openai > groq/llama/x" in run("chains", "list").stdout
    assert run("chains", "remove", "gpt").exit_code == 0
    assert run("chains", "remove", "gpt").exit_code == ExitCode.NOT_FOUND
