"""The terminal screens of a running gateway."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.reactive import reactive
from textual.screen import Screen

from omniroute import __version__
from omniroute.api.live import LiveStats
from omniroute.api.usage import CallLogDetail
from omniroute.client.connect import connect
from omniroute.client.http import Client
from omniroute.clock import Clock, SystemClock, iso
from omniroute.paths import Paths
from omniroute.tui.feed import BACKOFF_S, Feed, FeedLost, StatsReceived
from omniroute.tui.link import Connecting, Link, Live, Lost
from omniroute.tui.screens.detail import DetailScreen
from omniroute.tui.screens.keys import KeysScreen
from omniroute.tui.screens.live import TABS
from omniroute.tui.screens.overview import OverviewScreen
from omniroute.tui.screens.requests import RequestsScreen
from omniroute.tui.theme import OWN_VARIABLES, THEMES, first_theme, other_shade
from omniroute.tui.widgets.request_table import RequestTable

SILENCE_S = 5.0
"""The gateway tells its state every second; after this long without a word it is gone."""


class OmniRouteApp(App[None]):
    """Owns the live state and the connection; screens show them."""

    TITLE = "OmniRoute"
    ENABLE_COMMAND_PALETTE = False
    MODES: ClassVar[dict[str, str | Callable[[], Screen[None]]]] = {
        "overview": OverviewScreen,
        "requests": RequestsScreen,
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "open('overview')", "Overview", id="open.overview", show=False),
        Binding("2", "open('requests')", "Requests", id="open.requests", show=False),
        Binding("tab", "next_tab", "Next", id="open.next", tooltip="Next screen", priority=True),
        Binding("t", "shade", "Light/dark", id="theme"),
        Binding("question_mark", "keys", "Keys", id="keys", key_display="?"),
        Binding("q,ctrl+c", "quit", "Quit", id="quit", key_display="q"),
    ]

    stats: reactive[LiveStats | None] = reactive(None)
    """The newest state heard of, true or not any more: `link` tells."""
    link: reactive[Link] = reactive(Connecting())

    def __init__(
        self, connect_: Callable[[], Client], *, clock: Clock, backoff_s: Sequence[float] = BACKOFF_S
    ) -> None:
        super().__init__()
        self._connect = connect_
        self._clock = clock
        self._feed = Feed(connect_, self.post_message, backoff_s=backoff_s)
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = first_theme(self.console.color_system)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Every theme has our variables."""
        return OWN_VARIABLES

    def on_mount(self) -> None:
        """Show the overview and listen."""
        self.switch_mode("overview")
        self.listen()

    def listen(self) -> None:
        """Start the one worker that feeds the screens."""
        self.run_worker(self._feed.run, thread=True, name="feed")

    def on_unmount(self) -> None:
        """Nobody listens any more."""
        self._feed.stop()

    def on_stats_received(self, message: StatsReceived) -> None:
        """The picture is true again."""
        self.link = Live(message.url)
        self.stats = message.stats

    def on_feed_lost(self, message: FeedLost) -> None:
        """Keep the picture, and since when it is old."""
        since = self.link.since if isinstance(self.link, Lost) else iso(self._clock.now_ms())
        self.link = Lost(since, message.reason)

    def on_request_table_chosen(self, message: RequestTable.Chosen) -> None:
        """Open one request."""
        self.push_screen(DetailScreen(message.request, self._call_log))

    def action_open(self, tab: str) -> None:
        """Go to a screen by name."""
        self.switch_mode(tab)

    def action_next_tab(self) -> None:
        """Go around the screens."""
        place = TABS.index(self.current_mode) if self.current_mode in TABS else -1
        self.switch_mode(TABS[(place + 1) % len(TABS)])

    def action_shade(self) -> None:
        """Light for dark and back."""
        self.theme = other_shade(self.theme)

    def action_keys(self) -> None:
        """What the keys do here."""
        self.push_screen(KeysScreen(self.screen.active_bindings.values()))

    def _call_log(self, request_id: str) -> CallLogDetail:
        return self._connect().get(f"/api/usage/call-logs/{request_id}", CallLogDetail)


def run(paths: Paths) -> None:
    """Show the screens until the user leaves; without a gateway they wait for one."""

    def connect_() -> Client:
        return connect(paths, user_agent=f"omniroute-tui/{__version__}", timeout_s=SILENCE_S)

    OmniRouteApp(connect_, clock=SystemClock()).run()
