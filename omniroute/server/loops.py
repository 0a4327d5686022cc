"""Background work that outlives its own failures."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from omniroute.gateway.gateway import Gateway

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
LOOK_EVERY_S = 5.0
"""How late a change that another process made may be seen."""

_log = logging.getLogger(__name__)


async def keep_running(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Run `work` for ever; after a failure again, each time later until it has run for a while."""
    loop = asyncio.get_running_loop()
    pause_s = FIRST_PAUSE_S
    while True:
        started_s = loop.time()
        try:
            await work()
        except Exception:  # noqa: BLE001  # the loop that restarts a background task
            _log.exception("%s failed; it starts again in %g s", name, pause_s)
        if loop.time() - started_s > LONGEST_PAUSE_S:
            pause_s = FIRST_PAUSE_S
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


async def watch_configuration(gateway: Gateway) -> None:
    """Reload when another process changed the configuration."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        if await gateway.follow():
            _log.info("configuration %d read: another process changed it", gateway.snapshot.version)
