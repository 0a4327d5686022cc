"""The gateway at a glance: counted as rows are written, shown once a second."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, tzinfo

from omniroute import __version__
from omniroute.api.live import Latency, LiveStats, ProviderLive, RequestLive
from omniroute.clock import Clock, iso
from omniroute.gateway.histogram import Histogram
from omniroute.gateway.usage_log import UsageEntry
from omniroute.gateway.window import NANO, ProviderSums, Sums, Window, is_providers_fault
from omniroute.records import Account, RequestRow

MAX_REQUESTS = 200
_RATE_SECONDS = 10
_FAILING_SHARE = 0.5


class Live:
    """Told of rows as they are written; `stats` is what the screens see."""

    def __init__(self, clock: Clock, zone: tzinfo | None, running: Mapping[str, UsageEntry]) -> None:
        self._clock = clock
        self._zone = zone
        self._running = running
        self._started_s = clock.monotonic_s()
        self._window = Window()
        self._ended: deque[RequestRow] = deque(maxlen=MAX_REQUESTS)
        self._last_error: dict[str, str] = {}
        self._day = self._date()
        self._today = Sums()
        self._listeners: set[asyncio.Event] = set()
        self._stats: LiveStats | None = None
        self.accounts: Callable[[], Mapping[str, tuple[Account, ...]]] = dict
        """The configured accounts by provider, read anew for each state."""
        self.is_off: Callable[[str], bool] = lambda provider: False
        """Whether a provider's breaker is open."""
        self.draining = False

    def observe(self, rows: Sequence[RequestRow]) -> None:
        """Rows have been written."""
        now_s = self._clock.now_ms() // 1000
        self._turn_day()
        for row in rows:
            self._window.add(row, now_s)
            self._today.add(row)
            self._ended.appendleft(row)
            if is_providers_fault(row) and row.error is not None and row.provider is not None:
                self._last_error[row.provider] = row.error

    def start_day_with(self, sums: Sums) -> None:
        """What was counted today before this start."""
        self._today = sums

    def running(self) -> list[UsageEntry]:
        """Requests under way, oldest first."""
        return list(self._running.values())

    async def follow(self) -> AsyncIterator[LiveStats]:
        """The newest state, once a second. A slow reader misses some, it never gets a queue."""
        with self._listening() as news:
            yield self.stats()
            while True:
                await news.wait()
                news.clear()
                if self._stats is not None:
                    yield self._stats

    async def run(self) -> None:
        """Make the state anew once a second while anybody listens."""
        while True:
            await asyncio.sleep(1.0)
            self._window.roll(self._clock.now_ms() // 1000)
            self._turn_day()
            if self._listeners:
                self.tell()

    def tell(self) -> None:
        """Give every listener the state as it is now."""
        self._stats = self.stats()
        for news in self._listeners:
            news.set()

    @contextmanager
    def _listening(self) -> Iterator[asyncio.Event]:
        news = asyncio.Event()
        self._listeners.add(news)
        try:
            yield news
        finally:
            self._listeners.discard(news)

    def _turn_day(self) -> None:
        day = self._date()
        if day != self._day:
            self._day = day
            self._today = Sums()

    def _date(self) -> str:
        return datetime.fromtimestamp(self._clock.now_ms() / 1000, self._zone).date().isoformat()

    def stats(self) -> LiveStats:
        """The whole state now."""
        now_ms = self._clock.now_ms()
        now_s = now_ms // 1000
        window = self._window
        window.roll(now_s)
        self._turn_day()
        requests, tokens = window.recent(now_s, _RATE_SECONDS)
        everyone = window.providers.values()
        return LiveStats(
            at=iso(now_ms),
            version=__version__,
            uptime_s=round(self._clock.monotonic_s() - self._started_s, 1),
            active_requests=len(self._running),
            draining=self.draining,
            requests_per_s=requests / _RATE_SECONDS,
            tokens_per_s=tokens / _RATE_SECONDS,
            last_15_min=window.sums.totals(),
            today=self._today.totals(),
            cache_hit_rate=window.sums.cache_read / window.sums.tokens_in if window.sums.tokens_in else None,
            latency=_latency(Histogram().merge(one.latency for one in everyone)),
            ttft=_latency(Histogram().merge(one.ttft for one in everyone)),
            series=window.series(now_s),
            providers=self._providers(),
            requests=self._requests(),
        )

    def _providers(self) -> list[ProviderLive]:
        accounts = self.accounts()
        return [
            self._provider(name, accounts.get(name, ()))
            for name in sorted({*accounts, *self._window.providers})
        ]

    def _provider(self, name: str, accounts: Sequence[Account]) -> ProviderLive:
        sums = self._window.providers.get(name) or ProviderSums()
        active = sum(account.is_active for account in accounts)
        return ProviderLive(
            provider=name,
            accounts=active,
            state="off" if self.is_off(name) else _state(sums, active),
            signed_out=[account.name for account in accounts if account.test_status == "expired"],
            requests=sums.requests,
            errors=sums.errors,
            latency=_latency(sums.latency),
            ttft=_latency(sums.ttft),
            last_error=self._last_error.get(name) if sums.errors else None,
        )

    def _requests(self) -> list[RequestLive]:
        now_s = self._clock.monotonic_s()
        running = [_running(entry, now_s) for entry in reversed(self.running())]
        return (running + [_ended(row) for row in self._ended])[:MAX_REQUESTS]


def _latency(histogram: Histogram) -> Latency:
    return Latency(
        p50=histogram.percentile(0.50), p95=histogram.percentile(0.95), p99=histogram.percentile(0.99)
    )


def _state(sums: ProviderSums, active: int) -> str:
    """A provider's health in a word."""
    if sums.requests == 0:
        return "idle" if active else "no account"
    return "failing" if sums.errors / sums.requests >= _FAILING_SHARE else "ok"


def _running(entry: UsageEntry, now_s: float) -> RequestLive:
    return RequestLive(
        id=entry.id,
        request_id=entry.request_id,
        started_at=iso(entry.started_at_ms),
        state="running",
        path=entry.path,
        requested_model=entry.requested_model,
        provider=entry.provider,
        model=entry.model,
        account=entry.account_name,
        api_key=entry.api_key_name,
        stream=entry.stream,
        ttft_ms=_ms(entry.first_byte_s, entry.started_s),
        duration_ms=_ms(now_s, entry.started_s),
        attempts=len(entry.attempts),
    )


def _ms(end_s: float | None, start_s: float) -> int | None:
    return None if end_s is None else round((end_s - start_s) * 1000)


def _ended(row: RequestRow) -> RequestLive:
    return RequestLive(
        id=row.id,
        request_id=row.request_id,
        started_at=iso(row.started_at_ms),
        state=row.outcome.value,
        path=row.path,
        requested_model=row.requested_model,
        provider=row.provider,
        model=row.model,
        account=row.account_name,
        api_key=row.api_key_name,
        status=row.status,
        stream=row.stream,
        tokens_in=row.usage.prompt,
        tokens_out=row.usage.completion,
        cache_read=row.usage.cache_read,
        estimated=row.usage.estimated,
        cost_usd=None if row.cost_nano_usd is None else row.cost_nano_usd / NANO,
        ttft_ms=row.ttft_ms,
        duration_ms=row.duration_ms,
        attempts=len(row.attempts),
        error=row.error,
    )
