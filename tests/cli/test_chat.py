"""Asking models from the shell."""

import json

import pytest

from omniroute.exit_codes import ExitCode
from tests.cli.shell import Run
from tests.scripted_upstream import TEXT, ScriptedUpstream, cut_after_content, error, error_in_band


@pytest.fixture
def connected(run: Run, upstream: ScriptedUpstream) -> ScriptedUpstream:
    """One account for each dialect, all at the same server."""
    for kind in ("openai", "anthropic", "responses"):
        url = ("--base-url", f"{upstream.url}/v1", "--name", f"my-{kind}", "--no-test")
        assert run("providers", "add", "--type", f"{kind}-compatible", *url).exit_code == 0
        run("providers", "add-model", f"my-{kind}", "m")
    upstream.requests.clear()
    return upstream


def test_only_the_answer_goes_to_standard_output(run: Run) -> None:
    shown = run("chat", "-m", "demo/echo", "hello", "there")

    assert shown.exit_code == 0
    assert "You said: hello there" in shown.stdout
    assert shown.stdout.endswith("\n")
    assert shown.stderr == ""


@pytest.mark.parametrize(
    ("kind", "path"), [("openai", "chat/completions"), ("anthropic", "messages"), ("responses", "responses")]
)
@pytest.mark.parametrize("how", [(), ("--no-stream",)], ids=["streamed", "whole"])
def test_a_model_is_asked_in_the_dialect_of_its_provider(
    kind: str, path: str, how: tuple[str, ...], run: Run, connected: ScriptedUpstream
) -> None:
    shown = run("chat", "-m", f"my-{kind}/m", *how, "--system", "Be brief.", "hello")

    assert shown.stdout == f"{TEXT}\n"
    assert shown.exit_code == 0
    [request] = connected.requests
    assert request.path == f"/v1/{path}"
    assert request.json.get("stream") is not bool(how) or how
    assert b"Be brief." in request.body


def test_what_is_piped_in_stands_below_the_question(run: Run, connected: ScriptedUpstream) -> None:
    run("chat", "-m", "my-openai/m", "review this", typed="+ one line\n")

    messages = connected.requests[0].json["messages"]
    assert messages == [{"role": "user", "content": "review this\n\n+ one line"}]


def test_json_holds_the_text_the_tokens_and_the_request(run: Run, connected: ScriptedUpstream) -> None:
    answer = json.loads(run("chat", "-m", "my-openai/m", "--json", "hello").stdout)

    assert answer["text"] == TEXT
    assert answer["model"] == "my-openai/m"
    assert answer["usage"]["prompt_tokens"] >= 0
    assert answer["requestId"]


def test_nothing_asked_is_a_mistake(run: Run) -> None:
    assert run("chat", "-m", "demo/echo").exit_code == ExitCode.USAGE
    assert run("chat", "hello").exit_code == ExitCode.USAGE


def test_an_unknown_model_is_not_found(run: Run) -> None:
    shown = run("chat", "-m", "nobody/nothing", "hello")

    assert shown.exit_code == ExitCode.NOT_FOUND
    assert "omniroute models" in shown.stderr
    assert shown.stdout == ""


@pytest.mark.parametrize("behaviour", [error(500), error(429), error_in_band(), cut_after_content()])
def test_a_provider_that_fails_is_told_on_standard_error(
    behaviour: object, run: Run, connected: ScriptedUpstream
) -> None:
    connected.otherwise = behaviour  # type: ignore[assignment]  # a parameter has no type of its own

    shown = run("chat", "-m", "my-openai/m", "hello")

    assert shown.exit_code == ExitCode.UPSTREAM
    assert shown.stderr.startswith("error: ")
    assert shown.stdout in ("", TEXT)


def test_a_gateway_key_comes_from_a_variable(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_KEY", run("keys", "create", "shell", "--model", "demo/*").stdout.strip())
    monkeypatch.setenv("WRONG_KEY", "sk-omr-wrong")

    assert run("chat", "-m", "demo/echo", "--key-env", "GATEWAY_KEY", "hello").exit_code == 0
    assert run("chat", "-m", "demo/echo", "--key-env", "WRONG_KEY", "hello").exit_code == ExitCode.REFUSED
    assert run("chat", "-m", "demo/echo", "--key-env", "NO_KEY", "hello").exit_code == ExitCode.CONFIG
    [log] = json.loads(run("requests", "--json", "--limit", "1").stdout)["requests"]
    assert log["outcome"] in ("ok", "error")
