"""The only writer of the command line: data on standard output, talk on standard error."""

import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, TextIO

import typer

from omniroute.paths import variable

UNKNOWN = "-"
"""Stands for what is not known; never zero."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]

_COLUMN_GAP = "  "
_WIDEST_CELL = 60
_NARROWEST_CELL = 8
_TONES = {"good": 32, "warn": 33, "bad": 31, "dim": 2, "bold": 1}


def line(text: str = "") -> None:
    """One line of data."""
    _write(sys.stdout, text + "\n")


def fragment(text: str) -> None:
    """A piece of data as it arrives, shown at once."""
    _write(sys.stdout, text)
    sys.stdout.flush()


def say(text: str) -> None:
    """One line of talk: progress, hints, warnings. Never data."""
    _write(sys.stderr, text + "\n")
    sys.stderr.flush()


def document(value: object) -> None:
    """One JSON document: a struct of the API, or plain values."""
    import msgspec

    line(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def document_line(value: object) -> None:
    """One JSON document on one line, shown at once: for output that never ends."""
    import msgspec

    fragment(msgspec.json.encode(value).decode() + "\n")


def problem(message: str, *, code: str, as_json: bool, **members: Any) -> None:
    """An error: one line, or `{"error": {…}}` for a caller that asked for JSON; both on standard error."""
    if as_json:
        import json

        say(json.dumps({"error": {"code": code, "message": message, **members}}, ensure_ascii=False))
    else:
        say(f"{paint('error:', 'bad', to_stderr=True)} {message}")


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> None:
    """Aligned text. On a terminal long cells are cut with an ellipsis to fit; elsewhere nothing is lost."""
    shown = [list(row) for row in rows]
    heads = [heading.upper() for heading in headings]
    widths = [max(len(row[i]) for row in [heads, *shown]) for i in range(len(heads))]
    if on_terminal():
        widths = fitting(widths, heads, shutil.get_terminal_size().columns)
        shown = [[_cut(cell, width) for cell, width in zip(row, widths, strict=True)] for row in shown]
    line(paint(_aligned(heads, widths, right), "bold"))
    for row in shown:
        line(_aligned(row, widths, right))


def fitting(widths: Sequence[int], heads: Sequence[str], columns: int) -> list[int]:
    """The widths so that a line has at most so many columns, as far as headings and the last cell allow.

    The widest gives way first; the last is an id as a rule, of which a part would be of no use.
    """
    fitted = [min(width, _WIDEST_CELL) for width in widths]
    while sum(fitted) + len(_COLUMN_GAP) * (len(fitted) - 1) > columns:
        spare = [at for at in range(len(fitted) - 1) if fitted[at] > max(len(heads[at]), _NARROWEST_CELL)]
        if not spare:
            break
        fitted[max(spare, key=lambda at: fitted[at])] -= 1
    return fitted


def fields(pairs: Sequence[tuple[str, str]]) -> None:
    """One thing, a line for each of its facts."""
    width = max(len(name) for name, _ in pairs)
    for name, value in pairs:
        line(f"{paint((name + ':').ljust(width + 1), 'bold')} {value}")


def paint(text: str, tone: str, *, to_stderr: bool = False) -> str:
    """The text in a colour where a person looks and has not asked for none (`NO_COLOR`)."""
    stream = sys.stderr if to_stderr else sys.stdout
    if not stream.isatty() or variable("NO_COLOR") or variable("TERM") == "dumb":
        return text
    return f"\x1b[{_TONES[tone]}m{text}\x1b[0m"


def on_terminal() -> bool:
    """Whether a person reads the data."""
    return sys.stdout.isatty()


def asks_person() -> bool:
    """Whether somebody can answer a question."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirm(question: str) -> bool:
    """The answer to a yes-or-no question; no when nobody can answer."""
    return asks_person() and typer.confirm(question, err=True)


def ask(question: str) -> str:
    """What a person types, without surrounding blanks."""
    answer: str = typer.prompt(question, err=True)
    return answer.strip()


def hidden(question: str, *, may_be_empty: bool = False) -> str:
    """What a person types without it being shown."""
    default = "" if may_be_empty else None
    answer: str = typer.prompt(question, hide_input=True, err=True, default=default, show_default=False)
    return answer


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "replace").decode(encoding))


def _cut(cell: str, width: int) -> str:
    return cell if len(cell) <= width else cell[: width - 1] + "…"


def _aligned(cells: Sequence[str], widths: Sequence[int], right: Sequence[int]) -> str:
    padded = [cell.rjust(widths[i]) if i in right else cell.ljust(widths[i]) for i, cell in enumerate(cells)]
    return _COLUMN_GAP.join(padded).rstrip()
