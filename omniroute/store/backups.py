"""Verified copies of the database."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from omniroute.clock import iso
from omniroute.errors import StoreError
from omniroute.store.failures import store_error, system_error

_BUSY_S = 5.0


def create(database_path: Path, directory: Path, reason: str, *, now_ms: int) -> Path:
    """A whole, checked copy in `directory`, named by time and reason; others may write meanwhile.

    Reasons: auto, manual, pre-restore, pre-import, pre-migration.
    """
    path = _free_name(directory, reason, now_ms)
    partial = path.with_suffix(".partial")
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            _copy(database_path, partial)
            verify(partial)
            _sync(partial)
            partial.rename(path)
        finally:
            partial.unlink(missing_ok=True)
    except sqlite3.Error as error:
        raise store_error(error, database_path) from error
    except OSError as error:
        raise system_error(error, directory) from error
    return path


def verify(path: Path) -> None:
    """Read every page. StoreError: the file is damaged."""
    try:
        with closing(open_read_only(path)) as connection:
            (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        raise store_error(error, path) from error
    if verdict != "ok":
        raise StoreError(f"{path} is damaged: {verdict}")


def _free_name(directory: Path, reason: str, now_ms: int) -> Path:
    while True:
        stamp = iso(now_ms).replace(":", "-").replace(".", "-")
        path = directory / f"db_{stamp}_{reason}.sqlite"
        if not path.exists():
            return path
        now_ms += 1


def _copy(source_path: Path, target_path: Path) -> None:
    with closing(open_read_only(source_path)) as source, closing(sqlite3.connect(target_path)) as target:
        source.backup(target)
        # The copy carries the source's WAL mark; without it, it is one file wherever it is opened.
        target.execute("PRAGMA journal_mode=DELETE")


def open_read_only(path: Path) -> sqlite3.Connection:
    """The file, of which nothing can be changed."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S)


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
