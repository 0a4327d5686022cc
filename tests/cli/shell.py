"""A shell for tests."""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from threading import Thread
from typing import Protocol, TypeVar

from typer.testing import Result

T = TypeVar("T")


class Run(Protocol):
    """Runs one command; its result holds the exit code and what it wrote where."""

    def __call__(self, *words: str, typed: str = "") -> Result: ...


@contextmanager
def in_thread(server: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """An asynchronous server beside a test that is not: commands run their own loops."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result()
        asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
