"""The gateway at a glance."""

from datetime import datetime

from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from omniroute.api.live import LiveStats
from omniroute.tui import numbers
from omniroute.tui.screens.live import LiveScreen
from omniroute.tui.widgets.figures import Figures
from omniroute.tui.widgets.latency import LatencyTable
from omniroute.tui.widgets.plot import Plot
from omniroute.tui.widgets.providers import ProviderList
from omniroute.tui.widgets.request_table import RequestTable


class OverviewScreen(LiveScreen):
    """Figures, curves of 15 minutes, and the providers' health."""

    DEFAULT_CSS = """
    OverviewScreen #curves { height: 9; padding: 0 1; margin: 1 0; }
    OverviewScreen #latency { width: 1fr; margin-left: 2; }
    OverviewScreen #tokens { display: none; margin-left: 2; }
    OverviewScreen.-wide #tokens { display: block; }
    OverviewScreen RequestTable { display: none; margin: 1 0 0 0; }
    OverviewScreen.-tall #curves { height: 1fr; min-height: 12; }
    OverviewScreen.-tall ProviderList { height: auto; max-height: 12; }
    OverviewScreen.-tall RequestTable { display: block; }
    """
    # Textual declares these as variables of the instance, so they cannot be marked as the class's own.
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (32, "-tall")]  # noqa: RUF012

    tab = "overview"

    def compose_body(self) -> list[Widget]:
        """From the whole to the parts."""
        return [
            Figures().data_bind(LiveScreen.stats),
            Horizontal(
                Plot("Requests/s", form="bars", number=numbers.rate, least=2, id="requests"),
                Plot("Tokens/s", form="bars", number=numbers.rate, least=2, style="$accent", id="tokens"),
                Vertical(
                    LatencyTable().data_bind(LiveScreen.stats),
                    Plot(
                        "Median latency",
                        form="curve",
                        number=numbers.duration_ms,
                        least=10,
                        style="$warning",
                        id="median",
                    ),
                    id="latency",
                ),
                id="curves",
            ),
            ProviderList().data_bind(LiveScreen.stats),
            RequestTable(),
        ]

    def watch_stats(self, stats: LiveStats | None) -> None:
        """Draw the curves."""
        if stats is None:
            return
        end_s = int(datetime.fromisoformat(stats.at).timestamp())
        self.query_one(RequestTable).requests = stats.requests
        self.query_one("#requests", Plot).show(stats.series.requests, end_s)
        self.query_one("#tokens", Plot).show(stats.series.tokens, end_s)
        self.query_one("#median", Plot).show(stats.series.latency_p50, end_s)
