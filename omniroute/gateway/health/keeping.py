"""Writes the book of health down, and reads it back: as instants, so that time goes on while nobody runs."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import asdict, replace

import msgspec
from sqlalchemy import Connection

from omniroute.clock import Clock
from omniroute.errors import StoreError
from omniroute.gateway.health.book import HealthBook
from omniroute.routing.health import FOREVER, LONGEST_HINT_S, Breaker, BreakerState, Cooldown
from omniroute.store import audit, health
from omniroute.store.database import Database
from omniroute.ulid import new_ulid

EVERY_S = 0.2

_log = logging.getLogger(__name__)


async def run(book: HealthBook, database: Database, clock: Clock) -> None:
    """Write changes down for ever, soon after they happen."""
    while True:
        await asyncio.sleep(EVERY_S)
        try:
            await flush(book, database, clock)
        except StoreError as error:
            _log.error("the state of accounts waits in memory: %s", error)


async def flush(book: HealthBook, database: Database, clock: Clock) -> None:
    """Every change so far is on disk when this returns. Raises `StoreError` with nothing lost."""
    if not (book.changed or book.switched):
        return
    now_ms = clock.now_ms()
    changed, book.changed = book.changed, set()
    states = [(kind, subject, encoded(book, kind, subject)) for kind, subject in changed]
    switched = [_row(provider_id, state, now_ms) for provider_id, state in book.switched]

    def write(connection: Connection) -> None:
        health.save(connection, states, now_ms=now_ms)
        for row in switched:
            audit.append(connection, row)

    try:
        await database.write(write)
    except StoreError:
        book.changed |= changed
        raise
    for _ in switched:
        book.switched.popleft()


def _row(provider_id: str, state: BreakerState, now_ms: int) -> audit.AuditRow:
    action = "breaker.open" if state is BreakerState.OPEN else "breaker.close"
    return audit.AuditRow(
        id=new_ulid(now_ms), at_ms=now_ms, action=action, actor="system", target=provider_id
    )


async def catch_up(book: HealthBook, database: Database, clock: Clock) -> None:
    """Take over what another process has written since the start. Raises `StoreError`."""
    await flush(book, database, clock)
    states = await database.read(health.listing)
    restore(book, [one for one in states if one[:2] not in book.changed], now_s=book.now_s)


def encoded(book: HealthBook, kind: str, subject: str) -> str | None:
    """A state as it is kept; `None`: nothing holds the subject up any more."""
    state: Breaker | Cooldown | None
    if kind == "breaker":
        state = book.breakers.get(subject)
    elif kind == "account":
        state = book.cooldowns.get(subject)
    else:
        account_id, _, model = subject.partition("\n")
        state = book.locks.get((account_id, model))
    if state is None:
        return None
    members = {name: None if value == FOREVER else value for name, value in asdict(state).items()}
    return msgspec.json.encode(members | {"forever": getattr(state, "until_s", 0) == FOREVER}).decode()


def restore(book: HealthBook, states: Sequence[tuple[str, str, str]], *, now_s: float) -> None:
    """Fill the book from what was kept; what has run out stays as history, what is unreadable is dropped."""
    for kind, subject, text in states:
        try:
            members = msgspec.json.decode(text)
            forever = members.pop("forever", False)
            if kind == "breaker":
                members["accounts"] = tuple(members.get("accounts", ()))
                book.breakers[subject] = _sane_breaker(Breaker(**members), now_s)
                continue
            if forever:
                members["until_s"] = FOREVER
            cooldown = _sane(Cooldown(**members), now_s)
        except (msgspec.MsgspecError, TypeError, AttributeError):
            _log.warning(
                "the kept state of %s %r cannot be read and is dropped", kind, subject.partition("\n")[0]
            )
            continue
        if kind == "account":
            book.cooldowns[subject] = cooldown
        else:
            account_id, _, model = subject.partition("\n")
            book.locks[account_id, model] = cooldown


def _sane(cooldown: Cooldown, now_s: float) -> Cooldown:
    """No longer than it was to last, should the clock have been set back meanwhile."""
    since_s = min(cooldown.since_s, now_s)
    if cooldown.until_s == FOREVER:
        return replace(cooldown, since_s=since_s)
    longest_s = min(max(cooldown.until_s - cooldown.since_s, 0.0), LONGEST_HINT_S)
    return replace(cooldown, since_s=since_s, until_s=min(cooldown.until_s, now_s + longest_s))


def _sane_breaker(breaker: Breaker, now_s: float) -> Breaker:
    if breaker.until_s is None:
        return breaker
    last_s = None if breaker.last_failure_s is None else min(breaker.last_failure_s, now_s)
    longest_s = min(breaker.reset_s, LONGEST_HINT_S)
    return replace(breaker, until_s=min(breaker.until_s, now_s + longest_s), last_failure_s=last_s)
