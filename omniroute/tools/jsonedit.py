"""Edits of JSON text that leave every byte they are not about as it was."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from omniroute.tools.jsonscan import JSON, STRICT, Array, Dialect, Member, Node, Object, scan, value_of
from omniroute.tools.text import BOM, KeyPath, broken_at, line_indent, newline_of

_BLANKS = " \t\r\n"


def value_at(text: str, path: KeyPath, dialect: Dialect = STRICT) -> JSON:
    """The value a reader would find at `path`; `None` when it is absent, or null."""
    node = _find(_root(text, dialect), path)
    return None if node is None else value_of(text, node)


def raw_at(text: str, path: KeyPath, dialect: Dialect = STRICT) -> str | None:
    """The value at `path` as it is spelled in the text; `None` when it is absent."""
    node = _find(_root(text, dialect), path)
    return None if node is None else text[node.start : node.end]


def put(text: str, path: KeyPath, raw: str, dialect: Dialect = STRICT) -> str:
    """`text` with the value at `path` spelled `raw`; objects on the way there are made when absent.

    Empty text counts as an empty object. Raises BrokenFile when the text is not JSON of the dialect, or
    when something on the way is not an object.
    """
    if is_empty(text):
        text = (BOM if text.startswith(BOM) else "") + "{}\n"
    root = _root(text, dialect)
    target = root
    for depth, name in enumerate(path):
        member = target.member(name)
        if member is None:
            return _insert(text, root, target, path[depth:], raw)
        value = member.value
        if depth == len(path) - 1:
            return text[: value.start] + raw + text[value.end :]
        if not isinstance(value, Object):
            raise broken_at(text, value.start, f"“{name}” is not an object")
        target = value
    raise ValueError("an empty path names no member")


def drop(text: str, path: KeyPath, dialect: Dialect = STRICT) -> str:
    """`text` without the member at `path`, however often it stands there; unchanged when it does not."""
    while True:
        if is_empty(text):
            return text
        parent = _find(_root(text, dialect), path[:-1])
        if not isinstance(parent, Object):
            return text
        found = parent.member(path[-1])
        if found is None:
            return text
        for start, end in reversed(_cuts(text, parent, parent.members.index(found))):
            text = text[:start] + text[end:]


def is_empty(text: str) -> bool:
    """Whether there is nothing but blanks, which counts as a file without settings."""
    return not text.removeprefix(BOM).strip()


def spell(value: JSON) -> str:
    """The value as JSON text on one line."""
    return json.dumps(value, ensure_ascii=False)


def _root(text: str, dialect: Dialect) -> Object:
    if is_empty(text):
        return Object(len(text), len(text), (), len(text))
    node = scan(text, dialect)
    if not isinstance(node, Object):
        raise broken_at(text, node.start, "the file does not hold an object")
    return node


def _find(node: Node, path: KeyPath) -> Node | None:
    for name in path:
        member = node.member(name) if isinstance(node, Object) else None
        if member is None:
            return None
        node = member.value
    return node


@dataclass(frozen=True, slots=True)
class _Layout:
    """How the file spells its members."""

    newline: str
    step: str
    """Blanks per level."""
    colon: str
    """What stands between a name and its value."""
    compact: bool
    """The whole text is one line."""


def _layout(text: str, root: Object, sibling: Member | None) -> _Layout:
    steps = Counter(_steps(text, root))
    sample = sibling or next(iter(root.members), None)
    gap = ": " if sample is None else text[sample.key_end : sample.value.start]
    return _Layout(
        newline=newline_of(text),
        step=steps.most_common(1)[0][0] if steps else "  ",
        colon=gap if gap.strip(" \t") == ":" else ": ",
        compact=bool(root.members) and "\n" not in text[root.start : root.end],
    )


def _steps(text: str, node: Node) -> Iterator[str]:
    """How far each multi-line object sets its members in."""
    match node:
        case Object(start=start, members=members):
            for member in members:
                if _starts_its_line(text, member):
                    outer, inner = line_indent(text, start), line_indent(text, member.start)
                    if len(inner) > len(outer) and inner.startswith(outer):
                        yield inner[len(outer) :]
                yield from _steps(text, member.value)
        case Array(items=items):
            for item in items:
                yield from _steps(text, item)
        case _:
            return


def _starts_its_line(text: str, member: Member) -> bool:
    start = text.rfind("\n", 0, member.start) + 1
    return start > 0 and not text[start : member.start].strip(" \t")


def _insert(text: str, root: Object, target: Object, names: KeyPath, raw: str) -> str:
    last = target.members[-1] if target.members else None
    layout = _layout(text, root, last)
    if last is None:
        return _insert_only(text, target, names, raw, layout)
    comma = "," if last.comma is None else ""
    after = last.value.end if last.comma is None else last.comma + 1
    if not _starts_its_line(text, last):
        blank = " " if layout.colon.endswith(" ") else ""
        written = comma + blank + _member(names, raw, layout, None)
        return text[:after] + written + text[after:]
    indent = line_indent(text, last.start)
    written = layout.newline + indent + _member(names, raw, layout, indent)
    return text[:after] + comma + text[after : target.tail] + written + text[target.tail :]


def _insert_only(text: str, target: Object, names: KeyPath, raw: str, layout: _Layout) -> str:
    if layout.compact:
        return text[: target.tail] + _member(names, raw, layout, None) + text[target.tail :]
    outer = line_indent(text, target.start)
    indent = outer + layout.step
    written = layout.newline + indent + _member(names, raw, layout, indent)
    if target.tail == target.start + 1:  # only blanks inside: the braces get lines of their own
        return text[: target.tail] + written + layout.newline + outer + text[target.end - 1 :]
    return text[: target.tail] + written + text[target.tail :]


def _member(names: KeyPath, raw: str, layout: _Layout, indent: str | None) -> str:
    """The text of a member `names[0]` that holds the rest; on one line when `indent` is `None`."""
    name, *rest = names
    start = spell(name) + layout.colon
    if not rest:
        return start + raw
    if indent is None:
        return start + "{" + _member(tuple(rest), raw, layout, None) + "}"
    inner = indent + layout.step
    nested = _member(tuple(rest), raw, layout, inner)
    return f"{start}{{{layout.newline}{inner}{nested}{layout.newline}{indent}}}"


def _cuts(text: str, parent: Object, index: int) -> list[tuple[int, int]]:
    """The spans to take out, in order, so that this member goes with exactly one comma."""
    member = parent.members[index]
    own_comma = [] if member.comma is None else [(member.comma, member.comma + 1)]
    if index == len(parent.members) - 1:
        if index == 0 and _alone(text, parent, member):
            return [(parent.start + 1, parent.end - 1)]
        comma_before = parent.members[index - 1].comma if index else None
        before = [] if comma_before is None else [(comma_before, comma_before + 1)]
        return [*before, (_cut_start(text, parent, index), member.value.end), *own_comma]
    following = parent.members[index + 1]
    if member.comma is not None and following.lead == member.comma + 1:
        between = text[member.value.end : member.comma]
        if not between.strip(_BLANKS):
            return [(member.start, following.start)]
    return [(member.start, member.value.end), *own_comma]


def _alone(text: str, parent: Object, member: Member) -> bool:
    """Whether nothing but blanks, and a comma, stands beside the object's only member."""
    outside = text[parent.start + 1 : member.start] + text[member.value.end : parent.end - 1]
    return not outside.strip(_BLANKS + ",")


def _cut_start(text: str, parent: Object, index: int) -> int:
    """Where the last member's cut begins: with the blanks before it, unless they end a line comment.

    Without its line's end a `//` comment would swallow what follows the member.
    """
    member = parent.members[index]
    before = parent.members[index - 1].comma if index else parent.start
    after_comment = before is not None and member.lead != before + 1
    line_rest = text[member.value.end :].split("\n", 1)[0]
    return member.start if after_comment and line_rest.strip() else member.lead
