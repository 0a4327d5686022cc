"""Reading a log while it is written."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from omniroute.cli import log_file
from omniroute.cli.log_file import last_lines, later_lines


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_file, "LOOK_EVERY_S", 0.001)


@pytest.mark.parametrize(
    ("text", "count", "lines", "position"),
    [
        (b"", 5, [], 0),
        (b"a\nb\nc\n", 2, ["b", "c"], 6),
        (b"a\nb\n", 5, ["a", "b"], 4),
        (b"a\nhalf", 5, ["a"], 2),
        (b"a\n\nb\n", 2, ["", "b"], 5),
        (b"a\nb\n", 0, [], 4),
        (b"\xff\n", 1, ["\N{REPLACEMENT CHARACTER}"], 2),
    ],
)
def test_the_last_whole_lines_are_read(
    tmp_path: Path, text: bytes, count: int, lines: list[str], position: int
) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(text)
    assert last_lines(path, count) == (lines, position)


@pytest.mark.parametrize("count", [1, 3, 4000])
def test_a_large_file_is_read_from_its_end(tmp_path: Path, count: int) -> None:
    path = tmp_path / "app.log"
    written = [f"{number} {'x' * 90}" for number in range(5000)]
    path.write_text("".join(f"{line}\n" for line in written))
    assert last_lines(path, count)[0] == written[-count:]


def take(lines: Iterator[str], count: int) -> list[str]:
    return list(islice(lines, count))


def test_later_lines_come_whole_and_go_on_after_a_rotation(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text("old\nha")
    lines = later_lines(path, 4)
    with path.open("a") as file:
        file.write("lf\nnext\n")
    assert take(lines, 2) == ["half", "next"]
    with path.open("a") as file:
        file.write("last\n")
    path.rename(tmp_path / "app.log.1")
    path.write_text("first of the new\n")
    assert take(lines, 2) == ["last", "first of the new"]
