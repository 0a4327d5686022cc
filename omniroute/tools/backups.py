"""Copies of a tool's files as they were before each change, with what it takes to undo the change."""

import json
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

from omniroute.clock import iso
from omniroute.errors import ConfigError
from omniroute.tools.files import PRIVATE_DIRECTORY, PRIVATE_FILE, FileState, missing_directories, sha256
from omniroute.tools.keys import Written

KEPT = 5
"""The newest so many are kept, and the very first, and the one that a reset would go back to."""

_ID = re.compile(r"[0-9TZ.-]+-[0-9]+")


class Reason(StrEnum):
    """Which action a backup was made for."""

    APPLY = "apply"
    RESET = "reset"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What of ours is in a tool's files, and how to get it out."""

    written: tuple[Written, ...] = ()
    origin: str | None = None
    """The backup that holds the files as before us; `None` once somebody else edited them in between."""
    existed: bool = True
    """Whether the file was there before us."""
    made: tuple[Path, ...] = ()
    """Directories made for the file, outermost first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedFile:
    """One file of a backup."""

    path: Path
    existed: bool
    mode: int | None
    sha256_before: str | None
    sha256_after: str | None
    backup: str | None
    """Its name in the backup's folder; `None` when it did not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """The state before one change."""

    id: str
    tool: str
    created_at: str
    reason: Reason
    files: tuple[SavedFile, ...]
    size_bytes: int
    before: Record = field(repr=False)
    after: Record = field(repr=False)


class Backups:
    """The backups of one tool, below the gateway's data directory."""

    def __init__(self, data_dir: Path, tool_id: str) -> None:
        self._tool_id = tool_id
        self._folder = data_dir / "backups" / tool_id

    def all(self) -> list[Backup]:
        """Every whole backup, oldest first."""
        try:
            names = [entry.name for entry in self._folder.iterdir() if _ID.fullmatch(entry.name)]
        except FileNotFoundError:
            return []
        found: list[Backup] = []
        for name in sorted(names, key=_age):
            try:
                found.append(_read_meta(self._folder / name))
            except (OSError, ValueError, KeyError, TypeError):
                continue  # a folder we did not write, or not whole: nothing to go back to
        return found

    def newest(self, path: Path) -> tuple[Backup, SavedFile] | None:
        """The latest backup of the file at `path`: the tool may have had its file elsewhere in between."""
        of_path = ((it, file) for it in reversed(self.all()) for file in it.files if file.path == path)
        return next(of_path, None)

    def get(self, backup_id: str) -> Backup:
        """The backup of this id. Raises ConfigError when the id is no id, or there is none."""
        if _ID.fullmatch(backup_id):
            for backup in self.all():
                if backup.id == backup_id:
                    return backup
        raise ConfigError(f"there is no backup of {self._tool_id} with that id")

    def content(self, backup: Backup, file: SavedFile) -> bytes | None:
        """The saved bytes, `None` when the file did not exist. Raises ConfigError when they are damaged."""
        if file.backup is None:
            return None
        try:
            content = (self._folder / backup.id / Path(file.backup).name).read_bytes()
        except OSError as fault:
            raise ConfigError(f"cannot read the backup {backup.id}: {fault.strerror}") from None
        if sha256(content) != file.sha256_before:
            raise ConfigError(f"the backup {backup.id} is damaged")
        return content

    def next_id(self, now_ms: int) -> str:
        """An id later than every other, also when the clock was set back."""
        stamp = iso(now_ms).replace(":", "-")
        backups = self.all()
        if not backups:
            return f"{stamp}-1"
        last_stamp, last_number = _age(backups[-1].id)
        return f"{stamp}-1" if stamp > last_stamp else f"{last_stamp}-{last_number + 1}"

    def save(
        self,
        backup_id: str,
        reason: Reason,
        changes: Sequence[tuple[FileState, bytes | None]],
        records: tuple[Record, Record],
        created_ms: int,
    ) -> None:
        """Writes the backup of files about to get the paired content, with the records before and after.

        It is whole or absent: the folder gets its name last.
        """
        before, after = records
        making = self._folder / f".{backup_id}"
        try:
            for directory in missing_directories(making):
                directory.mkdir(PRIVATE_DIRECTORY)
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir(PRIVATE_DIRECTORY)
            files = [_copy(making, index, state, content) for index, (state, content) in enumerate(changes)]
            meta = {
                "id": backup_id,
                "tool": self._tool_id,
                "createdAt": iso(created_ms),
                "reason": reason,
                "files": [{**asdict(file), "path": str(file.path)} for file in files],
                "record": {"before": _record_json(before), "after": _record_json(after)},
            }
            _write_private(making / "meta.json", json.dumps(meta, indent=2).encode())
            making.rename(self._folder / backup_id)
        except OSError as fault:
            raise ConfigError(f"cannot write a backup below {self._folder}: {fault.strerror}") from None

    def discard(self, backup_id: str) -> None:
        """Forgets a backup whose change did not come about."""
        shutil.rmtree(self._folder / backup_id, ignore_errors=True)

    def prune(self) -> None:
        """Takes away what is neither among the newest, nor the first, nor needed for a reset."""
        backups = self.all()
        latest = {file.path: backup for backup in backups for file in backup.files}
        needed = {backup.id for backup in backups[:1]}
        for backup in latest.values():
            needed |= {backup.id, backup.after.origin or backup.id}
        for backup in backups[:-KEPT]:
            if backup.id not in needed:
                self.discard(backup.id)


def _age(backup_id: str) -> tuple[str, int]:
    stamp, _, number = backup_id.rpartition("-")
    return stamp, int(number)


def _copy(folder: Path, index: int, state: FileState, after: bytes | None) -> SavedFile:
    name = None
    if state.content is not None:
        name = f"{index}-{state.path.name}"
        _write_private(folder / name, state.content)
    return SavedFile(
        path=state.path,
        existed=state.content is not None,
        mode=state.mode,
        sha256_before=state.sha256,
        sha256_after=sha256(after),
        backup=name,
    )


def _write_private(path: Path, content: bytes) -> None:
    """On the disk before the file it is a copy of is changed."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _record_json(record: Record) -> dict[str, object]:
    return {
        "written": [asdict(entry) for entry in record.written],
        "origin": record.origin,
        "existed": record.existed,
        "made": [str(directory) for directory in record.made],
    }


def _read_meta(folder: Path) -> Backup:
    meta = json.loads((folder / "meta.json").read_bytes())
    files = tuple(SavedFile(**{**file, "path": Path(file["path"])}) for file in meta["files"])
    return Backup(
        id=folder.name,
        tool=meta["tool"],
        created_at=meta["createdAt"],
        reason=Reason(meta["reason"]),
        files=files,
        size_bytes=sum(entry.stat().st_size for entry in folder.iterdir() if entry.name != "meta.json"),
        before=_read_record(meta["record"]["before"]),
        after=_read_record(meta["record"]["after"]),
    )


def _read_record(record: dict[str, object]) -> Record:
    written, made, origin = record["written"], record["made"], record["origin"]
    if not isinstance(written, list) or not isinstance(made, list):
        raise TypeError("a record holds two lists")
    return Record(
        written=tuple(Written(tuple(it["path"]), it["wrote"], it["previous"]) for it in written),
        origin=None if origin is None else str(origin),
        existed=bool(record["existed"]),
        made=tuple(Path(directory) for directory in made),
    )
