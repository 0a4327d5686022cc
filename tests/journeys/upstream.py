"""A scripted upstream in a thread, for programs that do not share the test's event loop."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from tests.scripted_upstream import ScriptedUpstream


@contextmanager
def upstream_in_thread() -> Iterator[ScriptedUpstream]:
    """Answers from now on; its script and its records may be used from the test's thread."""
    answering: Future[ScriptedUpstream] = Future()
    over: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        ends = asyncio.Event()
        async with ScriptedUpstream() as upstream:
            over.set_result((asyncio.get_running_loop(), ends))
            answering.set_result(upstream)
            await ends.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="scripted upstream")
    thread.start()
    try:
        yield answering.result(timeout=10)
    finally:
        loop, ends = over.result(timeout=10)
        loop.call_soon_threadsafe(ends.set)
        thread.join()
