"""Signs of life into streams that wait: comments against silence, and progress for clients that ask."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from omniroute.clock import Clock
from omniroute.formats.watch import Seen
from omniroute.gateway.call import Reply

TICK_S = 1.0
PROGRESS_S = 2.0
CHARS_PER_TOKEN = 3.5
"""For progress only; what is recorded is counted properly."""


class Waiting:
    """One stream under watch."""

    __slots__ = ("_clock", "_seen", "_started_s", "reply", "silent_since_s", "told_s", "wants_progress")

    def __init__(self, reply: Reply, seen: Seen, clock: Clock) -> None:
        self._clock = clock
        self._seen = seen
        self.reply = reply
        self.wants_progress = reply.wants_progress
        self._started_s = self.silent_since_s = self.told_s = clock.monotonic_s()

    async def tell(self) -> None:
        """How far it is."""
        self.told_s = self._clock.monotonic_s()
        await self.reply.progress(self._event(done=False))

    async def tell_end(self) -> None:
        """The last word on progress, before the stream's own ending."""
        if self.wants_progress:
            self.wants_progress = False
            await self.reply.progress(self._event(done=True))

    def _event(self, *, done: bool) -> bytes:
        told: dict[str, object] = {
            "tokens_generated": round(self._seen.text_chars / CHARS_PER_TOKEN),
            "elapsed_ms": round((self._clock.monotonic_s() - self._started_s) * 1000),
            "phase": "streaming" if self._seen.content else "connecting",
        }
        if done:
            told["done"] = True
        return b"event: progress\ndata: " + msgspec.json.encode(told) + b"\n\n"


class KeepAlive:
    """One loop for all streams: a request pays a set entry, not a timer."""

    def __init__(self, clock: Clock, *, every_s: float) -> None:
        self._clock = clock
        self._every_s = every_s
        self._waiting: set[Waiting] = set()

    @contextmanager
    def watch(self, reply: Reply, seen: Seen) -> Iterator[Waiting]:
        """While inside, `reply` gets a comment after each long silence, and progress where it is wanted."""
        waiting = Waiting(reply, seen, self._clock)
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
                if waiting not in self._waiting:
                    continue
                if waiting.wants_progress and now_s - waiting.told_s >= PROGRESS_S:
                    waiting.silent_since_s = now_s
                    await waiting.tell()
                elif now_s - waiting.silent_since_s >= self._every_s:
                    waiting.silent_since_s = now_s
                    await waiting.reply.keep_alive()
