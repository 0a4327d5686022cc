"""Thousands of requests over flaky accounts, in a time that passes only when everybody waits."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from random import Random
from types import SimpleNamespace
from typing import Any

from omniroute.errors import Failure, FailureKind, Refused
from omniroute.gateway.health.book import HealthBook
from omniroute.gateway.turns import Turns
from omniroute.gateway.usage_log import UsageEntry
from omniroute.gateway.way import Way
from omniroute.records import Account, Preferences
from omniroute.routing.plan import Attempt
from omniroute.routing.resolve import route_of
from tests.routing.samples import account, provider, snapshot

ONE = provider("one", "m")
FIVE = tuple(account("one", name) for name in "abcde")


class QuickLoop(asyncio.SelectorEventLoop):
    """Its clock jumps to the next thing that is due."""

    def __init__(self) -> None:
        super().__init__()
        self._now_s = 1000.0

    def time(self) -> float:
        return self._now_s

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]  # of the base class
            self._now_s = max(self._now_s, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end, without waiting for anything."""
    loop = QuickLoop()
    try:
        loop.run_until_complete(work)
    finally:
        loop.close()


class LoopClock:
    """The running loop's time."""

    def now_ms(self) -> int:
        return round((1_790_000_000 + self.monotonic_s()) * 1000)

    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time()


Fate = Callable[[Account, float], Failure | None]
"""What comes of asking an account at this time."""


@dataclass(slots=True)
class Simulation:
    """One provider with five accounts, the real book of health, planning and deciding."""

    fate: Fate
    preferences: Preferences
    chance: Random
    served: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    first: Counter[str] = field(default_factory=Counter)
    by_session: dict[str, Counter[str]] = field(default_factory=dict)
    unserved: list[str] = field(default_factory=list)
    """Why each request failed that failed."""
    stranded: list[str] = field(default_factory=list)
    """The same of those that an account could have served."""
    disturbed: list[str] = field(default_factory=list)
    """Calls of accounts that were cooling."""
    took_s: tuple[float, float] = (0.05, 0.5)
    _book: HealthBook = field(init=False)
    _gateway: Any = None  # as much of a gateway as a way needs
    _snapshot: Any = None

    async def run(self, requests: int, *, per_second: float, sessions: int = 0) -> None:
        clock = LoopClock()
        self._book = HealthBook(
            clock, preferences=lambda: self.preferences, price=lambda *_: None, rng=self.chance
        )
        self._book.accounts_of = lambda _: [one.id for one in FIVE]
        self._snapshot = replace(snapshot([ONE], FIVE), preferences=self.preferences)
        self._gateway = SimpleNamespace(
            health=self._book, clock=clock, rng=self.chance, turns=Turns(), snapshot=self._snapshot
        )
        async with asyncio.TaskGroup() as group:
            for number in range(requests):
                await asyncio.sleep(self.chance.expovariate(per_second))
                session = f"s{self.chance.randrange(sessions)}" if sessions else None
                group.create_task(self._request(session), name=f"request {number}")
        assert self._book.uses.in_flight() == {}

    async def _request(self, session: str | None) -> None:
        entry = UsageEntry(
            request_id="r", method="POST", path="/", operation="chat", client_format="openai-chat"
        )
        entry.session_id = session or str(self.chance.random())
        call = SimpleNamespace(body=b"{}", operation=SimpleNamespace(format=None))
        dialogue = SimpleNamespace(snapshot=self._snapshot, call=call, envelope=None, tenant="")
        way = Way(self._gateway, dialogue, entry)  # type: ignore[arg-type]  # as much as it needs
        way.route = route_of(self._snapshot, "one/m")
        failures: list[tuple[Attempt, Failure]] = []
        try:
            while (attempt := await way.next(failures)) is not None:
                self._look(attempt, failures)
                failure = await self._call(attempt)
                if failure is None:
                    self._served(attempt, failures, session)
                    return
                failures.append((attempt, failure))
        except Refused as refused:
            self._unserved(refused.message, failures)
        else:
            self._unserved("; ".join(f"{one.account.name}: {why.kind}" for one, why in failures), failures)

    def _look(self, attempt: Attempt, failures: list[tuple[Attempt, Failure]]) -> None:
        name = attempt.account.name
        self.asked[name] += 1
        if not failures:
            self.first[name] += 1
        at_once = failures and failures[-1][0] == attempt and failures[-1][1].kind is FailureKind.CONNECT
        held = self._book.obstacle_of_account(attempt.account, "m")
        if held is not None and not at_once:
            self.disturbed.append(f"{name}: {held.reason}")

    async def _call(self, attempt: Attempt) -> Failure | None:
        self._book.begin(attempt)
        await asyncio.sleep(self.chance.uniform(*self.took_s))
        failure = self.fate(attempt.account, asyncio.get_running_loop().time())
        self._book.end(attempt, failure, latency_ms=100)
        return failure

    def _served(self, attempt: Attempt, failures: list[tuple[Attempt, Failure]], session: str | None) -> None:
        self.served[attempt.account.name] += 1
        if session is not None:
            self.by_session.setdefault(session, Counter())[attempt.account.name] += 1

    def _unserved(self, why: str, failures: list[tuple[Attempt, Failure]]) -> None:
        """A request that failed; it was stranded when an account was free that it had not asked."""
        self.unserved.append(why)
        tried = {attempt.account.id for attempt, _ in failures}
        free = [
            one.name
            for one in FIVE
            if one.id not in tried and self._book.obstacle_of_account(one, "m") is None
        ]
        if free:
            self.stranded.append(f"{why}; but {free} were free")
