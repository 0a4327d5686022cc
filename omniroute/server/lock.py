"""The operating system's lock on a data directory: one gateway at a time."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import msgspec

from omniroute.api.system import ServerFile
from omniroute.paths import Paths
from omniroute.server.start_errors import AlreadyRunning, NotWritable

SHORT_COMMAND_S = 5.0
"""Wait for a command that runs the gateway inside itself for a moment."""
_LOOK_EVERY_S = 0.05
_CLOCK_SLACK_MS = 5000


class Lock(Protocol):
    """A lock that is held."""

    def fileno(self) -> int | None:
        """Descriptor a successor may inherit, so that the lock is never free in between; `None`: not here."""

    def release(self) -> None:
        """Let go, unless a successor holds it too."""


def take_lock(paths: Paths, inherited_fd: int | None = None) -> Lock:
    """The lock of this data directory. Raises `AlreadyRunning` naming who has it, or `NotWritable`."""
    make_data_dir(paths)
    if inherited_fd is not None and _is_open_file(inherited_fd, paths.lock):
        return _PosixLock(inherited_fd)
    deadline_s = time.monotonic() + SHORT_COMMAND_S
    while True:
        lock = _try_lock(paths.lock)
        if lock is not None:
            return lock
        server = read_server_file(paths)
        if server is not None and is_alive(server):
            raise AlreadyRunning(
                f"omniroute already runs for {paths.data_dir} (pid {server.pid}, {server.url}); "
                "see omniroute status, or stop it with omniroute stop"
            )
        if time.monotonic() > deadline_s:
            raise AlreadyRunning(
                f"another omniroute holds {paths.lock} and does not say who it is; "
                "if it is starting or stopping, try again in a moment"
            )
        time.sleep(_LOOK_EVERY_S)


@contextmanager
def locked(paths: Paths, inherited_fd: int | None = None) -> Iterator[Lock]:
    """`take_lock`, let go at the end."""
    lock = take_lock(paths, inherited_fd)
    try:
        yield lock
    finally:
        lock.release()


def is_locked(paths: Paths) -> bool:
    """Whether somebody holds the lock now."""
    if not paths.lock.exists():
        return False
    lock = _try_lock(paths.lock)
    if lock is None:
        return True
    lock.release()
    return False


def make_data_dir(paths: Paths) -> None:
    """The data directory exists, private to this user. Raises `NotWritable`."""
    try:
        paths.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise NotWritable(paths.data_dir, error) from None


def read_server_file(paths: Paths) -> ServerFile | None:
    """What the last server wrote about itself; it may be gone by now."""
    try:
        return msgspec.json.decode(paths.server_file.read_bytes(), type=ServerFile)
    except (OSError, msgspec.DecodeError):
        return None


def is_alive(server: ServerFile) -> bool:
    """Whether that very process still runs: its number may belong to a later one."""
    import psutil  # 2 MiB, which a server that follows none does without

    try:
        found = psutil.Process(server.pid)
        started_ms = found.create_time() * 1000
        running = found.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
    return bool(running and started_ms <= server.started_at_ms + _CLOCK_SLACK_MS)


def _try_lock(path: Path) -> Lock | None:
    try:
        return _PosixLock.attempt(path) if sys.platform != "win32" else _windows_lock(path)
    except OSError as error:
        raise NotWritable(path, error) from None


def _is_open_file(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except OSError:
        return False


class _PosixLock:
    """`flock`: belongs to the open file, so every process that inherits the descriptor holds it."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        os.set_inheritable(fd, False)  # noqa: FBT003  # the signature is the system's

    @classmethod
    def attempt(cls, path: Path) -> "Lock | None":
        import fcntl  # not on Windows

        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return None
        return cls(fd)

    def fileno(self) -> int | None:
        return self._fd

    def release(self) -> None:
        # Closed, not unlocked: unlocking would take it from a successor as well.
        os.close(self._fd)


class _WindowsLock:
    def __init__(self, lock: "_Releasable") -> None:
        self._lock = lock

    def fileno(self) -> int | None:
        return None

    def release(self) -> None:
        self._lock.release()


class _Releasable(Protocol):
    def release(self) -> None: ...


def _windows_lock(path: Path) -> Lock | None:
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return None
    return _WindowsLock(lock)
