"""Transactions in SQLite's own two threads."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar

from sqlalchemy import URL, Connection, Engine, StaticPool, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from omniroute.clock import Clock
from omniroute.paths import Paths
from omniroute.store import migrate
from omniroute.store.failures import store_error

T = TypeVar("T")

BUSY_TIMEOUT_MS = 5000
"""How long a transaction waits for another process's, as at a restart for the old server's last rows."""


class Database(Protocol):
    """What the gateway needs of a database; PostgreSQL would be a second one."""

    async def read(self, fn: Callable[[Connection], T]) -> T:
        """What `fn` returns from one consistent view of the rows."""

    async def write(self, fn: Callable[[Connection], T]) -> T:
        """What `fn` returns; its changes are kept together, or none when it raises."""

    async def close(self) -> None:
        """Wait for what runs, then give everything back."""


class SqliteDatabase:
    """One file, one thread that writes and one that reads.

    A cancelled caller does not undo a transaction that has begun; one still waiting in line is not begun.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._closed = False
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="store-write")
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="store-read")
        self._write_engine = _engine(path, begin="BEGIN IMMEDIATE")
        self._read_engine = _engine(path, begin="BEGIN", read_only=True)

    async def migrate(self, paths: Paths, clock: Clock) -> None:
        """Bring file and schema up to this version; comes before everything else."""
        await self._run(self._writer, lambda: self._migrate(paths, clock))

    async def read(self, fn: Callable[[Connection], T]) -> T:
        """What `fn` returns from one consistent view of the rows."""
        return await self._run(self._reader, lambda: self._transact(self._read_engine, fn))

    async def write(self, fn: Callable[[Connection], T]) -> T:
        """What `fn` returns; its changes are kept together, or none when it raises."""
        return await self._run(self._writer, lambda: self._transact(self._write_engine, fn))

    async def close(self) -> None:
        """Wait for what runs, then close the file; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        await self._run(self._reader, self._read_engine.dispose)
        await self._run(self._writer, self._write_engine.dispose)
        self._reader.shutdown()
        self._writer.shutdown()

    async def _run(self, thread: ThreadPoolExecutor, fn: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(thread, fn)

    def _migrate(self, paths: Paths, clock: Clock) -> None:
        migrate.prepare_file(self._path)
        try:
            migrate.ensure_schema(self._write_engine, paths, clock)
        except DBAPIError as error:
            raise store_error(error, self._path) from error

    def _transact(self, engine: Engine, fn: Callable[[Connection], T]) -> T:
        try:
            with engine.begin() as connection:
                return fn(connection)
        except DBAPIError as error:
            raise store_error(error, self._path) from error


async def open_database(paths: Paths, clock: Clock) -> SqliteDatabase:
    """The store of this data directory, its schema current.

    StoreError says in one sentence why not; NewerDatabase when only a newer omniroute can read it.
    """
    database = SqliteDatabase(paths.database)
    try:
        await database.migrate(paths, clock)
    except BaseException:
        await database.close()
        raise
    return database


def _engine(path: Path, *, begin: str, read_only: bool = False) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=StaticPool,  # one connection for life: each engine has one thread
        connect_args={"check_same_thread": False, "isolation_level": None, "timeout": BUSY_TIMEOUT_MS / 1000},
        # Bound values are secrets and names: never in an error's text.
        hide_parameters=True,
    )

    pragmas = ["journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "trusted_schema=OFF"]
    if read_only:
        pragmas.append("query_only=ON")

    def set_up(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        try:
            for pragma in pragmas:
                cursor.execute(f"PRAGMA {pragma}")
        except BaseException:
            cursor.close()
            connection.close()  # SQLAlchemy does not know of it yet
            raise
        cursor.close()

    def begin_transaction(connection: Connection) -> None:
        # sqlite3's own way begins late, when it sees a write: too late for a lock that can be waited for.
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", set_up)
    event.listen(engine, "begin", begin_transaction)
    return engine
