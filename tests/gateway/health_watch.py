"""Looks at every call as it begins: none goes to an account that cools, but for its probe."""

import asyncio
from typing import Any

from omniroute.errors import Failure, FailureKind
from omniroute.gateway.health.book import PROBE_S, HealthBook
from omniroute.routing.plan import Attempt


class Watch:
    """Stands before a book of health, and keeps what should not have happened."""

    def __init__(self, book: HealthBook) -> None:
        self._book = book
        self._begin, self._end = book.begin, book.end
        self.disturbed: list[str] = []
        """Calls of accounts that were cooling, or that somebody was probing."""
        self.probes = 0
        self._probing: dict[str, tuple[float, Attempt]] = {}
        """When each account's probe began."""
        self._unheard: dict[tuple[str, object], float] = {}
        """When a request found nobody at an account: it may ask once more at once."""
        book.begin = self.begin  # type: ignore[method-assign]  # looked at, not replaced
        book.end = self.end  # type: ignore[method-assign]  # the same

    def begin(self, attempt: Attempt, **members: Any) -> None:  # what the book takes
        """An attempt starts."""
        account, now_s = attempt.account, self._book.now_s
        if self._unheard.pop((account.id, asyncio.current_task()), None) != now_s:
            self._look(attempt, now_s)
        self._begin(attempt, **members)

    def _look(self, attempt: Attempt, now_s: float) -> None:
        account = attempt.account
        known = (
            self._book.cooldowns.get(account.id),
            self._book.locks.get((account.id, attempt.model)),
        )
        held = [one for one in known if one is not None]
        if any(now_s < one.until_s for one in held):
            self.disturbed.append(f"{account.name} was called while it cooled, at {now_s:.3f}")
        if held:
            if account.id in self._probing and now_s - self._probing[account.id][0] < PROBE_S - 1e-6:
                self.disturbed.append(f"{account.name} was called beside its probe, at {now_s:.3f}")
            self._probing[account.id] = (now_s, attempt)
            self.probes += 1

    def end(self, attempt: Attempt, failure: Failure | None, **members: Any) -> None:  # what the book takes
        """An attempt ended."""
        account = attempt.account
        if failure is not None and failure.kind is FailureKind.CONNECT:
            self._unheard[account.id, asyncio.current_task()] = self._book.now_s
        if account.id in self._probing and self._probing[account.id][1] is attempt:
            del self._probing[account.id]
        self._end(attempt, failure, **members)
