"""A table of requests that keeps its place while they change."""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from omniroute.api.live import RequestLive
from omniroute.tui.columns import Layout, layout
from omniroute.tui.words import request_state

_STATE_CLASSES = {
    "$primary": "request-table--running",
    "$error": "request-table--error",
    "$warning": "request-table--left",
}


class RequestTable(ScrollView, can_focus=True):
    """One line for each request; the cursor stays with its request, or with the newest."""

    DEFAULT_CSS = """
    RequestTable { height: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; }
    RequestTable > .request-table--heading { color: $quiet; text-style: underline; }
    RequestTable > .request-table--cursor { text-style: bold reverse; }
    RequestTable > .request-table--running { color: $primary; }
    RequestTable > .request-table--error { color: $error; }
    RequestTable > .request-table--left { color: $warning; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "request-table--heading",
        "request-table--cursor",
        "request-table--running",
        "request-table--error",
        "request-table--left",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", id="requests.up", show=False),
        Binding("down,j", "move(1)", "Down", id="requests.down", show=False),
        Binding("pageup", "page(-1)", "Page up", id="requests.page_up", show=False),
        Binding("pagedown", "page(1)", "Page down", id="requests.page_down", show=False),
        Binding("home,g", "newest", "Newest", id="requests.newest", show=False),
        Binding("end,G", "oldest", "Oldest", id="requests.oldest", show=False),
        Binding("enter", "choose", "Details", id="requests.choose"),
    ]

    requests: reactive[Sequence[RequestLive]] = reactive(())
    following: reactive[bool] = reactive(default=True)
    """The cursor goes with the newest request."""

    class Chosen(Message):
        """A request is to be seen whole."""

        def __init__(self, request: RequestLive) -> None:
            super().__init__()
            self.request = request

    def __init__(self) -> None:
        super().__init__()
        self._cursor_id: str | None = None
        self._layout: Layout | None = None

    @property
    def cursor(self) -> int:
        """The line of the request the cursor is with; it may have left the list, then the first."""
        for line, request in enumerate(self.requests):
            if request.id == self._cursor_id:
                return line
        return 0

    def watch_requests(self) -> None:
        """Keep the cursor where it belongs and lay out the columns."""
        if self.following:
            self._cursor_id = None
        self._lay_out()

    def watch_following(self) -> None:
        """Go to the newest, or stay where the cursor is."""
        self._cursor_id = None if self.following or not self.requests else self.requests[self.cursor].id
        self._show_cursor()

    def on_resize(self, event: events.Resize) -> None:
        """Another width, other columns."""
        event.prevent_default()
        self._lay_out()

    def on_click(self, event: events.Click) -> None:
        """Point at a request; a second click opens it."""
        line = int(event.y + self.scroll_offset.y) - 1
        if event.y < 1 or not 0 <= line < len(self.requests):
            return
        if event.chain > 1:
            self.action_choose()
        else:
            self._point_at(line)

    def action_move(self, lines: int) -> None:
        """Move the cursor."""
        self._point_at(self.cursor + lines)

    def action_page(self, pages: int) -> None:
        """Move the cursor by what is visible."""
        self._point_at(self.cursor + pages * max(self.size.height - 2, 1))

    def action_newest(self) -> None:
        """Follow the newest request again."""
        self.following = True
        self._show_cursor()

    def action_oldest(self) -> None:
        """To the end of the list."""
        self._point_at(len(self.requests) - 1)

    def action_choose(self) -> None:
        """Ask for the request under the cursor to be shown."""
        if self.requests:
            self.post_message(self.Chosen(self.requests[self.cursor]))

    def render_line(self, y: int) -> Strip:
        """The heading stays on top; the list scrolls below it."""
        width = self.size.width
        if self._layout is None:
            return Strip.blank(width, self.rich_style)
        if y == 0:
            style = self.get_component_rich_style("request-table--heading")
            return self._strip(f" {self._layout.heading()}", width, style)
        line = y - 1 + self.scroll_offset.y
        if line >= len(self.requests):
            return Strip.blank(width, self.rich_style)
        request = self.requests[line]
        if line == self.cursor and self.has_focus:
            style = self.rich_style + self.get_component_rich_style("request-table--cursor", partial=True)
            return self._strip("▸" + self._layout.row(request), width, style)
        return self._row(request, self._layout, width)

    def _row(self, request: RequestLive, layout: Layout, width: int) -> Strip:
        """Only the state has a colour: a screen full of requests stays calm."""
        text = " " + layout.row(request)
        start, end = (place + 1 for place in layout.state_span())
        name = _STATE_CLASSES.get(request_state(request).style)
        state = self.get_component_rich_style(name) if name else self.rich_style
        plain = self.rich_style
        segments = [Segment(text[:start], plain), Segment(text[start:end], state), Segment(text[end:], plain)]
        return Strip(segments).adjust_cell_length(width, plain)

    def _strip(self, text: str, width: int, style: Style) -> Strip:
        return Strip([Segment(text, style)]).adjust_cell_length(width, style)

    def _point_at(self, line: int) -> None:
        if not self.requests:
            return
        line = min(max(line, 0), len(self.requests) - 1)
        self.following = False
        self._cursor_id = self.requests[line].id
        self._show_cursor()

    def _lay_out(self) -> None:
        width = self.scrollable_content_region.width  # beside the scrollbar
        self._layout = layout(self.requests, max(width - 1, 0))
        self.virtual_size = Size(width, len(self.requests) + 1)
        self._show_cursor()

    def _show_cursor(self) -> None:
        line = self.cursor
        # The heading covers the first line of the view, so one more line above has to be visible.
        self.scroll_to_region(Region(0, line, 1, 2), animate=False, force=True)
        self.refresh()
