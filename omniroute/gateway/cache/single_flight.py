"""Requests that ask the same at the same time, answered by one of them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from omniroute.gateway.cache.memory import Kept


class Flight:
    """One request under way that others may wait for."""

    def __init__(self) -> None:
        self._landed = asyncio.Event()
        self.kept: Kept | None = None
        """What it brought; `None`: nothing that others can use."""
        self.abandoned = False
        """Its client left before there was an answer: another has to fly."""

    async def wait(self, within_s: float) -> None:
        """Until it has landed, or as long as one waits."""
        try:
            async with asyncio.timeout(within_s):
                await self._landed.wait()
        except TimeoutError:
            return

    def land(self) -> None:
        """Wake all who wait."""
        self._landed.set()


class SingleFlight:
    """At most one request under way for a signature."""

    def __init__(self) -> None:
        self._flights: dict[str, Flight] = {}

    def __len__(self) -> int:
        return len(self._flights)

    def find(self, signature: str) -> Flight | None:
        """The one under way."""
        return self._flights.get(signature)

    @contextmanager
    def fly(self, signature: str) -> Iterator[Flight]:
        """Go oneself; whoever waits hears of it at the end, whatever ends it."""
        flight = self._flights[signature] = Flight()
        try:
            yield flight
        except asyncio.CancelledError:
            flight.abandoned = flight.kept is None
            raise
        finally:
            del self._flights[signature]
            flight.land()
