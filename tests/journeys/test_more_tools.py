"""Gemini CLI, OpenCode, llm and aider, each doing a task on a model of another dialect.

Looked for like Claude Code and Codex (npm: @google/gemini-cli, opencode-ai; PyPI: llm, aider-chat).
"""

import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest

from omniroute.records import FormatName
from tests.journeys.pretend_model import TOLD, answering, editing
from tests.journeys.test_real_tools import PATIENCE_S, PROMPT, PROOF, command_of, set_up
from tests.journeys.test_tools_across_formats import KINDS
from tests.scripted_upstream import ScriptedUpstream
from tests.server.installation import Installation


def prepare(installation: Installation, upstream: ScriptedUpstream, dialect: FormatName) -> tuple[Path, str]:
    """A gateway over a pretend model of that dialect: the file its call writes, and the gateway's URL."""
    proof = installation.directory / "proof.txt"
    upstream.otherwise = answering(dialect, f"echo {shlex.quote(PROOF)} > {shlex.quote(str(proof))}")
    kind, end = KINDS[dialect]
    set_up(installation, kind, upstream.url + end)
    return proof, installation.server().url


def run(installation: Installation, *command: str, **variables: str) -> str:
    """What the tool prints, with a home of its own."""
    workplace = installation.directory / "work"
    workplace.mkdir(exist_ok=True)
    done = subprocess.run(
        command,
        env={
            "PATH": f"{Path(command[0]).parent}:{os.environ['PATH']}",
            "HOME": str(installation.directory),
            **variables,
        },
        cwd=workplace,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    print(f"$ {' '.join(command)}\n{done.stdout}{done.stderr}")  # noqa: T201 - for `pytest -s`
    return done.stdout


@pytest.mark.timeout(3 * PATIENCE_S)
@pytest.mark.parametrize("dialect", [FormatName.ANTHROPIC, FormatName.OPENAI_CHAT])
def test_gemini_cli(installation: Installation, upstream: ScriptedUpstream, dialect: FormatName) -> None:
    gemini = command_of("gemini")
    proof, url = prepare(installation, upstream, dialect)
    settings = installation.directory / ".gemini" / "settings.json"
    settings.parent.mkdir()
    settings.write_text(json.dumps({"security": {"auth": {"selectedType": "gemini-api-key"}}}))
    key = made_key(installation)
    said = run(
        installation, gemini, "-m", "mock/gem", "-p", PROMPT, "--yolo", "--skip-trust",
        GEMINI_API_KEY=key, GOOGLE_GEMINI_BASE_URL=url,
    )  # fmt: skip
    assert TOLD in said
    assert proof.read_text().strip() == PROOF


@pytest.mark.timeout(3 * PATIENCE_S)
@pytest.mark.parametrize("dialect", [FormatName.ANTHROPIC, FormatName.GEMINI])
def test_opencode(installation: Installation, upstream: ScriptedUpstream, dialect: FormatName) -> None:
    opencode = command_of("opencode")
    proof, url = prepare(installation, upstream, dialect)
    key = made_key(installation)
    settings = installation.directory / ".config" / "opencode" / "opencode.json"
    settings.parent.mkdir(parents=True)
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "OmniRoute",
        "options": {"baseURL": f"{url}/v1", "apiKey": key},
        "models": {"mock/gpt": {"name": "gpt", "limit": {"context": 100_000, "output": 8000}}},
    }
    model = "omniroute/mock/gpt"
    settings.write_text(
        json.dumps({"provider": {"omniroute": provider}, "model": model, "small_model": model})
    )
    said = run(installation, opencode, "run", "-m", model, PROMPT, OPENCODE_DISABLE_AUTOUPDATE="1")
    assert TOLD in said
    assert proof.read_text().strip() == PROOF


@pytest.mark.timeout(3 * PATIENCE_S)
@pytest.mark.parametrize("dialect", [FormatName.ANTHROPIC, FormatName.OPENAI_RESPONSES])
def test_llm(installation: Installation, upstream: ScriptedUpstream, dialect: FormatName) -> None:
    llm = command_of("llm")
    proof, url = prepare(installation, upstream, dialect)
    home = installation.directory / "llm"
    home.mkdir()
    (home / "extra-openai-models.yaml").write_text(
        f"- model_id: omniroute\n  model_name: mock/gpt\n  api_base: {url}/v1\n  api_key_name: omniroute\n"
        "  supports_tools: true\n  supports_schema: true\n"
    )
    (home / "keys.json").write_text(json.dumps({"omniroute": made_key(installation)}))
    functions = (
        "import subprocess\n"
        "def bash(command: str) -> str:\n"
        '    "Run a command."\n'
        "    return subprocess.run(command, shell=True, capture_output=True, text=True).stdout\n"
    )
    said = run(
        installation, llm, "-m", "omniroute", "--functions", functions, PROMPT, LLM_USER_PATH=str(home)
    )
    assert TOLD in said
    assert proof.read_text().strip() == PROOF


@pytest.mark.timeout(3 * PATIENCE_S)
@pytest.mark.parametrize("dialect", [FormatName.ANTHROPIC, FormatName.OPENAI_RESPONSES])
def test_aider(installation: Installation, upstream: ScriptedUpstream, dialect: FormatName) -> None:
    aider = command_of("aider")
    _, url = prepare(installation, upstream, dialect)
    edited = installation.directory / "work" / "proof.txt"
    edited.parent.mkdir()
    edited.write_text("nothing yet\n")
    upstream.otherwise = editing(dialect, "proof.txt", "nothing yet", PROOF)
    key = made_key(installation)
    run(
        installation, aider, "--model", "openai/mock/gpt", "--edit-format", "diff", "--no-git",
        "--yes-always", "--no-check-update", "--no-show-model-warnings", "--analytics-disable",
        "--no-show-release-notes",
        "--message", "put the proof into proof.txt", "proof.txt",
        OPENAI_API_BASE=f"{url}/v1", OPENAI_API_KEY=key,
    )  # fmt: skip
    assert edited.read_text().strip() == PROOF


def made_key(installation: Installation) -> str:
    """One of the gateway's own keys."""
    done = installation.run("keys", "create", "tool", "--json")
    assert done.returncode == 0, done.stderr
    key: str = json.loads(done.stdout)["key"]
    return key
