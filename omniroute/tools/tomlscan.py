"""Where every statement of a TOML text stands.

The text must already have been accepted by `tomllib`: this only finds spans, it judges nothing.
"""

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum

from omniroute.tools.text import BOM, BrokenFile, KeyPath

_BLANK = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?s:(?:\\.|[^\\])*?)"{3,5}(?!")|' r"'''(?s:.*?)'{3,5}(?!')|" r'"(?:\\.|[^"\\\n])*"|' r"'[^'\n]*'"
)
_BARE_VALUE = re.compile(r"[^,\]}#\r\n]+")
_BETWEEN = re.compile(r"(?:[^\"'\[\]{}#]|#[^\n]*)*")
_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)")


class Kind(StrEnum):
    """What a statement is."""

    PAIR = "pair"
    TABLE = "table"
    ARRAY_TABLE = "array_table"


@dataclass(frozen=True, slots=True)
class Statement:
    """One `key = value` or one header, with the line or lines it stands on."""

    kind: Kind
    path: KeyPath
    """The full path, the table's name included."""
    start: int
    """Where its first line begins."""
    end: int
    """Where the next line begins."""
    value: tuple[int, int]
    """The span of a pair's value; of a header, empty."""
    key: tuple[int, int]
    """The span of the key as written: in a pair without the table's name."""
    in_array: bool
    """It belongs to an element of an array of tables, so its path names no single place."""


def parse(text: str) -> dict[str, object]:
    """What a reader gets from the text. Raises BrokenFile with the line and column of a fault."""
    try:
        return tomllib.loads(text.removeprefix(BOM))
    except tomllib.TOMLDecodeError as fault:
        found = _PLACE.search(str(fault))
        problem = str(fault).split(" (at ")[0]
        if found is None:
            raise BrokenFile(f"{problem} (at the end of the file)") from None
        raise BrokenFile(problem, int(found[1]), int(found[2])) from None
    except RecursionError:
        raise BrokenFile("nested too deeply") from None


def statements(text: str) -> list[Statement]:
    """Every pair and header of valid TOML text, in order."""
    return _Scanner(text).statements()


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 1 if text.startswith(BOM) else 0
        self._table: KeyPath = ()
        self._arrays: set[KeyPath] = set()

    def statements(self) -> list[Statement]:
        found: list[Statement] = []
        while self._at < len(self._text):
            start = self._at
            self._blank()
            match self._text[self._at : self._at + 1]:
                case "" | "#" | "\n" | "\r":
                    self._next_line()
                case "[":
                    found.append(self._header(start))
                case _:
                    found.append(self._pair(start))
        return found

    def _header(self, start: int) -> Statement:
        kind = Kind.ARRAY_TABLE if self._text.startswith("[[", self._at) else Kind.TABLE
        self._at += 2 if kind is Kind.ARRAY_TABLE else 1
        key_start = self._at
        self._table = self._key()
        key = (key_start, self._at)
        if kind is Kind.ARRAY_TABLE:
            self._arrays.add(self._table)
        self._next_line()
        return Statement(kind, self._table, start, self._at, (self._at, self._at), key, self._in_array())

    def _pair(self, start: int) -> Statement:
        key_start = self._at
        path = self._table + self._key()
        key = (key_start, self._at)
        self._at += 1  # the equals sign
        self._blank()
        value_start = self._at
        self._value()
        value = (value_start, self._at)
        self._next_line()
        return Statement(Kind.PAIR, path, start, self._at, value, key, self._in_array())

    def _in_array(self) -> bool:
        return any(self._table[: len(name)] == name for name in self._arrays)

    def _key(self) -> KeyPath:
        parts: list[str] = []
        while True:
            self._blank()
            quoted = _STRING.match(self._text, self._at)
            part = quoted or _BARE_KEY.match(self._text, self._at)
            if part is None:
                raise BrokenFile("a key was expected")
            self._at = part.end()
            parts.append(str(tomllib.loads(f"k = {part[0]}")["k"]) if quoted else part[0])
            self._blank()
            if self._text[self._at : self._at + 1] != ".":
                return tuple(parts)
            self._at += 1

    def _value(self) -> None:
        """Passes one value: a string, something in brackets, or a bare word."""
        depth = 0
        while True:
            string = _STRING.match(self._text, self._at)
            mark = self._text[self._at : self._at + 1]
            if string is not None:
                self._at = string.end()
            elif mark and mark in "[{":
                depth += 1
                self._at += 1
            elif mark and mark in "]}":
                depth -= 1
                self._at += 1
            else:
                word = _BARE_VALUE.match(self._text, self._at)
                self._at = self._at if word is None else self._at + len(word[0].rstrip())
            if depth == 0:
                return
            between = _BETWEEN.match(self._text, self._at)
            self._at = self._at if between is None else between.end()

    def _blank(self) -> None:
        found = _BLANK.match(self._text, self._at)
        self._at = self._at if found is None else found.end()

    def _next_line(self) -> None:
        end = self._text.find("\n", self._at)
        self._at = len(self._text) if end < 0 else end + 1
