"""A client that goes away cancels its upstream and leaves one row."""

import asyncio
import json
import socket
import struct
from collections.abc import Callable, Coroutine, Generator, Mapping
from functools import partial
from typing import Any

import pytest
from multidict import CIMultiDict

from omniroute.gateway import call as calls
from omniroute.gateway.call import Call, ErrorAnswer, TellInBand
from omniroute.gateway.exchange import exchange
from omniroute.records import Outcome
from tests import scripted_upstream as script
from tests.running_gateway import CHAT, CONVERSATIONS, NODE_TYPES, RunningGateway, asking
from tests.scripted_upstream import ScriptedUpstream

TOLD_TOKENS = 70 + 30  # what the samples' opening of a message tells of its input


async def connect(
    running: RunningGateway, path: str, body: Mapping[str, Any], headers: str = ""
) -> socket.socket:
    """A client of its own that has sent a request and has read nothing yet. `headers`: lines of more."""
    content = json.dumps(body).encode()
    host, _, port = running.url.removeprefix("http://").partition(":")
    head = f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: {len(content)}\r\n{headers}\r\n"
    client = socket.socket()
    client.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, (host, int(port)))
    await loop.sock_sendall(client, head.encode() + content)
    return client


async def read_until(client: socket.socket, wanted: bytes) -> bytes:
    """What has come when `wanted` has."""
    seen = b""
    async with asyncio.timeout(10):
        while wanted not in seen:
            chunk = await asyncio.get_running_loop().sock_recv(client, 4096)
            assert chunk, seen
            seen += chunk
    return seen


def leave(client: socket.socket, *, by_reset: bool = False) -> None:
    """Hang up."""
    if by_reset:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


@pytest.mark.parametrize("by_reset", [False, True])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_before_the_answer_cancels_the_upstream(
    running: RunningGateway, upstream: ScriptedUpstream, stream: bool, by_reset: bool
) -> None:
    await running.add_node(upstream.url)
    await running.add_account("node-up", "second")
    upstream.script(script.slow_first_byte())
    client = await connect(running, CHAT, asking(CHAT, stream=stream))
    await upstream.until(lambda up: len(up.requests) == 1)
    leave(client, by_reset=by_reset)
    await upstream.until(lambda up: up.cancelled == 1)
    row = await running.row()
    assert (row.outcome, row.status) == (Outcome.CANCELLED, 499)
    assert [attempt.failure for attempt in row.attempts] == ["client_gone: the client went away"]
    assert row.usage.output is None
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("by_reset", [False, True])
@pytest.mark.parametrize("path", CONVERSATIONS)
async def test_a_client_that_leaves_mid_stream_leaves_the_tokens_so_far(
    running: RunningGateway, upstream: ScriptedUpstream, path: str, by_reset: bool
) -> None:
    await running.add_node(upstream.url, type=NODE_TYPES[path])
    upstream.script(script.stall_after_content())
    client = await connect(running, path, asking(path, stream=True))
    await read_until(client, b"script")
    leave(client, by_reset=by_reset)
    await upstream.until(lambda up: up.cancelled == 1)
    row = await running.row()
    assert (row.outcome, row.status, row.stream) == (Outcome.CANCELLED, 499, True)
    assert row.usage.estimated
    assert row.usage.prompt is not None
    assert row.usage.prompt > 0
    assert row.usage.output is not None
    assert row.usage.output > 1
    assert row.ttft_ms is not None
    if path == "/v1/messages":
        assert row.usage.prompt == TOLD_TOKENS


@pytest.mark.parametrize("path", CONVERSATIONS)
async def test_a_client_that_leaves_after_the_closing_event_has_its_answer(
    running: RunningGateway, upstream: ScriptedUpstream, path: str
) -> None:
    await running.add_node(upstream.url, type=NODE_TYPES[path])
    upstream.script(script.ending_with(script.answer(), script.Ending.STALL))
    client = await connect(running, path, asking(path, stream=True))
    closing = {CHAT: b"[DONE]", "/v1/messages": b"message_stop", "/v1/responses": b"response.completed"}
    await read_until(client, closing[path])
    leave(client)
    await upstream.until(lambda up: up.cancelled == 1)
    row = await running.row()
    assert (row.outcome, row.status) == (Outcome.OK, 200)
    assert not row.usage.estimated
    assert [attempt.failure for attempt in row.attempts] == [None]


async def test_a_client_that_reads_slowly_slows_its_upstream(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    pieces = ["x" * 100_000] * 1000
    upstream.script(script.answer(pieces))
    client = await connect(running, CHAT, asking(CHAT, stream=True))
    await read_until(client, b"data: ")
    [entry] = running.gateway.live.running()
    for _ in range(50):  # turns in which an upstream nobody slowed would get far
        await running.ask(CHAT, asking(CHAT, "demo/echo"))
    assert upstream.finished == 0
    assert running.gateway.live.running() == [entry]
    leave(client)
    await upstream.until(lambda up: up.cancelled == 1)


async def test_a_client_that_leaves_during_a_whole_answer_cancels_the_upstream(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    upstream.script(script.stalled_whole())
    client = await connect(running, CHAT, asking(CHAT))
    await upstream.until(lambda up: len(up.requests) == 1)
    leave(client)
    await upstream.until(lambda up: up.cancelled == 1)
    row = await running.row()
    assert (row.outcome, row.status) == (Outcome.CANCELLED, 499)


async def test_a_client_that_leaves_before_its_body_is_whole_was_no_request(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    client = await connect(running, CHAT, {})
    loop = asyncio.get_running_loop()
    other = socket.socket()
    other.setblocking(False)
    await loop.sock_connect(other, client.getpeername())
    host = running.url.removeprefix("http://")
    await loop.sock_sendall(
        other, f"POST {CHAT} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 99\r\n\r\n".encode()
    )
    leave(other)
    await read_until(client, b"400")
    leave(client)
    assert (await running.ask(CHAT, asking(CHAT))).status == 200
    assert [row.status for row in await running.rows()] == [400, 200]


async def test_the_account_answers_the_next_request_at_once(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    upstream.script(script.stall_after_content())
    client = await connect(running, CHAT, asking(CHAT, stream=True))
    await read_until(client, b"script")
    leave(client)
    got = await running.ask(CHAT, asking(CHAT, stream=True))
    assert got.body.endswith(b"data: [DONE]\n\n")


REQUESTS, CUT = 200, 40


async def test_there_are_as_many_rows_as_requests_however_many_clients_leave(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    upstream.by_model["slow"] = script.stall_after_content()

    async def one(number: int) -> None:
        request_id = {"X-Request-Id": f"r-{number}"}
        if number % (REQUESTS // CUT):
            got = await running.ask(CHAT, asking(CHAT, stream=bool(number % 2)), request_id)
            assert got.status == 200
            return
        async with running.open("POST", CHAT, asking(CHAT, "up/slow", stream=True), request_id) as answer:
            await answer.content.readany()
            answer.close()

    async with asyncio.TaskGroup() as group:
        for number in range(REQUESTS):
            group.create_task(one(number), name=f"client {number}")
    await upstream.until(lambda up: up.cancelled == CUT)
    while running.gateway.live.running():  # noqa: ASYNC110 - what ends has no event
        await asyncio.sleep(0)
    rows = await running.rows()
    assert sorted(row.request_id for row in rows) == sorted(f"r-{number}" for number in range(REQUESTS))
    assert sum(row.outcome is Outcome.CANCELLED for row in rows) == CUT
    assert sum(row.outcome is Outcome.OK for row in rows) == REQUESTS - CUT


class Kept:
    """A reply that goes nowhere, and lets others run at every step as a socket would."""

    wants_progress = False

    def __init__(self) -> None:
        self.begun = False

    async def progress(self, event: bytes) -> None:
        raise AssertionError("nobody asked for it")

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.begun = True
        await asyncio.sleep(0)

    async def begin(self, headers: Mapping[str, str]) -> None:
        self.begun = True
        await asyncio.sleep(0)

    async def write(self, chunk: bytes) -> None:
        await asyncio.sleep(0)

    async def end(self) -> None:
        await asyncio.sleep(0)

    async def fail(
        self, error: ErrorAnswer, headers: Mapping[str, str], *, in_band: TellInBand | None = None
    ) -> None:
        await asyncio.sleep(0)

    async def keep_alive(self) -> None:
        await asyncio.sleep(0)


class CancelledAt:
    """Runs a coroutine and cancels its task where it waits for the n-th time."""

    def __init__(self, work: Coroutine[Any, Any, None], wait: int) -> None:
        self._work = work
        self._wait = wait

    def __await__(self) -> Generator[Any, Any, None]:
        waits = 0
        step: Callable[[], Any] = partial(self._work.send, None)
        while True:
            try:
                waited_for = step()
            except StopIteration:
                return
            waits += 1
            task = asyncio.current_task()
            if waits == self._wait and task is not None:
                task.cancel()
            try:
                yield waited_for
            except BaseException as error:  # noqa: BLE001 - thrown into the work
                step = partial(self._work.throw, error)
            else:
                step = partial(self._work.send, None)


async def cancelled_at(work: Coroutine[Any, Any, None], wait: int) -> bool:
    """Whether the work was cancelled before its end."""

    async def run() -> None:
        await CancelledAt(work, wait)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(run(), name=f"cancelled at {wait}")
    return task.cancelled()


FATES = {
    "answer": (script.answer(),),
    "refusal, then answer": (script.error(429), script.dripped(script.answer(pieces=("x",)))),
    "cut": (script.cut_after_content(),),
    "refusals": (script.error(500), script.error(500)),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fate", FATES)
async def test_a_request_cancelled_wherever_it_waits_leaves_one_row(
    running: RunningGateway, upstream: ScriptedUpstream, fate: str, stream: bool
) -> None:
    await running.add_node(upstream.url)
    await running.add_account("node-up", "second")
    body = json.dumps(asking(CHAT, stream=stream)).encode()
    runs = 0
    for wait in range(1, 400):
        runs += 1
        upstream.queue.clear()
        upstream.script(*FATES[fate])
        call = Call(
            operation=calls.CHAT,
            method="POST",
            path=CHAT,
            headers=CIMultiDict(),
            body=body,
            request_id=f"r-{wait}",
            key=None,
        )
        if not await cancelled_at(exchange(running.gateway, call, Kept()), wait):
            break
    rows = await running.rows()
    assert runs > 3
    assert sorted(row.request_id for row in rows) == sorted(f"r-{wait}" for wait in range(1, runs + 1))
    ends = {row.request_id: row.outcome for row in rows}
    assert ends["r-1"] is Outcome.CANCELLED
    assert ends[f"r-{runs}"] is not Outcome.CANCELLED
    assert running.gateway.live.running() == []
