"""The figures of the overview, out of one live state."""

from dataclasses import dataclass

from omniroute.api.live import LiveStats, Totals
from omniroute.tui import numbers

ALARMING = 0.05
"""The share of failed requests from which on they stand out."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its name and what it means."""

    name: str
    value: str
    note: str
    style: str = ""
    """A theme variable when the value needs attention."""


NAMES = ("Requests/s", "Tokens/s", "Running", "Spent today", "Cache read", "Failed")
WIDTHS = (13, 12, 11, 16, 12, 14)
"""The least room of each, a blank included; fixed, so that nothing moves when a number grows."""


def figures(stats: LiveStats | None) -> tuple[Figure, ...]:
    """The figures in a row; all dashes before the first state."""
    if stats is None:
        return tuple(Figure(name, numbers.DASH, "") for name in NAMES)
    recent = stats.last_15_min
    tokens = recent.tokens_in + recent.tokens_out
    return (
        Figure("Requests/s", numbers.rate(stats.requests_per_s), f"{numbers.count(recent.requests)}/15m"),
        Figure("Tokens/s", numbers.rate(stats.tokens_per_s), f"{numbers.count(tokens)}/15m"),
        _running(stats),
        _spend(stats),
        Figure("Cache read", numbers.share(stats.cache_hit_rate), "of prompts"),
        _failed(recent),
    )


def cost(totals: Totals) -> float | None:
    """The sum in USD; `None` when requests were made and no price of theirs is known."""
    return None if totals.cost_usd == 0 and totals.unpriced else totals.cost_usd


def _running(stats: LiveStats) -> Figure:
    value = numbers.count(stats.active_requests)
    if stats.draining:
        return Figure("Running", value, "stopping", "$warning")
    return Figure("Running", value, f"up {numbers.span_s(stats.uptime_s)}")


def _spend(stats: LiveStats) -> Figure:
    value = numbers.usd(cost(stats.today))
    if stats.today.unpriced:
        return Figure("Spent today", value, f"+{numbers.count(stats.today.unpriced)} no price")
    return Figure("Spent today", value, f"{numbers.usd(cost(stats.last_15_min))}/15m")


def _failed(recent: Totals) -> Figure:
    if not recent.requests:
        return Figure("Failed", numbers.DASH, "none asked")
    note = f"{numbers.count(recent.errors)} in 15m"
    part = recent.errors / recent.requests
    return Figure("Failed", numbers.share(part), note, "$error" if part >= ALARMING else "")
