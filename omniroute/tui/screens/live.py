"""What every screen that shows the live state has in common."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer

from omniroute.api.live import LiveStats
from omniroute.tui.link import Connecting, Link, Lost
from omniroute.tui.widgets.status import LostLine, StatusBar

TABS = ("overview", "requests")
"""The screens one switches between, in the order of their keys."""


class LiveScreen(Screen[None]):
    """Status above, keys below, and between them what `compose_body` gives, bound to `stats`.

    Only the screen in front is kept up to date. While the gateway is lost the body keeps the last
    picture, dimmed.
    """

    DEFAULT_CSS = """
    LiveScreen { background: $background; }
    LiveScreen #body { height: 1fr; }
    LiveScreen.-lost #body { text-opacity: 55%; text-style: dim; }
    LiveScreen Footer { background: $panel; }
    """

    stats: reactive[LiveStats | None] = reactive(None)
    link: reactive[Link] = reactive(Connecting())

    tab = ""
    """Its name among `TABS`; empty for screens opened from another one."""

    def compose(self) -> ComposeResult:
        """The frame around the body."""
        yield StatusBar(TABS, self.tab).data_bind(LiveScreen.stats, LiveScreen.link)
        yield LostLine().data_bind(LiveScreen.link)
        yield Vertical(*self.compose_body(), id="body")
        yield Footer(show_command_palette=False, compact=True)

    def compose_body(self) -> list[Widget]:
        """The widgets of this screen."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Follow the app."""
        self.watch(self.app, "stats", self._take_stats)
        self.watch(self.app, "link", self._take_link)

    def on_screen_resume(self) -> None:
        """Catch up with what came while another screen was in front."""
        self._take_link()
        self._take_stats()

    def watch_link(self, link: Link) -> None:
        """Dim what is no longer true."""
        self.set_class(isinstance(link, Lost), "-lost")

    def _take_stats(self) -> None:
        if self.is_current:
            self.stats = getattr(self.app, "stats", None)

    def _take_link(self) -> None:
        if self.is_current:
            self.link = getattr(self.app, "link", Connecting())
