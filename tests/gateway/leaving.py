"""Clients that leave in waves, wherever their request stands, and what they leave behind."""

import asyncio
import gc
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import psutil

from omniroute.gateway.budgets.book import Reservation
from omniroute.gateway.call import Call
from omniroute.gateway.dialogue import Dialogue
from omniroute.gateway.http1.connection import Connection
from omniroute.gateway.relay import Relay
from omniroute.gateway.usage_log import SLOTS, UsageEntry
from omniroute.gateway.way import Way
from omniroute.records import EVERYTHING, Budget, Outcome, Strategy
from omniroute.routing.health import Cooldown
from omniroute.store import budgets
from omniroute.store.key_value import JSON
from tests import scripted_upstream as script
from tests.gateway.test_clients_that_leave import connect, leave
from tests.running_gateway import CHAT, RunningGateway, asking
from tests.scripted_upstream import Behaviour, ScriptedUpstream

WAVE = 50
MODEL = "groq/llama-3.3-70b-versatile"
"""It has a price: requests for it are reserved for."""
OF_A_REQUEST = (Call, Dialogue, Way, Relay, UsageEntry, Reservation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where on its way a request is when its client leaves."""

    behaviour: Behaviour = field(default_factory=script.slow_first_byte)
    stream: bool = True
    model: str = MODEL
    asked: int = WAVE
    """How many of a wave the upstream sees."""
    reads: bool = False
    """The client has content already."""
    is_held: bool = False
    """All accounts are left alone just now."""
    is_kept: bool = False
    """The answer would be kept: whoever asks the same waits for it."""


PLACES = {
    "a stream before its first byte": Place(),
    "a stream in its middle": Place(behaviour=script.stall_after_content(), reads=True),
    "a whole before its first byte": Place(stream=False),
    "a whole in its middle": Place(behaviour=script.stalled_whole(), stream=False),
    "in the queue of a combo that takes turns": Place(model="turns", asked=1),
    "waiting for what another asked": Place(stream=False, is_kept=True, asked=1),
    "waiting for an account to be free": Place(is_held=True, asked=0),
}


@dataclass(slots=True)
class Left:
    """What clients left behind."""

    rows: Counter[Outcome] = field(default_factory=Counter)
    memory_mb: list[float] = field(default_factory=list)
    """Of the process, after each wave."""
    files: list[int] = field(default_factory=list)
    tasks: list[int] = field(default_factory=list)
    objects: Counter[str] = field(default_factory=Counter)
    """Of their requests, still there."""
    connections: int = 0
    """To the upstream, still open."""
    state_before: dict[str, object] = field(default_factory=dict)
    state: dict[str, object] = field(default_factory=dict)
    """Of everything that counts requests, and of health."""


async def set_up(running: RunningGateway, upstream: ScriptedUpstream) -> None:
    """Two accounts, a budget of everything, limits of the gateway's own, and a combo that takes turns."""
    for name in ("first", "second"):
        await running.add_account("groq", name, base_url=f"{upstream.url}/openai/v1")
    await running.add_combo(
        "turns", MODEL, strategy=Strategy.ROUND_ROBIN, concurrencyPerModel=1, queueTimeoutMs=60_000
    )
    limits: dict[str, JSON] = {"enabled": True, "requestsPerMinute": 100_000, "minTimeBetweenRequests": 0}
    await running.set("rateLimitDefaults", limits | {"concurrentRequests": 1000})
    budget = Budget(subject=EVERYTHING, daily_nano_usd=10**15)
    await running.gateway.database.write(partial(budgets.put, budget=budget))
    await running.gateway.reload()


async def clients_leave(
    running: RunningGateway, upstream: ScriptedUpstream, place: Place, clients: int
) -> Left:
    """So many clients ask, and leave at this place, by a reset or by a close in turns."""
    left = Left()
    objects_before, connections_before = _objects(), _connections()
    upstream.otherwise = place.behaviour
    for _ in range(clients // WAVE):
        if place.is_held:
            hold_accounts(running)
        left.state_before = left.state_before or state_of(running)
        await wave(running, upstream, place)
        left.files.append(psutil.Process().num_fds())
        left.tasks.append(len(asyncio.all_tasks()))
        left.memory_mb.append(psutil.Process().memory_info().rss / 2**20)
    left.rows = Counter(row.outcome for row in await running.rows())
    left.state = state_of(running)
    left.objects, left.connections = _objects() - objects_before, _connections() - connections_before
    return left


def _objects() -> Counter[str]:
    """What requests are made of; other tests may keep some for themselves."""
    gc.collect()
    return Counter(type(one).__name__ for one in gc.get_objects() if isinstance(one, OF_A_REQUEST))


def _connections() -> int:
    """Open ones to upstreams."""
    return sum(isinstance(one, Connection) and not one.is_closed for one in gc.get_objects())


async def wave(running: RunningGateway, upstream: ScriptedUpstream, place: Place) -> None:
    upstream.requests.clear()
    gone, tasks = upstream.cancelled, len(asyncio.all_tasks())
    members = {"temperature": 0} if place.is_kept else {}
    body = asking(CHAT, place.model, stream=place.stream, **members)
    keys = [f"Idempotency-Key: {gone}-{number}\r\n" for number in range(WAVE)]
    clients = [await connect(running, CHAT, body, key) for key in keys]
    live = running.gateway.live
    await until(lambda: len(live.running()) == WAVE)
    await upstream.until(lambda up: len(up.requests) == place.asked)
    for number, client in enumerate(clients):
        if place.reads:
            await asyncio.get_running_loop().sock_recv(client, 64)
        leave(client, by_reset=number % 2 == 0)
    await until(lambda: not live.running())
    # Where they took turns, the next in the queue may have been let in before it was found gone.
    await upstream.until(lambda up: up.cancelled >= gone + len(up.requests))
    await until(lambda: len(asyncio.all_tasks()) <= tasks)


async def until(condition: Callable[[], bool]) -> None:
    """What has no event."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0)


def hold_accounts(running: RunningGateway) -> None:
    """Leave all accounts alone for about as long as requests wait for one."""
    health = running.gateway.health
    _, _, model = MODEL.partition("/")
    for name in ("first", "second"):
        health.locks[f"groq-{name}", model] = Cooldown(
            reason="rate_limit_exceeded", since_s=health.now_s, until_s=health.now_s + 9.5
        )


def state_of(running: RunningGateway) -> dict[str, object]:
    """Whatever counts requests, empty when there are none; and health."""
    gateway, health = running.gateway, running.gateway.health
    turns = gateway.turns.slots("turns", "groq", MODEL.partition("/")[2], 1)
    return {
        "health": (dict(health.breakers), dict(health.cooldowns), set(health.locks), set(health.changed)),
        "probes": dict(health._probes),
        "attempts under way": (dict(health._began), dict(health.uses.in_flight())),
        "requests under way": list(gateway.live.running()),
        "slots of the usage log": gateway.usage_log._slots._value == SLOTS - len(gateway.usage_log._ended),
        "turns": (turns._value, len(turns._waiters or ())),
        "reservations": set(gateway.budgets._held) - {entry.id for entry in gateway.usage_log._ended},
        "kept alive": len(gateway.keepalive._waiting),
        "idempotency": len(gateway.idempotency),
        "flights": len(gateway.cache._flights._flights),
    }
