"""Curves in dots."""

from hypothesis import given
from hypothesis import strategies as st

from omniroute.tui import braille

values = st.lists(st.none() | st.floats(0, 1e9), min_size=1, max_size=60)
rows = st.integers(1, 12)


def dots(lines: list[str]) -> int:
    """How many dots are set."""
    return sum((ord(char) - 0x2800).bit_count() for line in lines for char in line if char != " ")


def column_tops(lines: list[str], columns: int) -> list[int]:
    """The highest dot of each column, from 1; 0 where there is none."""
    bits = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
    tops = [0] * columns
    for row, line in enumerate(reversed(lines)):
        for column in range(columns):
            char = line[column // 2]
            for dot, bit in enumerate(bits[column % 2]):
                if char != " " and (ord(char) - 0x2800) & bit:
                    tops[column] = row * 4 + dot + 1
    return tops


@given(values=values, rows=rows)
def test_a_drawing_fills_its_rectangle_exactly(values: list[float | None], rows: int) -> None:
    for draw in (braille.bars, braille.curve):
        lines = draw(values, rows=rows, top=1e9)
        assert len(lines) == rows
        assert {len(line) for line in lines} == {-(-len(values) // 2)}


@given(values=values, rows=rows)
def test_a_curve_shows_every_known_value_and_a_gap_for_every_unknown_one(
    values: list[float | None], rows: int
) -> None:
    tops = column_tops(braille.curve(values, rows=rows, top=1e9), len(values))

    assert [top == 0 for top in tops] == [value is None for value in values]


@given(values=values, rows=rows)
def test_a_bar_shows_every_value_above_zero_and_higher_ones_higher(
    values: list[float | None], rows: int
) -> None:
    tops = column_tops(braille.bars(values, rows=rows, top=1e9), len(values))

    assert [top > 0 for top in tops] == [bool(value) for value in values]
    pairs = sorted((value or 0.0, top) for value, top in zip(values, tops, strict=True))
    assert [top for _, top in pairs] == sorted(tops)


def test_steep_parts_of_a_curve_stay_one_line() -> None:
    lines = braille.curve([0, 100, 100, 0], rows=2, top=100)

    assert lines == ["⢸⢱", "⡸⢸"]
    assert dots(lines) == 16


@given(highest=st.floats(1e-6, 1e12))
def test_the_scale_ends_at_a_round_number_close_above(highest: float) -> None:
    top = braille.nice_top(highest)

    assert highest <= top <= highest * 2


def test_the_scale_of_nothing_is_one() -> None:
    assert braille.nice_top(0) == 1


@given(
    series=st.lists(st.none() | st.integers(0, 100), min_size=1, max_size=900),
    columns=st.integers(1, 200),
    end_s=st.integers(10**9, 2 * 10**9),
)
def test_steps_fit_the_columns_and_lie_between_their_values(
    series: list[float | None], columns: int, end_s: int
) -> None:
    steps = braille.in_steps(series, columns=columns, end_s=end_s)
    known = [value for value in series if value is not None]

    assert 1 <= len(steps) <= columns
    assert all(step is None or min(known) <= step <= max(known) for step in steps)


@given(series=st.lists(st.integers(0, 100), min_size=120, max_size=120), later_s=st.integers(1, 30))
def test_a_curve_keeps_its_form_while_time_goes_by(series: list[float | None], later_s: int) -> None:
    before = braille.in_steps(series, columns=24, end_s=1_000_000)
    after = braille.in_steps(series[later_s:] + [0] * later_s, columns=24, end_s=1_000_000 + later_s)

    whole_steps = before[-12:-1]
    assert any(after[place : place + 11] == whole_steps for place in range(len(after) - 10))
