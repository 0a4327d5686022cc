"""Finding a tool's command, and asking it for its version without trusting it."""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from omniroute.tools.environment import Environment

VERSION_LIMIT_S = 15.0
NPM_LIMIT_S = 10.0
STOP_LIMIT_S = 1.0
"""How long a command may take to go once its output has ended or it was killed."""
MAX_OUTPUT_BYTES = 4096

_VERSION = re.compile(r"\d+(?:\.\d+)+\S*")
_PASSED_ON = ("SYSTEMROOT", "COMSPEC", "PATHEXT", "APPDATA", "LOCALAPPDATA", "TEMP", "TMP", "TMPDIR")
_USUAL_PLACES = (
    ".local/bin",
    ".npm-global/bin",
    ".bun/bin",
    ".claude/local",
    ".opencode/bin",
    ".volta/bin",
)
_VERSIONED_PLACES = (
    ".nvm/versions/node/*/bin",
    ".local/share/fnm/node-versions/*/installation/bin",
    "Library/Application Support/fnm/node-versions/*/installation/bin",
)
_SYSTEM_PLACES = ("opt/homebrew/bin", "usr/local/bin")


class Reason(StrEnum):
    """Why a command does not run."""

    NOT_FOUND = "not_found"
    NOT_EXECUTABLE = "not_executable"
    HEALTHCHECK_FAILED = "healthcheck_failed"
    HEALTHCHECK_TIMEOUT = "healthcheck_timeout"
    UNSAFE_PATH = "unsafe_path"
    NOT_FILE = "not_file"
    ACCESS_ERROR = "access_error"
    MISSING_COMMAND = "missing_command"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Where a tool's command is, and whether it runs."""

    name: str
    path: Path | None = None
    version: str | None = None
    reason: Reason | None = None


class Commands:
    """Looks commands up; may be shared by threads.

    Asks npm for its folder at most once, and each file for its version once until the file changes.
    """

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._npm_asked = threading.Lock()
        self._npm_folders: list[Path] | None = None
        self._checked: dict[tuple[Path, int, int], tuple[str | None, Reason | None]] = {}

    def find(self, name: str, variable: str, *, limit_s: float = VERSION_LIMIT_S) -> Command:
        """The command `name`, or the one that the environment variable names instead."""
        named = self._env.variables.get(variable)
        if named is not None:
            name = named.strip()
        path, reason = self._locate(name)
        if path is None or reason is not None:
            return Command(name=name, path=path, reason=reason)
        try:
            found = path.stat()
        except OSError:
            return Command(name=name, path=path, reason=Reason.ACCESS_ERROR)
        key = (path, found.st_mtime_ns, found.st_size)
        if key not in self._checked:
            self._checked[key] = self._version(path, limit_s)
        version, reason = self._checked[key]
        return Command(name=name, path=path, version=version, reason=reason)

    def _locate(self, name: str) -> tuple[Path | None, Reason | None]:
        if not name:
            return None, Reason.MISSING_COMMAND
        if not name.isprintable():
            return None, Reason.UNSAFE_PATH
        if "/" in name or "\\" in name:
            path = Path(name)
            return (path, _fault(path)) if path.is_absolute() else (None, Reason.UNSAFE_PATH)
        unusable: tuple[Path | None, Reason | None] = (None, Reason.NOT_FOUND)
        for folder in self._folders():
            for spelled in self._spellings(name):
                path = folder / spelled
                fault = _fault(path)
                if fault is None:
                    return path, None
                if fault is not Reason.NOT_FOUND and unusable[0] is None and fault is not Reason.NOT_FILE:
                    unusable = (path, fault)
        return unusable

    def _folders(self) -> Iterator[Path]:
        """Where to look, in order. npm is asked only when the places before it have nothing."""
        home, root = self._env.home, self._env.root
        yield from _search_path(self._env, "PATH")
        yield from _search_path(self._env, "CLI_EXTRA_PATHS")
        yield from self._npm()
        yield from (home / place for place in _USUAL_PLACES)
        for pattern in _VERSIONED_PLACES:
            yield from sorted(home.glob(pattern), reverse=True)
        yield from (root / place for place in _SYSTEM_PLACES)

    def _spellings(self, name: str) -> list[str]:
        return [f"{name}.cmd", f"{name}.exe", name] if self._env.platform == "win32" else [name]

    def _npm(self) -> list[Path]:
        with self._npm_asked:
            if self._npm_folders is None:
                self._npm_folders = self._ask_npm()
            return self._npm_folders

    def _ask_npm(self) -> list[Path]:
        roaming = self._env.variables.get("APPDATA")
        if self._env.platform == "win32" and roaming:
            return [Path(roaming) / "npm"]
        npm = next((it / "npm" for it in _search_path(self._env, "PATH") if _fault(it / "npm") is None), None)
        if npm is None:
            return []
        answer = _run(
            [str(npm), "config", "get", "prefix"], self._child_env(npm), self._env.home, NPM_LIMIT_S
        )
        lines = answer.output.decode(errors="replace").strip().splitlines()
        if answer.status != 0 or not lines or not Path(lines[-1]).is_absolute():
            return []
        return [Path(lines[-1]) / "bin"]

    def _version(self, path: Path, limit_s: float) -> tuple[str | None, Reason | None]:
        answer = _run([str(path), "--version"], self._child_env(path), self._env.home, limit_s)
        if answer.timed_out:
            return None, Reason.HEALTHCHECK_TIMEOUT
        text = answer.output.decode(errors="replace").strip()
        if answer.status != 0 or not text or len(answer.output) > MAX_OUTPUT_BYTES:
            return None, Reason.HEALTHCHECK_FAILED
        found = _VERSION.search(text)
        return (found[0] if found else text.splitlines()[0]), None

    def _child_env(self, command: Path) -> dict[str, str]:
        """Enough to start a program, and none of the keys that our own environment may hold.

        The command's own folder comes first: a script found beside its interpreter needs that one.
        """
        variables = self._env.variables
        passed = {name: variables[name] for name in variables if name.upper() in _PASSED_ON}
        search = [str(command.parent), *(str(folder) for folder in _search_path(self._env, "PATH"))]
        separator = _separator(self._env)
        home = str(self._env.home)
        return {**passed, "PATH": separator.join(search), "HOME": home, "USERPROFILE": home}


def _separator(env: Environment) -> str:
    return ";" if env.platform == "win32" else ":"


def _search_path(env: Environment, variable: str) -> list[Path]:
    """The absolute folders of a search path: a relative one would run what lies in a project."""
    parts = env.variables.get(variable, "").split(_separator(env))
    return [Path(part) for part in parts if part and Path(part).is_absolute()]


def _fault(path: Path) -> Reason | None:
    """Why this path cannot be started, as far as looking tells."""
    try:
        if not path.exists():
            return Reason.NOT_FOUND
        if not path.is_file():
            return Reason.NOT_FILE
    except OSError:
        return Reason.ACCESS_ERROR
    return None if os.access(path, os.X_OK) else Reason.NOT_EXECUTABLE


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int | None
    output: bytes
    timed_out: bool = False


def _run(command: list[str], env: Mapping[str, str], cwd: Path, limit_s: float) -> _Answer:
    """The exit status and at most one byte more than the allowed output, without a shell.

    Past the limit the command is stopped with everything in its process group, also a child that keeps
    our pipe open. One that left the group is not waited for.
    """
    try:
        child = subprocess.Popen(  # noqa: S603 - an absolute path, found by us, and fixed arguments
            command,
            bufsize=0,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(env),
            cwd=cwd if cwd.is_dir() else None,
            start_new_session=True,
        )
    except OSError:
        return _Answer(None, b"")
    ends_at = time.monotonic() + limit_s
    output = bytearray()
    with child:
        reader = threading.Thread(target=_read, args=(child, output), daemon=True)
        reader.start()
        reader.join(limit_s)
        timed_out = reader.is_alive()
        if timed_out or len(output) > MAX_OUTPUT_BYTES:
            _kill(child)
        try:
            status = child.wait(max(ends_at - time.monotonic(), STOP_LIMIT_S))
        except subprocess.TimeoutExpired:
            _kill(child)
            return _Answer(None, bytes(output), timed_out=True)
    return _Answer(status, bytes(output), timed_out)


def _read(child: subprocess.Popen[bytes], output: bytearray) -> None:
    """Fills `output` until the pipe ends, or more came than is allowed."""
    while child.stdout is not None and len(output) <= MAX_OUTPUT_BYTES:
        piece = child.stdout.read(MAX_OUTPUT_BYTES)
        if not piece:
            return
        output += piece


def _kill(child: subprocess.Popen[bytes]) -> None:
    """Ends the child and its group; gone already is as good."""
    try:
        if hasattr(os, "killpg"):
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
    except OSError:
        return
