"""The providers' health, in words."""

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from omniroute.api.live import LiveStats, ProviderLive
from omniroute.tui import numbers
from omniroute.tui.words import by_need, provider_health, provider_trouble

WELCOME = (
    ("No provider yet. Add one with its key, then send it something:", ""),
    ("", ""),
    ("  omniroute providers add anthropic", "bold $primary"),
    ("", ""),
    ("Or see a request pass through without any provider:", ""),
    ("", ""),
    ("  omniroute demo", "bold $primary"),
)

_NAME, _STATE, _NUMBER, _ERROR = 15, 16, 9, 2
"""Widths of the columns; what is left of the line is for the last error."""


class ProviderLines(Widget):
    """One line for each provider, those in trouble first."""

    DEFAULT_CSS = """
    ProviderLines { height: auto; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    stats: reactive[LiveStats | None] = reactive(None, layout=True)

    def render(self) -> Content:
        """The lines, or what a new user does first."""
        if self.stats is None:
            return Content("")
        if not self.stats.providers:
            return Content("\n").join(Content.styled(text, style) for text, style in WELCOME)
        width = self.size.width
        return Content("\n").join(
            [_heading(width), *(_line(provider, width) for provider in by_need(self.stats.providers))]
        )


class ProviderList(VerticalScroll):
    """The lines, scrolling when they are many."""

    DEFAULT_CSS = """
    ProviderList { height: 1fr; padding: 0 0 0 1; scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    """

    stats: reactive[LiveStats | None] = reactive(None)

    def compose(self) -> ComposeResult:
        """The lines."""
        yield ProviderLines().data_bind(ProviderList.stats)


def _heading(width: int) -> Content:
    names = ("requests", "failed", "p50", "p95", "1st byte", "accounts")
    columns = names if _is_wide(width) else names[:3]
    text = "state".ljust(_STATE) + "".join(name.rjust(_NUMBER) for name in columns)
    return Content.assemble(
        ("Providers".ljust(_NAME), "bold"), (text + " " * _ERROR + "last error", "$quiet")
    )


def _line(provider: ProviderLive, width: int) -> Content:
    word = provider_health(provider)
    failed = numbers.count(provider.errors) if provider.requests else numbers.DASH
    values = [numbers.count(provider.requests), failed, numbers.duration_ms(provider.latency.p50)]
    if _is_wide(width):
        times = (provider.latency.p95, provider.ttft.p50)
        values += [*map(numbers.duration_ms, times), str(provider.accounts)]
    figures = "".join(value.rjust(_NUMBER) for value in values)
    room = width - _NAME - _STATE - len(figures) - _ERROR - 1
    return Content.assemble(
        _fitted(provider.provider, _NAME - 1).ljust(_NAME),
        (_fitted(f"{word.mark} {word.text}", _STATE - 1).ljust(_STATE), word.style),
        figures,
        (" " * _ERROR + _fitted(provider_trouble(provider), room), "$quiet"),
    )


def _is_wide(width: int) -> bool:
    return width >= 110


def _fitted(text: str, width: int) -> str:
    """One line of at most `width`, with a mark where it was cut."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: max(width - 1, 0)] + "…"
