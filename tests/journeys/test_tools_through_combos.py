"""Coding agents in the middle of a task, when the model they began with runs out of quota."""

import shlex

import pytest

from omniroute.records import FormatName
from tests.journeys.ledger import Ledger
from tests.journeys.pretend_model import TOLD, answering
from tests.journeys.test_real_tools import PATIENCE_S, PROMPT, PROOF, UPSTREAM_KEY, command_of, ok, run_tool
from tests.journeys.test_tools_across_formats import KINDS
from tests.journeys.upstream import upstream_in_thread
from tests.scripted_upstream import ScriptedUpstream, error
from tests.server.installation import Installation

CODEX = ("--skip-git-repo-check", "--sandbox", "danger-full-access")
USED_UP = error(
    429,
    "You exceeded your current quota, please check your plan and billing details.",
    kind="insufficient_quota",
)


@pytest.mark.timeout(3 * PATIENCE_S)
@pytest.mark.parametrize("dialect", [FormatName.OPENAI_CHAT, FormatName.GEMINI])
def test_claude_code_finishes_on_the_next_model(
    installation: Installation, upstream: ScriptedUpstream, dialect: FormatName
) -> None:
    claude = command_of("claude")
    rows = task(
        installation,
        upstream,
        (FormatName.ANTHROPIC, dialect),
        ("claude", "--model", "daily", "--haiku", "next/small"),
        (claude, "-p", PROMPT, "--allowedTools", "Bash"),
    )
    assert [row["provider"] for row in rows if row["requestedModel"] == "daily"] == ["first", "next"]


@pytest.mark.timeout(3 * PATIENCE_S)
@pytest.mark.parametrize("dialect", [FormatName.ANTHROPIC, FormatName.GEMINI])
def test_codex_finishes_on_the_next_model(
    installation: Installation, upstream: ScriptedUpstream, dialect: FormatName
) -> None:
    codex = command_of("codex")
    rows = task(
        installation,
        upstream,
        (FormatName.OPENAI_RESPONSES, dialect),
        ("codex", "--model", "daily"),
        (codex, "exec", *CODEX, PROMPT),
    )
    assert [row["provider"] for row in rows] == ["first", "next"]


def task(
    installation: Installation,
    upstream: ScriptedUpstream,
    dialects: tuple[FormatName, FormatName],
    settings: tuple[str, ...],
    command: tuple[str, ...],
) -> list[dict[str, object]]:
    """The rows of a task whose tool call the first model makes, and whose end the next one tells."""
    proof = installation.directory / "proof.txt"
    shell = f"echo {shlex.quote(PROOF)} > {shlex.quote(str(proof))}"
    with upstream_in_thread() as other:
        other.otherwise = answering(dialects[1], shell)
        installation.serve()
        for name, at, dialect in zip(("first", "next"), (upstream, other), dialects, strict=True):
            kind, end = KINDS[dialect]
            node = ("--type", kind, "--base-url", at.url + end, "--name", name, "--prefix", name)
            ok(
                installation,
                *("providers", "add", *node, "--api-key-env", "KEY", "--no-test"),
                KEY=UPSTREAM_KEY,
            )
        ok(installation, "combos", "create", "daily", "first/large", "next/large")
        ok(installation, "tools", "apply", *settings)
        ledger = Ledger(installation)
        upstream.script(answering(dialects[0], shell))
        upstream.otherwise = USED_UP
        said = run_tool(installation, *command)
        assert TOLD in said
        assert proof.read_text().strip() == PROOF
        rows = ledger.new_rows()
        assert {row["outcome"] for row in rows} == {"ok"}
        explained = ledger.printed("explain", "--json")
        assert [one["status"] for one in explained["attempts"]] == [429, 200]
        return rows
