"""Schemas in the manner of OpenAPI 3.0, as Gemini has them: one type, `nullable`, enums of strings."""

from omniroute.formats.schema.merge import merged
from omniroute.formats.schema.notes import Rewrite
from omniroute.formats.schema.tidy import tidy
from omniroute.formats.schema.tree import Json, Node, different, is_strings, whole, written
from omniroute.formats.schema.unions import flat
from omniroute.formats.schema.words import with_words

_STRING = frozenset({"minLength", "maxLength", "pattern"})
_NUMBER = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})
_ARRAY = frozenset({"items", "minItems", "maxItems", "uniqueItems", "prefixItems", "contains"})
_OBJECT = frozenset(
    {
        *("properties", "required", "minProperties", "maxProperties", "propertyOrdering"),
        *("additionalProperties", "patternProperties", "propertyNames"),
    }
)
_OF_TYPE = (("object", _OBJECT), ("array", _ARRAY), ("string", _STRING), ("number", _NUMBER))

_ANYTHING: tuple[Json, ...] = (
    {"type": "string"},
    {"type": "number"},
    {"type": "boolean"},
    {"type": "object"},
    {"type": "array", "items": {"type": "string"}},
)
"""What stands for any value: a schema has to have a type or branches."""


def kind_of(node: Node) -> str | None:
    """The one type of the schema, in lower case."""
    kind = node.get("type")
    return kind.lower() if isinstance(kind, str) else None


def in_openapi(node: Node, rewrite: Rewrite) -> Node:
    """The schema with one type or with branches, and with nothing beside the branches."""
    node = _enum(_branched(_types(node), rewrite), rewrite)
    if "anyOf" in node:
        return _pushed_down(node)
    node = _typed(node)
    kind = kind_of(node)
    if kind is None:
        return _pushed_down({**node, "anyOf": list(_ANYTHING)})
    node = _bounds(_array(node, kind, rewrite), kind, rewrite)
    foreign = frozenset().union(*(words for name, words in _OF_TYPE if name != _family(kind)))
    if foreign & node.keys():
        node = {keyword: value for keyword, value in node.items() if keyword not in foreign}
    return node


def _family(kind: str) -> str:
    return "number" if kind == "integer" else kind


def _types(node: Node) -> Node:
    """Lists of types become one type with `nullable`, or branches."""
    kinds = node.get("type")
    if not isinstance(kinds, list):
        return node
    rest: Node = {keyword: value for keyword, value in node.items() if keyword != "type"}
    named = [kind for kind in kinds if kind != "null"]
    if len(named) < len(kinds) and named:
        rest["nullable"] = True
    if not named:
        return {"type": "null", **rest}
    if len(named) == 1:
        return {keyword: (named[0] if keyword == "type" else value) for keyword, value in node.items()} | (
            {"nullable": True} if "nullable" in rest else {}
        )
    if "anyOf" in rest:  # the branches say more
        return rest
    return {**rest, "anyOf": [{"type": kind} for kind in named]}


def _branched(node: Node, rewrite: Rewrite) -> Node:
    """Branches for null become `nullable`; a single branch is the schema itself."""
    for _ in range(8):
        branches = node.get("anyOf")
        if not isinstance(branches, list):
            break
        rest: Node = {keyword: value for keyword, value in node.items() if keyword != "anyOf"}
        kept: list[Json] = []
        for branch in branches:
            if branch is False:
                continue
            if branch is True or branch == {}:
                return rest
            if isinstance(branch, dict):
                kept.append(_types(flat(tidy(branch, rewrite), rewrite)))
        named = [branch for branch in kept if not _is_null(branch)]
        if len(named) < len(kept):
            rest["nullable"] = True
        if not named:
            return rest if not kept else {**rest, "type": "null"}
        if len(named) > 1:
            return {**rest, "anyOf": _unnested(named)}
        node = _types(tidy(_merged(named[0], rest), rewrite))
    return node


def _is_null(branch: Json) -> bool:
    return isinstance(branch, dict) and kind_of(branch) == "null"


def _unnested(branches: list[Json]) -> list[Json]:
    """Branches that only hold branches give theirs."""
    rows: list[Json] = []
    for branch in branches:
        inner = branch.get("anyOf") if isinstance(branch, dict) and branch.keys() == {"anyOf"} else None
        rows.extend(inner if isinstance(inner, list) else [branch])
    return rows


def _merged(branch: Json, rest: Node) -> Node:
    if not isinstance(branch, dict):
        return rest
    both = merged(branch, rest)
    if rest.get("nullable") is True:
        both["nullable"] = True
    return both


def _pushed_down(node: Node) -> Node:
    """The schema with all it says said in each branch, and what is only read in the first."""
    branches = node["anyOf"]
    rest: Node = {keyword: value for keyword, value in node.items() if keyword != "anyOf"}
    if not rest or not isinstance(branches, list):
        return node
    read = {"description", "title", "example", "default", "examples"}
    notes: Node = {keyword: value for keyword, value in rest.items() if keyword in read}
    demands: Node = {keyword: value for keyword, value in rest.items() if keyword not in read}
    pushed: list[Json] = [_merged(branch, demands) for branch in branches]
    pushed[0] = _merged(pushed[0], notes)
    return {"anyOf": pushed}


def _typed(node: Node) -> Node:
    """The schema with the type its other keywords speak of."""
    if "type" in node:
        return node
    for kind, keywords in _OF_TYPE:
        if keywords & node.keys():
            return {"type": kind, **node}
    if "enum" in node or node.get("format") in ("enum", "date-time"):
        return {"type": "string", **node}
    return node


def _enum(node: Node, rewrite: Rewrite) -> Node:
    """Only strings may be in an enum; other values are told in words."""
    values = node.get("enum")
    if not isinstance(values, list):
        return node
    named: list[Json] = [value for value in values if value is not None]
    if not named:
        rest: Node = {keyword: value for keyword, value in node.items() if keyword not in ("enum", "anyOf")}
        return {**rest, "type": "null"}
    if len(named) < len(values):
        node = {**node, "enum": named, "nullable": True}
    if is_strings(named) and "" not in named and kind_of(node) in (None, "string"):
        return node
    rest = {keyword: value for keyword, value in node.items() if keyword != "enum"}
    rest = rewrite.in_words(rest, "enum", named)
    if "type" not in rest and "anyOf" not in rest and (kind := _common_kind(named)) is not None:
        rest = {"type": kind, **rest}
    return rest


def _common_kind(values: list[Json]) -> str | None:
    if is_strings(values):
        return "string"
    if all(isinstance(value, bool) for value in values):
        return "boolean"
    if all(whole(value) is not None for value in values):
        return "integer"
    return None


def _array(node: Node, kind: str, rewrite: Rewrite) -> Node:
    """Arrays have items; the rows of a tuple are one of its schemas each."""
    if kind != "array":
        return node
    rows = node.get("prefixItems")
    if isinstance(rows, list):
        rest: Node = {keyword: value for keyword, value in node.items() if keyword != "prefixItems"}
        rewrite.lose("prefixItems")
        node = with_words(rest, [f"In order, {len(rows)} items."])
        if not isinstance(node.get("items"), dict):
            ways = different(rows)
            node["items"] = ways[0] if len(ways) == 1 else {"anyOf": ways}
    return node if isinstance(node.get("items"), dict) else {**node, "items": {}}


def _bounds(node: Node, kind: str, rewrite: Rewrite) -> Node:
    """Whole numbers greater than 3 are at least 4; for others the bound is told in words."""
    for exclusive, bound, step in (("exclusiveMinimum", "minimum", 1), ("exclusiveMaximum", "maximum", -1)):
        if exclusive not in node:
            continue
        value = node[exclusive]
        rest: Node = {keyword: inner for keyword, inner in node.items() if keyword != exclusive}
        limit = whole(value) if kind == "integer" else None
        if limit is None:
            rest = rewrite.in_words(rest, exclusive, value)
        node = merged(rest, {bound: value if limit is None else written(limit + step)})
    return node
