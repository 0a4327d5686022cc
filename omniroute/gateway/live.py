"""The last 15 minutes of the gateway, second by second."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from omniroute import __version__
from omniroute.api.live import (
    RING_SECONDS,
    Latency,
    LiveStats,
    ProviderLive,
    RequestLive,
    Series,
    Totals,
)
from omniroute.clock import Clock, iso
from omniroute.gateway.histogram import Histogram
from omniroute.gateway.usage_log import UsageEntry
from omniroute.records import Account, Outcome, RequestRow

MAX_REQUESTS = 200
_RATE_SECONDS = 10
_FAILING_SHARE = 0.5
NANO = 1_000_000_000


@dataclass(slots=True)
class _Sums:
    """Sums of one second or one day."""

    requests: int = 0
    errors: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cache_read: int = 0
    cost_nano_usd: int = 0
    unpriced: int = 0

    def add(self, row: RequestRow) -> None:
        usage = row.usage
        self.requests += 1
        self.errors += row.outcome in (Outcome.ERROR, Outcome.CUT)
        self.tokens_in += usage.prompt or 0
        self.tokens_out += usage.completion or 0
        self.cache_read += usage.cache_read or 0
        self.cost_nano_usd += row.cost_nano_usd or 0
        self.unpriced += row.cost_nano_usd is None and usage.input is not None

    def merge(self, other: "_Sums") -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def totals(self) -> Totals:
        return Totals(
            requests=self.requests,
            errors=self.errors,
            tokens_in=self.tokens_in,
            tokens_out=self.tokens_out,
            cache_read=self.cache_read,
            cost_usd=self.cost_nano_usd / NANO,
            unpriced=self.unpriced,
        )


@dataclass(slots=True)
class _ProviderSecond:
    requests: int = 0
    errors: int = 0
    latency: Histogram = field(default_factory=Histogram)
    ttft: Histogram = field(default_factory=Histogram)


@dataclass(slots=True)
class _Second:
    """What ended in one second."""

    at_s: int
    sums: _Sums = field(default_factory=_Sums)
    providers: dict[str, _ProviderSecond] = field(default_factory=dict)


class Live:
    """Counts rows as they are written; `stats` is what the screens see."""

    def __init__(self, clock: Clock, zone: tzinfo | None, running: Mapping[str, UsageEntry]) -> None:
        self._clock = clock
        self._zone = zone
        self._running = running
        self._started_s = clock.monotonic_s()
        self._seconds: deque[_Second] = deque(maxlen=RING_SECONDS)
        self._ended: deque[RequestRow] = deque(maxlen=MAX_REQUESTS)
        self._last_error: dict[str, str] = {}
        self._day = self._date(clock.now_ms())
        self._today = _Sums()
        self._listeners: set[asyncio.Event] = set()
        self._stats: LiveStats | None = None
        self.accounts: Callable[[], Mapping[str, tuple[Account, ...]]] = dict
        self.draining = False

    def observe(self, rows: Sequence[RequestRow]) -> None:
        """Rows have been written."""
        now_s = self._clock.now_ms() // 1000
        if rows and (not self._seconds or self._seconds[-1].at_s != now_s):
            self._seconds.append(_Second(now_s))
        self._turn_day()
        for row in rows:
            self._count(row, self._seconds[-1])

    def set_today(self, rows: _Sums) -> None:
        """What was counted today before this start."""
        self._today = rows

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
            self._turn_day()
            if self._listeners:
                self._stats = self.stats()
                for news in self._listeners:
                    news.set()

    @contextmanager
    def _listening(self):  # type: ignore[no-untyped-def]
        news = asyncio.Event()
        self._listeners.add(news)
        try:
            yield news
        finally:
            self._listeners.discard(news)

    def _count(self, row: RequestRow, second: _Second) -> None:
        self._today.add(row)
        second.sums.add(row)
        self._ended.appendleft(row)
        if row.provider is None:
            return
        one = second.providers.setdefault(row.provider, _ProviderSecond())
        one.requests += 1
        if row.outcome is Outcome.OK:
            one.latency.add(row.duration_ms)
            if row.ttft_ms is not None:
                one.ttft.add(row.ttft_ms)
        elif row.outcome is not Outcome.CANCELLED:
            one.errors += 1
            self._last_error[row.provider] = row.error or f"status {row.status}"

    def _turn_day(self) -> None:
        day = self._date(self._clock.now_ms())
        if day != self._day:
            self._day = day
            self._today = _Sums()

    def _date(self, at_ms: int) -> str:
        return datetime.fromtimestamp(at_ms / 1000, self._zone).date().isoformat()

    def stats(self) -> LiveStats:
        """The whole state now."""
        now_ms = self._clock.now_ms()
        now_s = now_ms // 1000
        while self._seconds and self._seconds[0].at_s <= now_s - RING_SECONDS:
            self._seconds.popleft()
        window = _Sums()
        providers: dict[str, _ProviderSecond] = {}
        recent_requests = recent_tokens = 0
        for second in self._seconds:
            window.merge(second.sums)
            if now_s - _RATE_SECONDS <= second.at_s:
                recent_requests += second.sums.requests
                recent_tokens += second.sums.tokens_in + second.sums.tokens_out
            for name, one in second.providers.items():
                _add(providers.setdefault(name, _ProviderSecond()), one)
        return LiveStats(
            at=iso(now_ms),
            version=__version__,
            uptime_s=round(self._clock.monotonic_s() - self._started_s, 1),
            active_requests=len(self._running),
            draining=self.draining,
            requests_per_s=recent_requests / _RATE_SECONDS,
            tokens_per_s=recent_tokens / _RATE_SECONDS,
            last_15_min=window.totals(),
            today=self._today.totals(),
            cache_hit_rate=window.cache_read / window.tokens_in if window.tokens_in else None,
            latency=_latency(Histogram().merge(one.latency for one in providers.values())),
            ttft=_latency(Histogram().merge(one.ttft for one in providers.values())),
            series=self._series(now_s),
            providers=self._providers(providers),
            requests=self._requests(),
        )

    def _series(self, now_s: int) -> Series:
        requests = [0] * RING_SECONDS
        tokens = [0] * RING_SECONDS
        latency: list[float | None] = [None] * RING_SECONDS
        for second in self._seconds:
            place = RING_SECONDS - (now_s - second.at_s)  # the running second is not whole yet
            if 0 <= place < RING_SECONDS:
                requests[place] = second.sums.requests
                tokens[place] = second.sums.tokens_in + second.sums.tokens_out
                merged = Histogram().merge(one.latency for one in second.providers.values())
                latency[place] = merged.percentile(0.5)
        return Series(requests=requests, tokens=tokens, latency_p50=latency)

    def _providers(self, seen: Mapping[str, _ProviderSecond]) -> list[ProviderLive]:
        accounts = self.accounts()
        shown = []
        for name in sorted(set(accounts) | set(seen)):
            one = seen.get(name, _ProviderSecond())
            active = sum(account.is_active for account in accounts.get(name, ()))
            shown.append(
                ProviderLive(
                    provider=name,
                    accounts=active,
                    state=_state(one, active),
                    requests=one.requests,
                    errors=one.errors,
                    latency=_latency(one.latency),
                    ttft=_latency(one.ttft),
                    last_error=self._last_error.get(name) if one.errors else None,
                )
            )
        return shown

    def _requests(self) -> list[RequestLive]:
        now_s = self._clock.monotonic_s()
        running = [_running(entry, now_s) for entry in reversed(self.running())]
        ended = [_ended(row) for row in self._ended]
        return (running + ended)[:MAX_REQUESTS]


def _add(total: _ProviderSecond, one: _ProviderSecond) -> None:
    total.requests += one.requests
    total.errors += one.errors
    total.latency.merge([one.latency])
    total.ttft.merge([one.ttft])


def _latency(histogram: Histogram) -> Latency:
    return Latency(
        p50=histogram.percentile(0.50), p95=histogram.percentile(0.95), p99=histogram.percentile(0.99)
    )


def _state(one: _ProviderSecond, active: int) -> str:
    """A provider's health in a word."""
    if one.requests == 0:
        return "idle" if active else "no account"
    return "failing" if one.errors / one.requests >= _FAILING_SHARE else "ok"


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
