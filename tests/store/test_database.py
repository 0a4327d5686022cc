"""The database file: opened, shared, full, damaged, killed."""

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from omniroute.errors import StoreError
from omniroute.paths import Paths
from omniroute.store import aliases, key_value
from omniroute.store.backups import verify
from omniroute.store.database import SqliteDatabase, open_database
from omniroute.store.tables import call_log, usage
from tests.store.samples import StillClock

posix = pytest.mark.skipif(os.name != "posix", reason="modes and signals of POSIX")


def run(script: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, check=check, capture_output=True, text=True, timeout=60)


@posix
async def test_file_and_directory_are_private(database: SqliteDatabase, paths: Paths) -> None:
    await database.write(lambda c: aliases.put(c, "a", "b"))

    assert stat.S_IMODE(paths.data_dir.stat().st_mode) == 0o700
    files = list(paths.data_dir.glob("storage.sqlite*"))
    assert {path.suffix for path in files} >= {".sqlite", ".sqlite-wal"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


@posix
async def test_a_file_that_was_open_to_others_is_closed_to_them(paths: Paths, clock: StillClock) -> None:
    await (await open_database(paths, clock)).close()
    paths.database.chmod(0o644)
    await (await open_database(paths, clock)).close()

    assert stat.S_IMODE(paths.database.stat().st_mode) == 0o600


async def test_the_file_is_set_up_for_one_writer_and_readers(database: SqliteDatabase) -> None:
    def pragmas(connection: Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    for call in (database.read, database.write):
        assert await call(pragmas) == ["wal", 1, 5000, 1]


async def test_reading_and_writing_have_a_thread_each_off_the_loop(database: SqliteDatabase) -> None:
    reader, writer = [
        await call(lambda _: threading.current_thread().name) for call in (database.read, database.write)
    ]

    assert reader.startswith("store-read")
    assert writer.startswith("store-write")


async def test_a_write_that_raises_changes_nothing(database: SqliteDatabase) -> None:
    def fail(connection: Connection) -> None:
        aliases.put(connection, "a", "b")
        raise LookupError

    with pytest.raises(LookupError):
        await database.write(fail)
    assert await database.read(aliases.listing) == {}


async def test_a_read_cannot_write(database: SqliteDatabase) -> None:
    with pytest.raises(StoreError):
        await database.read(lambda c: aliases.put(c, "a", "b"))


async def test_a_read_sees_one_state_while_others_write(database: SqliteDatabase) -> None:
    written, go = threading.Event(), threading.Event()

    def look_twice(connection: Connection) -> tuple[int, int]:
        before = len(aliases.listing(connection))
        go.set()
        assert written.wait(10)
        return before, len(aliases.listing(connection))

    looking = asyncio.ensure_future(database.read(look_twice))
    await asyncio.to_thread(go.wait, 10)
    await database.write(lambda c: aliases.put(c, "a", "b"))
    written.set()

    assert await looking == (0, 0)
    assert await database.read(aliases.listing) == {"a": "b"}


async def test_a_write_waits_for_another_process(database: SqliteDatabase, paths: Paths) -> None:
    with closing(sqlite3.connect(paths.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO model_aliases VALUES ('first', 'x')")
        writing = asyncio.ensure_future(database.write(lambda c: aliases.put(c, "second", "y")))
        # Reads are not held up meanwhile.
        assert await database.read(aliases.listing) == {}
        assert not writing.done()
        other.execute("COMMIT")
        await writing

    assert await database.read(aliases.listing) == {"first": "x", "second": "y"}


async def test_closing_twice_is_fine_and_leaves_one_file(paths: Paths, clock: StillClock) -> None:
    database = await open_database(paths, clock)
    await database.write(lambda c: aliases.put(c, "a", "b"))
    await database.close()
    await database.close()

    assert [path.name for path in paths.data_dir.iterdir()] == ["storage.sqlite"]


OPEN = """
import asyncio, sys
from pathlib import Path
from omniroute.clock import SystemClock
from omniroute.paths import Paths
from omniroute.store import aliases
from omniroute.store.database import open_database

async def main() -> None:
    database = await open_database(Paths(Path(sys.argv[1]), Path("unused")), SystemClock())
    await database.write(lambda c: aliases.put(c, sys.argv[2], "x"))
    await database.close()

asyncio.run(main())
"""


async def test_processes_that_start_at_once_share_a_new_database(paths: Paths, clock: StillClock) -> None:
    names = ["p1", "p2", "p3"]
    command = [sys.executable, "-c", OPEN, str(paths.data_dir)]
    started = [
        await asyncio.create_subprocess_exec(*command, name, stderr=asyncio.subprocess.PIPE) for name in names
    ]
    ended = [(await process.communicate(), process.returncode) for process in started]

    assert [(code, error) for (_, error), code in ended] == [(0, b"")] * len(names)
    database = await open_database(paths, clock)
    assert list(await database.read(aliases.listing)) == names
    await database.close()


WRITE_FOR_EVER = """
import asyncio, sys
from pathlib import Path
from omniroute.clock import SystemClock
from omniroute.paths import Paths
from omniroute.store import requests
from omniroute.store.database import open_database
from tests.store.samples import request_row

async def main() -> None:
    database = await open_database(Paths(Path(sys.argv[1]), Path("unused")), SystemClock())
    number = 0
    while True:
        rows = [request_row(number + index) for index in range(50)]
        number += 50
        await database.write(lambda c: requests.append(c, rows))
        print(number, flush=True)

asyncio.run(main())
"""


@posix
async def test_a_kill_in_the_middle_of_writing_leaves_whole_batches(paths: Paths, clock: StillClock) -> None:
    command = [sys.executable, "-c", WRITE_FOR_EVER, str(paths.data_dir)]
    writer = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert writer.stdout is not None
    told = 0
    while told < 1000:
        told = int(await writer.stdout.readline())
    writer.send_signal(signal.SIGKILL)
    rest = (await writer.stdout.read()).split()
    await writer.wait()
    told = int(rest[-1]) if rest else told

    database = await open_database(paths, clock)
    counts = await database.read(
        lambda c: [
            c.execute(select(func.count()).select_from(table)).scalar_one() for table in (usage, call_log)
        ]
    )
    await database.close()
    verify(paths.database)
    # What was told to be written is there; at most the batch after it was being told.
    assert counts[0] == counts[1]
    assert counts[0] in (told, told + 50)


async def test_a_full_disk_is_one_sentence_and_the_database_lives_on(database: SqliteDatabase) -> None:
    def limit(connection: Connection, pages: int) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    used = await database.read(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar_one())
    await database.write(lambda c: limit(c, used + 1))
    with pytest.raises(StoreError, match=r"the disk is full, so .*storage\.sqlite cannot grow") as caught:
        await database.write(lambda c: key_value.put(c, "test", "big", "x" * 100_000))
    await database.write(lambda c: limit(c, 1_000_000))
    await database.write(lambda c: aliases.put(c, "a", "b"))

    assert "\n" not in str(caught.value)
    assert await database.read(aliases.listing) == {"a": "b"}


FULL_AT_START = """
import asyncio, resource, sys
from pathlib import Path
from omniroute.clock import SystemClock
from omniroute.errors import StoreError
from omniroute.paths import Paths
from omniroute.store.database import open_database

resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    asyncio.run(open_database(Paths(Path(sys.argv[1]), Path("unused")), SystemClock()))
except StoreError as error:
    print(error)
"""


@posix
def test_no_room_for_a_new_database_is_one_sentence(tmp_path: Path) -> None:
    said = run(FULL_AT_START, str(tmp_path)).stdout.splitlines()

    assert len(said) == 1
    assert "full" in said[0]


async def test_a_file_that_is_no_database_is_refused_in_one_sentence(paths: Paths, clock: StillClock) -> None:
    paths.data_dir.mkdir()
    paths.database.write_bytes(b"not a database, but long enough to look at" * 100)

    with pytest.raises(StoreError, match=r"damaged.*; restore a backup"):
        await open_database(paths, clock)
    assert paths.database.read_bytes().startswith(b"not a database")


async def test_a_damaged_database_is_refused_in_one_sentence(paths: Paths, clock: StillClock) -> None:
    await (await open_database(paths, clock)).close()
    content = bytearray(paths.database.read_bytes())
    content[100:] = b"\xff" * (len(content) - 100)  # the header is whole, all pages are not
    paths.database.write_bytes(content)

    with pytest.raises(StoreError, match=r"damaged.*; restore a backup"):
        await open_database(paths, clock)


async def test_damage_met_later_is_told_too(paths: Paths, clock: StillClock) -> None:
    database = await open_database(paths, clock)
    for number in range(100):
        await database.write(partial(aliases.put, alias=f"alias {number}", target="x" * 500))
    await database.close()
    content = bytearray(paths.database.read_bytes())
    for page in range(len(content) - 4096 * 10, len(content), 4096):
        content[page : page + 4096] = b"\xff" * 4096
    paths.database.write_bytes(content)

    database = await open_database(paths, clock)
    with pytest.raises(StoreError, match=r"damaged.*; restore a backup"):
        await database.read(aliases.listing)
    await database.close()


async def test_another_programs_database_is_left_alone(paths: Paths, clock: StillClock) -> None:
    paths.data_dir.mkdir()
    with closing(sqlite3.connect(paths.database)) as other:
        other.execute("CREATE TABLE theirs (a)")
    before = paths.database.read_bytes()

    with pytest.raises(StoreError, match="another program"):
        await open_database(paths, clock)
    assert paths.database.read_bytes() == before


async def test_a_directory_that_cannot_be_made_is_one_sentence(tmp_path: Path, clock: StillClock) -> None:
    (tmp_path / "file").write_text("in the way")
    data_dir = tmp_path / "file" / "data"

    with pytest.raises(StoreError, match="cannot be used"):
        await open_database(Paths(data_dir, data_dir / "config.toml"), clock)


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may write everywhere")
async def test_an_unwritable_directory_is_one_sentence(paths: Paths, clock: StillClock) -> None:
    paths.data_dir.mkdir(mode=0o500)

    with pytest.raises(StoreError, match="cannot be used: Permission denied"):
        await open_database(paths, clock)


def test_the_store_imports_nothing_slow_that_it_may_not_need() -> None:
    script = """
import sys
import omniroute.store.configuration, omniroute.store.database, omniroute.store.master_key
import omniroute.store.requests, omniroute.store.usage, omniroute.store.audit, omniroute.store.settings
print(*({"alembic", "keyring", "sqlalchemy.orm", "sqlalchemy.ext.asyncio"} & set(sys.modules)))
"""
    assert run(script).stdout.strip() == ""
