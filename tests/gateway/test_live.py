"""What the screens are shown of rows as they are written."""

from datetime import UTC

from omniroute.conversation.usage import Usage
from omniroute.gateway.live import MAX_REQUESTS, Live
from omniroute.records import Outcome
from tests.store.samples import NOON_MS, request_row

DAY_MS = 24 * 3600 * 1000


class SetClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.ms = NOON_MS

    def now_ms(self) -> int:
        return self.ms

    def monotonic_s(self) -> float:
        return self.ms / 1000


def live(clock: SetClock) -> Live:
    return Live(clock, UTC, {})


def test_a_client_that_left_does_not_hide_why_a_provider_failed() -> None:
    shown = live(SetClock())
    failed = request_row(1, outcome=Outcome.ERROR, error="out of order")
    left = request_row(2, outcome=Outcome.CANCELLED, error="the client went away")
    shown.observe([failed, left])
    [provider] = shown.stats().providers
    assert (provider.errors, provider.last_error) == (1, "out of order")


def test_today_begins_at_midnight_and_the_window_goes_on() -> None:
    clock = SetClock()
    clock.ms += DAY_MS // 2 - 60_000
    shown = live(clock)
    shown.observe([request_row(1)])
    assert (shown.stats().today.requests, shown.stats().last_15_min.requests) == (1, 1)
    clock.ms += 120_000
    assert (shown.stats().today.requests, shown.stats().last_15_min.requests) == (0, 1)
    shown.observe([request_row(2)])
    assert (shown.stats().today.requests, shown.stats().last_15_min.requests) == (1, 2)
    clock.ms += 900_000
    assert shown.stats().last_15_min.requests == 0


def test_the_cache_hit_rate_is_a_share_of_all_prompt_tokens() -> None:
    shown = live(SetClock())
    assert shown.stats().cache_hit_rate is None
    shown.observe([request_row(1, usage=Usage(input=60, cache_read=30, cache_write=10, output=1))])
    assert shown.stats().cache_hit_rate == 0.3


def test_a_cost_nobody_knows_is_counted_as_such() -> None:
    shown = live(SetClock())
    shown.observe([request_row(1, cost_nano_usd=None), request_row(2, cost_nano_usd=2_000_000_000)])
    totals = shown.stats().last_15_min
    assert (totals.cost_usd, totals.unpriced) == (2.0, 1)


def test_only_the_newest_requests_are_shown() -> None:
    shown = live(SetClock())
    rows = [request_row(number) for number in range(MAX_REQUESTS + 50)]
    shown.observe(rows)
    assert [request.id for request in shown.stats().requests] == [row.id for row in rows[::-1][:MAX_REQUESTS]]


def test_rates_are_means_of_whole_seconds() -> None:
    clock = SetClock()
    shown = live(clock)
    shown.observe([request_row(number) for number in range(20)])
    assert shown.stats().requests_per_s == 0
    clock.ms += 1000
    stats = shown.stats()
    assert stats.requests_per_s == 2.0
    assert stats.tokens_per_s == 2.0 * (100 + 20 + 3 + 4 + 50 + 6)
