"""A running gateway, its clients and five accounts with weather, in a time that passes only when all wait.

Everything is real but time: sockets, HTTP, store, loops. Where the event loop would sleep, its clock jumps.
"""

import asyncio
import selectors
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import aiohttp

from omniroute.records import Account, AccountStrategy, RequestRow
from omniroute.routing.health import BreakerState
from tests import scripted_upstream as script
from tests.gateway.health_watch import Watch
from tests.recorded import Recorded
from tests.running_gateway import CHAT, RunningGateway, asking, running_gateway
from tests.scripted_upstream import Behaviour, Ending, ScriptedUpstream

CHANGEABLE, STORM = (15.0, 8.0), (5.0, 25.0)
"""Weather: how long an account answers, and how long it fails, in seconds on average."""
TOOK_S = (0.05, 0.5)
GRACE_S = 0.0002
"""What was just written may take so long to come out of the other end of a socket."""
NAMES = ("first", "b", "c", "d", "e")
FOUL = {
    "429": script.error(429),  # with the time that is left
    "429 untold": script.error(429),
    "500": script.error(500),
    "reset": script.reset(),
    "cut": replace(script.answer(ending="opening"), ending=Ending.CUT),
    "page": script.html(),
}
"""Ways to fail."""
START_MS = 1_790_000_000_000


class _Jumping(selectors.SelectSelector):
    """Waits for nothing: what it would have slept is added to its own time."""

    now_s = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:  # a thread will call, or there is work
            return super().select(timeout)
        events = super().select(min(timeout, GRACE_S))
        if not events:
            self.now_s += timeout
        return events


class JumpingLoop(asyncio.SelectorEventLoop):
    """Its clock jumps to the next thing that is due as soon as no socket has anything to say."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s


@dataclass(slots=True)
class JumpingClock:
    """The loop's time, for any thread."""

    loop: JumpingLoop

    def now_ms(self) -> int:
        return START_MS + round(self.loop.time() * 1000)

    def monotonic_s(self) -> float:
        return self.loop.time()


@dataclass(slots=True)
class Weather:
    """One account's times of answering and of failing, each in a way of its own."""

    chance: Random
    lasts_s: tuple[float, float]
    ends_s: float
    way: str | None = "none yet"

    def at(self, now_s: float) -> str | None:
        """How it fails now; `None`: it answers."""
        while now_s >= self.ends_s:
            self.way = None if self.way else self.chance.choice(list(FOUL))
            mean_s = self.lasts_s[1 if self.way else 0]
            self.ends_s += self.chance.expovariate(1 / mean_s)
        return self.way

    def behaviour(self, now_s: float) -> Behaviour:
        """What a call at this time meets."""
        way = self.at(now_s)
        if way == "429":
            left_s = str(int(self.ends_s - now_s) + 1)
            return script.error(429, "slow down", headers={"Retry-After": left_s})
        return FOUL[way] if way else script.answer()


class FlakyUpstream(ScriptedUpstream):
    """Five accounts of one provider."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._chance = Random(seed)  # noqa: S311 - chance that repeats
        self.weather: dict[str, Weather] = {}
        self.accounts: dict[str, Account] = {}

    async def choose(self, recorded: Recorded) -> Behaviour:
        """The account's weather when the answer is due, some time later."""
        self.requests.clear()  # of thousands
        name = recorded.headers["Authorization"].removeprefix("Bearer sk-of-").partition("-")[0]
        await asyncio.sleep(self._chance.uniform(*TOOK_S))
        return self.weather[name].behaviour(asyncio.get_running_loop().time())


@dataclass(slots=True)
class Run:
    """What came of some thousand requests."""

    strategy: AccountStrategy
    requests: int
    seed: int
    weather: tuple[float, float] = CHANGEABLE
    per_second: float = 5.0
    statuses: Counter[int] = field(default_factory=Counter)
    failed: dict[str, frozenset[str]] = field(default_factory=dict)
    """Requests without an answer, and which accounts were free then."""
    stranded: list[str] = field(default_factory=list)
    """Those of them that an account could have served: it was free, and they had not asked it."""
    disturbed: list[str] = field(default_factory=list)
    first: Counter[str] = field(default_factory=Counter)
    """Whom requests asked first."""
    due: dict[str, float] = field(default_factory=lambda: dict.fromkeys(NAMES, 0.0))
    """The same as the strategy would have it, from who was free when they came."""
    served: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    attempts: int = 0
    probes: int = 0
    opened: int = 0
    """How often the breaker did."""
    lasted_s: float = 0.0
    longest_s: float = 0.0
    _free: dict[str, list[str]] = field(default_factory=dict)

    async def go(self, directory: Path, clock: JumpingClock) -> None:
        """Ask, and count."""
        chance = Random(self.seed + 1)  # noqa: S311 - chance that repeats
        async with (
            FlakyUpstream(self.seed) as upstream,
            running_gateway(directory, clock=clock) as running,
            aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(), connector=aiohttp.TCPConnector(limit=0)
            ) as http,
        ):
            running.http = http
            await self._set_up(running, upstream)
            watch = Watch(running.gateway.health)
            started_s = clock.monotonic_s()
            for name in NAMES:
                chance_of_one = Random(f"{self.seed} {name}")  # noqa: S311 - chance that repeats
                upstream.weather[name] = Weather(chance_of_one, self.weather, started_s)
            async with asyncio.TaskGroup() as group:
                for number in range(self.requests):
                    await asyncio.sleep(chance.expovariate(self.per_second))
                    group.create_task(self._ask(running, upstream, f"r-{number}"), name=f"client {number}")
            self.lasted_s = clock.monotonic_s() - started_s
            assert running.gateway.health.uses.in_flight() == {}
            self.disturbed, self.probes = watch.disturbed, watch.probes
            self.opened = sum(state is BreakerState.OPEN for _, state in running.gateway.health.switched)
            self._read(await running.rows())

    async def _set_up(self, running: RunningGateway, upstream: FlakyUpstream) -> None:
        await running.set("providerProfiles", {})  # as shipped
        await running.set("fallbackStrategy", self.strategy.value)
        await running.set("stickyRoundRobinLimit", 1)
        await running.set("sessionAffinity", False)
        upstream.accounts["first"] = await running.add_node(upstream.url)
        for name in NAMES[1:]:
            upstream.accounts[name] = await running.add_account("node-up", name)

    async def _ask(self, running: RunningGateway, upstream: FlakyUpstream, request_id: str) -> None:
        health, loop = running.gateway.health, asyncio.get_running_loop()
        provider = running.gateway.snapshot.providers["node-up"]
        self._free[request_id] = [
            name for name, one in upstream.accounts.items() if health.obstacle(provider, one, "m-1") is None
        ]
        began_s = loop.time()
        stream = bool(int(request_id[2:]) % 2)
        got = await running.ask(CHAT, asking(CHAT, stream=stream), {"X-Request-Id": request_id})
        self.statuses[got.status] += 1
        self.longest_s = max(self.longest_s, loop.time() - began_s)
        if got.status != 200 or (stream and not got.body.endswith(b"data: [DONE]\n\n")):
            self.failed[request_id] = frozenset(
                name
                for name, one in upstream.accounts.items()
                if health.obstacle_of_account(one, "m-1") is None
            )

    def _read(self, rows: list[RequestRow]) -> None:
        """What the usage rows tell."""
        for row in rows:
            tried = [one.account_name or "" for one in row.attempts]
            self.attempts += len(tried)
            self.failures.update((one.failure or "").partition(":")[0] for one in row.attempts if one.failure)
            if free := self.failed.get(row.request_id, frozenset()) - set(tried):
                self.stranded.append(f"{row.request_id} ({row.error}): {sorted(free)} were free")
            if row.request_id not in self.failed and row.account_name:
                self.served[row.account_name] += 1
            if tried and (names := self._free[row.request_id]):
                self.first[tried[0]] += 1
                self._expect(names)

    def _expect(self, free: list[str]) -> None:
        if self.strategy in (AccountStrategy.FILL_FIRST, AccountStrategy.COST_OPTIMIZED):
            self.due[free[0]] += 1
        else:
            for name in free:
                self.due[name] += 1 / len(free)


def run(
    directory: Path,
    strategy: AccountStrategy,
    requests: int,
    *,
    seed: int = 1,
    weather: tuple[float, float] = CHANGEABLE,
) -> Run:
    """So many requests by this strategy."""
    loop = JumpingLoop()
    made = Run(strategy, requests, seed, weather)
    try:
        loop.run_until_complete(made.go(directory, JumpingClock(loop)))
    finally:
        loop.close()
    return made
