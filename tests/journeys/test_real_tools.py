"""Claude Code and Codex themselves, each doing a task with a tool through a real gateway.

They are looked for in the directory OMNIROUTE_TEST_TOOLS, else on PATH (npm: @anthropic-ai/claude-code,
@openai/codex); without them these tests are skipped.
"""

import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.ledger import Ledger
from tests.recorded import Recorded
from tests.scripted_upstream import SSE, Behaviour, ScriptedUpstream
from tests.server.installation import Installation
from tests.wire_samples import RESPONSES_USAGE, event_frame

DIRECTORY = "OMNIROUTE_TEST_TOOLS"
PATIENCE_S = 90
PROMPT = "run the command"
TOLD = "The command has run."
PROOF = "made by a tool call"
UPSTREAM_KEY = "sk-upstream-0123456789abcdef"
CLAUDE_SETTINGS = b'{\r\n   "env":  { "SOME_THING": "1" },\r\n   "includeCoAuthoredBy" : false\r\n}'
CODEX_SETTINGS = b"# mine\nhide_agent_reasoning = true   # quiet\n\n[tui]\nnotifications = false\n"
_numbers = itertools.count(1)


def command_of(tool: str) -> str:
    """The tool's own program; without it the test is skipped."""
    directory = os.environ.get(DIRECTORY)
    found = shutil.which(tool, path=directory) if directory else shutil.which(tool)
    if found is None:
        pytest.skip(f"no `{tool}` in {directory or 'PATH'}; {DIRECTORY} names the directory that holds it")
    return found


@pytest.mark.timeout(3 * PATIENCE_S)
def test_claude_code_uses_a_tool_through_the_gateway(
    installation: Installation, upstream: ScriptedUpstream
) -> None:
    claude = command_of("claude")
    proof = installation.directory / "proof.txt"
    upstream.otherwise = Behaviour(
        chunks=lambda request: _messages(request, _writing(proof)), content_type=lambda _: SSE
    )
    settings = installation.directory / ".claude" / "settings.json"
    settings.parent.mkdir()
    settings.write_bytes(CLAUDE_SETTINGS)
    set_up(installation, "anthropic-compatible", upstream.url + "/v1")
    ledger = Ledger(installation)

    ok(installation, "tools", "apply", "claude", "--model", "mock/sonnet", "--haiku", "mock/haiku")
    said = run_tool(installation, claude, "-p", PROMPT, "--allowedTools", "Bash")
    assert TOLD in said
    assert proof.read_text().strip() == PROOF

    rows = ledger.new_rows()
    main = [row for row in rows if row["requestedModel"] == "mock/sonnet"]
    assert len(rows) == len([one for one in upstream.requests if one.path.startswith("/v1/messages")])
    assert len(main) >= 2
    assert {row["outcome"] for row in rows} == {"ok"}
    assert {row["path"] for row in rows} == {"/v1/messages"}
    assert {row["apiKeyName"] for row in rows} == {"claude"}
    assert all((row["tokens"]["in"], row["tokens"]["out"]) == (100, 20) for row in rows)
    sessions = {row["sessionId"] for row in main}
    assert len(sessions) == 1
    assert re.fullmatch(r"[0-9a-f-]{36}", sessions.pop())
    assert {one.headers["x-api-key"] for one in upstream.requests} == {UPSTREAM_KEY}

    ok(installation, "tools", "reset", "claude")
    assert settings.read_bytes() == CLAUDE_SETTINGS
    assert ledger.printed("keys", "list", "--json")["keys"] == []


@pytest.mark.timeout(3 * PATIENCE_S)
def test_codex_uses_a_tool_through_the_gateway(
    installation: Installation, upstream: ScriptedUpstream
) -> None:
    codex = command_of("codex")
    proof = installation.directory / "proof.txt"
    upstream.otherwise = Behaviour(
        chunks=lambda request: _responses(request, _writing(proof)), content_type=lambda _: SSE
    )
    settings = installation.directory / ".codex" / "config.toml"
    settings.parent.mkdir()
    settings.write_bytes(CODEX_SETTINGS)
    set_up(installation, "responses-compatible", upstream.url + "/v1")
    ledger = Ledger(installation)

    ok(installation, "tools", "apply", "codex", "--model", "mock/gpt")
    sandbox = ("--skip-git-repo-check", "--sandbox", "danger-full-access")
    said = run_tool(installation, codex, "exec", *sandbox, PROMPT)
    assert TOLD in said
    assert proof.read_text().strip() == PROOF

    rows = ledger.new_rows()
    assert len(rows) == len([one for one in upstream.requests if one.path == "/v1/responses"]) == 2
    assert {row["outcome"] for row in rows} == {"ok"}
    assert {row["path"] for row in rows} == {"/v1/responses"}
    assert {row["requestedModel"] for row in rows} == {"mock/gpt"}
    assert {row["apiKeyName"] for row in rows} == {"codex"}
    assert all((row["tokens"]["in"], row["tokens"]["cacheRead"]) == (70, 30) for row in rows)
    sessions = {row["sessionId"] for row in rows}
    assert len(sessions) == 1
    assert re.fullmatch(r"[0-9a-f-]{36}", sessions.pop())
    assert {one.headers["Authorization"] for one in upstream.requests} == {f"Bearer {UPSTREAM_KEY}"}

    ok(installation, "tools", "reset", "codex")
    assert settings.read_bytes() == CODEX_SETTINGS
    assert ledger.printed("keys", "list", "--json")["keys"] == []


def set_up(installation: Installation, kind: str, url: str) -> None:
    """A running gateway with one node."""
    installation.serve()
    node = ("--type", kind, "--base-url", url, "--prefix", "mock", "--name", "mock", "--api-key-env", "KEY")
    ok(installation, "providers", "add", *node, "--no-test", KEY=UPSTREAM_KEY)


def ok(installation: Installation, *command: str, **variables: str) -> None:
    """One command that has to succeed."""
    done = installation.run(*command, **variables)
    assert done.returncode == 0, done.stderr


def run_tool(installation: Installation, *command: str) -> str:
    """What the tool prints, with a home of its own and none of this machine's settings."""
    workplace = installation.directory / "work"
    workplace.mkdir()
    done = subprocess.run(
        command,
        env={"PATH": f"{Path(command[0]).parent}:/usr/bin:/bin", "HOME": str(installation.directory)},
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


def _writing(proof: Path) -> str:
    """The shell command that only a tool call runs."""
    return f"echo {shlex.quote(PROOF)} > {shlex.quote(str(proof))}"


def _messages(request: Recorded, command: str) -> list[bytes]:
    """A call of Bash; a text once its result is there, or when there are no tools (the title)."""
    number = next(_numbers)
    asked = request.json
    wants_tool = any(tool.get("name") == "Bash" for tool in asked.get("tools", []))
    if wants_tool and "tool_result" not in json.dumps(asked["messages"]):
        argument = json.dumps({"command": command, "description": "write the proof"})
        block = {"type": "tool_use", "id": f"toolu_{number:022d}", "name": "Bash", "input": {}}
        halves = (argument[:12], argument[12:])
        deltas = [{"type": "input_json_delta", "partial_json": half} for half in halves]
        stop = "tool_use"
    else:
        block = {"type": "text", "text": ""}
        deltas = [{"type": "text_delta", "text": piece} for piece in (TOLD[:4], TOLD[4:])]
        stop = "end_turn"
    message = {"id": f"msg_{number:024d}", "type": "message", "role": "assistant", "model": asked["model"]}
    usage = {"input_tokens": 100, "output_tokens": 1}
    begun = message | {"content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
    ended = {"stop_reason": stop, "stop_sequence": None}
    return [
        event_frame({"type": "message_start", "message": begun}),
        event_frame({"type": "content_block_start", "index": 0, "content_block": block}),
        *(event_frame({"type": "content_block_delta", "index": 0, "delta": delta}) for delta in deltas),
        event_frame({"type": "content_block_stop", "index": 0}),
        event_frame({"type": "message_delta", "delta": ended, "usage": {"output_tokens": 20}}),
        event_frame({"type": "message_stop"}),
    ]


def _responses(request: Recorded, command: str) -> list[bytes]:
    """A call of exec_command; a text once its output is there."""
    number = next(_numbers)
    if "function_call_output" in json.dumps(request.json.get("input")):
        part = {"type": "output_text", "text": TOLD, "annotations": []}
        item: dict[str, Any] = {"type": "message", "id": f"msg_{number:024d}", "role": "assistant"}
        item |= {"status": "completed", "content": [part]}
        place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
        empty = {**item, "status": "in_progress", "content": []}
        written = [
            {"type": "response.content_part.added", "part": {**part, "text": ""}, **place},
            {"type": "response.output_text.delta", "delta": TOLD, **place},
            {"type": "response.output_text.done", "text": TOLD, **place},
            {"type": "response.content_part.done", "part": part, **place},
        ]
    else:
        argument = json.dumps({"cmd": command})
        item = {"type": "function_call", "id": f"fc_{number:024d}", "call_id": f"call_{number:022d}"}
        item |= {"name": "exec_command", "arguments": argument, "status": "completed"}
        place = {"item_id": item["id"], "output_index": 0}
        empty = {**item, "status": "in_progress", "arguments": ""}
        written = [
            {"type": "response.function_call_arguments.delta", "delta": argument, **place},
            {"type": "response.function_call_arguments.done", "arguments": argument, **place},
        ]
    response = {"id": f"resp_{number:024d}", "object": "response", "created_at": 1, "error": None}
    begun = response | {"model": request.json["model"], "status": "in_progress", "output": []}
    done = begun | {"status": "completed", "output": [item], "usage": RESPONSES_USAGE}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.output_item.added", "output_index": 0, "item": empty},
        *written,
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": done},
    ]
    return [event_frame(event | {"sequence_number": at}) for at, event in enumerate(events)]
