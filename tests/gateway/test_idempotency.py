"""A request sent twice is done once."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from omniroute.errors import ErrorKind, Refused
from omniroute.gateway.call import CHAT, Call, ErrorAnswer, Reply
from omniroute.gateway.idempotency import HEADER, WINDOW_MS, Idempotency
from omniroute.gateway.recording import Told, ToldError
from tests.gateway.cache.asked import key
from tests.gateway.cache.client import Client


class HandClock:
    """Time as the test says."""

    now_s = 100.0

    def now_ms(self) -> int:
        return int(self.now_s * 1000)

    def monotonic_s(self) -> float:
        return self.now_s


def call(
    body: bytes = b"{}",
    idempotency: str | None = "k",
    *,
    tenant: str | None = None,
    path: str = "/v1/chat/completions",
    request_id: str | None = None,
) -> Call:
    headers = {"Idempotency-Key": idempotency} if idempotency is not None else {}
    if request_id is not None:
        headers["X-Request-Id"] = request_id
    return Call(
        operation=CHAT,
        method="POST",
        path=path,
        headers=CIMultiDict(headers),
        body=body,
        request_id=request_id or "ours",
        key=None if tenant is None else key(tenant),
    )


def answering(body: bytes, status: int = 200) -> Callable[[Reply], Any]:
    async def ask(reply: Reply) -> None:
        await reply.whole(status, {"X-A": "b"}, body)

    return ask


async def told(once: Idempotency, call: Call, ask: Callable[[Reply], Any]) -> Client:
    client = Client()
    await once.once(call, client, client.entry, ask)
    return client


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("ask"),
            st.sampled_from(["t", "u", None]),
            st.sampled_from(["/a", "/b"]),
            st.sampled_from(["k", "l", None]),
            st.sampled_from([b"1", b"2"]),
            st.sampled_from([200, 201, 500]),
        ),
        st.tuples(st.just("wait"), st.integers(1, 6000)),
    ),
    max_size=40,
)


@given(STEPS)
def test_within_the_window_only_the_same_is_answered_the_same(steps: list[Any]) -> None:
    async def run() -> None:
        clock = HandClock()
        once, calls = Idempotency(clock, wait_s=1), 0
        model: dict[Any, tuple[bytes, bytes, float]] = {}
        for step in steps:
            if step[0] == "wait":
                clock.now_s += step[1] / 1000
                continue
            _, tenant, path, name, body, status = step
            scope = (tenant, path, name)
            known = model.get(scope) if name is not None else None
            if known is not None and known[2] <= clock.now_s:
                del model[scope]
                known = None
            calls += 1
            mine = b"%d" % calls
            request = call(body, name, tenant=tenant, path=path)
            if known is not None and known[0] != body:
                with pytest.raises(Refused) as refused:
                    await told(once, request, answering(mine, status))
                assert refused.value.kind is ErrorKind.IDEMPOTENCY_KEY_REUSED
                continue
            client = await told(once, request, answering(mine, status))
            assert isinstance(client.told, Told)
            assert client.told.body == (mine if known is None else known[1])
            assert (HEADER in client.told.headers) == (known is not None)
            if known is None and name is not None and status < 300:
                model[scope] = (body, mine, clock.now_s + WINDOW_MS / 1000)

    asyncio.run(run())


async def test_a_duplicate_under_way_waits_and_gets_the_same() -> None:
    once, go = Idempotency(HandClock(), wait_s=10), asyncio.Event()
    asked: list[int] = []

    async def slow(reply: Reply) -> None:
        asked.append(1)
        await go.wait()
        await reply.whole(200, {}, b"once")

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(told(once, call(), slow)) for _ in range(10)]
        await asyncio.sleep(0)
        go.set()

    clients = [task.result() for task in tasks]
    assert asked == [1]
    assert all(isinstance(client.told, Told) and client.told.body == b"once" for client in clients)
    assert [client.entry.cache for client in clients] == [None] + ["idempotent"] * 9


async def test_the_duplicate_of_a_stream_under_way_is_told_to_come_back() -> None:
    once, go, begun = Idempotency(HandClock(), wait_s=10), asyncio.Event(), asyncio.Event()

    async def stream(reply: Reply) -> None:
        begun.set()
        await go.wait()
        await reply.begin({})
        await reply.end()

    first = Client()
    first.entry.stream = True
    async with asyncio.TaskGroup() as group:
        group.create_task(once.once(call(), first, first.entry, stream))
        await begun.wait()
        with pytest.raises(Refused) as refused:
            await told(once, call(), stream)
        go.set()

    assert (refused.value.kind, refused.value.retry_after_s) == (ErrorKind.REQUEST_IN_PROGRESS, 1)
    again = await told(once, call(), answering(b"anew"))  # a stream that has ended is as if it never was
    assert isinstance(again.told, Told)
    assert again.told.body == b"anew"


async def test_when_the_first_client_leaves_a_duplicate_takes_over() -> None:
    once, begun = Idempotency(HandClock(), wait_s=10), asyncio.Event()

    async def never(reply: Reply) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        first = group.create_task(told(once, call(), never))
        await begun.wait()
        second = group.create_task(told(once, call(), answering(b"second")))
        await asyncio.sleep(0)
        first.cancel()

    client = second.result()
    assert isinstance(client.told, Told)
    assert client.told.body == b"second"
    assert client.entry.cache is None


@pytest.mark.parametrize("raises", [True, False])
async def test_a_failure_is_shared_by_who_waits_and_forgotten_after(*, raises: bool) -> None:
    once, go = Idempotency(HandClock(), wait_s=10), asyncio.Event()
    error = ErrorAnswer(kind=ErrorKind.UNAVAILABLE, message="down", status=503)

    async def failing(reply: Reply) -> None:
        await go.wait()
        if raises:
            raise Refused(ErrorKind.UNAVAILABLE, "down")
        await reply.fail(error, {})

    async def outcome() -> str:
        try:
            client = await told(once, call(), failing)
        except Refused as refused:
            return refused.message
        assert isinstance(client.told, ToldError)
        return client.told.error.message

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(outcome()) for _ in range(3)]
        await asyncio.sleep(0)
        go.set()

    assert [task.result() for task in tasks] == ["down"] * 3
    assert len(once) == 0


async def test_an_id_of_a_request_counts_only_when_the_client_gave_it_and_promises_nothing() -> None:
    once = Idempotency(HandClock(), wait_s=1)

    async def body(request: Call, ours: bytes) -> bytes:
        client = await told(once, request, answering(ours))
        assert isinstance(client.told, Told)
        return client.told.body

    assert await body(call(idempotency=None), b"1") == b"1"
    assert await body(call(idempotency=None), b"2") == b"2"
    assert await body(call(idempotency=None, request_id="mine"), b"3") == b"3"
    assert await body(call(idempotency=None, request_id="mine"), b"4") == b"3"
    assert await body(call(b"other", idempotency=None, request_id="mine"), b"5") == b"5"


async def test_what_is_over_is_swept_and_what_is_cleared_is_done_again() -> None:
    clock = HandClock()
    once = Idempotency(clock, wait_s=1)
    await told(once, call(), answering(b"1"))
    assert once.clear() == 1
    await told(once, call(), answering(b"2"))
    clock.now_s += WINDOW_MS / 1000
    once.sweep()
    assert len(once) == 0
