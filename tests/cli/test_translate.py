"""What becomes of a request or an answer in another format, from the shell."""

import json
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from omniroute.exit_codes import ExitCode
from omniroute.records import FormatName
from tests.cli.shell import Run

ANTHROPIC = {
    "model": "claude-sonnet-5",
    "max_tokens": 100,
    "top_k": 5,
    "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    "tools": [{"name": "look_up", "description": "Looks up.", "input_schema": {"type": "object"}}],
    "messages": [
        {"role": "user", "content": "What is the weather?"},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {"at": "Rome", "n": 1.0}},
            ],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "Sunny."}],
        },
    ],
}
CHAT_ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-5",
    "choices": [
        {
            "index": 0,
            "finish_reason": "tool_calls",
            "message": {
                "role": "assistant",
                "content": "I look.",
                "tool_calls": [
                    {
                        "id": "call_abcdef123",
                        "type": "function",
                        "function": {"name": "look_up", "arguments": '{"at": "Rome"}'},
                    }
                ],
            },
        }
    ],
    "usage": {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14},
}


def chunk(delta: dict[str, object], finish: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    event = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-5"}
    return f"data: {json.dumps({**event, 'choices': [choice]})}\n\n"


BEGUN = chunk({"role": "assistant", "content": "Hel"}) + chunk({"content": "lo"})
CHAT_STREAM = BEGUN + chunk({}, "stop") + "data: [DONE]\n\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file for a body."""
    return tmp_path / "body.json"


def to(target: str, source: str = "anthropic") -> tuple[str, ...]:
    return "--from", source, "--to", target


@pytest.mark.parametrize("target", [name for name in FormatName if name is not FormatName.ANTHROPIC])
def test_a_request_is_translated_as_agreed(
    run: Run, file: Path, snapshot: SnapshotAssertion, target: FormatName
) -> None:
    file.write_text(json.dumps(ANTHROPIC))

    shown = run("translate", str(file), *to(target))

    assert shown.exit_code == 0, shown.stderr
    assert shown.stdout + "\n" + shown.stderr == snapshot


@pytest.mark.parametrize("target", [name for name in FormatName if name is not FormatName.OPENAI_CHAT])
def test_an_answer_is_translated_as_agreed(
    run: Run, file: Path, snapshot: SnapshotAssertion, target: FormatName
) -> None:
    file.write_text(json.dumps(CHAT_ANSWER))

    shown = run("translate", str(file), *to(target, "openai-chat"), "--response")

    assert shown.exit_code == 0, shown.stderr
    assert shown.stdout + "\n" + shown.stderr == snapshot


@pytest.mark.parametrize("target", [FormatName.ANTHROPIC, FormatName.GEMINI, FormatName.OLLAMA])
def test_a_stream_is_translated_as_agreed(
    run: Run, file: Path, snapshot: SnapshotAssertion, target: FormatName
) -> None:
    file.write_text(CHAT_STREAM)

    shown = run("translate", str(file), *to(target, "openai-chat"), "--stream")

    assert shown.exit_code == 0, shown.stderr
    assert shown.stdout + "\n" + shown.stderr == snapshot


def test_the_body_may_come_from_standard_input(run: Run, file: Path) -> None:
    file.write_text(json.dumps(ANTHROPIC))

    typed = run("translate", "-", *to("openai-chat"), typed=json.dumps(ANTHROPIC))

    assert typed.stdout == run("translate", str(file), *to("openai-chat")).stdout


def test_json_holds_body_and_losses(run: Run, file: Path) -> None:
    file.write_text(json.dumps(ANTHROPIC))

    shown = json.loads(run("translate", str(file), *to("openai-chat"), "--json").stdout)

    assert shown.keys() == {"body", "losses"}
    assert shown["body"]["model"] == "claude-sonnet-5"
    assert shown["losses"] == ["cache_control"]


def test_json_holds_a_stream_as_text(run: Run, file: Path) -> None:
    file.write_text(CHAT_STREAM)

    told = run("translate", str(file), *to("anthropic", "openai-chat"), "--stream", "--json")

    assert "event: message_stop" in json.loads(told.stdout)["body"]


@pytest.mark.parametrize(
    ("source", "body", "words"),
    [
        ("gemini", {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}, ()),
        ("ollama", {"model": "x", "messages": [{"role": "user", "content": "hi"}]}, ()),
        ("openai-chat", CHAT_ANSWER, ("--response",)),
    ],
)
def test_the_model_may_have_another_name(
    run: Run, file: Path, source: str, body: dict[str, Any], words: tuple[str, ...]
) -> None:
    file.write_text(json.dumps(body))

    shown = run("translate", str(file), *to("openai-responses", source), "-m", "other", *words)

    assert json.loads(shown.stdout)["model"] == "other"


@pytest.mark.parametrize("ending", ["", 'data: {"error": {"message": "no more", "code": 500}}\n\n'])
def test_a_stream_that_did_not_end_is_shown_as_far_as_it_goes(run: Run, file: Path, ending: str) -> None:
    file.write_text(BEGUN + ending)

    shown = run("translate", str(file), *to("anthropic", "openai-chat"), "--stream")

    assert shown.exit_code == ExitCode.UPSTREAM
    assert "event: error" in shown.stdout
    assert "message_stop" not in shown.stdout
    assert "did not end" in shown.stderr


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("no JSON", "JSON"),
        ('{"model": "m", "max_tokens": 5, "messages": 3}', "messages"),
        (json.dumps(ANTHROPIC | {"tools": [{"type": "bash_20250124", "name": "bash"}]}), "bash"),
    ],
)
def test_what_cannot_be_translated_is_named(run: Run, file: Path, body: str, said: str) -> None:
    file.write_text(body)

    shown = run("translate", str(file), *to("openai-chat"))

    assert shown.exit_code not in (0, 2)
    assert said in shown.stderr
    assert shown.stdout == ""


def test_a_file_that_is_not_there_is_named(run: Run, file: Path) -> None:
    shown = run("translate", str(file), *to("openai-chat"))

    assert shown.exit_code == ExitCode.CONFIG
    assert str(file) in shown.stderr


def test_nobody_is_asked(run: Run, file: Path, data_dir: Path) -> None:
    file.write_text(json.dumps(ANTHROPIC))

    run("translate", str(file), *to("openai-chat"))

    assert not data_dir.exists()
