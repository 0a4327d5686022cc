"""Edits of TOML text that leave every byte they are not about as it was.

A library that keeps comments was tried first (tomlkit 0.15, 2026-11): beside root keys in dotted form it
put the new table between them, so that later root keys changed their table; it refuses a BOM, mixes LF
into CRLF files, and lets the comment above a table drift to the one before. So lines are spliced here,
and the standard reader judges every result.
"""

import re

from omniroute.tools.text import BOM, BrokenFile, KeyPath, newline_of
from omniroute.tools.tomlscan import Kind, Statement, parse, statements

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def value_at(text: str, path: KeyPath) -> object:
    """The value a reader would find at `path`; `None` when it is absent."""
    return _find(parse(text), path)


def raw_at(text: str, path: KeyPath) -> str | None:
    """The value at `path` as it is spelled, when it is a `key = value` of its own; else `None`."""
    found = _pair(text, path)
    return None if found is None else text[slice(*found.value)]


def put(text: str, path: KeyPath, raw: str) -> str:
    """`text` with the value at `path` spelled `raw`.

    A root key goes before the first header; a table that is not there goes to the end. Raises BrokenFile
    when the text is not TOML, or spells the place in a form that a `key = value` line cannot extend.
    """
    expected = _with(parse(text), path, parse(f"value = {raw}")["value"])
    found = _pair(text, path)
    if found is not None:
        edited = text[: found.value[0]] + raw + text[found.value[1] :]
    elif len(path) == 1:
        edited = _insert_line(text, _root_place(text), _line(path, raw))
    else:
        edited = _insert_in_table(text, path, raw)
    return _checked(edited, expected, path)


def drop(text: str, path: KeyPath) -> str:
    """`text` without the `key = value` line at `path`; unchanged when there is none."""
    expected = _without(parse(text), path)
    found = _pair(text, path)
    if found is None:
        return text
    edited = _cut(text, found.start, found.end)
    return _checked(edited, _without_unnamed(expected, path, edited), path)


def drop_table(text: str, path: KeyPath) -> str:
    """`text` without the table at `path`, its subtables included; comments after its last line stay."""
    expected = _without(parse(text), path)
    all_statements = statements(text)
    mine = [it for it in all_statements if it.path[: len(path)] == path]
    for block in reversed(_blocks(all_statements, mine)):
        start = block[0].start
        if block[0].kind is not Kind.PAIR:
            start = _before_blank_line(text, start)
        text = _cut(text, start, block[-1].end)
    return _checked(text, _without_unnamed(expected, path, text), path)


def spell(value: str) -> str:
    """The value as a TOML basic string."""
    return '"' + "".join(_ESCAPES.get(mark) or _escape(mark) for mark in value) + '"'


def _escape(mark: str) -> str:
    return mark if mark >= " " and mark != "\x7f" else f"\\u{ord(mark):04x}"


def _pair(text: str, path: KeyPath) -> Statement | None:
    found = (it for it in statements(text) if it.kind is Kind.PAIR and not it.in_array and it.path == path)
    return next(found, None)


def _root_place(text: str) -> int:
    """After the last root key, else before the first header and the comments that touch it."""
    before_headers: list[Statement] = []
    header: Statement | None = None
    for statement in statements(text):
        if statement.kind is not Kind.PAIR:
            header = statement
            break
        before_headers.append(statement)
    if before_headers:
        return before_headers[-1].end
    if header is None:
        return len(text)
    first = 1 if text.startswith(BOM) else 0
    place = header.start
    while place > first:
        line = text.rfind("\n", 0, place - 1) + 1
        if not text[max(line, first) : place].lstrip(" \t").startswith("#"):
            break
        place = max(line, first)
    return place


def _insert_in_table(text: str, path: KeyPath, raw: str) -> str:
    table = path[:-1]
    known = statements(text)
    open_tables = [it for it in known if it.kind is Kind.TABLE and it.path == table and not it.in_array]
    if open_tables:
        header = open_tables[0]
        rest = known[known.index(header) + 1 :]
        last = header
        for statement in rest:
            if statement.kind is not Kind.PAIR:
                break
            last = statement
        return _insert_line(text, last.end, _line(path[-1:], raw))
    dotted = [it for it in known if it.kind is Kind.PAIR and it.path[:-1] == table and not it.in_array]
    if dotted:
        written = text[slice(*dotted[-1].key)].rstrip()
        prefix = written[: len(written) - len(_last_part(written))]
        return _insert_line(text, dotted[-1].end, f"{prefix}{_line(path[-1:], raw)}")
    newline = newline_of(text)
    gap = newline if text.removeprefix(BOM) else ""
    header_line = "[" + ".".join(_key(part) for part in table) + "]"
    return _insert_line(text, len(text), gap + header_line + newline + _line(path[-1:], raw))


def _last_part(written_key: str) -> str:
    """The part after the last dot, quoted or bare, of a key as it is written."""
    found = re.search(r"""("(?:\\.|[^"\\])*"|'[^']*'|[A-Za-z0-9_-]+)$""", written_key)
    return found[0] if found else written_key


def _line(path: KeyPath, raw: str) -> str:
    return ".".join(_key(part) for part in path) + " = " + raw


def _key(part: str) -> str:
    return part if _BARE.fullmatch(part) else spell(part)


def _insert_line(text: str, place: int, line: str) -> str:
    newline = newline_of(text)
    if place == len(text) and text.removeprefix(BOM) and not text.endswith("\n"):
        return text + newline + line
    return text[:place] + line + newline + text[place:]


def _cut(text: str, start: int, end: int) -> str:
    """Without these lines; at the end of a text without a final newline, the one before them goes too."""
    if end == len(text) and not text.endswith("\n"):
        start = len(text[:start].removesuffix("\n").removesuffix("\r"))
    return text[:start] + text[end:]


def _before_blank_line(text: str, start: int) -> int:
    """Where the blank line above begins, if the line above is blank."""
    above = text.rfind("\n", 0, max(start - 1, 0)) + 1
    return above if start > above and not text[above:start].removeprefix(BOM).strip() else start


def _blocks(everything: list[Statement], mine: list[Statement]) -> list[list[Statement]]:
    """Statements that follow each other, header by header."""
    blocks: list[list[Statement]] = []
    for statement in mine:
        index = everything.index(statement)
        follows = bool(blocks) and index > 0 and everything[index - 1] is blocks[-1][-1]
        if follows and statement.kind is Kind.PAIR and blocks[-1][0].kind is not Kind.PAIR:
            blocks[-1].append(statement)
        else:
            blocks.append([statement])
    return blocks


def _find(value: object, path: KeyPath) -> object:
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return None
        value = value[name]
    return value


def _with(tables: dict[str, object], path: KeyPath, value: object) -> dict[str, object]:
    if len(path) == 1:
        return {**tables, path[0]: value}
    nested = tables.get(path[0], {})
    if not isinstance(nested, dict):
        raise BrokenFile(f"“{path[0]}” is not a table")
    return {**tables, path[0]: _with(nested, path[1:], value)}


def _without(tables: dict[str, object], path: KeyPath) -> dict[str, object]:
    if len(path) == 1:
        return {name: value for name, value in tables.items() if name != path[0]}
    nested = tables.get(path[0])
    return {**tables, path[0]: _without(nested, path[1:])} if isinstance(nested, dict) else tables


def _without_unnamed(expected: dict[str, object], path: KeyPath, text: str) -> dict[str, object]:
    """Without the empty tables above `path` that stood in no header, and so went with their last key."""
    found = parse(text)
    for depth in range(len(path) - 1, 0, -1):
        if _find(expected, path[:depth]) == {} and _find(found, path[:depth]) is None:
            expected = _without(expected, path[:depth])
    return expected


def _checked(text: str, expected: dict[str, object], path: KeyPath) -> str:
    """The edited text, if a reader gets from it exactly what was meant."""
    try:
        reads_as_meant = _comparable(parse(text)) == _comparable(expected)
    except (BrokenFile, RecursionError):
        reads_as_meant = False
    if not reads_as_meant:
        name = ".".join(path)
        raise BrokenFile(f"“{name}” is written in a form that cannot be edited safely; use [table] headers")
    return text


def _comparable(value: object) -> object:
    """NaN and 1.0 against 1 compare by spelling, tables without regard to order."""
    if isinstance(value, dict):
        return {key: _comparable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_comparable(inner) for inner in value]
    return repr(value)
