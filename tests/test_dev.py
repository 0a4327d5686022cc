"""dev.py: when the environment is made anew, and what stops a command."""

import sys
from pathlib import Path

import pytest

import dev

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"


def checkout(root: Path) -> dev.Environment:
    """A checkout with lock files and an environment that stands, but no stamp."""
    (root / "requirements").mkdir()
    (root / "requirements" / "runtime.lock").write_text("one==1\n")
    (root / "requirements" / "test.lock").write_text("one==1\ntwo==2\n")
    (root / "pyproject.toml").write_text("[project]\n")
    environment = dev.Environment(root)
    environment.program("python").parent.mkdir(parents=True)
    environment.program("python").touch()
    (environment.directory / "pyvenv.cfg").write_text(f"home = somewhere\nversion = {VERSION}.1\n")
    return environment


def tool(environment: dev.Environment, name: str, *, code: int) -> None:
    """A program of the environment that notes its name and ends with `code`."""
    program = environment.program(name)
    program.write_text(f"#!/bin/sh\necho {name} $1 >> {environment.root}/ran\nexit {code}\n")
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("made", "wanted", "ready"),
    [
        ("runtime", "runtime", True),
        ("test", "test", True),
        ("test", "runtime", True),
        ("runtime", "test", False),
    ],
)
def test_an_environment_with_the_test_packages_serves_too(
    tmp_path: Path, made: str, wanted: str, ready: bool
) -> None:
    environment = checkout(tmp_path)
    environment.stamp.write_text(environment.fingerprint(made))

    assert environment.is_ready_for(wanted) is ready


@pytest.mark.parametrize("changed", ["requirements/runtime.lock", "pyproject.toml"])
def test_a_change_of_what_it_is_made_from_makes_an_environment_stale(tmp_path: Path, changed: str) -> None:
    environment = checkout(tmp_path)
    environment.stamp.write_text(environment.fingerprint("runtime"))
    assert environment.is_ready_for("runtime")

    (tmp_path / changed).write_text("[project]\nname = 'other'\n")

    assert not environment.is_ready_for("runtime")
    assert environment.is_worth_keeping()


def test_an_environment_whose_making_was_cut_short_is_not_ready(tmp_path: Path) -> None:
    assert not checkout(tmp_path).is_ready_for("runtime")


def test_an_environment_of_another_python_is_made_anew(tmp_path: Path) -> None:
    environment = checkout(tmp_path)
    assert environment.is_worth_keeping()

    (environment.directory / "pyvenv.cfg").write_text("home = somewhere\nversion_info = 3.1.4\n")

    assert not environment.is_worth_keeping()


def test_an_environment_that_was_moved_is_made_anew(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    environment = checkout(before)
    environment.stamp.write_text(environment.fingerprint("runtime"))
    before.rename(after)

    moved = dev.Environment(after)

    assert not moved.is_ready_for("runtime")
    assert not moved.is_worth_keeping()


def test_the_checks_stop_at_the_first_that_fails(tmp_path: Path) -> None:
    environment = checkout(tmp_path)
    for name, code in (("ruff", 0), ("mypy", 3), ("lint-imports", 4)):
        tool(environment, name, code=code)

    assert dev.check(environment) == 3
    assert (tmp_path / "ran").read_text().splitlines() == ["ruff check", "ruff format", "mypy"]


def test_a_module_over_the_limit_fails_the_checks(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    environment = checkout(tmp_path)
    for name in ("ruff", "mypy", "lint-imports"):
        tool(environment, name, code=0)
    package = tmp_path / "omniroute" / "deep"
    package.mkdir(parents=True)
    (package / "longest.py").write_text("x = 1\n" * dev.MAX_MODULE_LINES)
    assert dev.check(environment) == 0

    (package / "longer.py").write_text("x = 1\n" * (dev.MAX_MODULE_LINES + 1))

    assert dev.check(environment) == 1
    assert "longer.py: 401 lines" in capfd.readouterr().err


def test_a_python_that_is_too_old_is_told_which_to_use(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    newer = tmp_path / "python3.12"
    newer.touch()
    newer.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))

    code = dev.main(["serve"])

    monkeypatch.undo()
    assert code == 1
    assert "needs Python 3.11 or newer; this is 3.9. Use python3.12" in capsys.readouterr().err


def test_a_python_without_ensurepip_is_told_which_package_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no uv there
    monkeypatch.setitem(sys.modules, "ensurepip", None)

    with pytest.raises(dev.Stopped, match=rf"without ensurepip.*apt install python{VERSION}-venv"):
        checkout(tmp_path).make_ready_for("runtime")


def test_writing_the_lock_files_asks_for_uv(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert dev.main(["lock"]) == 1
    assert "needs uv" in capsys.readouterr().err


def test_an_unknown_command_shows_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert dev.main(["server"]) == 2
    assert "usage: python3 dev.py COMMAND" in capsys.readouterr().err
