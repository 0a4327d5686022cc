"""What answers cost."""

from collections.abc import Mapping
from datetime import date, timedelta
from fractions import Fraction
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.conversation.usage import UNKNOWN, Usage
from omniroute.providers.load import load_catalogue
from omniroute.providers.pricing import FREE, Prices, cost_nano_usd
from omniroute.records import Category, ModelFacts, Price, Provider, Rates

DAY = date(2026, 11, 22)
USD = 10**9

tokens = st.integers(0, 10**9)
known_rates = st.integers(0, 10**12)
usages = st.builds(
    Usage,
    input=tokens,
    cache_read=st.none() | tokens,
    cache_write=st.none() | tokens,
    cache_write_1h=st.none() | tokens,
    output=tokens,
    reasoning=st.none() | tokens,
)
rates = st.builds(
    Rates,
    input=known_rates,
    output=known_rates,
    cache_read=st.none() | known_rates,
    cache_write=st.none() | known_rates,
    cache_write_1h=st.none() | known_rates,
)


def price(rates: Rates, *above: tuple[int, Rates]) -> Price:
    return Price(rates=rates, above=above, source="test")


SIMPLE = Rates(input=3 * USD, output=15 * USD)
FULL = Rates(
    input=3 * USD, output=15 * USD, cache_read=300_000_000, cache_write=3_750_000_000, cache_write_1h=6 * USD
)


@pytest.mark.parametrize(
    ("usage", "rates", "cost"),
    [
        (Usage(input=1_000_000, output=0), SIMPLE, 3 * USD),
        (Usage(input=10, output=20), SIMPLE, 330_000),
        (Usage(input=0, output=10, reasoning=10), SIMPLE, 300_000),
        (Usage(input=0, cache_read=1000, output=0), SIMPLE, 3_000_000),
        (Usage(input=0, cache_write=1000, output=0), SIMPLE, 3_000_000),
        (Usage(input=0, cache_write_1h=1000, output=0), SIMPLE, 3_000_000),
        (Usage(input=0, cache_read=1000, output=0), FULL, 300_000),
        (Usage(input=0, cache_write=1000, output=0), FULL, 3_750_000),
        (Usage(input=0, cache_write_1h=1000, output=0), FULL, 6_000_000),
        (Usage(input=0, cache_write_1h=1000, output=0), Rates(input=1, output=1, cache_write=USD), 1_000_000),
        (Usage(input=1, output=0), Rates(input=1, output=1), 0),
        (Usage(input=500_000, output=0), Rates(input=1, output=1), 1),
    ],
)  # fmt: skip
def test_each_bucket_has_its_rate(usage: Usage, rates: Rates, cost: int) -> None:
    assert cost_nano_usd(usage, price(rates)) == cost


@pytest.mark.parametrize(
    ("usage", "rates"),
    [
        (UNKNOWN, SIMPLE),
        (Usage(input=5), SIMPLE),
        (Usage(output=5), SIMPLE),
        (Usage(input=5, output=5), Rates(input=1)),
        (Usage(input=5, output=5), Rates(output=1)),
        (Usage(input=0, cache_read=5, output=0), Rates(output=1)),
    ],
)
def test_what_is_not_known_is_not_free(usage: Usage, rates: Rates) -> None:
    assert cost_nano_usd(usage, price(rates)) is None


def test_what_costs_nothing_needs_no_count() -> None:
    assert cost_nano_usd(UNKNOWN, FREE) == 0
    embedding = price(Rates(input=USD, output=0))
    assert cost_nano_usd(Usage(input=1_000_000), embedding) == USD
    assert cost_nano_usd(Usage(input=1_000_000, output=0), price(Rates(input=USD))) == USD


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        (Usage(input=200_000, output=0), 200_000 * 3),
        (Usage(input=200_001, output=0), 200_001 * 6),
        (Usage(input=1, cache_read=200_000, output=0), 200_001 * 6),
        (Usage(input=500_001, output=0), 500_001 * 9),
    ],
)
def test_a_long_prompt_moves_all_tokens_to_its_tier(usage: Usage, cost: int) -> None:
    tiers = (
        (200_000, Rates(input=6_000_000, output=0)),
        (500_000, Rates(input=9_000_000, output=0)),
    )
    assert cost_nano_usd(usage, price(Rates(input=3_000_000, output=0), *tiers)) == cost


@given(usage=usages, rates=rates)
def test_the_cost_is_the_exact_sum_rounded_once(usage: Usage, rates: Rates) -> None:
    read = rates.input if rates.cache_read is None else rates.cache_read
    write = rates.input if rates.cache_write is None else rates.cache_write
    long = write if rates.cache_write_1h is None else rates.cache_write_1h
    assert rates.input is not None
    assert rates.output is not None
    exact = Fraction(
        (usage.input or 0) * rates.input
        + (usage.cache_read or 0) * (read or 0)
        + (usage.cache_write or 0) * (write or 0)
        + (usage.cache_write_1h or 0) * (long or 0)
        + (usage.completion or 0) * rates.output,
        10**6,
    )
    cost = cost_nano_usd(usage, price(rates))
    assert cost is not None
    assert abs(cost - exact) <= Fraction(1, 2)


@given(usage=usages, rates=rates, more=tokens)
def test_more_tokens_never_cost_less(usage: Usage, rates: Rates, more: int) -> None:
    larger = Usage(input=usage.input, output=(usage.output or 0) + more)
    smaller = Usage(input=usage.input, output=usage.output)
    low, high = cost_nano_usd(smaller, price(rates)), cost_nano_usd(larger, price(rates))
    assert low is not None
    assert high is not None
    assert high >= low


@given(usage=usages, rates=rates)
def test_moving_output_to_reasoning_changes_nothing(usage: Usage, rates: Rates) -> None:
    moved = Usage(
        input=usage.input,
        cache_read=usage.cache_read,
        cache_write=usage.cache_write,
        cache_write_1h=usage.cache_write_1h,
        output=0,
        reasoning=usage.completion,
    )
    assert cost_nano_usd(moved, price(rates)) == cost_nano_usd(usage, price(rates))


def catalogue(*models: tuple[str, int]) -> Mapping[str, Provider]:
    facts = tuple(
        ModelFacts(id=name, price=price(Rates(input=usd * USD, output=usd * USD))) for name, usd in models
    )
    openai = Provider(id="openai", name="O", category=Category.API_KEY, models=facts)
    local = Provider(id="box", name="B", category=Category.LOCAL)
    return MappingProxyType({"openai": openai, "box": local})


def input_usd(price: Price | None) -> float | None:
    return None if price is None or price.rates.input is None else price.rates.input / USD


@pytest.mark.parametrize(
    ("models", "asked", "usd"),
    [
        ((("acme-1", 7),), "acme-1", 7),
        ((("acme-1", 7),), "vendor/acme-1", 7),
        ((("vendor/acme-1", 7),), "acme-1", 7),
        ((("a/acme-1", 7), ("b/acme-1", 8)), "acme-1", None),
        ((("acme-1", 7),), "acme-1-20260102", 7),
        ((("acme-1", 7),), "acme-1-2026-01-02", 7),
        ((("acme-1", 7),), "acme-1@20260102", 7),
        ((("acme-1-20260102", 7),), "acme-1", 7),
        ((("acme-1-20260102", 7),), "acme-1-20260708", None),
        ((("acme-1", 7),), "acme-10", None),
        ((("acme-1", 7),), "acme-1-mini", None),
        ((("acme-1-mini", 7),), "acme-1", None),
        ((("acme-1", 7), ("acme-1-20260102", 8)), "acme-1-20260102", 8),
    ],
)
def test_a_price_is_that_of_the_same_model(
    models: tuple[tuple[str, int], ...], asked: str, usd: int | None
) -> None:
    prices = Prices(catalogue(*models), today=lambda: DAY)
    assert input_usd(prices.price_of("openai", asked)) == usd
    assert input_usd(prices.price_of("openai", asked)) == usd


def test_local_servers_and_the_demo_are_free_and_unknown_providers_are_not() -> None:
    prices = Prices(catalogue(), today=lambda: DAY)
    assert prices.price_of("box", "anything") is FREE
    assert prices.price_of("demo", "echo") is FREE
    assert prices.price_of("my-node", "gpt-4o") is None


def test_the_other_table_fills_in_by_name_and_not_by_likeness() -> None:
    prices = Prices(catalogue(), today=lambda: DAY)
    known = prices.price_of("openai", "gpt-4o-2024-05-13")
    assert known is not None
    assert known.source.startswith("genai-prices ")
    assert input_usd(known) == 5
    assert prices.price_of("openai", "gpt-4o-from-the-year-3000") is None
    assert prices.price_of("openai", "no-such-model") is None


def test_the_other_tables_dated_price_goes_before_our_undated_one() -> None:
    prices = Prices(catalogue(("gpt-4o", 2)), today=lambda: DAY)
    assert input_usd(prices.price_of("openai", "gpt-4o-2024-05-13")) == 5
    assert input_usd(prices.price_of("openai", "gpt-4o-2024-08-06")) == 2


def test_shipped_prices_are_found() -> None:
    prices = Prices(load_catalogue(), today=lambda: DAY)
    found = prices.price_of("anthropic", "claude-opus-5")
    assert found is not None
    assert (input_usd(found), found.source) == (5, "catalogue 2026-11-22")


def test_what_is_at_hand_is_told_without_reading_the_table() -> None:
    prices = Prices(catalogue(("acme-1", 7)), today=lambda: DAY)
    assert input_usd(prices.at_hand("openai", "acme-1")) == 7
    assert prices.at_hand("box", "anything") is FREE
    assert prices.is_at_hand("my-node", "gpt-4o"), "nobody knows, and the table would not either"
    assert not prices.is_at_hand("openai", "gpt-4o")
    assert prices.at_hand("openai", "gpt-4o") is None

    assert prices.price_of("openai", "gpt-4o-2024-05-13") is not None

    assert prices.at_hand("openai", "gpt-4o") == prices.price_of("openai", "gpt-4o")
    assert prices.at_hand("openai", "gpt-4o") is not None


def test_a_new_day_looks_everything_up_again() -> None:
    days = iter([DAY, DAY, DAY + timedelta(days=1)])
    models = dict(catalogue(("acme-1", 7)))
    prices = Prices(models, today=lambda: next(days))
    assert input_usd(prices.price_of("openai", "acme-1")) == 7
    models["openai"] = catalogue(("acme-1", 8))["openai"]
    assert input_usd(prices.price_of("openai", "acme-1")) == 7
    assert input_usd(prices.price_of("openai", "acme-1")) == 8
