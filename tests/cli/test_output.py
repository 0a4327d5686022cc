"""Tables on terminals."""

import pytest

from omniroute.cli.output import fitting

HEADS = ("NAME", "STRATEGY", "ASKS", "ID")


@pytest.mark.parametrize(
    ("widths", "columns", "fitted"),
    [
        ([10, 8, 20, 26], 80, [10, 8, 20, 26]),
        ([95, 8, 33, 26], 80, [20, 8, 20, 26]),
        ([95, 8, 12, 26], 80, [28, 8, 12, 26]),
        ([5, 8, 20, 26], 20, [5, 8, 8, 26]),
        ([95, 8, 12, 26], 500, [60, 8, 12, 26]),
    ],
)
def test_the_widest_columns_give_way_and_the_last_never(
    widths: list[int], columns: int, fitted: list[int]
) -> None:
    assert fitting(widths, HEADS, columns) == fitted
