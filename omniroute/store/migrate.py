"""A database file whose schema is this version's, or a reason why not."""

import os
import sqlite3
from contextlib import closing
from importlib.resources import as_file, files
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from omniroute import __version__
from omniroute.clock import Clock
from omniroute.errors import NewerDatabase, StoreError
from omniroute.paths import Paths
from omniroute.store import backups, key_value
from omniroute.store.failures import store_error, system_error
from omniroute.store.migrations import REVISIONS
from omniroute.store.tables import METADATA

HEAD = REVISIONS[-1]
_WRITTEN_BY = "written_by"


def prepare_file(path: Path) -> None:
    """The file exists, private to this user. StoreError: the system refuses."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        path.chmod(0o600)
    except OSError as error:
        raise system_error(error, path) from error


def ensure_schema(engine: Engine, paths: Paths, clock: Clock) -> None:
    """The tables are there and current; an existing older database is backed up first.

    NewerDatabase: nothing was changed. `engine` begins transactions that lock out other writers, so of two
    processes that start at once one creates or upgrades, and the other finds it done.
    """
    revision = check_revision(paths.database)
    if revision == HEAD:
        return
    if revision is not None:
        backups.create(paths.database, paths.database_backups, "pre-migration", now_ms=clock.now_ms())
    with engine.connect() as connection:
        # Rebuilding a table drops the old one, which must not take the rows that point at it along.
        _set_foreign_keys(connection, "OFF")
        with connection.begin():
            _bring_up(connection, paths.database)
        _set_foreign_keys(connection, "ON")


def check_revision(path: Path) -> str | None:
    """The schema's revision, `None` for an empty file, read without changing a byte.

    NewerDatabase for a revision this version does not know, StoreError for a file that is not ours.
    """
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
        ) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            if not tables:
                return None
            if "alembic_version" not in tables:
                raise StoreError(f"{path} belongs to another program; move it away, or set DATA_DIR")
            rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
            revision: str = rows[0][0] if rows else ""
            if revision not in REVISIONS:
                raise _newer(path, revision, _written_by(connection))
    except sqlite3.Error as error:
        raise store_error(error, path) from error
    return revision


def _newer(path: Path, revision: str, written_by: str | None) -> NewerDatabase:
    by = f"omniroute {written_by}" if written_by else "a newer omniroute"
    return NewerDatabase(
        f"{path} has schema {revision or 'unknown'}, written by {by}; this is omniroute {__version__}, which "
        f"knows schemas up to {HEAD}. Install a newer omniroute, or restore a backup from "
        f"{path.parent / 'db_backups'}. Nothing was changed."
    )


def _written_by(connection: sqlite3.Connection) -> str | None:
    try:
        row = connection.execute(
            "SELECT value FROM key_value WHERE namespace = ? AND key = ?", (key_value.STORE, _WRITTEN_BY)
        ).fetchone()
    except sqlite3.OperationalError:  # a later schema may keep it elsewhere
        return None
    return None if row is None else str(row[0]).strip('"')


def _set_foreign_keys(connection: Connection, value: str) -> None:
    cursor = connection.connection.cursor()  # SQLite ignores it inside a transaction, so past SQLAlchemy
    cursor.execute(f"PRAGMA foreign_keys={value}")
    cursor.close()


def _bring_up(connection: Connection, path: Path) -> None:
    revision = check_revision(path)  # again, now that nobody else writes
    if revision == HEAD:
        return
    if revision is None:
        create_tables(connection)
    else:
        upgrade(connection)
    key_value.put(connection, key_value.STORE, _WRITTEN_BY, __version__)


def create_tables(connection: Connection) -> None:
    """All tables at once, marked as current: what the revisions lead to, without Alembic's slow import."""
    METADATA.create_all(connection)
    # The same statement Alembic has for its table.
    connection.execute(
        text(
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
            "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
        )
    )
    connection.execute(text("INSERT INTO alembic_version (version_num) VALUES (:head)"), {"head": HEAD})


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run the revisions that are missing, in the caller's transaction."""
    from alembic import command
    from alembic.config import Config

    with as_file(files("omniroute.store.migrations")) as location:
        config = Config()
        config.set_main_option("script_location", str(location).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
