"""Identical requests at the same time, without a network: who asks, and who gets what."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from omniroute.clock import SystemClock
from omniroute.errors import ErrorKind, Refused
from omniroute.gateway.cache.cache import HIT, MISS, ResponseCache
from omniroute.gateway.call import Reply
from omniroute.gateway.recording import Told
from omniroute.paths import Paths
from omniroute.store.database import open_database
from tests.gateway.cache.asked import asked, body_of, snapshot
from tests.gateway.cache.client import Client

WHOLE = b'{"choices":[{"finish_reason":"stop"}]}'
CUT = b'{"choices":[{"finish_reason":"length"}]}'


class Upstream:
    """Answers when it is let."""

    def __init__(self, body: bytes = WHOLE, error: Exception | None = None) -> None:
        self.body, self.error = body, error
        self.calls = 0
        self.called = asyncio.Event()
        self.go = asyncio.Event()

    async def __call__(self, reply: Reply) -> None:
        self.calls += 1
        self.called.set()
        await self.go.wait()
        if self.error is not None:
            raise self.error
        await reply.whole(200, {"Content-Type": "application/json", "X-Secret": "s"}, self.body)


@pytest.fixture
async def cache(tmp_path: Path) -> AsyncIterator[ResponseCache]:
    database = await open_database(Paths(tmp_path / "d", tmp_path / "d" / "config.toml"), SystemClock())
    yield ResponseCache(database, SystemClock(), zone=None, cost=lambda *_: 7, wait_s=10)
    await database.close()


async def all_waiting(clients: int, group: asyncio.TaskGroup, make: Callable[[], Awaitable[None]]) -> None:
    for _ in range(clients):
        group.create_task(_run(make))
    for _ in range(20):
        await asyncio.sleep(0)


async def _run(make: Callable[[], Awaitable[None]]) -> None:
    await make()


async def test_identical_requests_share_one_call(cache: ResponseCache) -> None:
    upstream, clients = Upstream(), [Client() for _ in range(64)]
    waiting = iter(clients)

    async def one() -> None:
        client = next(waiting)
        await cache.answer(asked(), client, client.entry, upstream)

    async with asyncio.TaskGroup() as group:
        await all_waiting(64, group, one)
        await upstream.called.wait()
        upstream.go.set()

    assert upstream.calls == 1
    assert {client.body for client in clients} == {WHOLE}
    assert [client.entry.cache for client in clients] == [MISS] + [HIT] * 63
    assert (cache.counters.hits, cache.counters.misses) == (63, 1)


async def test_a_later_request_gets_the_answer_without_what_was_the_first_ones_own(
    cache: ResponseCache,
) -> None:
    upstream, first, second = Upstream(), Client(), Client()
    upstream.go.set()
    await cache.answer(asked(), first, first.entry, upstream)
    await cache.answer(asked(), second, second.entry, upstream)

    assert upstream.calls == 1
    assert isinstance(second.told, Told)
    assert second.told.headers == {
        "Content-Type": "application/json",
        "X-OmniRoute-Cache": "HIT",
        "X-OmniRoute-Attempts": "0",
    }
    assert (second.entry.usage.input, second.entry.usage.output) == (0, 0)


async def test_an_answer_that_was_cut_serves_those_who_wait_and_nobody_later(cache: ResponseCache) -> None:
    upstream, clients = Upstream(CUT), [Client() for _ in range(3)]
    waiting = iter(clients)

    async def one() -> None:
        client = next(waiting)
        await cache.answer(asked(), client, client.entry, upstream)

    async with asyncio.TaskGroup() as group:
        await all_waiting(2, group, one)
        await upstream.called.wait()
        upstream.go.set()
    await one()

    assert upstream.calls == 2
    assert all(client.told is not None for client in clients)


async def test_after_a_failure_each_asks_for_itself(cache: ResponseCache) -> None:
    upstream, outcomes = Upstream(error=Refused(ErrorKind.UNAVAILABLE, "no")), []

    async def one() -> None:
        client = Client()
        try:
            await cache.answer(asked(), client, client.entry, upstream)
        except Refused as refused:
            outcomes.append(refused.message)

    async with asyncio.TaskGroup() as group:
        await all_waiting(5, group, one)
        await upstream.called.wait()
        upstream.go.set()

    assert outcomes == ["no"] * 5
    assert upstream.calls == 5


async def test_when_the_one_that_asks_leaves_another_takes_over(cache: ResponseCache) -> None:
    upstream, clients = Upstream(), [Client() for _ in range(5)]

    async def one(client: Client) -> None:
        await cache.answer(asked(), client, client.entry, upstream)

    async with asyncio.TaskGroup() as group:
        leader = group.create_task(one(clients[0]))
        await upstream.called.wait()
        others = [group.create_task(one(client)) for client in clients[1:]]
        await asyncio.sleep(0)
        others[1].cancel()  # one who only waits may leave without harm
        upstream.called.clear()
        leader.cancel()
        await upstream.called.wait()
        upstream.go.set()

    assert upstream.calls == 2
    assert [client.told is not None for client in clients] == [False, True, False, True, True]


async def test_what_is_on_disk_answers_after_a_restart_with_the_time_it_has_left(
    cache: ResponseCache, tmp_path: Path
) -> None:
    upstream, client = Upstream(), Client()
    upstream.go.set()
    await cache.answer(asked(), client, client.entry, upstream)
    before = next(iter(cache.memory._kept.values()))
    await cache.flush()

    database = await open_database(Paths(tmp_path / "d", tmp_path / "d" / "config.toml"), SystemClock())
    again = ResponseCache(database, SystemClock(), zone=None, cost=lambda *_: None, wait_s=1)
    await again.answer(asked(), client, client.entry, upstream)
    await database.close()

    assert client.entry.cache == HIT
    assert next(iter(again.memory._kept.values())) == before
    assert upstream.calls == 1


async def test_other_words_are_answered_only_when_switched_on(cache: ResponseCache) -> None:
    upstream = Upstream()
    upstream.go.set()
    questions = ("Explain the GIL", "Can you explain the GIL?")
    for same_words, calls in ((False, 2), (True, 3)):
        seen = snapshot(same_words=same_words, scope="global" if same_words else "key")
        for question in questions:
            client = Client()
            await cache.answer(asked(body_of(question), seen=seen), client, client.entry, upstream)
        assert upstream.calls == calls


async def test_likeness_in_shadow_only_reports_and_switched_on_answers(cache: ResponseCache) -> None:
    async def embed(_: Any, model: str, text: str) -> list[float]:
        assert model == "up/embed"
        return [1.0, 0.01 * len(text)]

    cache.likeness.embed = embed
    upstream = Upstream()
    upstream.go.set()

    async def ask(question: str, mode: str) -> Client:
        client, seen = Client(), snapshot(semantic=mode, semantic_model="up/embed")
        await cache.answer(asked(body_of(question), seen=seen), client, client.entry, upstream)
        await cache.likeness.work()
        return client

    await ask("Explain recursion", "shadow")
    shadowed = await ask("Explain recursion well", "shadow")
    assert shadowed.entry.cache == MISS
    [sighting] = cache.likeness.sighted
    assert (sighting.asked, sighting.known) == ("Explain recursion well", "Explain recursion")
    assert sighting.score >= 0.95

    answered = await ask("Explain recursion simply", "on")
    assert isinstance(answered.told, Told)
    assert answered.told.headers["X-OmniRoute-Cache"].startswith("semantic; score=")
    other = await ask("Explain recursion in 5 words", "on")
    assert other.entry.cache == MISS
    assert upstream.calls == 3


async def test_clearing_forgets_one_model_or_all(cache: ResponseCache) -> None:
    upstream, client = Upstream(), Client()
    upstream.go.set()
    await cache.answer(asked(), client, client.entry, upstream)
    await cache.flush()

    assert await cache.forget(("other",)) == (0, 0)
    assert await cache.forget(("up/m",)) == (1, 1)
    await cache.answer(asked(), client, client.entry, upstream)
    assert upstream.calls == 2
