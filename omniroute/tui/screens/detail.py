"""One request, whole."""

from collections.abc import Callable
from functools import partial
from textwrap import wrap
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from omniroute.api.live import LiveStats, RequestLive
from omniroute.api.usage import CallLogDetail
from omniroute.errors import OmniRouteError
from omniroute.tui.details import Fact, attempt_lines, facts, outcome
from omniroute.tui.screens.live import LiveScreen

FetchDetail = Callable[[str], CallLogDetail]
"""Reads the log of the request with this id; blocks. Raises `OmniRouteError`."""

_NAME_WIDTH = 12


class DetailRead(Message):
    """What the log says of the request, or why it cannot be had."""

    def __init__(self, detail: CallLogDetail | None, reason: str) -> None:
        super().__init__()
        self.detail = detail
        self.reason = reason


class DetailScreen(LiveScreen):
    """Everything known of one request; a running one goes on while one looks."""

    DEFAULT_CSS = """
    DetailScreen #all { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
    DetailScreen #attempts { margin: 1 0; text-wrap: nowrap; text-overflow: ellipsis; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace,left", "app.pop_screen", "Back", id="detail.back", key_display="esc"),
    ]

    tab = "requests"

    def __init__(self, request: RequestLive, fetch: FetchDetail) -> None:
        super().__init__()
        self._request = request
        self._fetch = fetch
        self._detail: CallLogDetail | None = None
        self._note = ""
        self._asked = False

    def compose_body(self) -> list[Widget]:
        """How it ended, the tries that led there, then the rest."""
        return [VerticalScroll(Static(id="outcome"), Static(id="attempts"), Static(id="facts"), id="all")]

    def on_mount(self) -> None:
        """Show what is known at once."""
        super().on_mount()
        self.query_one("#all").focus()
        self._show()

    def watch_stats(self, stats: LiveStats | None) -> None:
        """Keep up with the request while it is among the live ones."""
        for request in stats.requests if stats else []:
            if request.id == self._request.id:
                self._request = request
        self._show()

    def on_resize(self) -> None:
        """Long lines break elsewhere."""
        self._show()

    @on(DetailRead)
    def _take(self, message: DetailRead) -> None:
        self._detail = message.detail
        self._note = message.reason
        self._show()

    def _show(self) -> None:
        request = self._request
        if request.state != "running" and not self._asked:
            # The log has the request only once it has ended.
            self._asked = True
            self._note = "reading the log…"
            self.run_worker(partial(self._read, request.id), thread=True, name="detail", exclusive=True)
        self.query_one("#outcome", Static).update(self._lines(outcome(request)))
        self.query_one("#facts", Static).update(self._lines(facts(request, self._detail)))
        self.query_one("#attempts", Static).update(self._attempts())

    def _lines(self, found: list[Fact]) -> Content:
        width = max(self.size.width - 4, 40)
        return Content("\n").join(_line(fact, width) for fact in found)

    def _attempts(self) -> Content:
        if self._detail is None:
            return Content.styled(self._note, "$quiet")
        heading, *rows = attempt_lines(self._detail.attempts)
        if not rows:
            return Content("")
        return Content("\n").join([Content.styled(heading, "$quiet"), *map(Content, rows)])

    def _read(self, request_id: str) -> None:
        """In a thread: ask the gateway, tell by message."""
        try:
            self.post_message(DetailRead(self._fetch(request_id), ""))
        except OmniRouteError as error:
            self.post_message(DetailRead(None, f"tries not to be had: {error}"))


def _line(fact: Fact, width: int) -> Content:
    """A long value goes on below itself, not below its name."""
    value = wrap(fact.value, width - _NAME_WIDTH, subsequent_indent=" " * _NAME_WIDTH)
    return Content.assemble((f"{fact.name:<{_NAME_WIDTH}}", "$quiet"), ("\n".join(value), fact.style))
