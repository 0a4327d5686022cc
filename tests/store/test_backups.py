"""Backups: whole, checked, private."""

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from omniroute.errors import StoreError
from omniroute.paths import Paths
from omniroute.store import aliases, backups
from omniroute.store.database import SqliteDatabase
from tests.store.samples import NOON_MS


async def test_a_backup_holds_what_the_database_holds_while_it_is_in_use(
    database: SqliteDatabase, paths: Paths
) -> None:
    await database.write(lambda c: aliases.put(c, "a", "b"))
    path = backups.create(paths.database, paths.database_backups, "manual", now_ms=NOON_MS + 7)
    await database.write(lambda c: aliases.put(c, "later", "x"))

    assert path == paths.database_backups / "db_2026-11-22T12-00-00-007Z_manual.sqlite"
    with closing(sqlite3.connect(path)) as copy:
        assert copy.execute("SELECT alias, target FROM model_aliases").fetchall() == [("a", "b")]
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert list(paths.database_backups.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
async def test_a_backup_is_private(database: SqliteDatabase, paths: Paths) -> None:
    path = backups.create(paths.database, paths.database_backups, "manual", now_ms=NOON_MS)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_two_backups_in_a_millisecond_are_two_files(database: SqliteDatabase, paths: Paths) -> None:
    made = {backups.create(paths.database, paths.database_backups, "auto", now_ms=NOON_MS) for _ in range(3)}

    assert len(made) == 3
    assert all(path.exists() for path in made)


def damaged(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (a)")
        connection.executemany("INSERT INTO t VALUES (?)", [("x" * 500,)] * 200)
        connection.commit()
    content = bytearray(path.read_bytes())
    content[4096 * 5 : 4096 * 6] = b"\xff" * 4096
    path.write_bytes(content)


def test_a_damaged_database_gives_no_backup(tmp_path: Path) -> None:
    damaged(tmp_path / "db.sqlite")

    with pytest.raises(StoreError, match="damaged"):
        backups.create(tmp_path / "db.sqlite", tmp_path / "backups", "auto", now_ms=NOON_MS)
    assert list((tmp_path / "backups").iterdir()) == []


def test_a_missing_database_gives_no_backup(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        backups.create(tmp_path / "none.sqlite", tmp_path / "backups", "auto", now_ms=NOON_MS)
    assert list((tmp_path / "backups").iterdir()) == []
