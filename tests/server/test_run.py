"""The loops of a server, and what happens when one fails."""

import asyncio
from collections.abc import Callable

import pytest

from omniroute.errors import OmniRouteError
from omniroute.gateway.usage_log import UsageLog
from omniroute.server import loops
from omniroute.server import run as run_module
from omniroute.server.lock import is_locked
from omniroute.server.loops import keep_running
from omniroute.server.run import Start, run
from omniroute.settings import load_settings
from tests.server.installation import MASTER_KEY, Installation


async def fail(_: object) -> None:
    raise ZeroDivisionError("nobody foresaw this")


def start(installation: Installation, on_ready: Callable[[], None] = lambda: None) -> Start:
    return Start(
        paths=installation.paths,
        settings=load_settings(installation.paths.config_file, {"port": 0}),
        options={},
        foreground=False,
        on_ready=lambda _server: on_ready(),
    )


def test_without_its_usage_writer_a_gateway_ends_and_the_log_says_why(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNIROUTE_MASTER_KEY", MASTER_KEY)
    monkeypatch.setattr(UsageLog, "run", fail)
    monkeypatch.setattr(run_module, "loop_factory", lambda: None)  # uvloop wants to be alone in a process
    with pytest.raises(OmniRouteError, match="its log says more"):
        run(start(installation))
    assert "ZeroDivisionError: nobody foresaw this" in installation.paths.log.read_text()
    assert not installation.paths.server_file.exists()
    assert not is_locked(installation.paths)


async def test_another_loop_that_fails_is_started_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(loops, "FIRST_PAUSE_S", 0.001)
    third = asyncio.Event()
    starts = 0

    async def work() -> None:
        nonlocal starts
        starts += 1
        if starts == 3:
            third.set()
            await asyncio.Event().wait()
        raise ZeroDivisionError

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        running = group.create_task(keep_running("work", work))
        await third.wait()
        running.cancel()
    told = [record.getMessage() for record in caplog.records]
    assert told == [f"work failed; it starts again in {pause} s" for pause in ("0.001", "0.002")]
