"""The log: what is written, and what never is."""

import json
import logging
import re
from pathlib import Path

import pytest

from omniroute.server.logs import HIDDEN, Redactor, logging_to_file
from omniroute.server.start_errors import NotWritable
from omniroute.settings import Settings, load_settings

KNOWN = "a-secret-of-no-known-shape"


def redactor() -> Redactor:
    made = Redactor()
    made.follow(lambda: (KNOWN,), lambda: [KNOWN, "short"])
    return made


def settings(directory: Path, **options: object) -> Settings:
    return load_settings(directory / "config.toml", options)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"failed with {KNOWN}!", KNOWN),
        ("Authorization: Bearer abc.def-123", "abc.def-123"),
        ("{'x-api-key': 'topsecret1'}", "topsecret1"),
        ('{"x-goog-api-key": "topsecret1"}', "topsecret1"),
        ("key sk-omr-0123456789abcdef was used", "sk-omr-0123456789abcdef"),
        ("sk-ant-api03-AAAA_bbbb-cccc", "AAAA_bbbb"),
        ("AIzaSyA0123456789012345678901234567890", "AIzaSyA0123"),
        ("GET /v1beta/models?key=abcdef&alt=sse", "abcdef"),
        ("authorization=Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
    ],
)
def test_secrets_are_hidden(text: str, secret: str) -> None:
    cleaned = redactor().clean(text)
    assert secret not in cleaned
    assert HIDDEN in cleaned


@pytest.mark.parametrize(
    "text", ["a short word", "the task-force met", "model sk-1 unknown", "POST /v1/messages?beta=true 200"]
)
def test_other_text_is_left_alone(text: str) -> None:
    assert redactor().clean(text) == text


def test_a_secret_is_known_as_soon_as_the_configuration_has_it() -> None:
    configuration: list[object] = [object()]
    secrets = ["first-secret"]
    made = Redactor()
    made.follow(lambda: tuple(configuration), lambda: secrets)
    assert made.clean("first-secret second-secret") == f"{HIDDEN} second-secret"
    configuration[0] = object()
    secrets[0] = "second-secret"
    assert made.clean("first-secret second-secret") == f"first-secret {HIDDEN}"


def test_a_longer_secret_is_hidden_whole() -> None:
    made = Redactor()
    made.follow(lambda: (1,), lambda: ["secret-one", "secret-one-and-more"])
    assert made.clean("secret-one-and-more") == HIDDEN


@pytest.mark.parametrize("form", ["text", "json"])
def test_records_and_tracebacks_reach_the_file_redacted(tmp_path: Path, form: str) -> None:
    path = tmp_path / "logs" / "app.log"
    log = logging.getLogger("omniroute.server.example")
    with logging_to_file(path, settings(tmp_path, log_format=form), redactor(), to_stderr=False):
        log.info("asked %s with %s", "acme", KNOWN)
        log.debug("not this one")
        try:
            int(f"not a number: {KNOWN}")
        except ValueError:
            log.exception("failed")
    written = path.read_text()
    assert KNOWN not in written
    assert "not this one" not in written
    assert "Traceback" in written
    assert path.stat().st_mode & 0o777 == 0o600
    if form == "json":
        first, second = map(json.loads, written.splitlines())
        assert (first["level"], first["source"]) == ("info", "server.example")
        assert first["message"] == f"asked acme with {HIDDEN}"
        assert second["traceback"].endswith(f"'not a number: {HIDDEN}'")
    else:
        line = rf"\S+Z INFO server\.example: asked acme with {re.escape(HIDDEN)}"
        assert re.fullmatch(line, written.splitlines()[0])


def test_a_full_log_file_is_rotated(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    with logging_to_file(path, settings(tmp_path, log_max_file_size=64 * 1024), Redactor(), to_stderr=False):
        for _ in range(100):
            logging.getLogger("omniroute").info("x" * 1000)
    assert (tmp_path / "app.log.1").exists()


def test_in_the_foreground_records_are_on_standard_error_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with logging_to_file(tmp_path / "app.log", settings(tmp_path), Redactor(), to_stderr=True):
        logging.getLogger("omniroute").warning("look here")
    assert "WARNING omniroute: look here" in capsys.readouterr().err


def test_a_log_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "way").write_text("a file in the way")
    path = tmp_path / "way" / "app.log"
    with (
        pytest.raises(NotWritable, match=str(path)),
        logging_to_file(path, settings(tmp_path), Redactor(), to_stderr=False),
    ):
        pass
