"""A new gateway in the place of a running one, and nobody notices."""

import asyncio
import json
import signal
import socket
import sqlite3
from contextlib import closing
from functools import partial

import aiohttp
import pytest

from omniroute.api.system import ServerFile
from omniroute.exit_codes import ExitCode
from omniroute.server.lock import is_alive, is_locked
from tests.server.installation import PATIENCE_S, Installation, eventually

CLIENTS = 8
RESTARTS = 2


def body(*, stream: bool) -> bytes:
    """A request to the built-in model."""
    messages = [{"role": "user", "content": "one two three four five"}]
    return json.dumps({"model": "demo/echo", "stream": stream, "messages": messages}).encode()


async def keep_asking(server: ServerFile, over: asyncio.Event, statuses: list[int], *, fresh: bool) -> None:
    """One client that never pauses: on a connection it keeps, or on a new one each time."""
    connector = aiohttp.TCPConnector(force_close=fresh)
    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        while not over.is_set():
            stream = len(statuses) % 2 == 0
            url = f"{server.url}/v1/chat/completions"
            async with session.post(url, data=body(stream=stream)) as answer:
                text = await answer.text()
            assert not stream or text.rstrip().endswith("data: [DONE]")
            statuses.append(answer.status)


async def restart(installation: Installation) -> None:
    before = installation.server()
    done = await asyncio.to_thread(installation.run, "restart")
    assert done.returncode == ExitCode.OK, done.stderr
    assert installation.server().pid != before.pid
    await asyncio.to_thread(eventually, lambda: not is_alive(before))


async def test_no_request_is_dropped_and_each_leaves_its_row(installation: Installation) -> None:
    server = installation.serve()
    over = asyncio.Event()
    statuses: list[int] = []
    async with asyncio.TaskGroup() as group:
        for number in range(CLIENTS):
            group.create_task(keep_asking(server, over, statuses, fresh=number % 2 == 0))
        for _ in range(RESTARTS):
            await restart(installation)
        over.set()
    installation.run("stop")
    assert set(statuses) == {200}
    with closing(sqlite3.connect(installation.paths.database)) as connection:
        written = connection.execute("SELECT count(*), count(DISTINCT id) FROM usage").fetchone()
    assert written == (len(statuses), len(statuses))


async def test_a_connection_that_was_idle_is_served_until_it_is_told_to_close(
    installation: Installation,
) -> None:
    server = installation.serve()
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{server.url}/api/init") as answer:
            assert answer.headers.get("Connection") is None
        await asyncio.to_thread(installation.run, "restart")
        async with asyncio.timeout(5):
            told: str | None = None
            while told != "close":  # the command is back before the old process knows that it is done
                async with session.get(f"{server.url}/api/init") as answer:
                    assert answer.status == 200
                    told = answer.headers.get("Connection")


def test_when_no_successor_comes_up_the_gateway_goes_on_and_says_why(installation: Installation) -> None:
    before = installation.serve()
    installation.paths.config_file.write_text("log_level = 'loud'\n")
    failed = installation.run("restart")
    assert failed.returncode == ExitCode.FAILED
    assert "log_level" in failed.stderr
    assert "log_level" in installation.paths.log.read_text()
    installation.paths.config_file.unlink()
    assert is_alive(before)
    assert installation.run("restart").returncode == ExitCode.OK
    assert installation.server().pid != before.pid


def test_the_lock_is_never_free(installation: Installation) -> None:
    before = installation.serve()
    installation.run("restart")
    eventually(lambda: not is_alive(before))
    assert is_locked(installation.paths)
    assert installation.run("serve").returncode == ExitCode.ALREADY_RUNNING


def test_new_settings_hold_after_a_restart(installation: Installation) -> None:
    url = installation.serve("--log-level", "warning").url
    installation.paths.config_file.write_text("log_format = 'json'\n")
    installation.run("restart")
    assert installation.server().url == url
    installation.run("stop")
    assert installation.paths.log.read_text() == ""  # the option of the first start still holds


@pytest.mark.parametrize("restarts", [1, 2])
def test_in_the_foreground_the_first_process_stays_as_long_as_the_last(
    installation: Installation, restarts: int
) -> None:
    with installation.foreground() as gateway:
        for _ in range(restarts):
            before = installation.server()
            assert installation.run("restart").returncode == ExitCode.OK
            eventually(partial(has_handed_over, before, gateway.pid))
        server = installation.server()
        assert gateway.poll() is None
        assert server.pid != gateway.pid
        eventually(lambda: stands_in(gateway.pid))
        gateway.send_signal(signal.SIGTERM)
        assert gateway.wait(PATIENCE_S) == ExitCode.OK
    eventually(lambda: not is_alive(server))
    assert not is_locked(installation.paths)


def has_handed_over(before: ServerFile, first_pid: int) -> bool:
    """The first process lives on as another program."""
    return before.pid == first_pid or not is_alive(before)


def stands_in(pid: int) -> bool:
    """Whether the process has become the small one that waits for its successor."""
    import psutil

    return "omniroute.server.follow" in psutil.Process(pid).cmdline()


def test_a_new_port_in_the_settings_is_taken_at_a_restart(installation: Installation) -> None:
    installation.paths.data_dir.mkdir()
    installation.paths.config_file.write_text("port = 0\n")
    installation.serve(OMNIROUTE_PORT="")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    installation.paths.config_file.write_text(f"port = {port}\n")
    assert installation.run("restart", OMNIROUTE_PORT="").returncode == ExitCode.OK
    assert installation.server().url == f"http://127.0.0.1:{port}"
