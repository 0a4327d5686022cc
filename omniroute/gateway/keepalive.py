"""Comments into streams that wait, so that nobody on the way hangs up."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from omniroute.clock import Clock
from omniroute.gateway.call import Reply

TICK_S = 1.0


class Waiting:
    """One stream under watch."""

    __slots__ = ("reply", "silent_since_s")

    def __init__(self, reply: Reply, now_s: float) -> None:
        self.reply = reply
        self.silent_since_s = now_s


class KeepAlive:
    """One loop for all streams: a request pays a set entry, not a timer."""

    def __init__(self, clock: Clock, *, every_s: float) -> None:
        self._clock = clock
        self._every_s = every_s
        self._waiting: set[Waiting] = set()

    @contextmanager
    def watch(self, reply: Reply) -> Iterator[Waiting]:
        """While inside, `reply` gets a comment after each long silence."""
        waiting = Waiting(reply, self._clock.monotonic_s())
        self._waiting.add(waiting)
        try:
            yield waiting
        finally:
            self._waiting.discard(waiting)

    async def run(self) -> None:
        """Look once a second for streams that have been silent too long."""
        while True:
            await asyncio.sleep(min(TICK_S, self._every_s / 2))
            now_s = self._clock.monotonic_s()
            for waiting in list(self._waiting):
                if now_s - waiting.silent_since_s >= self._every_s and waiting in self._waiting:
                    waiting.silent_since_s = now_s
                    await waiting.reply.keep_alive()
