"""Sums over the last 15 minutes are those of a recount, however rows come and seconds go."""

import math
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from omniroute.api.live import RING_SECONDS
from omniroute.conversation.usage import Usage
from omniroute.gateway.histogram import Histogram
from omniroute.gateway.window import ProviderSums, Sums, Window
from omniroute.records import Outcome, RequestRow
from tests.store.samples import request_row

TOKENS = st.none() | st.integers(0, 10_000)
ROWS = st.builds(
    lambda outcome, provider, usage, cost, times: replace(
        request_row(),
        outcome=outcome,
        provider=provider,
        usage=usage,
        cost_nano_usd=cost,
        ttft_ms=times[0],
        duration_ms=times[1],
    ),
    st.sampled_from(Outcome),
    st.none() | st.sampled_from(("one", "two")),
    st.builds(Usage, input=TOKENS, cache_read=TOKENS, output=TOKENS, reasoning=TOKENS),
    st.none() | st.integers(0, 10**9),
    st.tuples(st.none() | st.integers(0, 10**7), st.integers(0, 10**7)),
)


class WindowRecounted(RuleBasedStateMachine):
    """A window beside a plain list of all its rows."""

    def __init__(self) -> None:
        super().__init__()
        self.window = Window()
        self.now_s = 1000
        self.rows: list[tuple[int, RequestRow]] = []

    @rule(row=ROWS)
    def a_row_is_written(self, row: RequestRow) -> None:
        self.window.add(row, self.now_s)
        self.rows.append((self.now_s, row))

    @rule(seconds=st.sampled_from((0, 1, 2, 9, 10, 11, 300, RING_SECONDS - 1, RING_SECONDS, 5000)))
    def time_passes(self, seconds: int) -> None:
        self.now_s += seconds
        self.window.roll(self.now_s)

    def kept(self) -> list[RequestRow]:
        return [row for at_s, row in self.rows if at_s > self.now_s - RING_SECONDS]

    @invariant()
    def sums_are_those_of_the_rows_kept(self) -> None:
        recount = Sums()
        for row in self.kept():
            recount.add(row)
        assert self.window.sums == recount

    @invariant()
    def providers_are_those_of_the_rows_kept(self) -> None:
        recount: dict[str, ProviderSums] = {}
        for row in self.kept():
            if row.provider is not None:
                recount.setdefault(row.provider, ProviderSums()).add(row)
        window = self.window.providers
        assert {name: (sums.requests, sums.errors) for name, sums in window.items()} == {
            name: (sums.requests, sums.errors) for name, sums in recount.items()
        }
        for name, sums in recount.items():
            for share in (0.0, 0.5, 0.95, 1.0):
                assert window[name].latency.percentile(share) == sums.latency.percentile(share)
                assert window[name].ttft.percentile(share) == sums.ttft.percentile(share)

    @invariant()
    def recent_ones_are_those_of_the_last_whole_seconds(self) -> None:
        recount = Sums()
        for at_s, row in self.rows:
            if self.now_s - 10 <= at_s < self.now_s:
                recount.add(row)
        assert self.window.recent(self.now_s, 10) == (recount.requests, recount.tokens)

    @invariant()
    def the_series_has_a_place_for_every_whole_second(self) -> None:
        series = self.window.series(self.now_s)
        wanted = [0] * RING_SECONDS
        for at_s, _ in self.rows:
            if 0 < self.now_s - at_s <= RING_SECONDS and at_s > self.now_s - RING_SECONDS:
                wanted[RING_SECONDS - (self.now_s - at_s)] += 1
        assert series.requests == wanted
        assert len(series.tokens) == len(series.latency_p50) == RING_SECONDS


TestWindowRecounted = WindowRecounted.TestCase
TestWindowRecounted.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


@given(st.lists(st.floats(0, 7_000_000), min_size=1), st.sampled_from((0.5, 0.95, 0.99)))
def test_a_percentile_is_within_a_few_percent(values: list[float], share: float) -> None:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    exact = sorted(values)[max(math.ceil(share * len(values)) - 1, 0)]
    found = histogram.percentile(share)
    assert found is not None
    assert abs(found - exact) <= 0.035 * exact + 0.2


@given(st.lists(st.floats(0, 10_000)), st.lists(st.floats(0, 10_000)))
def test_taking_away_undoes_merging(first: list[float], second: list[float]) -> None:
    one, other, both = Histogram(), Histogram(), Histogram()
    for value in first:
        one.add(value)
    for value in second:
        other.add(value)
    both.merge([one, other])
    both.take_away(other)
    assert [both.percentile(share / 10) for share in range(11)] == [
        one.percentile(share / 10) for share in range(11)
    ]


def test_without_samples_there_is_no_percentile() -> None:
    assert Histogram().percentile(0.5) is None
