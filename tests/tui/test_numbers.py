"""How numbers read."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.tui import numbers

FORMATS: list[Callable[[float | None], str]] = [
    numbers.count,
    numbers.rate,
    numbers.usd,
    numbers.duration_ms,
    numbers.span_s,
    numbers.share,
]
NARROW = FORMATS[:4]
WIDEST = 7

_UNITS = {"k": 1e3, "M": 1e6, "B": 1e9, "T": 1e12, "": 1.0}


def value_of(text: str) -> float:
    """The number a text of `count`, `rate` or `usd` stands for."""
    match = re.fullmatch(r"\$?([\d.]+)([kMBT]?)", text)
    assert match, text
    return float(match[1]) * _UNITS[match[2]]


@pytest.mark.parametrize("shown", FORMATS)
def test_what_is_unknown_is_a_dash(shown: Callable[[float | None], str]) -> None:
    assert shown(None) == numbers.DASH


@given(value=st.floats(0, 8e13), shown=st.sampled_from(NARROW))
def test_a_number_fits_its_column_and_is_never_a_dash(
    value: float, shown: Callable[[float | None], str]
) -> None:
    text = shown(value)

    assert numbers.DASH not in text
    assert len(text) <= WIDEST


@given(value=st.integers(1, 10**14))
def test_a_count_is_right_to_three_digits(value: int) -> None:
    assert value_of(numbers.count(value)) == pytest.approx(value, rel=0.005001)


@given(value=st.floats(0.0001, 1e12))
def test_an_amount_is_right_to_its_last_digit(value: float) -> None:
    text = numbers.usd(value)
    decimals = len(text.rstrip("kMBT").partition(".")[2])

    shown = value_of(text)
    unit = _UNITS[text.lstrip("$0123456789.")]
    assert abs(shown - value) <= unit * 10**-decimals * 0.501
    assert decimals >= 2 or unit > 1


@given(one=st.floats(0, 1e12), other=st.floats(0, 1e12))
def test_more_never_reads_as_less(one: float, other: float) -> None:
    low, high = sorted((one, other))

    assert value_of(numbers.count(low)) <= value_of(numbers.count(high))


@given(value=st.floats(0, 1))
def test_only_none_reads_as_no_percent_and_only_all_as_hundred(value: float) -> None:
    text = numbers.share(value)

    assert (text == "0%") == (value == 0)
    assert (text == "100%") == (value == 1)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (numbers.count(0), "0"),
        (numbers.count(999), "999"),
        (numbers.count(999.6), "1.00k"),
        (numbers.count(12_345), "12.3k"),
        (numbers.count(999_950), "1.00M"),
        (numbers.count(1_234_567), "1.23M"),
        (numbers.exact(1_234_567), "1,234,567"),
        (numbers.exact(None), numbers.DASH),
        (numbers.rate(0), "0"),
        (numbers.rate(0.04), "<0.1"),
        (numbers.rate(0.34), "0.3"),
        (numbers.rate(9.97), "10"),
        (numbers.rate(3_214.7), "3.21k"),
        (numbers.usd(0), "$0"),
        (numbers.usd(0.00003), "<$.0001"),
        (numbers.usd(0.00123), "$0.0012"),
        (numbers.usd(0.123456), "$0.123"),
        (numbers.usd(0.9996), "$1.00"),
        (numbers.usd(12.345), "$12.35"),
        (numbers.usd(1_234), "$1.23k"),
        (numbers.duration_ms(0.4), "<1ms"),
        (numbers.duration_ms(812), "812ms"),
        (numbers.duration_ms(999.7), "1.00s"),
        (numbers.duration_ms(12_340), "12.3s"),
        (numbers.duration_ms(59_990), "1m00s"),
        (numbers.duration_ms(125_000), "2m05s"),
        (numbers.span_s(4.2), "4s"),
        (numbers.span_s(11_130), "3h05m"),
        (numbers.span_s(187_300), "2d04h"),
        (numbers.share(0.0004), "<0.1%"),
        (numbers.share(0.0345), "3.5%"),
        (numbers.share(0.8676), "87%"),
        (numbers.share(0.9999), "99%"),
        (numbers.time_of_day("2026-11-22T12:03:10.250Z"), "12:03:10"),
        (numbers.time_of_day("yesterday"), numbers.DASH),
    ],
)
def test_numbers_read_like_this(shown: str, expected: str) -> None:
    assert shown == expected
