"""The whole configuration as one file, from the shell."""

import json
import tomllib
from pathlib import Path

import pytest

from omniroute.exit_codes import ExitCode
from tests.cli.shell import Run

FILE = """
[accounts."groq/work"]
apiKey = "env:MY_GROQ_KEY"
baseUrl = "http://127.0.0.1:9/v1"
allowPrivate = true

[combos.daily]
models = ["groq/a", { model = "groq/b", weight = 3 }]

[settings]
fallbackStrategy = "p2c"

[keys.laptop]
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MY_GROQ_KEY", "gsk_0123456789abcdef")
    path = tmp_path / "omniroute.toml"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_a_file_is_looked_at_applied_and_applied_again(run: Run, file: Path) -> None:
    looked = run("apply", str(file), "--diff")
    assert looked.exit_code == 0, looked.output
    assert "+ combos.daily" in looked.stdout
    assert json.loads(run("combos", "list", "--json").stdout) == {"combos": []}

    done = run("apply", str(file), "--yes", "--json")
    again = run("apply", str(file), "--yes")

    assert done.exit_code == 0, done.output
    (key,) = json.loads(done.stdout)["keys"]
    assert key["key"].startswith("sk-omr-")
    assert "gsk_" not in looked.output + done.output
    assert "nothing to change" in again.stderr
    assert json.loads(run("providers", "list", "--json").stdout)["connections"][0]["hasApiKey"]


def test_an_export_applied_elsewhere_is_the_same(
    run: Run, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("apply", str(file), "--yes")
    written = run("export").stdout
    assert tomllib.loads(written) == json.loads(run("export", "--format", "json").stdout)
    copy = tmp_path / "copy.toml"
    copy.write_text(written, encoding="utf-8")

    monkeypatch.setenv("DATA_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GROQ_API_KEY", "gsk_0123456789abcdef")
    assert run("apply", str(copy), "--yes").exit_code == 0

    assert run("export").stdout == written


def test_nothing_is_applied_unasked(run: Run, file: Path) -> None:
    assert run("apply", str(file)).exit_code == ExitCode.USAGE
    assert json.loads(run("export", "--json").stdout) == {}


def test_what_is_wrong_is_named_with_its_path(run: Run, file: Path) -> None:
    file.write_text("[combos.daily]\ncolour = 1\n", encoding="utf-8")
    refused = run("apply", str(file), "--yes")
    assert refused.exit_code == ExitCode.REFUSED
    assert "combos.daily.colour" in refused.stderr


@pytest.mark.parametrize("text", ["[combos", "{"])
def test_a_broken_file_is_refused(run: Run, text: str) -> None:
    assert run("apply", "-", "--yes", typed=text).exit_code == ExitCode.USAGE
    assert run("apply", "no/such/file").exit_code == ExitCode.USAGE


def test_an_export_of_nothing_is_a_document_that_apply_takes(run: Run) -> None:
    written = run("export").stdout

    assert written == "# Nothing is configured.\n"
    assert "nothing to change" in run("apply", "-", "--yes", typed=written).stderr
