"""One row for every request, whatever ends it."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy import Connection

from omniroute.clock import Clock
from omniroute.conversation.usage import UNKNOWN, Usage
from omniroute.errors import ErrorKind, Refused, StoreError
from omniroute.records import AttemptRow, Outcome, RequestRow
from omniroute.routing.decision import Decision
from omniroute.store.database import Database
from omniroute.store.requests import append
from omniroute.ulid import new_ulid

FLUSH_S = 0.25
FLUSH_ROWS = 500
SLOTS = 10_000
"""Requests that may be running or unwritten at once; a stuck disk fills them, then new requests wait."""
WAIT_FOR_SLOT_S = 5.0

_log = logging.getLogger(__name__)


class UsageEntry:
    """What is known of one request so far; it becomes its row when it ends."""

    __slots__ = (
        "account_id",
        "account_name",
        "api_key_id",
        "api_key_name",
        "attempts",
        "budget_warns",
        "cache",
        "client_format",
        "combo",
        "complete",
        "decision",
        "dropped",
        "ended_s",
        "error",
        "first_byte_s",
        "id",
        "method",
        "model",
        "operation",
        "outcome",
        "output_text",
        "path",
        "prompt",
        "provider",
        "request_id",
        "requested_model",
        "session_id",
        "started_at_ms",
        "started_s",
        "status",
        "stream",
        "upstream_format",
        "usage",
    )

    def __init__(
        self, *, request_id: str, method: str, path: str, operation: str, client_format: str
    ) -> None:
        self.id = ""
        self.request_id = request_id
        self.method = method
        self.path = path
        self.operation = operation
        self.client_format = client_format
        self.started_at_ms = 0
        self.started_s = 0.0
        self.upstream_format: str | None = None
        self.requested_model: str | None = None
        self.provider: str | None = None
        self.model: str | None = None
        self.account_id: str | None = None
        self.account_name: str | None = None
        self.api_key_id: str | None = None
        self.api_key_name: str | None = None
        self.session_id: str | None = None
        # What holds when nobody says otherwise: the handler was cancelled before it knew.
        self.outcome = Outcome.CANCELLED
        self.status = 499
        self.error: str | None = None
        self.stream = False
        self.attempts: list[AttemptRow] = []
        self.usage: Usage = UNKNOWN
        self.prompt: bytes | None = None
        """The request's body, for counting tokens when the provider did not; dropped with the entry."""
        self.output_text: Callable[[], str] = str
        """The output so far, read when it has to be counted."""
        self.complete = False
        """The answer came to its end, so what the provider told of usage is all of it."""
        self.first_byte_s: float | None = None
        self.ended_s: float | None = None
        self.dropped: list[str] = []
        self.budget_warns = False
        """A budget of the request has passed its warning threshold."""
        self.combo: str | None = None
        self.cache: str | None = None
        self.decision: Decision | None = None
        """Why the request went where it went, once it has ended; encoded when its row is written."""

    def end(self, outcome: Outcome, status: int, error: str | None = None) -> None:
        """How it ended for the client."""
        self.outcome = outcome
        self.status = status
        self.error = error


Finish = Callable[[UsageEntry], RequestRow]
"""Makes the row of an ended entry: counts what has to be counted, and prices it. Runs in a thread."""


class UsageLog:
    """Takes a slot at admission, appends exactly one row on any exit, writes behind."""

    def __init__(self, database: Database, clock: Clock, finish: Finish) -> None:
        self._database = database
        self._clock = clock
        self._finish = finish
        self._slots = asyncio.Semaphore(SLOTS)
        self._ended: list[UsageEntry] = []
        self._wake = asyncio.Event()
        self._flushing = asyncio.Lock()
        self.running: dict[str, UsageEntry] = {}
        """Requests under way by their row's id."""
        self.on_rows: Callable[[Sequence[RequestRow]], None] = lambda rows: None
        """Told of rows once they are on disk."""

    def entry(self, entry: UsageEntry) -> "_Open":
        """The request's entry. Waits here, not at the end, when the disk is behind; then refuses with 503."""
        return _Open(self, entry)

    async def open(self, entry: UsageEntry) -> None:
        """Take a slot and begin."""
        await self._take_slot()
        entry.started_at_ms = self._clock.now_ms()
        entry.started_s = self._clock.monotonic_s()
        entry.id = new_ulid(entry.started_at_ms)
        self.running[entry.id] = entry

    def close(self, entry: UsageEntry) -> None:
        """The request has ended, one way or another. Does not await: it runs in a cancelled task too."""
        entry.ended_s = self._clock.monotonic_s()
        del self.running[entry.id]
        self._ended.append(entry)
        if len(self._ended) == FLUSH_ROWS:
            self._wake.set()

    async def _take_slot(self) -> None:
        if not self._slots.locked():
            await self._slots.acquire()  # returns at once
            return
        try:
            async with asyncio.timeout(WAIT_FOR_SLOT_S):
                await self._slots.acquire()
        except TimeoutError:
            raise Refused(
                ErrorKind.UNAVAILABLE, "the usage log cannot be written: is the disk full?", retry_after_s=5
            ) from None

    async def run(self) -> None:
        """Write rows behind for ever. Rows that cannot be written stay, and are tried again."""
        while True:
            try:
                async with asyncio.timeout(FLUSH_S):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            try:
                await self.flush()
            except StoreError as error:
                _log.error("usage rows wait in memory: %s", error)

    async def flush(self) -> None:
        """Every ended request is on disk when this returns. Raises `StoreError` with nothing lost."""
        async with self._flushing:
            while self._ended:
                entries = self._ended[:FLUSH_ROWS]
                rows = await self._database.write(partial(self._write, entries=entries))
                del self._ended[: len(entries)]
                for _ in entries:
                    self._slots.release()
                self.on_rows(rows)

    def _write(self, connection: Connection, entries: Sequence[UsageEntry]) -> list[RequestRow]:
        rows = [self._finish(entry) for entry in entries]
        append(connection, rows)
        return rows


class _Open:
    """One entry from admission to its end; a class, because a generator costs 5 µs a request more."""

    __slots__ = ("_entry", "_log")

    def __init__(self, log: UsageLog, entry: UsageEntry) -> None:
        self._log = log
        self._entry = entry

    async def __aenter__(self) -> UsageEntry:
        await self._log.open(self._entry)
        return self._entry

    async def __aexit__(self, *_: object) -> None:
        self._log.close(self._entry)
