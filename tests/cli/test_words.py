"""Values as people read them."""

from datetime import UTC, datetime

import pytest

from omniroute.cli import words


@pytest.mark.parametrize(
    ("usd", "shown"),
    [
        (None, "-"),
        (0.0, "$0"),
        (12.3, "$12.30"),
        (1234.5, "$1,234.50"),
        (0.0421, "$0.0421"),
        (0.000_21, "$0.000210"),
        (0.000_000_1, "<$0.000001"),
    ],
)
def test_small_sums_keep_their_digits_and_unknown_is_no_zero(usd: float | None, shown: str) -> None:
    assert words.money(usd) == shown


@pytest.mark.parametrize(
    ("price", "shown"), [(None, "-"), (15.0, "$15"), (0.15, "$0.15"), (2.5, "$2.5"), (10.0, "$10")]
)
def test_a_price_has_no_needless_zeros(price: float | None, shown: str) -> None:
    assert words.price(price) == shown


@pytest.mark.parametrize(("ms", "shown"), [(None, "-"), (0, "0 ms"), (412, "412 ms"), (3210, "3.2 s")])
def test_a_duration_has_the_unit_that_fits(ms: float | None, shown: str) -> None:
    assert words.milliseconds(ms) == shown


def test_an_instant_is_shown_in_the_readers_time_zone() -> None:
    there = datetime(2026, 11, 22, 9, 30, tzinfo=UTC).astimezone()

    assert words.local("2026-11-22T09:30:00.000Z") == there.strftime("%Y-%m-%d %H:%M:%S")
    assert words.local(None) == "-"


NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("30d", "2026-12-22T12:00:00.000Z"),
        ("12h", "2026-11-23T00:00:00.000Z"),
        ("2027-01-01T00:00:00+01:00", "2026-12-31T23:00:00.000Z"),
    ],
)
def test_a_point_in_the_future_is_a_span_or_a_date(written: str, meant: str) -> None:
    assert words.future_instant(written, NOW) == meant


@pytest.mark.parametrize("written", ["", "soon", "30", "d", "-3d"])
def test_what_is_neither_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        words.future_instant(written, NOW)


def test_text_from_outside_cannot_write_to_the_terminal() -> None:
    assert words.one_line("bad\x1b[2J\n key") == "bad [2J key"


@pytest.mark.parametrize(("number", "shown"), [(0, "0 changes"), (1, "1 change"), (1200, "1,200 changes")])
def test_a_single_thing_is_counted_in_the_singular(number: int, shown: str) -> None:
    assert words.counted(number, "change") == shown
