"""A row of figures."""

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from omniroute.api.live import LiveStats
from omniroute.tui.overview import WIDTHS, Figure, figures


class Figures(Widget):
    """What the gateway does now, one number beside the other."""

    DEFAULT_CSS = """
    Figures { height: 3; padding: 0 1; }
    """

    stats: reactive[LiveStats | None] = reactive(None)

    def render(self) -> Content:
        """Three lines: names, values, notes."""
        row = figures(self.stats)
        spare = max((self.content_size.width - sum(WIDTHS)) // len(WIDTHS), 0)
        cells = [(figure, width + spare) for figure, width in zip(row, WIDTHS, strict=True)]
        return Content("\n").join(
            [
                Content("").join(_cell(figure.name, "$quiet", width) for figure, width in cells),
                Content("").join(_value(figure, width) for figure, width in cells),
                Content("").join(_cell(figure.note, "$quiet", width) for figure, width in cells),
            ]
        )


def _value(figure: Figure, width: int) -> Content:
    return _cell(figure.value, f"bold {figure.style}".strip(), width)


def _cell(text: str, style: str, width: int) -> Content:
    return Content.styled(text[: width - 1], style).pad_right(width - len(text[: width - 1]))
