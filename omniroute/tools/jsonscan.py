"""Where every member of a JSON text stands, read in one pass."""

import json
import re
from dataclasses import dataclass
from typing import NoReturn

from omniroute.tools.text import BOM, broken_at

JSON = None | bool | int | float | str | list["JSON"] | dict[str, "JSON"]

MAX_DEPTH = 200
"""Deeper than any settings file, shallow enough for the interpreter's stack."""

_BLANK = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_SCALAR = re.compile(r"true\b|false\b|null\b|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![\w.+-])")
_COMMENT = re.compile(r"//[^\n]*|/\*(?s:.*?)\*/")


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a tool's reader allows beyond RFC 8259."""

    comments: bool = False
    trailing_commas: bool = False


STRICT = Dialect()
WITH_COMMENTS = Dialect(comments=True)
LENIENT = Dialect(comments=True, trailing_commas=True)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A string, number or literal: its span in the text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Array:
    """A list: its span, brackets included, and its items."""

    start: int
    end: int
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Member:
    """One `"key": value` of an object."""

    key: str
    lead: int
    """Where the token before the key ends: bracket, comma or comment."""
    start: int
    key_end: int
    value: "Node"
    comma: int | None
    """Offset of the comma that follows; `None` after the last member."""


@dataclass(frozen=True, slots=True)
class Object:
    """An object: its span, braces included, and its members in order."""

    start: int
    end: int
    members: tuple[Member, ...]
    tail: int
    """Where the last token before the closing brace ends."""

    def member(self, key: str) -> Member | None:
        """The member a reader would use: the last of this name."""
        return next((member for member in reversed(self.members) if member.key == key), None)


Node = Scalar | Array | Object


def scan(text: str, dialect: Dialect = STRICT) -> Node:
    """The spans of the one value in `text`. Raises BrokenFile where the dialect does not allow it."""
    return _Scanner(text, dialect).document()


def value_of(text: str, node: Node) -> JSON:
    """What a reader would get from this part of the text."""
    match node:
        case Scalar():
            value: JSON = json.loads(text[node.start : node.end])
            return value
        case Array():
            return [value_of(text, item) for item in node.items]
        case Object():
            return {member.key: value_of(text, member.value) for member in node.members}


class _Scanner:
    def __init__(self, text: str, dialect: Dialect) -> None:
        self._text = text
        self._dialect = dialect
        self._at = 1 if text.startswith(BOM) else 0
        self._token_end = self._at

    def document(self) -> Node:
        self._skip()
        node = self._value(0)
        self._token_end = self._at
        self._skip()
        if self._at < len(self._text):
            self._fail("unexpected text after the end of the value")
        return node

    def _value(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            self._fail(f"nested deeper than {MAX_DEPTH} levels")
        match self._peek():
            case "{":
                return self._object(depth)
            case "[":
                return self._array(depth)
            case '"':
                return Scalar(
                    *self._take(_STRING, "a string that does not end on its line or has a bad escape")
                )
            case _:
                return Scalar(*self._take(_SCALAR, "a value was expected"))

    def _object(self, depth: int) -> Object:
        start = self._open()
        members: list[Member] = []
        while self._peek() != "}":
            lead = self._token_end
            key_start, key_end = self._take(_STRING, "a name in double quotes was expected")
            self._skip()
            self._expect(":")
            self._skip()
            value = self._value(depth + 1)
            self._token_end = self._at
            comma = self._separator("}")
            name: str = json.loads(self._text[key_start:key_end])
            members.append(Member(name, lead, key_start, key_end, value, comma))
        tail = self._token_end
        self._at += 1
        return Object(start, self._at, tuple(members), tail)

    def _array(self, depth: int) -> Array:
        start = self._open()
        items: list[Node] = []
        while self._peek() != "]":
            items.append(self._value(depth + 1))
            self._token_end = self._at
            self._separator("]")
        self._at += 1
        return Array(start, self._at, tuple(items))

    def _open(self) -> int:
        start = self._at
        self._at += 1
        self._token_end = self._at
        self._skip()
        return start

    def _separator(self, closing: str) -> int | None:
        """Goes on to the next member, or to the closing bracket; the comma passed on the way."""
        self._skip()
        if self._peek() == closing:
            return None
        comma = self._at
        self._expect(",")
        self._token_end = self._at
        self._skip()
        if self._peek() == closing and not self._dialect.trailing_commas:
            self._fail("a comma stands before the closing bracket", comma)
        return comma

    def _skip(self) -> None:
        """Passes blanks and, where allowed, comments."""
        while True:
            self._at = _end(_BLANK.match(self._text, self._at), self._at)
            if self._peek() != "/":
                return
            if not self._dialect.comments:
                self._fail("comments are not allowed in this file")
            self._take(_COMMENT, "a comment that does not end")
            if self._text[self._at - 1] == "\r":
                self._at -= 1  # the CR of a CRLF is part of the line's end, not of the comment
            self._token_end = self._at

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _expect(self, mark: str) -> None:
        if self._peek() != mark:
            self._fail(f"“{mark}” was expected")
        self._at += 1

    def _take(self, pattern: re.Pattern[str], problem: str) -> tuple[int, int]:
        found = pattern.match(self._text, self._at)
        if found is None:
            self._fail(problem)
        self._at = found.end()
        return found.span()

    def _fail(self, problem: str, at: int | None = None) -> NoReturn:
        raise broken_at(self._text, self._at if at is None else at, problem)


def _end(found: re.Match[str] | None, default: int) -> int:
    return default if found is None else found.end()
