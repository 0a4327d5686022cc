"""Coding agents themselves, each doing a task with a tool on a model of another dialect."""

import shlex

import pytest

from omniroute.records import FormatName
from tests.journeys.ledger import Ledger
from tests.journeys.pretend_model import TOLD, answering
from tests.journeys.test_real_tools import PATIENCE_S, PROMPT, PROOF, command_of, ok, run_tool, set_up
from tests.scripted_upstream import ScriptedUpstream
from tests.server.installation import Installation

KINDS = {
    FormatName.OPENAI_CHAT: ("openai-compatible", "/v1"),
    FormatName.OPENAI_RESPONSES: ("responses-compatible", "/v1"),
    FormatName.ANTHROPIC: ("anthropic-compatible", "/v1"),
    FormatName.GEMINI: ("gemini-compatible", "/v1beta"),
    FormatName.OLLAMA: ("ollama-compatible", ""),
}
"""What a node of each dialect is called, and the end of its address."""


def others(own: FormatName) -> list[FormatName]:
    """Every dialect but the tool's own."""
    return [dialect for dialect in FormatName if dialect is not own]


@pytest.mark.timeout(3 * PATIENCE_S)
@pytest.mark.parametrize("dialect", others(FormatName.ANTHROPIC))
def test_claude_code_works_on_a_model_of_another_dialect(
    installation: Installation, upstream: ScriptedUpstream, dialect: FormatName
) -> None:
    claude = command_of("claude")
    proof = installation.directory / "proof.txt"
    upstream.otherwise = answering(dialect, f"echo {shlex.quote(PROOF)} > {shlex.quote(str(proof))}")
    kind, end = KINDS[dialect]
    set_up(installation, kind, upstream.url + end)
    ledger = Ledger(installation)

    ok(installation, "tools", "apply", "claude", "--model", "mock/sonnet", "--haiku", "mock/haiku")
    said = run_tool(installation, claude, "-p", PROMPT, "--allowedTools", "Bash")

    assert TOLD in said
    assert proof.read_text().strip() == PROOF
    rows = ledger.new_rows()
    assert {row["outcome"] for row in rows} == {"ok"}
    assert {row["path"] for row in rows} == {"/v1/messages"}
    assert all((row["tokens"]["in"], row["tokens"]["out"]) in ((70, 20), (100, 20)) for row in rows)


@pytest.mark.timeout(3 * PATIENCE_S)
@pytest.mark.parametrize("dialect", others(FormatName.OPENAI_RESPONSES))
def test_codex_works_on_a_model_of_another_dialect(
    installation: Installation, upstream: ScriptedUpstream, dialect: FormatName
) -> None:
    codex = command_of("codex")
    proof = installation.directory / "proof.txt"
    upstream.otherwise = answering(dialect, f"echo {shlex.quote(PROOF)} > {shlex.quote(str(proof))}")
    kind, end = KINDS[dialect]
    set_up(installation, kind, upstream.url + end)
    ledger = Ledger(installation)

    ok(installation, "tools", "apply", "codex", "--model", "mock/gpt")
    sandbox = ("--skip-git-repo-check", "--sandbox", "danger-full-access")
    said = run_tool(installation, codex, "exec", *sandbox, PROMPT)

    assert TOLD in said
    assert proof.read_text().strip() == PROOF
    rows = ledger.new_rows()
    assert len(rows) == 2
    assert {row["outcome"] for row in rows} == {"ok"}
    assert {row["path"] for row in rows} == {"/v1/responses"}
