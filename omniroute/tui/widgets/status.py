"""The top of every screen."""

from urllib.parse import urlsplit

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from omniroute.api.live import LiveStats
from omniroute.tui import numbers
from omniroute.tui.link import Connecting, Link, Live, Lost


class Connection(Widget):
    """Whether what is shown is live."""

    DEFAULT_CSS = """
    Connection { width: 1fr; height: 1; text-align: right; padding: 0 1; }
    """

    link: reactive[Link] = reactive(Connecting())
    stats: reactive[LiveStats | None] = reactive(None)

    def render(self) -> Content:
        """State, address and time in one line."""
        match self.link:
            case Connecting():
                return Content.styled("connecting…", "$quiet")
            case Lost():
                return Content.styled("✗ not reachable", "bold $error")
            case Live(url):
                at = numbers.time_of_day(self.stats.at) if self.stats else ""
                return Content.assemble(("● live", "$success"), f"  {urlsplit(url).netloc}  ", (at, "$quiet"))


class LostLine(Widget):
    """Says since when the picture is old, and why; away while all is well."""

    DEFAULT_CSS = """
    LostLine { height: auto; display: none; padding: 0 1; color: $error; text-style: bold; }
    LostLine.-lost { display: block; }
    """

    link: reactive[Link] = reactive(Connecting(), layout=True)

    def watch_link(self, link: Link) -> None:
        """Appear and go."""
        self.set_class(isinstance(link, Lost), "-lost")

    def render(self) -> Content:
        """One or two lines."""
        if not isinstance(self.link, Lost):
            return Content("")
        since = numbers.time_of_day(self.link.since)
        return Content(f"gateway not reachable since {since}, retrying: {self.link.reason}")


class StatusBar(Horizontal):
    """The program's name, the screens to choose from, and the connection."""

    DEFAULT_CSS = """
    StatusBar { height: 1; background: $panel; }
    StatusBar > Static { width: auto; padding: 0 1; link-style: none; link-color: $foreground; }
    StatusBar > .-chosen { link-style: bold reverse; link-color: $primary; }
    """

    link: reactive[Link] = reactive(Connecting())
    stats: reactive[LiveStats | None] = reactive(None)

    def __init__(self, tabs: tuple[str, ...], chosen: str) -> None:
        super().__init__()
        self._tabs = tabs
        self._chosen = chosen

    def compose(self) -> ComposeResult:
        """Names on the left, the connection on the right."""
        yield Static(Content.styled("OmniRoute", "bold $primary"))
        for number, name in enumerate(self._tabs, 1):
            text = f"[@click=app.open('{name}')] {number} {name.title()} [/]"
            yield Static(text, classes="-chosen" if name == self._chosen else "")
        yield Connection().data_bind(StatusBar.link, StatusBar.stats)
