#!/usr/bin/env python3
"""One command for each thing done in a checkout, with nothing installed but Python.

usage: python3 dev.py COMMAND [arguments…]

  serve [arguments]   start the gateway (`omniroute serve`), in the background
  run ARGUMENTS       any other omniroute command: `python3 dev.py run status`
  test [arguments]    every check, then the tests; the arguments go to pytest
  check               every check: style, types, layers, length of modules
  env                 only make the environment, with the tools of `test`
  lock [arguments]    write the lock files anew (needs uv; `--upgrade` takes newer versions)

The environment is `.venv`, made at the first command and updated when a lock file changes: by uv when it is
on the PATH, else by venv and pip. Every package comes with its hash.
"""

from __future__ import annotations  # lets a Python that is too old come as far as saying so

import contextlib
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
OLDEST_PYTHON = (3, 11)
MAX_MODULE_LINES = 400
_WINDOWS = os.name == "nt"


class Stopped(Exception):
    """The command cannot go on: the sentence to show, and the exit code."""

    def __init__(self, sentence: str, code: int = 1) -> None:
        super().__init__(sentence)
        self.code = code


class Environment:
    """The virtual environment of one checkout, at `root/.venv`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.directory = root / ".venv"
        self.stamp = self.directory / "made-from"
        """Written last: what a complete environment was made from. Absent: a half-made or foreign one."""

    def program(self, name: str) -> Path:
        """Where the program of that name is, once a package has brought it."""
        return self.directory / ("Scripts" if _WINDOWS else "bin") / (f"{name}.exe" if _WINDOWS else name)

    def lock(self, kind: str) -> Path:
        """What an environment of that kind, `runtime` or `test`, is made of."""
        return self.root / "requirements" / f"{kind}.lock"

    def fingerprint(self, kind: str) -> str:
        """Changes with everything the environment is made from: lock, project file, Python, place."""
        digest = hashlib.sha256()
        for part in (self.lock(kind), self.root / "pyproject.toml"):
            digest.update(part.read_bytes())
        return f"{_python_version()} {digest.hexdigest()} {self.root}"

    def is_ready_for(self, kind: str) -> bool:
        """Whether nothing has to be done; the packages of `test` include those of `runtime`."""
        if not (self.stamp.is_file() and self.program("python").exists()):
            return False
        made_from = self.stamp.read_text(encoding="utf-8")
        return made_from in {self.fingerprint(kind), self.fingerprint("test")}

    def is_worth_keeping(self) -> bool:
        """Whether updating in place is enough: programs name the place and the Python they were made for."""
        settings = self.directory / "pyvenv.cfg"
        if not (settings.is_file() and self.program("python").exists()):
            return False
        if self.stamp.is_file() and not self.stamp.read_text(encoding="utf-8").endswith(f" {self.root}"):
            return False
        version = re.search(r"(?m)^version(?:_info)?\s*=\s*(\d+\.\d+)", settings.read_text(encoding="utf-8"))
        return version is not None and version[1] == _python_version()

    def make_ready_for(self, kind: str) -> None:
        """Make or update the environment; when it is ready already, that costs a few milliseconds."""
        if self.is_ready_for(kind):
            return
        with _only_one(self.root):
            if self.is_ready_for(kind):  # another command made it meanwhile
                return
            self._make(kind)

    def _make(self, kind: str) -> None:
        keep = self.is_worth_keeping()
        uv = shutil.which("uv")
        how = f"with {uv}" if uv else "with pip, which can take a minute or two"
        _say(f"{'Updating' if keep else 'Making'} the environment in .venv {how} …")
        if keep:
            self.stamp.unlink(missing_ok=True)
        make, install = self._with_uv(uv, keep=keep) if uv else self._with_pip(keep=keep)
        packages = [*install, "--require-hashes", "--only-binary", ":all:", "-r", str(self.lock(kind))]
        for command in (make, packages, [*install, "--no-build-isolation", "--editable", str(self.root)]):
            # Standard output belongs to the command that comes after.
            code = subprocess.call(command, cwd=self.root, stdout=sys.stderr.fileno())
            if code != 0:
                raise Stopped(
                    f"The environment could not be made: `{' '.join(command)}` ended with {code}, for the"
                    " reason above. A package index has to be reachable the first time."
                )
        self.stamp.write_text(self.fingerprint(kind), encoding="utf-8")

    def _with_uv(self, uv: str, *, keep: bool) -> tuple[list[str], list[str]]:
        """The commands that make the environment and install a package into it."""
        how = "--allow-existing" if keep else "--clear"
        make = [uv, "venv", "--quiet", how, "--python", _python(), str(self.directory)]
        return make, [uv, "pip", "install", "--quiet", "--python", str(self.program("python")), "--no-deps"]

    def _with_pip(self, *, keep: bool) -> tuple[list[str], list[str]]:
        missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
        if missing:
            raise Stopped(
                f"This Python ({sys.executable}) comes without {' and '.join(missing)}, so it cannot make an"
                f" environment. On Debian and Ubuntu: apt install python{_python_version()}-venv."
                " Or install uv, which needs neither."
            )
        make = [_python(), "-m", "venv", *([] if keep else ["--clear"]), str(self.directory)]
        pip = [str(self.program("python")), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        # Compiling while installing doubles the time; a module is compiled when it is first imported.
        return make, [*pip, "--no-input", "--no-deps", "--no-compile"]


def main(arguments: Sequence[str]) -> int:
    """Run one command; the exit code is that of the first step that failed."""
    try:
        _refuse_old_python()
        return _run(arguments)
    except Stopped as stopped:
        _say(str(stopped))
        return stopped.code
    except KeyboardInterrupt:
        return 130


def _run(arguments: Sequence[str]) -> int:
    command, *rest = arguments or ["help"]
    environment = Environment(ROOT)
    if command == "serve":
        return _become_omniroute(environment, ["serve", *rest])
    if command == "run":
        return _become_omniroute(environment, rest)
    if command in {"test", "check"}:
        environment.make_ready_for("test")
        return check(environment) or (_test(environment, rest) if command == "test" else 0)
    if command == "env":
        environment.make_ready_for("test")
        print(environment.directory)
        return 0
    if command == "lock":
        return _lock(environment, rest)
    _say((__doc__ or "").strip())
    return 0 if command in {"help", "-h", "--help"} else 2


def _become_omniroute(environment: Environment, arguments: Sequence[str]) -> int:
    environment.make_ready_for("runtime")
    command = [str(environment.program("omniroute")), *arguments]
    if not _WINDOWS:
        os.execv(command[0], command)
    return subprocess.call(command)  # on Windows exec returns to the shell before the program has ended


def check(environment: Environment) -> int:
    """Every check but the tests; the exit code of the first that fails, 0 when none does."""
    steps = (["ruff", "check"], ["ruff", "format", "--check"], ["mypy"], ["lint-imports", "--no-logo"])
    for name, *arguments in steps:
        _say(f"== {' '.join([name, *arguments])}")
        code = subprocess.call([str(environment.program(name)), *arguments], cwd=environment.root)
        if code != 0:
            return code
    _say(f"== modules of at most {MAX_MODULE_LINES} lines")
    too_long = modules_too_long(environment.root)
    for path, lines in too_long:
        _say(f"{path.relative_to(environment.root)}: {lines} lines")
    return 1 if too_long else 0


def modules_too_long(root: Path) -> list[tuple[Path, int]]:
    """The modules of the checkout that are over the limit, with their number of lines."""
    modules = [*root.glob("*.py")]
    for package in ("omniroute", "tests", "benchmarks"):
        modules += (root / package).rglob("*.py")
    counted = ((module, len(module.read_text(encoding="utf-8").splitlines())) for module in sorted(modules))
    return [(module, lines) for module, lines in counted if lines > MAX_MODULE_LINES]


def _test(environment: Environment, arguments: Sequence[str]) -> int:
    workers = min(os.cpu_count() or 1, 8)  # past that, starting them costs more than they bring
    _say("== pytest")
    command = [str(environment.program("pytest")), "-n", str(workers), *arguments]
    return subprocess.call(command, cwd=environment.root)


def _lock(environment: Environment, arguments: Sequence[str]) -> int:
    """Both lock files, for every Python and platform, without a word about where the packages came from."""
    uv = shutil.which("uv")
    if uv is None:
        raise Stopped("Writing the lock files needs uv: pip install uv.")
    resolve = [uv, "pip", "compile", "pyproject.toml", "--quiet", "--universal", "--generate-hashes"]
    resolve += ["--python-version", ".".join(map(str, OLDEST_PYTHON)), "--only-binary", ":all:"]
    resolve += ["--no-header", "--no-annotate", "--extra", "speed", "--group", "build", *arguments]
    runtime, test = environment.lock("runtime"), environment.lock("test")
    for lock, options in ((runtime, []), (test, ["--extra", "test", "--constraint", str(runtime)])):
        _say(f"== {lock.name}")
        code = subprocess.call([*resolve, *options, "--output-file", str(lock)], cwd=environment.root)
        if code != 0:
            return code
    return 0


@contextlib.contextmanager
def _only_one(root: Path) -> Iterator[None]:
    """Two commands in one checkout make the environment one after the other (Windows: nobody waits)."""
    if _WINDOWS:
        yield
        return
    import fcntl  # not on Windows

    with (root / "pyproject.toml").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _refuse_old_python() -> None:
    if sys.version_info >= OLDEST_PYTHON:
        return
    newer = [name for name in (f"python3.{minor}" for minor in range(14, 10, -1)) if shutil.which(name)]
    advice = f"Use {newer[0]} instead of python3." if newer else "Install one first."
    raise Stopped(f"OmniRoute needs Python 3.11 or newer; this is {_python_version()}. {advice}")


def _python() -> str:
    """The Python the environment is made from: not the one inside it, which may be cleared away."""
    return str(getattr(sys, "_base_executable", "") or sys.executable)


def _python_version() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
