"""Starting a gateway in a process of its own, and hearing from it whether it came up.

The command that starts one should be quick, so this loads little.
"""

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from omniroute.exit_codes import ExitCode
from omniroute.paths import Paths
from omniroute.server.start_errors import StartFailed, StartTimeout

_TAIL_BYTES = 4000
_READ_BYTES = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What the child is told on its command line."""

    data_dir: str
    config_file: str
    options: dict[str, str | int]
    """Settings given as options; they win over everything else."""
    foreground: bool = False
    """Log to standard error too, which is the parent's then."""

    @property
    def paths(self) -> Paths:
        """The installation that the child serves."""
        return Paths(Path(self.data_dir), Path(self.config_file))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Where the child answers."""

    url: str
    pid: int
    version: str


def ready_line(ready: Ready) -> str:
    """The one line a child writes on standard output when it answers."""
    return json.dumps({"ready": asdict(ready)})


def failed_line(message: str, exit_code: int) -> str:
    """The one line a child writes when it gives up."""
    return json.dumps({"message": message, "exit_code": exit_code})


@dataclass(frozen=True, slots=True)
class Child:
    """A gateway that is starting."""

    popen: subprocess.Popen[bytes]

    def wait_until_ready(self, timeout_s: float) -> Ready:
        """Where it answers. Raises `StartFailed` with its own reason, or `StartTimeout`; then it is gone."""
        line = self._first_line(timeout_s)
        if line is None:
            self._end()
            raise StartTimeout(f"the gateway did not say within {timeout_s:g} s that it is ready")
        try:
            report = json.loads(line)
        except ValueError:
            raise self._died_silently() from None
        self._forget_pipes()
        if "ready" not in report:
            self.popen.wait()
            raise StartFailed(report["message"], ExitCode(report["exit_code"]))
        return Ready(**report["ready"])

    def _first_line(self, timeout_s: float) -> bytes | None:
        """What it wrote before its line's end or its own; `None`: still nothing."""
        assert self.popen.stdout is not None  # noqa: S101  # opened as a pipe below
        deadline_s = time.monotonic() + timeout_s
        line = b""
        while not line.endswith(b"\n"):
            left_s = deadline_s - time.monotonic()
            if not _readable(self.popen.stdout.fileno(), left_s):
                return None
            chunk = os.read(self.popen.stdout.fileno(), _READ_BYTES)
            if not chunk:
                break
            line += chunk
        return line

    def _died_silently(self) -> StartFailed:
        written = self.popen.stderr.read() if self.popen.stderr is not None else b""
        words = written[-_TAIL_BYTES:].decode(errors="replace").strip()
        self._end()
        code = self.popen.returncode
        return StartFailed(
            f"the gateway ended with code {code} while starting\n{words}".strip(), ExitCode.FAILED
        )

    def _end(self) -> None:
        self.popen.kill()
        self.popen.wait()
        self._forget_pipes()

    def _forget_pipes(self) -> None:
        for pipe in (self.popen.stdout, self.popen.stderr):
            if pipe is not None:
                pipe.close()


def start_child(
    launch: Launch, *, pass_fds: Sequence[int] = (), environment: Mapping[str, str] | None = None
) -> Child:
    """A gateway in a session of its own, so that no terminal's end is its end."""
    command = [sys.executable, "-P", "-m", "omniroute.server.child", json.dumps(asdict(launch))]
    if sys.platform == "win32":
        flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
        return Child(_popen(command, launch, creationflags=flags, env=environment))
    return Child(_popen(command, launch, start_new_session=True, pass_fds=tuple(pass_fds), env=environment))


def _popen(command: Sequence[str], launch: Launch, **options: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # type: ignore[call-overload,no-any-return]  # noqa: S603  # our own program
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=None if launch.foreground else subprocess.PIPE,
        **options,
    )


def _readable(fd: int, timeout_s: float) -> bool:
    if sys.platform == "win32":
        return True  # select knows no pipes there; the child's end ends the read
    ready, _, _ = select.select([fd], [], [], max(timeout_s, 0.0))
    return bool(ready)


def tell_parent(line: str) -> None:
    """Write the child's one line on standard output, and close it."""
    with contextlib.suppress(OSError):  # a parent that gave up has closed its end
        os.write(1, f"{line}\n".encode())
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def leave_stderr(log_file: Path) -> None:
    """Later words on standard error, such as a crash of a library, go to the log: the parent will be gone."""
    with contextlib.suppress(OSError):
        log = os.open(log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(log, 2)
        os.close(log)
