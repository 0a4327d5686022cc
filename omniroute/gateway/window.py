"""What ended in the last 15 minutes, second by second, with its sums kept as seconds come and go."""

from collections import deque
from dataclasses import dataclass, field

from omniroute.api.live import RING_SECONDS, Series, Totals
from omniroute.gateway.histogram import Histogram
from omniroute.records import Outcome, RequestRow

NANO = 1_000_000_000


@dataclass(slots=True)
class Sums:
    """Sums over one span of time."""

    requests: int = 0
    errors: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cache_read: int = 0
    cost_nano_usd: int = 0
    unpriced: int = 0

    def add(self, row: RequestRow) -> None:
        """One more row."""
        usage = row.usage
        self.requests += 1
        self.errors += row.outcome in (Outcome.ERROR, Outcome.CUT)
        self.tokens_in += usage.prompt or 0
        self.tokens_out += usage.completion or 0
        self.cache_read += usage.cache_read or 0
        self.cost_nano_usd += row.cost_nano_usd or 0
        self.unpriced += row.cost_nano_usd is None and usage.input is not None

    def take_away(self, other: "Sums") -> None:
        """A part of the span has passed."""
        self.requests -= other.requests
        self.errors -= other.errors
        self.tokens_in -= other.tokens_in
        self.tokens_out -= other.tokens_out
        self.cache_read -= other.cache_read
        self.cost_nano_usd -= other.cost_nano_usd
        self.unpriced -= other.unpriced

    @property
    def tokens(self) -> int:
        """Input and output together."""
        return self.tokens_in + self.tokens_out

    def totals(self) -> Totals:
        """The sums as the API shows them."""
        return Totals(
            requests=self.requests,
            errors=self.errors,
            tokens_in=self.tokens_in,
            tokens_out=self.tokens_out,
            cache_read=self.cache_read,
            cost_usd=self.cost_nano_usd / NANO,
            unpriced=self.unpriced,
        )


_CLIENTS_FAULT = frozenset({400, 404, 413, 422})


def is_providers_fault(row: RequestRow) -> bool:
    """A failure that tells of the provider's health: not what the request itself or its sender caused."""
    return row.outcome is Outcome.CUT or (row.outcome is Outcome.ERROR and row.status not in _CLIENTS_FAULT)


@dataclass(slots=True)
class ProviderSums:
    """One provider over one span of time. Only what succeeded counts for latency."""

    requests: int = 0
    errors: int = 0
    latency: Histogram = field(default_factory=Histogram)
    ttft: Histogram = field(default_factory=Histogram)

    def add(self, row: RequestRow) -> None:
        """One more row."""
        self.requests += 1
        if row.outcome is Outcome.OK:
            self.latency.add(row.duration_ms)
            if row.ttft_ms is not None:
                self.ttft.add(row.ttft_ms)
        elif is_providers_fault(row):
            self.errors += 1

    def take_away(self, other: "ProviderSums") -> None:
        """A part of the span has passed."""
        self.requests -= other.requests
        self.errors -= other.errors
        self.latency.take_away(other.latency)
        self.ttft.take_away(other.ttft)


@dataclass(slots=True)
class Second:
    """What ended in one second."""

    at_s: int
    sums: Sums = field(default_factory=Sums)
    latency: Histogram = field(default_factory=Histogram)
    providers: dict[str, ProviderSums] = field(default_factory=dict)


class Window:
    """The last `RING_SECONDS` seconds. Adding a row and passing a second cost the same at any load."""

    def __init__(self) -> None:
        self._seconds: deque[Second] = deque()
        self.sums = Sums()
        self.providers: dict[str, ProviderSums] = {}

    def add(self, row: RequestRow, now_s: int) -> None:
        """A row that ended now."""
        if not self._seconds or self._seconds[-1].at_s != now_s:
            self._seconds.append(Second(now_s))
        second = self._seconds[-1]
        self.sums.add(row)
        second.sums.add(row)
        if row.outcome is Outcome.OK:
            second.latency.add(row.duration_ms)
        if row.provider is not None:
            for providers in (self.providers, second.providers):
                sums = providers.get(row.provider)
                if sums is None:
                    sums = providers[row.provider] = ProviderSums()
                sums.add(row)

    def roll(self, now_s: int) -> None:
        """Forget what is too old."""
        while self._seconds and self._seconds[0].at_s <= now_s - RING_SECONDS:
            old = self._seconds.popleft()
            self.sums.take_away(old.sums)
            for name, sums in old.providers.items():
                kept = self.providers[name]
                kept.take_away(sums)
                if kept.requests == 0:
                    del self.providers[name]

    def recent(self, now_s: int, seconds: int) -> tuple[int, int]:
        """Requests and tokens of the last whole seconds."""
        requests = tokens = 0
        for second in reversed(self._seconds):
            if second.at_s < now_s - seconds:
                break
            if second.at_s < now_s:
                requests += second.sums.requests
                tokens += second.sums.tokens
        return requests, tokens

    def series(self, now_s: int) -> Series:
        """One value for each of the last whole seconds."""
        requests = [0] * RING_SECONDS
        tokens = [0] * RING_SECONDS
        latency: list[float | None] = [None] * RING_SECONDS
        for second in self._seconds:
            place = RING_SECONDS - (now_s - second.at_s)
            if 0 <= place < RING_SECONDS:  # the running second is not whole yet
                requests[place] = second.sums.requests
                tokens[place] = second.sums.tokens
                latency[place] = second.latency.percentile(0.5)
        return Series(requests=requests, tokens=tokens, latency_p50=latency)
