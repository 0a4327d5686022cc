"""Settings from the shell."""

import json
import tomllib
from pathlib import Path

import pytest

from omniroute.exit_codes import ExitCode
from omniroute.settings import Settings
from tests.cli.shell import Run


def test_every_setting_is_shown_with_where_it_comes_from(
    run: Run, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir.mkdir()
    (data_dir / "config.toml").write_text('port = 1234\nlog_level = "debug"\n')
    monkeypatch.setenv("LOG_LEVEL", "error")

    shown = json.loads(run("config", "show", "--json").stdout)

    settings = {one["name"]: one for one in shown["settings"]}
    assert set(settings) == set(Settings.model_fields)
    assert settings["port"]["value"] == 1234
    assert settings["port"]["source"] == str(data_dir / "config.toml")
    assert settings["log_level"] == {
        "name": "log_level",
        "value": "error",
        "source": "LOG_LEVEL",
        "environment": ["LOG_LEVEL"],
    }
    assert settings["host"]["source"] == "default"


def test_the_table_has_a_line_for_every_setting(run: Run) -> None:
    shown = run("config", "show")

    assert [line.split()[0] for line in shown.stdout.splitlines()[1:]] == list(Settings.model_fields)


def test_setting_a_value_keeps_every_other_byte(run: Run, data_dir: Path) -> None:
    data_dir.mkdir()
    file = data_dir / "config.toml"
    file.write_text('# mine\nhost = "127.0.0.1"  # only here\n\nport = 1 # old\n')

    assert run("config", "set", "port", "8080").exit_code == 0

    assert file.read_text() == '# mine\nhost = "127.0.0.1"  # only here\n\nport = 8080 # old\n'


@pytest.mark.parametrize(
    ("setting", "written", "stored"),
    [
        ("port", "8080", 8080),
        ("require_api_key", "yes", True),
        ("cors_origins", "https://a.example, https://b.example", ["https://a.example", "https://b.example"]),
        ("log_level", "debug", "debug"),
        ("log_file_path", "/var/log/omniroute.log", "/var/log/omniroute.log"),
        ("instance_name", "42", "42"),
    ],
)
def test_a_value_is_stored_in_its_own_type(
    setting: str, written: str, stored: object, run: Run, data_dir: Path
) -> None:
    assert run("config", "set", setting, written).exit_code == 0

    assert tomllib.loads((data_dir / "config.toml").read_text())[setting] == stored


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("port", "99999"), "must be at most 65535"),
        (("log_level", "loud"), "'debug'"),
        (("prot", "1"), "did you mean port?"),
        (("nothing_like_it", "1"), "omniroute config show"),
    ],
)
def test_what_cannot_be_used_is_not_written(
    words: tuple[str, str], said: str, run: Run, data_dir: Path
) -> None:
    shown = run("config", "set", *words)

    assert shown.exit_code == ExitCode.CONFIG
    assert said in shown.stderr
    assert not (data_dir / "config.toml").exists()


def test_a_file_that_is_not_toml_is_left_alone(run: Run, data_dir: Path) -> None:
    data_dir.mkdir()
    file = data_dir / "config.toml"
    file.write_text("port = = 1\n")

    shown = run("config", "set", "port", "8080")

    assert shown.exit_code == ExitCode.CONFIG
    assert "is not TOML" in shown.stderr
    assert file.read_text() == "port = = 1\n"


def test_a_file_that_holds_an_unknown_setting_is_left_alone(run: Run, data_dir: Path) -> None:
    data_dir.mkdir()
    file = data_dir / "config.toml"
    file.write_text("ports = 1\n")

    shown = run("config", "set", "port", "8080")

    assert shown.exit_code == ExitCode.CONFIG
    assert file.read_text() == "ports = 1\n"
    assert list(data_dir.iterdir()) == [file]


def test_a_link_to_the_file_stays_a_link(run: Run, data_dir: Path, tmp_path: Path) -> None:
    data_dir.mkdir()
    real = tmp_path / "dotfiles.toml"
    real.write_text("port = 1\n")
    (data_dir / "config.toml").symlink_to(real)

    assert run("config", "set", "port", "2").exit_code == 0

    assert (data_dir / "config.toml").is_symlink()
    assert real.read_text() == "port = 2\n"


def test_a_variable_that_goes_before_the_file_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "1")

    assert "variable PORT is set and goes before the file" in run("config", "set", "port", "2").stderr


def test_unset_brings_the_default_back(run: Run, data_dir: Path) -> None:
    run("config", "set", "port", "8080")

    shown = json.loads(run("config", "unset", "port", "--json").stdout)

    assert shown["value"] == 20128
    assert shown["source"] == "default"
    assert run("config", "unset", "port").exit_code == 0


def test_the_path_is_all_that_is_printed(run: Run, data_dir: Path) -> None:
    assert run("config", "path").stdout == f"{data_dir / 'config.toml'}\n"
