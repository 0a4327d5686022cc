"""Time, injected: nothing below the server asks the system what time it is."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the program needs to know about time."""

    def now_ms(self) -> int:
        """Wall clock, milliseconds since 1970, UTC: for stored instants."""

    def monotonic_s(self) -> float:
        """Seconds that never go back: for durations."""


class SystemClock:
    """The machine's own clocks."""

    def now_ms(self) -> int:
        """Wall clock, milliseconds since 1970, UTC."""
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()


def iso(at_ms: int) -> str:
    """The instant as ISO 8601 in UTC with milliseconds and `Z`, as every API answer shows it."""
    seconds, ms = divmod(at_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ms:03d}Z"
