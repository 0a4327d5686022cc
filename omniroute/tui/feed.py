"""The one worker that keeps the screens up to date."""

from collections.abc import Callable, Sequence
from threading import Event

from textual.message import Message

from omniroute.api.live import LiveStats
from omniroute.client.http import Client
from omniroute.client.live import live_stats
from omniroute.errors import OmniRouteError

BACKOFF_S: Sequence[float] = (0.5, 1.0, 2.0, 3.0)
"""Waits between attempts; the last one repeats."""


class StatsReceived(Message):
    """The gateway told its newest state; a later one takes the place of one that still waits."""

    def __init__(self, stats: LiveStats, url: str) -> None:
        super().__init__()
        self.stats = stats
        self.url = url

    def can_replace(self, message: Message) -> bool:
        """The newest state is enough."""
        return isinstance(message, StatsReceived)


class FeedLost(Message):
    """The gateway cannot be reached, or went away; the feed goes on trying."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class Feed:
    """Reads the live state until stopped, whatever becomes of the gateway."""

    def __init__(
        self,
        connect: Callable[[], Client],
        post: Callable[[Message], object],
        *,
        backoff_s: Sequence[float] = BACKOFF_S,
    ) -> None:
        self._connect = connect
        """Looks afresh each time: a restarted gateway may listen elsewhere."""
        self._post = post
        self._backoff_s = backoff_s
        self._stopped = Event()
        self._client: Client | None = None

    def run(self) -> None:
        """Post messages until `stop`. Blocks: made for a thread."""
        failures = 0
        while not self._stopped.is_set():
            received, reason = self._read()
            if self._stopped.is_set():
                return
            self._post(FeedLost(reason))
            failures = 1 if received else failures + 1
            self._stopped.wait(self._backoff_s[min(failures, len(self._backoff_s)) - 1])

    def stop(self) -> None:
        """End `run` soon, from any thread."""
        self._stopped.set()
        if self._client is not None:
            self._client.close()

    def _read(self) -> tuple[bool, str]:
        """Whether anything came, and why no more comes."""
        received = False
        try:
            self._client = client = self._connect()
            for stats in live_stats(client):
                if self._stopped.is_set():
                    break
                received = True
                self._post(StatsReceived(stats, client.url))
        except OmniRouteError as error:
            return received, str(getattr(error, "reason", error))
        return received, "the gateway ended the connection"
