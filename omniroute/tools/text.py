"""What every configuration file's text has: a place for a fault, a line ending, a BOM."""

from omniroute.errors import ConfigError

BOM = "\ufeff"

KeyPath = tuple[str, ...]
"""The names of nested members, outermost first."""


class BrokenFile(ConfigError):
    """A configuration file that its own tool could not read, or not in the shape we must extend."""

    def __init__(self, problem: str, line: int | None = None, column: int | None = None) -> None:
        where = "" if line is None else f" (line {line}, column {column})"
        super().__init__(problem + where)
        self.problem = problem
        self.line = line
        self.column = column


def broken_at(text: str, offset: int, problem: str) -> BrokenFile:
    """The fault `problem` at this offset, told as line and column, both from 1."""
    start = text.rfind("\n", 0, offset) + 1
    column = offset - start + 1
    if start == 0 and text.startswith(BOM):
        column -= 1
    return BrokenFile(problem, text.count("\n", 0, offset) + 1, max(column, 1))


def decode(content: bytes) -> str:
    """The text of a UTF-8 file, BOM and line endings kept. Raises BrokenFile at the first wrong byte."""
    try:
        return content.decode()
    except UnicodeDecodeError as fault:
        before = content[: fault.start].decode()
        raise broken_at(before, len(before), "not UTF-8 text") from None


def newline_of(text: str) -> str:
    """The line ending of the first line, or LF when there is only one line."""
    first = text.find("\n")
    return "\r\n" if first > 0 and text[first - 1] == "\r" else "\n"


def line_indent(text: str, offset: int) -> str:
    """The blanks that the line of this offset begins with."""
    start = text.rfind("\n", 0, offset) + 1
    if start == 0 and text.startswith(BOM):
        start = 1
    end = start
    while end < len(text) and text[end] in " \t":
        end += 1
    return text[start:end]
