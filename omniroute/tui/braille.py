"""Curves drawn with braille dots: two columns and four rows in each character."""

import math
from collections.abc import Sequence

DOTS_PER_ROW = 4
DOTS_PER_COLUMN = 2

_BLANK = 0x2800
_BITS = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"""The dots of the left and the right column, lowest first."""

_NICE = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


def bars(values: Sequence[float | None], *, rows: int, top: float) -> list[str]:
    """Lines of text, the highest first: a column of dots per value, from zero up. Any value above 0 shows."""
    spans = [_bar(value, rows * DOTS_PER_ROW, top) for value in values]
    return _drawn(spans, rows)


def curve(values: Sequence[float | None], *, rows: int, top: float) -> list[str]:
    """Lines of text, the highest first: a line through the values, broken where a value is unknown."""
    levels = [_level(value, rows * DOTS_PER_ROW, top) for value in values]
    spans: list[range] = []
    before: int | None = None
    for level in levels:
        if level is None:
            spans.append(range(0))
        elif before is None or before == level:
            spans.append(range(level, level + 1))
        else:
            # Up to the neighbour's dot, so that steep parts stay one line.
            spans.append(range(min(level, before + 1), max(level, before - 1) + 1))
        before = level
    return _drawn(spans, rows)


def nice_top(highest: float) -> float:
    """A round number not below `highest`, for the end of a scale; 1 when there is nothing to show."""
    if highest <= 0:
        return 1.0
    size: float = 10.0 ** math.floor(math.log10(highest))
    return next((step * size for step in _NICE if step * size >= highest), 10 * size)


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean of at least one value."""
    return sum(values) / len(values)


def in_steps(values: Sequence[float | None], *, columns: int, end_s: int) -> list[float | None]:
    """The series, one value a second up to `end_s`, as at most `columns` means of known values.

    Steps begin at multiples of their length since 1970, so a curve moves to the left as time goes by
    without changing its form.
    """
    if columns < 1 or not values:
        return []
    step_s = max(len(values) / columns, 1.0)
    first_s = end_s - len(values) + 1
    steps: dict[float, list[float]] = {}
    for second, value in enumerate(values, first_s):
        known = steps.setdefault(second // step_s, [])
        if value is not None:
            known.append(value)
    found = [mean(known) if known else None for known in steps.values()]
    return found[-columns:]


def _level(value: float | None, dots: int, top: float) -> int | None:
    if value is None:
        return None
    return min(max(round(value / top * dots) - 1, 0), dots - 1)


def _bar(value: float | None, dots: int, top: float) -> range:
    if value is None or value <= 0:
        return range(0)
    return range(min(max(round(value / top * dots), 1), dots))


def _drawn(spans: Sequence[range], rows: int) -> list[str]:
    cells = [[0] * math.ceil(len(spans) / DOTS_PER_COLUMN) for _ in range(rows)]
    for column, span in enumerate(spans):
        for dot in span:
            row = rows - 1 - dot // DOTS_PER_ROW
            bit = _BITS[column % DOTS_PER_COLUMN][dot % DOTS_PER_ROW]
            cells[row][column // DOTS_PER_COLUMN] |= bit
    return ["".join(chr(_BLANK + bits) if bits else " " for bits in line) for line in cells]
