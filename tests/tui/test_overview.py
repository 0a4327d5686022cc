"""The figures of the overview."""

from msgspec.structs import replace

from omniroute.api.live import ProviderLive, Totals
from omniroute.tui import numbers
from omniroute.tui.overview import WIDTHS, Figure, figures
from omniroute.tui.words import by_need, provider_health
from tests.tui.samples import BUSY, EMPTY


def figure(name: str, row: tuple[Figure, ...]) -> Figure:
    """The one with this name."""
    return next(figure for figure in row if figure.name == name)


def test_before_the_first_state_nothing_is_known() -> None:
    assert {figure.value for figure in figures(None)} == {numbers.DASH}


def test_the_same_figures_stand_in_the_same_order_whatever_is_known() -> None:
    order = [figure.name for figure in figures(None)]

    assert [figure.name for figure in figures(EMPTY)] == order
    assert [figure.name for figure in figures(BUSY)] == order


def test_an_idle_gateway_spent_nothing_but_has_no_share_of_failures_nor_of_cache() -> None:
    row = figures(EMPTY)

    assert figure("Spent today", row).value == "$0"
    assert figure("Cache read", row).value == numbers.DASH
    assert figure("Failed", row).value == numbers.DASH


def test_requests_without_any_known_price_cost_an_unknown_amount() -> None:
    spent = figure("Spent today", figures(replace(EMPTY, today=Totals(requests=3, unpriced=3))))

    assert (spent.value, spent.note) == (numbers.DASH, "+3 no price")


def test_a_gateway_that_drains_says_so() -> None:
    assert figure("Running", figures(replace(BUSY, draining=True))).note == "stopping"


def test_their_places_fit_into_eighty_columns() -> None:
    assert sum(WIDTHS) == 80 - 2


def test_figures_fit_their_place_of_eighty_columns() -> None:
    most = Totals(requests=10**9, errors=10**9, tokens_in=10**12, cost_usd=999.99, unpriced=999_000)
    stats = replace(BUSY, last_15_min=most, today=most, uptime_s=8e8)

    for figure, width in zip(figures(stats), WIDTHS, strict=True):
        assert max(len(figure.name), len(figure.value), len(figure.note)) < width


def test_providers_in_trouble_come_first_then_the_busiest() -> None:
    names = [provider.provider for provider in by_need(BUSY.providers)]

    assert names == ["openrouter", "groq", "mistral", "anthropic", "openai", "ollama"]


def test_a_state_of_a_newer_gateway_is_shown_as_it_is() -> None:
    assert provider_health(ProviderLive(provider="x", accounts=1, state="resting")).text == "resting"
