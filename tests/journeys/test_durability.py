"""Nothing is lost or counted twice: clients that leave, SIGTERM, SIGKILL, and a restart, each under load."""

import asyncio
import itertools
import json
import os
import signal
import socket
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field

import aiohttp
import pytest

from omniroute.exit_codes import ExitCode
from omniroute.gateway.usage_log import FLUSH_S
from omniroute.server.lock import is_alive
from tests.scripted_upstream import (
    TEXT,
    ScriptedUpstream,
    answer,
    slow_first_byte,
    stall_after_content,
    waiting_before_last,
)
from tests.server.installation import PATIENCE_S, Installation, eventually

CLIENTS = 24
REQUESTS = 1000
CUT_EVERY = 5
"""Of five requests one is cut by its client: 200 of 1,000."""


@dataclass(slots=True)
class Load:
    """Clients of one gateway; every request has an id of its own."""

    url: str
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    answered: dict[str, float] = field(default_factory=dict)
    """When the last byte had come, by id."""
    cut: set[str] = field(default_factory=set)
    """Left in the middle of the text."""
    refused: list[int] = field(default_factory=list)
    """Statuses of requests that were not taken."""
    slowest_s: float = 0.0

    async def ask(
        self, session: aiohttp.ClientSession, *, model: str = "m-1", cut: bool = False, stream: bool = False
    ) -> str:
        """One request to its end, or to the middle of it; the id it went by."""
        request_id = f"r-{next(self.numbers)}"
        stream = stream or cut or len(self.answered) % 2 == 0
        asked = {"model": f"mock/{model}", "stream": stream, "messages": [{"role": "user", "content": "hi"}]}
        began_s = time.monotonic()
        async with session.post(
            f"{self.url}/v1/chat/completions", json=asked, headers={"X-Request-Id": request_id}
        ) as response:
            if response.status != 200:
                self.refused.append(response.status)
            elif cut:
                await read_until(response, b"script")
                self.cut.add(request_id)
                response.close()
            else:
                check_whole(await response.read(), stream=stream)
                self.answered[request_id] = time.monotonic()
                self.slowest_s = max(self.slowest_s, self.answered[request_id] - began_s)
        return request_id


async def read_until(response: aiohttp.ClientResponse, wanted: bytes) -> None:
    """The stream up to a word."""
    seen = b""
    while wanted not in seen:
        chunk = await response.content.readany()
        assert chunk, seen
        seen += chunk


def check_whole(body: bytes, *, stream: bool) -> None:
    """Nothing of the answer is missing."""
    if not stream:
        assert json.loads(body)["choices"][0]["message"]["content"] == TEXT
        return
    lines = [line.removeprefix(b"data: ") for line in body.splitlines() if line.startswith(b"data: ")]
    assert lines[-1] == b"[DONE]"
    deltas = [choice["delta"] for line in lines[:-1] for choice in json.loads(line)["choices"]]
    assert "".join(delta.get("content", "") for delta in deltas) == TEXT


@dataclass(frozen=True, slots=True)
class Row:
    """What is on disk of one request."""

    request_id: str
    outcome: str
    tokens: tuple[int | None, int | None, int | None]
    """Fresh input, cached input, output."""
    estimated: bool


WHOLE_TOKENS = (70, 30, 15)


def rows(installation: Installation) -> list[Row]:
    """Every row, joined from the two tables that a request is written to; the database is sound."""
    with closing(sqlite3.connect(installation.paths.database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        found = connection.execute(
            "SELECT request_id, outcome, input, cache_read, output, estimated"
            " FROM usage LEFT JOIN call_log USING (id) ORDER BY id"
        ).fetchall()
    return [
        Row(name, outcome, (fresh, read, out), bool(est)) for name, outcome, fresh, read, out, est in found
    ]


@pytest.fixture
def add_mock(installation: Installation) -> Callable[[str], None]:
    """Connects the upstream, by command."""

    def add(url: str) -> None:
        node = ("--type", "openai-compatible", "--base-url", f"{url}/v1", "--prefix", "mock")
        done = installation.run("providers", "add", *node, "--name", "mock", "--no-test")
        assert done.returncode == ExitCode.OK, done.stderr

    return add


def clients(limit: int = CLIENTS) -> aiohttp.ClientSession:
    """Connections that are kept alive."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=limit))


async def test_every_request_leaves_one_row_though_clients_leave_and_the_gateway_stops(
    installation: Installation, add_mock: Callable[[str], None]
) -> None:
    """A request is one that the gateway took: its answer began, or its upstream was asked.

    1,000 are taken, 200 of them cut by their clients; when the last ones are at the upstream comes SIGTERM,
    while further clients go on asking until they are refused. What is refused leaves no row.
    """
    async with ScriptedUpstream() as upstream:
        await asyncio.to_thread(add_mock, upstream.url)
        upstream.requests.clear()
        upstream.by_model |= {"cut": stall_after_content(), "held": slow_first_byte()}
        with installation.foreground() as gateway:
            load = Load(installation.server().url)
            left = iter(range(REQUESTS))
            async with clients() as session, clients(4) as knocking, asyncio.TaskGroup() as group:
                for _ in range(CLIENTS):
                    group.create_task(_ask_while_any(load, session, left))
                await upstream.until(lambda up: len(up.requests) == REQUESTS)
                for _ in range(4):
                    group.create_task(_ask_until_refused(load, knocking))
                await upstream.until(lambda up: len(up.requests) > REQUESTS + CLIENTS)
                gateway.send_signal(signal.SIGTERM)
                await asyncio.to_thread(eventually, lambda: refuses(load.url))
                upstream.release()
            assert await asyncio.to_thread(gateway.wait, PATIENCE_S) == ExitCode.OK
        reached = {one.headers["X-Request-ID"] for one in upstream.requests}
    written = rows(installation)
    by_id = {row.request_id: row for row in written}
    assert len(load.cut) == REQUESTS // CUT_EVERY
    assert len(load.answered) >= REQUESTS - REQUESTS // CUT_EVERY
    assert len(written) == len(by_id) == len(load.answered) + len(load.cut)
    assert set(by_id) == set(load.answered) | load.cut == reached
    assert set(load.refused) <= {503}
    assert Counter(row.outcome for row in written) == {"ok": len(load.answered), "cancelled": len(load.cut)}
    assert {by_id[name].tokens for name in load.answered} == {WHOLE_TOKENS}
    assert all(by_id[name].estimated for name in load.cut)
    assert not installation.paths.server_file.exists()


async def _ask_while_any(load: Load, session: aiohttp.ClientSession, left: Iterator[int]) -> None:
    """Requests of the thousand. The last wait at the upstream until the gateway has been told to stop."""
    for number in left:
        cut = number % CUT_EVERY == 0
        if number >= REQUESTS - CLIENTS and not cut:
            await load.ask(session, model="held")
        else:
            await load.ask(session, model="cut" if cut else "m-1", cut=cut)


async def _ask_until_refused(load: Load, session: aiohttp.ClientSession) -> None:
    try:
        while not load.refused:
            await load.ask(session)
    except aiohttp.ClientConnectionError:
        return  # nobody listens any more


def refuses(url: str) -> bool:
    """Whether nobody listens there."""
    host, _, port = url.removeprefix("http://").partition(":")
    try:
        socket.create_connection((host, int(port))).close()
    except OSError:
        return True
    return False


async def test_after_a_kill_only_the_newest_rows_are_missing(
    installation: Installation, add_mock: Callable[[str], None]
) -> None:
    """Rows are written every 250 ms; the write itself waits its turn as long as any request does."""
    async with ScriptedUpstream() as upstream:
        await asyncio.to_thread(add_mock, upstream.url)
        server = await asyncio.to_thread(installation.serve)
        load = Load(server.url)
        over = asyncio.Event()
        async with clients() as session, asyncio.TaskGroup() as group:
            for _ in range(CLIENTS):
                group.create_task(_ask_until(load, session, over))
            await asyncio.to_thread(eventually, lambda: len(load.answered) > REQUESTS)
            over.set()
            killed_s = time.monotonic()
            os.kill(server.pid, signal.SIGKILL)
        await asyncio.to_thread(eventually, lambda: not is_alive(server))
        assert installation.paths.server_file.exists()
        written = {row.request_id for row in rows(installation)}
        missing = {name: killed_s - at_s for name, at_s in load.answered.items() if name not in written}
        assert max(missing.values(), default=0) <= FLUSH_S + load.slowest_s
        assert len(missing) < len(load.answered)

        again = await asyncio.to_thread(installation.serve)
        assert again.pid != server.pid
        async with clients() as session:
            name = await Load(again.url, itertools.count(10**6)).ask(session)
        assert (await asyncio.to_thread(installation.run, "stop")).returncode == ExitCode.OK
    assert {row.request_id for row in rows(installation)} == written | {name}


async def _ask_until(load: Load, session: aiohttp.ClientSession, over: asyncio.Event) -> None:
    """One client that never pauses. What fails after the end is nobody's concern."""
    while not over.is_set():
        try:
            await load.ask(session)
        except aiohttp.ClientError:
            if not over.is_set():
                raise


async def test_a_restart_under_load_fails_no_request(
    installation: Installation, add_mock: Callable[[str], None]
) -> None:
    """Some clients keep their connections, some open new ones, some read streams across the restart."""
    async with ScriptedUpstream() as upstream:
        await asyncio.to_thread(add_mock, upstream.url)
        upstream.requests.clear()
        upstream.by_model["held"] = waiting_before_last(answer())
        before = await asyncio.to_thread(installation.serve)
        load = Load(before.url)
        over = asyncio.Event()
        fresh = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        async with clients() as session, fresh, asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(load.ask(session, model="held", stream=True))
            await upstream.until(lambda up: len(up.requests) == 4)
            for number in range(CLIENTS // 2):
                group.create_task(_ask_until(load, fresh if number % 3 == 0 else session, over))
            await upstream.until(lambda up: len(up.requests) > 100)
            restart = group.create_task(asyncio.to_thread(installation.run, "restart"))
            await asyncio.to_thread(eventually, lambda: installation.server().pid != before.pid)
            upstream.release()
            assert (await restart).returncode == ExitCode.OK, restart.result().stderr
            asked = len(upstream.requests)
            await upstream.until(lambda up: len(up.requests) > asked + 100)
            over.set()
        await asyncio.to_thread(eventually, lambda: not is_alive(before))
        assert (await asyncio.to_thread(installation.run, "stop")).returncode == ExitCode.OK
        reached = [one.headers["X-Request-ID"] for one in upstream.requests]
    written = rows(installation)
    assert load.refused == []
    assert Counter(row.request_id for row in written) == Counter(list(load.answered)) == Counter(reached)
    assert {(row.outcome, row.tokens) for row in written} == {("ok", WHOLE_TOKENS)}
