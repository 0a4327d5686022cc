"""The whole: app, feed and a gateway on loopback."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from omniroute.client.connect import connect
from omniroute.clock import SystemClock
from omniroute.tui.app import OmniRouteApp
from omniroute.tui.link import Live, Lost
from tests.live_gateway import live_gateway, paths_in
from tests.tui.samples import BUSY, EMPTY

SLOW = {"aiohttp", "numpy", "pydantic", "pydantic_settings", "sqlalchemy", "typer"}


async def until(holds: Callable[[], bool], pilot: "Pilot[None]") -> None:
    """Give the feed's thread its turns; the test's time limit ends a wait in vain."""
    while not holds():
        await pilot.pause(0.01)


async def test_the_screens_live_through_the_end_and_the_return_of_the_gateway(tmp_path: Path) -> None:
    paths = paths_in(tmp_path)
    app = OmniRouteApp(lambda: connect(paths), clock=SystemClock(), backoff_s=(0.01,))
    async with app.run_test() as pilot:
        await until(lambda: isinstance(app.link, Lost), pilot)
        before = app.stats
        assert before is None

        with live_gateway() as gateway:
            gateway.write_files(paths)
            gateway.tell(BUSY)
            await until(lambda: app.link == Live(gateway.url), pilot)
            assert app.stats == BUSY
        await until(lambda: isinstance(app.link, Lost), pilot)
        assert app.stats == BUSY

        with live_gateway() as successor:
            successor.write_files(paths)
            successor.tell(EMPTY)
            await until(lambda: app.link == Live(successor.url), pilot)
            assert app.stats == EMPTY
            await pilot.press("q")


def test_the_screens_load_nothing_they_do_not_need() -> None:
    script = "import sys, omniroute.tui.app; print(*sys.modules, sep='\\n')"
    fresh = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)

    assert SLOW & set(fresh.stdout.split()) == set()
