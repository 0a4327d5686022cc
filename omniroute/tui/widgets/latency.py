"""Percentiles in a small table."""

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from omniroute.api.live import Latency, LiveStats
from omniroute.tui import numbers

_NAME_WIDTH = 11
_WIDTH = 8


class LatencyTable(Widget):
    """How long answers took in the last 15 minutes."""

    DEFAULT_CSS = """
    LatencyTable { height: 3; }
    """

    stats: reactive[LiveStats | None] = reactive(None)

    def render(self) -> Content:
        """A heading and two rows."""
        stats = self.stats
        heading = "".join(f"{name:>{_WIDTH}}" for name in ("p50", "p95", "p99"))
        return Content("\n").join(
            [
                Content.assemble((f"{'Latency':<{_NAME_WIDTH}}", "bold"), (heading, "$quiet")),
                _row("whole", stats.latency if stats else Latency()),
                _row("first byte", stats.ttft if stats else Latency()),
            ]
        )


def _row(name: str, latency: Latency) -> Content:
    values = (latency.p50, latency.p95, latency.p99)
    text = "".join(f"{numbers.duration_ms(value):>{_WIDTH}}" for value in values)
    return Content.assemble((f"{name:<{_NAME_WIDTH}}", "$quiet"), text)
