"""Reading a user's file, and replacing it whole or not at all."""

import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from omniroute.errors import ConfigError

PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700


class Busy(ConfigError):
    """Another process changed the file between our reading and our writing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """A file at one moment. `content` is `None` when it does not exist."""

    path: Path
    """As the tool names it."""
    target: Path
    """Where it really lies, links resolved."""
    content: bytes | None = field(repr=False)
    mode: int | None = None
    owner: tuple[int, int] | None = None
    """User and group."""
    size: int = 0
    mtime_ns: int = 0

    @property
    def sha256(self) -> str | None:
        """The content's hash, `None` when there is no file."""
        return sha256(self.content)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What makes it a bad place for a key."""
        if self.mode is None or not self.mode & 0o077 or os.name != "posix":
            return ()
        return (f"{self.path} holds a key and may be read by other users: chmod 600",)


def sha256(content: bytes | None) -> str | None:
    """The hash by which a file is recognised; `None` stands for no file."""
    return None if content is None else hashlib.sha256(content).hexdigest()


def read(path: Path) -> FileState:
    """The file as it is now. Raises ConfigError when it is no regular file, or cannot be read."""
    try:
        target = Path(os.path.realpath(path))
        found = target.stat()
        if not stat.S_ISREG(found.st_mode):
            raise ConfigError(f"{path} is not a file")
        content = target.read_bytes()
    except FileNotFoundError:
        return FileState(path=path, target=target, content=None)
    except OSError as fault:
        raise ConfigError(f"cannot read {path}: {fault.strerror}") from None
    return FileState(
        path=path,
        target=target,
        content=content,
        mode=stat.S_IMODE(found.st_mode),
        owner=(found.st_uid, found.st_gid),
        size=found.st_size,
        mtime_ns=found.st_mtime_ns,
    )


def missing_directories(target: Path) -> list[Path]:
    """The directories that must be made for this file, outermost first."""
    missing: list[Path] = []
    for directory in target.parents:
        if directory.exists():
            break
        missing.insert(0, directory)
    return missing


def replace(before: FileState, content: bytes, *, mode: int | None = None) -> None:
    """Puts `content` in the file's place, in one step.

    Mode and owner stay; a new file gets `mode`, else 0600, in directories of 0700. A symbolic link stays
    one: its target is replaced. Raises Busy when the file is no longer as in `before`, ConfigError when
    it cannot be written.
    """
    target = before.target
    try:
        for directory in missing_directories(target):
            directory.mkdir(PRIVATE_DIRECTORY)
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                _take_after(file.fileno(), temporary, before, mode)
                os.fsync(file.fileno())
            _require_unchanged(before)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_directory(target.parent)
    except OSError as fault:
        raise ConfigError(f"cannot write {before.path}: {fault.strerror}") from None


def remove(before: FileState) -> None:
    """Takes the file away. Raises Busy when it is no longer as in `before`."""
    try:
        _require_unchanged(before)
        before.target.unlink(missing_ok=True)
        _sync_directory(before.target.parent)
    except OSError as fault:
        raise ConfigError(f"cannot remove {before.path}: {fault.strerror}") from None


def remove_empty(directories: list[Path]) -> None:
    """Takes those directories away that are empty, innermost first."""
    for directory in reversed(directories):
        with suppress(OSError):  # not empty, or gone already: both are as good
            directory.rmdir()


def _take_after(descriptor: int, temporary: Path, before: FileState, mode: int | None) -> None:
    """Gives the new file the old one's owner, then its mode: a change of owner may clear mode bits."""
    if before.owner is not None and hasattr(os, "fchown"):
        now = os.fstat(descriptor)
        if (now.st_uid, now.st_gid) != before.owner:
            os.fchown(descriptor, *before.owner)
    temporary.chmod(before.mode or mode or PRIVATE_FILE)


def _require_unchanged(before: FileState) -> None:
    now = read(before.path)
    if (now.target, now.size, now.mtime_ns, now.sha256) != (
        before.target,
        before.size,
        before.mtime_ns,
        before.sha256,
    ):
        raise Busy(f"{before.path} is being changed by another program: try again")


def _sync_directory(directory: Path) -> None:
    """Makes a rename survive a power cut, where directories can be synced at all."""
    with suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
