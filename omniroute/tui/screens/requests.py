"""The requests, live."""

from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Input, Static

from omniroute.api.live import LiveStats, RequestLive
from omniroute.tui.columns import matches
from omniroute.tui.link import Link, Live
from omniroute.tui.screens.live import LiveScreen
from omniroute.tui.widgets.request_table import RequestTable
from omniroute.tui.words import is_error


class RequestsScreen(LiveScreen):
    """A table that follows the newest request until one looks closer."""

    DEFAULT_CSS = """
    RequestsScreen #summary { height: 1; padding: 0 1; color: $quiet; }
    RequestsScreen #filter { height: 1; border: none; padding: 0 1; display: none; background: $panel; }
    RequestsScreen.-filtering #filter { display: block; }
    RequestsScreen #nothing { display: none; height: 1fr; padding: 1 2; }
    RequestsScreen.-nothing #nothing { display: block; }
    RequestsScreen.-nothing RequestTable { height: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", id="requests.filter", key_display="/"),
        Binding("e", "errors_only", "Errors", id="requests.errors"),
        Binding("p,space", "pause", "Pause", id="requests.pause", key_display="p"),
        Binding("f", "follow", "Follow", id="requests.follow"),
        Binding("escape", "clear", "Clear", id="requests.clear", show=False),
    ]

    tab = "requests"
    paused: reactive[bool] = reactive(default=False)
    errors_only: reactive[bool] = reactive(default=False)

    def __init__(self) -> None:
        super().__init__()
        self._shown: list[RequestLive] = []
        """What the gateway told last, or when the table was paused."""

    def compose_body(self) -> list[Widget]:
        """A line that says what is shown, the filter, the table."""
        return [
            Static(id="summary"),
            # Disabled while it is hidden: Textual would give it the keys that nothing else wants.
            Input(
                placeholder="filter by model, provider, key, path, status, error", id="filter", disabled=True
            ),
            RequestTable(),
            Static(id="nothing"),
        ]

    def on_mount(self) -> None:
        """The table has the keys."""
        super().on_mount()
        self.query_one(RequestTable).focus()

    def watch_stats(self, stats: LiveStats | None) -> None:
        """Take the newest requests unless paused."""
        if stats is not None and not self.paused:
            self._shown = stats.requests
        self._show()

    def watch_link(self, link: Link) -> None:
        """The empty table names the address."""
        super().watch_link(link)
        self._show()

    def watch_paused(self) -> None:
        """Go on with what is true now."""
        self.watch_stats(self.stats)

    def watch_errors_only(self) -> None:
        """Choose again."""
        self._show()

    @on(Input.Changed, "#filter")
    def _choose_again(self) -> None:
        self._show()

    @on(Input.Submitted, "#filter")
    def _back_to_the_table(self) -> None:
        self.query_one(RequestTable).focus()

    def action_filter(self) -> None:
        """Type what to look for."""
        self.add_class("-filtering")
        entry = self.query_one("#filter", Input)
        entry.disabled = False
        entry.focus()

    def action_errors_only(self) -> None:
        """Only what went wrong, or everything."""
        self.errors_only = not self.errors_only

    def action_pause(self) -> None:
        """Keep the table as it is, or go on."""
        self.paused = not self.paused

    def action_follow(self) -> None:
        """The cursor goes with the newest request, or stays."""
        table = self.query_one(RequestTable)
        table.following = not table.following
        self._show()

    def action_clear(self) -> None:
        """No filter, everything, following, going on."""
        entry = self.query_one("#filter", Input)
        entry.value = ""
        entry.disabled = True
        self.remove_class("-filtering")
        self.errors_only = False
        self.paused = False
        table = self.query_one(RequestTable)
        table.focus()
        table.following = True
        self._show()

    def _show(self) -> None:
        wanted = self.query_one("#filter", Input).value
        table = self.query_one(RequestTable)
        rows = [
            request
            for request in self._shown
            if (not self.errors_only or is_error(request)) and matches(request, wanted)
        ]
        table.requests = rows
        self.set_class(not rows, "-nothing")
        self.query_one("#nothing", Static).update(self._nothing())
        self.query_one("#summary", Static).update(self._summary(len(rows), following=table.following))

    def _summary(self, shown: int, *, following: bool) -> Content:
        running = sum(request.state == "running" for request in self._shown)
        failed = sum(is_error(request) for request in self._shown)
        parts = [f"{shown} of the last {len(self._shown)}", f"{running} running", f"{failed} failed"]
        if self.errors_only:
            parts.append("errors only")
        if following and not self.paused:
            parts.append("following the newest")
        line = Content(" · ".join(parts))
        if self.paused:
            line = Content.assemble(line, "   ", (" paused ", "bold reverse"))
        return line

    def _nothing(self) -> Content:
        if self._shown:
            return Content("No request matches. Esc shows all again.")
        if self.stats is None:
            return Content("")
        address = self.link.url if isinstance(self.link, Live) else ""
        return Content.assemble(
            f"No request yet. Point a client at {address}/v1, or send one yourself:\n\n",
            ("  omniroute demo\n", "bold $primary"),
            ('  omniroute chat -m MODEL "hello"', "bold $primary"),
        )
