"""The columns of the request table, and how wide each is."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from omniroute.api.live import RequestLive
from omniroute.tui import numbers
from omniroute.tui.words import request_state

MODEL_MIN = 17
"""Room for most names without their date."""

_DATE = re.compile(r"-(\d{8}|\d{4}-\d{2}-\d{2})$")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what it shows, and when."""

    name: str
    text: Callable[[RequestLive], str]
    widest: int
    """Longer texts are cut."""
    to_the_right: bool = False
    from_width: int = 0
    """Only tables at least this wide show it."""
    takes_rest: bool = False


COLUMNS = (
    Column("Time", lambda request: numbers.time_of_day(request.started_at), 8),
    Column("State", lambda request: request_state(request).text, 9),
    Column("", lambda request: str(request.status or numbers.DASH), 3, to_the_right=True),
    Column("Model", lambda request: model_of(request), 60, takes_rest=True),
    Column("Provider", lambda request: request.provider or numbers.DASH, 18),
    Column("Account", lambda request: request.account or numbers.DASH, 16, from_width=110),
    Column("Key", lambda request: request.api_key or numbers.DASH, 16, from_width=110),
    Column("In", lambda request: numbers.count(request.tokens_in), 5, to_the_right=True),
    Column("Out", lambda request: numbers.count(request.tokens_out), 5, to_the_right=True),
    Column("Cached", lambda request: numbers.count(request.cache_read), 6, to_the_right=True, from_width=110),
    Column("Cost", lambda request: numbers.usd(request.cost_usd), 7, to_the_right=True),
    Column("1st", lambda request: numbers.duration_ms(request.ttft_ms), 5, to_the_right=True),
    Column("Took", lambda request: numbers.duration_ms(request.duration_ms), 5, to_the_right=True),
    Column(
        "Tries", lambda request: str(request.attempts or numbers.DASH), 5, to_the_right=True, from_width=110
    ),
    Column("Path", lambda request: request.path, 24, from_width=150),
)

_SHRINKS = (("Provider", 10), ("Provider", 8), ("Time", 5))
"""What gives way, in this order, while the model has too little room."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of one table width."""

    columns: tuple[Column, ...]
    widths: tuple[int, ...]
    gap: int
    """Blanks between two columns."""

    def heading(self) -> str:
        """The columns' names."""
        return self._line([column.name for column in self.columns])

    def row(self, request: RequestLive) -> str:
        """One request."""
        return self._line([column.text(request) for column in self.columns])

    def state_span(self) -> tuple[int, int]:
        """Where in a line the state and its code stand."""
        place = next(place for place, column in enumerate(self.columns) if column.name == "State")
        start = sum(self.widths[:place]) + self.gap * place
        return start, start + self.widths[place] + self.gap + self.widths[place + 1]

    def _line(self, texts: Sequence[str]) -> str:
        cells = [
            _cell(text, width, to_the_right=column.to_the_right)
            for text, width, column in zip(texts, self.widths, self.columns, strict=True)
        ]
        return (" " * self.gap).join(cells)


def model_of(request: RequestLive) -> str:
    """The model that answers, or was asked for."""
    return request.model or request.requested_model or numbers.DASH


def layout(requests: Sequence[RequestLive], width: int) -> Layout:
    """The columns that fit into `width`: as wide as their texts, the model taking what is left."""
    columns = tuple(column for column in COLUMNS if column.from_width <= width)
    widths = {
        column.name: min(
            max([len(column.name), *(len(column.text(request)) for request in requests)]), column.widest
        )
        for column in columns
    }
    gap = 2 if width >= 110 else 1
    flexible = next(column.name for column in columns if column.takes_rest)

    def left() -> int:
        others = sum(size for name, size in widths.items() if name != flexible)
        return width - others - gap * (len(columns) - 1)

    for name, size in _SHRINKS:
        if left() < min(MODEL_MIN, widths[flexible]):
            widths[name] = min(widths[name], size)
    widths[flexible] = max(left(), 4)
    return Layout(columns, tuple(widths.values()), gap)


def matches(request: RequestLive, text: str) -> bool:
    """Every word of `text` stands somewhere in what the request says."""
    said = (
        request.state,
        str(request.status or ""),
        request.model,
        request.requested_model,
        request.provider,
        request.account,
        request.api_key,
        request.path,
        request.id,
        request.request_id,
        request.error,
    )
    whole = " ".join(part.lower() for part in said if part)
    return all(word in whole for word in text.lower().split())


def _cell(text: str, width: int, *, to_the_right: bool) -> str:
    fitted = text if len(text) <= width else _shorter(text, width)
    return fitted.rjust(width) if to_the_right else fitted.ljust(width)


def _shorter(text: str, width: int) -> str:
    """Times lose their seconds, models their date and then their vendor, before anything is cut off."""
    if text[2:3] == ":":
        return text[:width]
    undated = _DATE.sub("", text)
    short = undated if len(undated) <= width else undated.rpartition("/")[2]
    return short if len(short) <= width else short[: width - 1] + "…"
