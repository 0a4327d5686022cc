"""What SQLite reports, as one sentence a person can act on."""

import sqlite3
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from omniroute.errors import StoreError

_SENTENCES = {
    sqlite3.SQLITE_FULL: "the disk is full, so {path} cannot grow; free some space",
    sqlite3.SQLITE_IOERR: "{path} cannot be read or written: the disk failed or is full",
    sqlite3.SQLITE_CORRUPT: "{path} is damaged; restore a backup from {backups}, or move the file away",
    sqlite3.SQLITE_NOTADB: "{path} is damaged: no database; restore a backup from {backups} or move it away",
    sqlite3.SQLITE_READONLY: "{path} is not writable for this user",
    sqlite3.SQLITE_PERM: "{path} is not accessible for this user",
    sqlite3.SQLITE_CANTOPEN: "{path} cannot be opened: check that this user may write its directory",
    sqlite3.SQLITE_BUSY: "{path} is locked by another program; end that one, then try again",
    sqlite3.SQLITE_LOCKED: "{path} is locked by another program; end that one, then try again",
}


class Duplicate(StoreError):
    """Something of that name is there already."""


class NotFound(StoreError):
    """There is no row of that id."""


def store_error(error: sqlite3.Error | DBAPIError, path: Path) -> StoreError:
    """The sentence for a driver's error."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(cause, "sqlite_errorcode", None)
    # The low byte is the kind; the rest says which system call it was.
    sentence = _SENTENCES.get(code & 0xFF) if isinstance(code, int) else None
    if sentence is None:
        # The driver's text names tables and columns, never the values that were bound.
        return StoreError(f"{path}: {cause}")
    return StoreError(sentence.format(path=path, backups=path.parent / "db_backups"))


def system_error(error: OSError, path: Path) -> StoreError:
    """The sentence for what the system refused."""
    return StoreError(f"{path} cannot be used: {error.strerror or error}")
