"""Schemas that point to others, with those put in their place."""

from urllib.parse import unquote

from omniroute.formats.schema.places import with_children
from omniroute.formats.schema.tree import Json, Node, count
from omniroute.formats.schema.words import with_words

MAX_VALUES = 20_000
"""Values that resolving may add to a schema; what points further is cut. JSON Schema's own has 400."""
_MAX_NESTED = 24
"""Schemas that point to each other in a row."""
_POINTERS = ("$ref", "$dynamicRef", "$recursiveRef")


def points(node: Node) -> str | None:
    """Where the schema points to, if it does."""
    for keyword in _POINTERS:
        if isinstance(pointer := node.get(keyword), str):
            return pointer
    return None


def find(root: Json, pointer: str) -> Json:
    """What stands at `#/…` in the whole schema; `None` where nothing does."""
    if pointer in ("#", ""):
        return root
    if not pointer.startswith("#/"):
        return None
    place = root
    for step in pointer[2:].split("/"):
        name = unquote(step).replace("~1", "/").replace("~0", "~")
        if isinstance(place, dict):
            place = place.get(name)
        elif isinstance(place, list) and name.isdecimal() and len(name) < 7 and int(name) < len(place):
            place = place[int(name)]
        else:
            return None
    return place


class Resolver:
    """Puts what is pointed to in the place of what points, and cuts what comes back to itself."""

    def __init__(self, root: Json) -> None:
        self._root = root
        self._names: dict[str, Json] | None = None
        self._left = MAX_VALUES
        self.cut = False
        """Something could not be put in."""

    def resolved(self, schema: Json, within: tuple[str, ...] = ()) -> Json:
        """The schema without pointers."""
        if not isinstance(schema, dict):
            return schema
        pointer = points(schema)
        if pointer is not None:
            return self._put_in(schema, pointer, within)
        rest = {name: value for name, value in schema.items() if name not in ("$defs", "definitions")}
        return with_children(
            rest if len(rest) < len(schema) else schema, lambda inner: self.resolved(inner, within)
        )

    def _put_in(self, schema: Node, pointer: str, within: tuple[str, ...]) -> Json:
        siblings: Node = {
            name: value
            for name, value in schema.items()
            if name not in _POINTERS and name not in ("$defs", "definitions")
        }
        found = self._found(pointer)
        if isinstance(found, bool) and not siblings:
            return found
        if not isinstance(found, dict):
            self.cut = True
            return self.resolved(with_words(siblings, [f"As defined in {pointer}."]), within)
        self._left -= count(found, self._left)
        if pointer in within or len(within) >= _MAX_NESTED or self._left < 0:
            self.cut = True
            return self.resolved(_outline(found, siblings, pointer), within)
        inner = self.resolved(found, (*within, pointer))
        outer = self.resolved(siblings, within)
        if isinstance(inner, dict) and isinstance(outer, dict):
            return _together(inner, outer)
        return inner

    def _found(self, pointer: str) -> Json:
        """What is pointed to, by its place or by the name it gives itself."""
        if pointer in ("", "#") or pointer.startswith("#/"):
            return find(self._root, pointer)
        if self._names is None:
            self._names = {}
            _note_names(self._root, self._names)
        return self._names.get(pointer)


def _note_names(tree: Json, names: dict[str, Json]) -> None:
    if isinstance(tree, dict):
        for keyword, frame in (("$anchor", "#{}"), ("$dynamicAnchor", "#{}"), ("$id", "{}"), ("id", "{}")):
            if isinstance(name := tree.get(keyword), str):
                names.setdefault(frame.format(name), tree)
    if isinstance(tree, dict | list):
        for value in tree.values() if isinstance(tree, dict) else tree:
            _note_names(value, names)


def _outline(found: Node, siblings: Node, pointer: str) -> Node:
    """A schema that says what it is without saying what is in it."""
    kind = found.get("type")
    name = pointer.rpartition("/")[2] if "/" in pointer else ""
    again = f"Has the same shape as {name} above." if name else "Has the same shape as the whole."
    outline: Node = {"type": kind if isinstance(kind, str) else "object", **siblings}
    return with_words(outline, [again])


def _together(inner: Node, outer: Node) -> Node:
    """Both hold; notes of the outer one win. A keyword that both have makes it an `allOf`."""
    notes = {"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"}
    if all(name in notes or name not in inner or inner[name] == value for name, value in outer.items()):
        return {**inner, **outer}
    own = {name: value for name, value in outer.items() if name in notes}
    bare = {name: value for name, value in outer.items() if name not in notes}
    return {**own, "allOf": [inner, bare]}
