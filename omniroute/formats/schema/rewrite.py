"""One schema in the terms of one dialect."""

from omniroute.formats.schema.notes import Rewrite
from omniroute.formats.schema.openapi import in_openapi, kind_of
from omniroute.formats.schema.places import with_children
from omniroute.formats.schema.refs import Resolver
from omniroute.formats.schema.root import object_root
from omniroute.formats.schema.rules import Rules
from omniroute.formats.schema.tidy import tidy
from omniroute.formats.schema.tree import Json, Node, count, is_strings, whole
from omniroute.formats.schema.unions import flat, said
from omniroute.formats.schema.words import SILENT

_MAX_ROUNDS = 6
"""What one round puts in a new place, the next one reads there; two are usual."""
_MAX_VALUES = 100_000
"""Values of a result; what gets larger was made to."""
_MAX_DEPTH = 120


class TooLarge(Exception):
    """The schema would be much larger in this dialect than it was."""


def rewritten(schema: Json, rules: Rules) -> tuple[Json, Rewrite]:
    """The schema as the dialect takes it, and what became of it on the way. Raises `TooLarge`."""
    rewrite = Rewrite(rules)
    if not isinstance(schema, dict):
        if schema is not True:
            rewrite.lose_schema()
        schema = {}
    node: Json = schema
    if rules.inline:
        resolver = Resolver(schema)
        node = resolver.resolved(schema)
        if resolver.cut:
            rewrite.lose("$ref")
    for _ in range(_MAX_ROUNDS):
        before = node
        node = _root(node, rewrite)
        if count(node, _MAX_VALUES) > _MAX_VALUES:
            raise TooLarge
        if node == before:
            break
    return node, rewrite


def _root(schema: Json, rewrite: Rewrite) -> Json:
    node = schema if isinstance(schema, dict) else {}
    if rewrite.rules.object_root:
        node = object_root(node, rewrite)
    return _node(node, rewrite, 0)


def _schema(schema: Json, rewrite: Rewrite, depth: int) -> Json:
    if isinstance(schema, dict):
        return _node(schema, rewrite, depth) if depth < _MAX_DEPTH else {}
    if rewrite.rules.booleans:
        return schema
    return {} if schema is not False else {"not": {}}


def _node(node: Node, rewrite: Rewrite, depth: int) -> Node:
    rules = rewrite.rules
    node = tidy(node, rewrite)
    if rules.merges:
        node = tidy(said(flat(node, rewrite), "anyOf", rewrite), rewrite)
        node = _without_impossible(node, rewrite)
    if rules.openapi:
        node = in_openapi(node, rewrite)
    elif rules.array_items and kind_of(node) == "array" and "items" not in node and "prefixItems" not in node:
        node = {**node, "items": {}}
    closed = {keyword: value for keyword, value in node.items() if isinstance(value, bool)}
    node = with_children(node, lambda inner: _schema(inner, rewrite, depth + 1), within=rules.keywords)
    node = {**node, **{keyword: value for keyword, value in closed.items() if keyword in _MAY_BE_BOOLEAN}}
    node = _format(node, rewrite)
    if rules.merges:
        node = _with_own_names(node)
    if rules.closed:
        node = _closed(node, rewrite)
    return _taken(node, rewrite)


_MAY_BE_BOOLEAN = frozenset(
    {"additionalProperties", "unevaluatedProperties", "additionalItems", "unevaluatedItems"}
)
"""Keywords whose booleans every server knows."""


def _without_impossible(node: Node, rewrite: Rewrite) -> Node:
    """The schema without properties that must not be there, and branches that nothing takes."""
    properties = node.get("properties")
    if isinstance(properties, dict) and any(value is False for value in properties.values()):
        rewrite.lose("not")
        node = {
            **node,
            "properties": {name: value for name, value in properties.items() if value is not False},
        }
    if node.get("items") is False:
        rewrite.lose("items")
        node = {keyword: value for keyword, value in node.items() if keyword != "items"}
    branches = node.get("anyOf")
    if isinstance(branches, list) and any(branch is False for branch in branches):
        kept = [branch for branch in branches if branch is not False]
        node = dict(node)
        node["anyOf"] = list(kept)
        if not kept:
            del node["anyOf"]
    return node


def _format(node: Node, rewrite: Rewrite) -> Node:
    """The schema without a `format` that the dialect refuses."""
    formats = rewrite.rules.formats
    if formats is None or "format" not in node:
        return node
    value = node["format"]
    if value in formats.get(kind_of(node) or "string", ()) and (value != "enum" or "enum" in node):
        return node
    rest = {keyword: inner for keyword, inner in node.items() if keyword != "format"}
    return rest if value == "enum" else rewrite.in_words(rest, "format", value)


def _with_own_names(node: Node) -> Node:
    """The schema demanding and ordering only properties it has."""
    properties = node.get("properties")
    own = properties if isinstance(properties, dict) else {}
    for keyword in ("required", "propertyOrdering"):
        names = node.get(keyword)
        if is_strings(names) and (any(name not in own for name in names) or not names):
            kept: list[Json] = [name for name in names if name in own]
            node = {name: (kept if name == keyword else value) for name, value in node.items()}
            if not kept:
                del node[keyword]
    return node


def _closed(node: Node, rewrite: Rewrite) -> Node:
    """The schema with every object closed, and arrays of at least one item at most."""
    least = whole(node.get("minItems"))
    if least is not None and least > 1:
        rest: Node = {keyword: value for keyword, value in node.items() if keyword != "minItems"}
        node = rewrite.in_words(rest, "minItems", node["minItems"])
    kinds = node.get("type")
    is_object = kinds == "object" or (isinstance(kinds, list) and "object" in kinds) or "properties" in node
    if not is_object or node.get("additionalProperties") is False:
        return node
    if node.get("additionalProperties") not in (None, True):
        rewrite.lose("additionalProperties")
    return {**node, "additionalProperties": False}


def _taken(node: Node, rewrite: Rewrite) -> Node:
    """The schema with only the keywords the dialect takes."""
    keywords = rewrite.rules.keywords
    if keywords is None or node.keys() <= keywords:
        return node
    result: Node = {keyword: value for keyword, value in node.items() if keyword in keywords}
    conditional = {"if", "then", "else"} & node.keys()
    for keyword, value in node.items():
        if keyword in keywords or keyword in SILENT or (keyword in conditional and "if" not in node):
            continue
        result = rewrite.in_words(result, keyword, value)
    return result
