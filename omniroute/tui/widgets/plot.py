"""A curve of the last 15 minutes."""

from collections.abc import Callable, Sequence
from typing import Literal

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from omniroute.tui import braille

SCALE_WIDTH = 6


class Plot(Widget):
    """One series under its name, with a scale on the left and the time below."""

    DEFAULT_CSS = """
    Plot { height: 1fr; width: 1fr; min-height: 4; }
    """

    values: reactive[Sequence[float | None]] = reactive(())
    """One a second, oldest first. `None`: nothing happened in that second."""
    end_s: reactive[int] = reactive(0)
    """The Unix second of the newest value."""

    def __init__(
        self,
        title: str,
        *,
        form: Literal["bars", "curve"],
        number: Callable[[float | None], str],
        least: float,
        style: str = "$primary",
        id: str,
    ) -> None:
        super().__init__(id=id)
        self._title = title
        self._form = form
        self._number = number
        self._least = least
        """The scale never ends below: a few requests are no mountain, and half of it can be written."""
        self._style = style

    def show(self, values: Sequence[float | None], end_s: int) -> None:
        """Draw these values in place of the ones before."""
        self.values = values
        self.end_s = end_s

    def render(self) -> Content:
        """As many lines as the widget is high."""
        width, height = self.content_size
        columns = max(width - SCALE_WIDTH - 2, 1)
        rows = max(height - 2, 1)
        steps = braille.in_steps(self.values, columns=columns * braille.DOTS_PER_COLUMN, end_s=self.end_s)
        known = [value for value in steps if value is not None]
        top = braille.nice_top(max([self._least, *known]))
        draw = braille.bars if self._form == "bars" else braille.curve
        padded = [None] * (columns * braille.DOTS_PER_COLUMN - len(steps)) + steps
        lines = draw(padded, rows=rows, top=top)
        return Content("\n").join(
            [
                Content.styled(self._title, "bold"),
                *(
                    Content.assemble(
                        (self._scale(row, rows, top if known else None), "$quiet"), (line, self._style)
                    )
                    for row, line in enumerate(lines)
                ),
                Content.styled(f"{'0':>{SCALE_WIDTH}} └" + time_axis(columns - 1), "$quiet"),
            ]
        )

    def _scale(self, row: int, rows: int, top: float | None) -> str:
        text = ""
        if top is not None and row == 0:
            text = self._number(top)
        elif top is not None and rows > 3 and row == rows // 2:
            text = self._number(top / 2)
        return f"{text:>{SCALE_WIDTH}} │"


def time_axis(width: int) -> str:
    """A line of `width` with the minutes before now."""
    line = ["─"] * width
    for place, text in ((0, "15m ago"), (width // 3, "10m"), (width * 2 // 3, "5m")):
        line[place : place + len(text)] = text
    line[width - 3 :] = "now"
    return "".join(line)[:width]
