"""Exactly one usage row for each request, whatever happens to the gateway."""

import asyncio
import signal
import sqlite3
from contextlib import closing, suppress

import aiohttp

from omniroute.exit_codes import ExitCode
from tests.server.installation import PATIENCE_S, Installation
from tests.server.test_life_restart import body

CLIENTS = 40
EACH = 5


async def leave_early(url: str, *, after: int) -> bool:
    """Whether the request reached the gateway; the client leaves after a few bytes of the stream."""
    async with (
        aiohttp.ClientSession(headers={"Content-Type": "application/json"}) as session,
        session.post(f"{url}/v1/chat/completions", data=body(stream=True)) as answer,
    ):
        await answer.content.read(after)
        return answer.status == 200


async def test_clients_that_leave_and_a_stop_lose_no_row(installation: Installation) -> None:
    with installation.foreground() as gateway:
        url = installation.server().url
        async with asyncio.TaskGroup() as group:
            asked = [
                group.create_task(leave_early(url, after=number % 50 + 1)) for number in range(CLIENTS * EACH)
            ]
        gateway.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(gateway.wait, PATIENCE_S) == ExitCode.OK
    assert count(installation) == sum(one.result() for one in asked) == CLIENTS * EACH


async def test_a_stop_under_load_loses_no_row(installation: Installation) -> None:
    with installation.foreground() as gateway:
        url = installation.server().url
        served: list[int] = []
        async with asyncio.TaskGroup() as group:
            warm = asyncio.Event()
            for _ in range(CLIENTS):
                group.create_task(ask_until_refused(url, served, warm))
            await warm.wait()
            gateway.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(gateway.wait, PATIENCE_S) == ExitCode.OK
    assert count(installation) == len(served)


async def ask_until_refused(url: str, served: list[int], warm: asyncio.Event) -> None:
    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession(headers=headers) as session:
        with suppress(aiohttp.ClientConnectionError):
            while True:
                async with session.post(f"{url}/v1/chat/completions", data=body(stream=True)) as answer:
                    if answer.status == 503:
                        return
                    text = await answer.text()
                    assert text.rstrip().endswith("data: [DONE]")
                    served.append(answer.status)
                    if len(served) == CLIENTS:
                        warm.set()


def test_rows_that_cannot_be_written_end_in_an_exit_code(installation: Installation) -> None:
    with installation.foreground() as gateway:
        url = installation.server().url
        with closing(sqlite3.connect(installation.paths.database)) as connection, connection:
            connection.execute("DROP TABLE usage")
        asyncio.run(leave_early(url, after=10_000))
        gateway.send_signal(signal.SIGTERM)
        _, err = gateway.communicate(timeout=PATIENCE_S)
    assert gateway.returncode == ExitCode.DATABASE
    assert "usage" in err
    assert not installation.paths.server_file.exists()


def count(installation: Installation) -> int:
    """Rows on disk."""
    with closing(sqlite3.connect(installation.paths.database)) as connection:
        return int(connection.execute("SELECT count(*) FROM usage").fetchone()[0])
