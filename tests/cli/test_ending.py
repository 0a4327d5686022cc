"""What a command leaves when it goes wrong."""

import json
from pathlib import Path

import pytest
import typer

from omniroute.cli.ending import code_of, run
from omniroute.cli.failures import Ambiguous, NotFound, UpstreamFailed
from omniroute.client.http import ApiRefused, Unreachable
from omniroute.errors import ConfigError, NewerDatabase, OmniRouteError, SecretsError, StoreError
from omniroute.exit_codes import ExitCode
from tests.cli.shell import Run

KEY = "sk-live-abcdefghijklmnop"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Unreachable("", "no gateway is running"), ExitCode.NOT_RUNNING),
        (Unreachable("http://127.0.0.1:1", "refused"), ExitCode.UNREACHABLE),
        (ApiRefused(409, "CONFLICT", "no"), ExitCode.REFUSED),
        (ApiRefused(404, "NOT_FOUND", "no"), ExitCode.NOT_FOUND),
        (NotFound("no"), ExitCode.NOT_FOUND),
        (Ambiguous("which"), ExitCode.USAGE),
        (UpstreamFailed("no"), ExitCode.UPSTREAM),
        (ConfigError("no"), ExitCode.CONFIG),
        (NewerDatabase("no"), ExitCode.NEWER_DATABASE),
        (StoreError("no"), ExitCode.DATABASE),
        (SecretsError("no"), ExitCode.SECRETS),
        (OmniRouteError("no"), ExitCode.FAILED),
    ],
)
def test_each_kind_of_error_has_its_exit_code(error: OmniRouteError, code: ExitCode) -> None:
    assert code_of(error) is code


def ends(error: BaseException, *given: str) -> int:
    def command() -> None:
        raise error

    with pytest.raises(SystemExit) as end:
        run(command, given)
    assert isinstance(end.value.code, int)
    return end.value.code


def test_an_expected_error_is_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert ends(ConfigError("the file is broken")) == ExitCode.CONFIG

    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "error: the file is broken\n"


def test_with_json_the_error_is_json_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    ends(ApiRefused(409, "CONFLICT", "taken", correlation_id="r1"), "keys", "--json")

    shown = capsys.readouterr()
    assert shown.out == ""
    error = json.loads(shown.err)["error"]
    assert error == {
        "code": "refused",
        "message": "taken",
        "status": 409,
        "reason": "CONFLICT",
        "correlationId": "r1",
    }


def test_with_debug_the_error_keeps_its_traceback() -> None:
    def command() -> None:
        raise ConfigError("broken")

    with pytest.raises(ConfigError):
        run(command, ["--debug"])


def test_an_error_nobody_expected_is_not_hidden() -> None:
    def command() -> None:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError):
        run(command, [])


@pytest.mark.parametrize("error", [KeyboardInterrupt(), typer.Abort()])
def test_ctrl_c_ends_without_a_word(error: BaseException, capsys: pytest.CaptureFixture[str]) -> None:
    assert ends(error) == ExitCode.INTERRUPTED
    assert capsys.readouterr().err.strip() == ""


def test_the_number_a_command_returns_is_its_exit_code() -> None:
    with pytest.raises(SystemExit) as end:
        run(lambda: 3, [])

    assert end.value.code == 3


@pytest.mark.parametrize(
    "words",
    [
        ("providers", "add", "openai", KEY),
        ("providers", "add", "openai", "--api-key", KEY),
        ("providers", "add", "openai", f"--api-key={KEY}"),
        ("providers", "edit", "openai", "--key", KEY),
    ],
    ids=["as a word", "as an option", "with an equals sign", "at edit"],
)
def test_a_key_in_the_command_line_is_refused_and_not_repeated(words: tuple[str, ...], run: Run) -> None:
    shown = run(*words)

    assert shown.exit_code == ExitCode.USAGE
    assert KEY not in shown.output
    assert "key" in shown.stderr


def test_a_token_the_gateway_does_not_take_is_named_with_the_way_to_a_new_one(
    data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ends(ApiRefused(401, "AUTH_001", "the key presented is no valid key")) == ExitCode.REFUSED

    said = capsys.readouterr().err
    assert str(data_dir / "local_token") in said
    assert "omniroute token rotate" in said
