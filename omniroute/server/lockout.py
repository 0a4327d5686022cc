"""Locking out whoever tries keys."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from omniroute.clock import Clock
from omniroute.errors import StoreError
from omniroute.records import Snapshot
from omniroute.server.client_address import is_loopback
from omniroute.store import audit, lockouts
from omniroute.store.database import Database
from omniroute.store.keys import PREFIX
from omniroute.store.lockouts import BAN, Lockout
from omniroute.ulid import new_ulid

MOST_FAILURES = 5
WINDOW_MS = 5 * 60_000
"""So many failures within this time are too many."""
FIRST_LOCK_MS = 15 * 60_000
LONGEST_LOCK_MS = 24 * 3_600_000
REPEATED_MS = 24 * 3_600_000
"""A lock this soon after another lasts twice as long."""
MOST_KNOWN = 10_000
"""So many identifiers are remembered; further ones go unpunished, which a flood of addresses may cause."""
_SHOWN_OF_KEY = len(PREFIX) + 4

_log = logging.getLogger(__name__)


def identifiers(address: str | None, secrets: Sequence[str]) -> list[str]:
    """What is locked when these keys fail from there.

    Not this machine's own address: all its programs share it, and one with an old key must not lock out the
    others.
    """
    found = [f"key:{secret[:_SHOWN_OF_KEY]}" for secret in secrets if secret.startswith(PREFIX)]
    if address is not None and not is_loopback(address):
        found.append(f"ip:{address}")
    return list(dict.fromkeys(found))


def after_failure(before: Lockout, now_ms: int) -> Lockout:
    """What is remembered after one more wrong key."""
    is_recent = now_ms - before.first_failure_ms < WINDOW_MS
    failures = before.failures + 1 if is_recent else 1
    first_ms = before.first_failure_ms if is_recent and before.failures else now_ms
    if failures < MOST_FAILURES:
        return replace(before, failures=failures, first_failure_ms=first_ms)
    times = before.times_locked + 1 if now_ms - before.locked_until_ms < REPEATED_MS else 1
    lasting_ms = min(FIRST_LOCK_MS << (times - 1), LONGEST_LOCK_MS)
    return replace(
        before,
        failures=0,
        first_failure_ms=now_ms,
        locked_until_ms=now_ms + lasting_ms,
        times_locked=times,
        reason="too many wrong keys",
    )


class Lockouts:
    """Who is locked out or banned: kept in the store, with a copy here that every request looks at."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._known: dict[str, Lockout] = {}
        self._seen: Snapshot | None = None
        self._changing = asyncio.Lock()
        self.bans: Mapping[str, int] = {}
        """Banned addresses, and when each ban ends."""

    async def follow(self, snapshot: Snapshot) -> None:
        """Read anew what is stored when the configuration was; comes before every other call."""
        if snapshot is self._seen:
            return
        async with self._changing:
            try:
                rows = await self._database.read(lockouts.listing)
            except StoreError as error:
                _log.warning("who is locked out cannot be read: %s", error)
                return
            self._known = {name: row for name, row in rows.items() if not name.startswith(BAN)}
            self.bans = {
                name.removeprefix(BAN): row.locked_until_ms
                for name, row in rows.items()
                if name.startswith(BAN)
            }
            self._seen = snapshot

    def locked_for_s(self, identifier: str) -> float | None:
        """Seconds until the lock ends; `None`: there is none."""
        row = self._known.get(identifier)
        if row is None:
            return None
        left_ms = row.locked_until_ms - self._clock.now_ms()
        return left_ms / 1000 if left_ms > 0 else None

    async def failed(self, identifiers: Sequence[str]) -> None:
        """A wrong key was presented."""
        counted = [name for name in identifiers if name in self._known or len(self._known) < MOST_KNOWN]
        if not counted:
            return
        now_ms = self._clock.now_ms()

        def count(connection: Connection) -> dict[str, Lockout]:
            lockouts.delete_ended(connection, before_ms=now_ms - REPEATED_MS)
            return {name: _count(connection, name, now_ms) for name in counted}

        async with self._changing:
            try:
                rows = await self._database.write(count)
            except StoreError as error:
                _log.warning("a wrong key cannot be counted: %s", error)
                return
            kept_since_ms = now_ms - REPEATED_MS
            self._known = {
                name: row
                for name, row in (self._known | rows).items()
                if max(row.locked_until_ms, row.first_failure_ms) >= kept_since_ms
            }
        for name, row in rows.items():
            if row.locked_until_ms > now_ms:
                _log.warning(
                    "%s is locked out for %d min after wrong keys",
                    name,
                    (row.locked_until_ms - now_ms) / 60_000,
                )

    async def succeeded(self, identifiers: Sequence[str]) -> None:
        """A right key was presented: its failures are forgotten."""
        forgiven = [name for name in identifiers if name in self._known]
        if not forgiven:
            return
        async with self._changing:
            try:
                await self._database.write(lambda c: [lockouts.delete(c, name) for name in forgiven])
            except StoreError as error:
                _log.warning("a right key cannot be counted: %s", error)
                return
            for name in forgiven:
                self._known.pop(name, None)

    @property
    def is_quiet(self) -> bool:
        """Nobody has failed of late."""
        return not self._known


def _count(connection: Connection, identifier: str, now_ms: int) -> Lockout:
    before = lockouts.find(connection, identifier) or Lockout(identifier=identifier)
    after = after_failure(before, now_ms)
    lockouts.put(connection, after)
    if after.locked_until_ms > now_ms >= before.locked_until_ms:
        row = audit.AuditRow(
            id=new_ulid(now_ms),
            at_ms=now_ms,
            action="auth.lockout",
            actor="system",
            target=identifier,
            details={"minutes": str((after.locked_until_ms - now_ms) // 60_000)},
        )
        audit.append(connection, row)
    return after
