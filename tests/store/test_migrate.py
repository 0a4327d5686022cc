"""The schema: made at once or by its revisions, older, newer."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, text

from omniroute import __version__
from omniroute.errors import NewerDatabase, StoreError
from omniroute.paths import Paths
from omniroute.store import aliases, backups, migrate
from omniroute.store.database import SqliteDatabase, open_database
from omniroute.store.migrations import REVISIONS
from omniroute.store.tables import METADATA
from tests.store.samples import StillClock

MIGRATIONS = Path(migrate.__file__).parent / "migrations"


def schema_after(bring_up: Callable[[Connection], None]) -> dict[str, str]:
    """Name to statement of every table and index."""
    engine: Engine = create_engine("sqlite://")
    with engine.begin() as connection:
        bring_up(connection)
        rows = connection.exec_driver_sql(
            "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"
        ).fetchall()
    engine.dispose()
    return {name: " ".join(sql.split()).replace("( ", "(").replace(" )", ")") for name, sql in rows}


def test_the_revisions_lead_to_the_same_schema_as_the_tables() -> None:
    by_revisions = schema_after(migrate.upgrade)
    at_once = schema_after(migrate.create_tables)

    assert by_revisions == at_once
    assert set(at_once) > {"provider_connections", "usage", "alembic_version"}


def test_the_tables_hold_nothing_the_revisions_do_not_make() -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        migrate.upgrade(connection)
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    engine.dispose()


def test_the_list_of_revisions_is_complete() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    script = ScriptDirectory.from_config(config)

    assert tuple(revision.revision for revision in script.walk_revisions())[::-1] == REVISIONS


def row(path: Path, query: str) -> object:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchone()


async def test_a_new_database_is_stamped_with_revision_and_version(
    database: SqliteDatabase, paths: Paths
) -> None:
    assert row(paths.database, "SELECT version_num FROM alembic_version") == (REVISIONS[-1],)
    written_by = row(paths.database, "SELECT value FROM key_value WHERE key = 'written_by'")
    assert written_by == (f'"{__version__}"',)
    assert not paths.database_backups.exists()


async def newer_database(paths: Paths, clock: StillClock) -> bytes:
    await (await open_database(paths, clock)).close()
    with closing(sqlite3.connect(paths.database)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("UPDATE key_value SET value = '\"77.1.0\"' WHERE key = 'written_by'")
        connection.commit()
    return paths.database.read_bytes()


async def test_a_newer_database_is_refused_untouched(paths: Paths, clock: StillClock) -> None:
    before = await newer_database(paths, clock)

    with pytest.raises(NewerDatabase) as caught:
        await open_database(paths, clock)

    for part in (
        "9999",
        "77.1.0",
        REVISIONS[-1],
        __version__,
        "Install a newer omniroute",
        "restore a backup",
    ):
        assert part in str(caught.value)
    assert paths.database.read_bytes() == before
    assert not paths.database_backups.exists()


async def test_a_newer_database_that_keeps_its_notes_elsewhere_is_refused_too(
    paths: Paths, clock: StillClock
) -> None:
    await newer_database(paths, clock)
    with closing(sqlite3.connect(paths.database)) as connection:
        connection.execute("DROP TABLE key_value")

    with pytest.raises(NewerDatabase, match="written by a newer omniroute"):
        await open_database(paths, clock)


@pytest.fixture
async def older_database(paths: Paths, clock: StillClock, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """A database at a revision before the first one of today."""
    database = await open_database(paths, clock)
    await database.write(lambda c: aliases.put(c, "kept", "x"))
    await database.close()
    with closing(sqlite3.connect(paths.database)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
        connection.commit()
    monkeypatch.setattr(migrate, "REVISIONS", ("0000", *REVISIONS))
    return paths


def rename_target(connection: Connection) -> None:
    connection.exec_driver_sql("UPDATE model_aliases SET target = 'migrated'")
    connection.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": REVISIONS[-1]})


async def test_an_older_database_is_backed_up_then_brought_up(
    older_database: Paths, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "upgrade", rename_target)
    database = await open_database(older_database, clock)

    assert await database.read(aliases.listing) == {"kept": "migrated"}
    await database.close()
    (backup,) = older_database.database_backups.iterdir()
    assert backup.name == "db_2026-11-22T12-00-00-000Z_pre-migration.sqlite"
    backups.verify(backup)
    assert row(backup, "SELECT target FROM model_aliases") == ("x",)
    assert row(backup, "SELECT version_num FROM alembic_version") == ("0000",)


async def test_a_migration_that_fails_changes_nothing(
    older_database: Paths, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(connection: Connection) -> None:
        rename_target(connection)
        connection.exec_driver_sql("CREATE TABLE half_done (a)")
        connection.exec_driver_sql("INSERT INTO no_such_table VALUES (1)")

    monkeypatch.setattr(migrate, "upgrade", fail)
    with pytest.raises(StoreError, match="no_such_table"):
        await open_database(older_database, clock)

    assert row(older_database.database, "SELECT target FROM model_aliases") == ("x",)
    assert row(older_database.database, "SELECT version_num FROM alembic_version") == ("0000",)
    assert row(older_database.database, "SELECT 1 FROM sqlite_master WHERE name = 'half_done'") is None


async def test_without_a_backup_there_is_no_migration(
    older_database: Paths, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "upgrade", rename_target)
    older_database.database_backups.write_text("in the way")

    with pytest.raises(StoreError, match="db_backups"):
        await open_database(older_database, clock)
    assert row(older_database.database, "SELECT target FROM model_aliases") == ("x",)


async def test_the_revisions_run_on_a_file_by_alembic_itself(
    paths: Paths, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A file whose version table is there but whose tables are not, as before the first revision.
    paths.data_dir.mkdir()
    with closing(sqlite3.connect(paths.database)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    monkeypatch.setattr(migrate, "REVISIONS", ("", *REVISIONS))

    database = await open_database(paths, clock)
    await database.write(lambda c: aliases.put(c, "a", "b"))
    assert await database.read(aliases.listing) == {"a": "b"}
    await database.close()
    assert row(paths.database, "SELECT version_num FROM alembic_version") == (REVISIONS[-1],)
    assert len(list(paths.database_backups.iterdir())) == 1
