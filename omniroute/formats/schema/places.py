"""Where in a schema other schemas stand: names of properties are not keywords."""

from collections.abc import Callable

from omniroute.formats.schema.tree import Json, Node

_ONE = frozenset(
    {
        *("items", "additionalItems", "unevaluatedItems", "contains", "additionalProperties"),
        *("unevaluatedProperties", "propertyNames", "not", "if", "then", "else", "contentSchema"),
    }
)
_MANY = frozenset({"allOf", "anyOf", "oneOf", "prefixItems", "items"})
_NAMED = frozenset(
    {"properties", "patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions"}
)


def with_children(
    node: Node, change: Callable[[Json], Json], *, within: frozenset[str] | None = None
) -> Node:
    """The schema with every schema directly inside it changed; itself when none does.

    `within`: only under these keywords.
    """
    result: Node = {}
    changed = False
    for keyword, value in node.items():
        new = value if within is not None and keyword not in within else _changed(keyword, value, change)
        changed = changed or new is not value
        result[keyword] = new
    return result if changed else node


def _changed(keyword: str, value: Json, change: Callable[[Json], Json]) -> Json:
    if isinstance(value, dict):
        if keyword in _NAMED:
            named: Node = {name: _member(keyword, inner, change) for name, inner in value.items()}
            return named if any(named[name] is not value[name] for name in value) else value
        return change(value) if keyword in _ONE else value
    if isinstance(value, list) and keyword in _MANY:
        many = [change(inner) for inner in value]
        return many if any(new is not old for new, old in zip(many, value, strict=True)) else value
    if isinstance(value, bool) and keyword in _ONE:
        return change(value)
    return value


def _member(keyword: str, inner: Json, change: Callable[[Json], Json]) -> Json:
    """`dependencies` may name properties instead of giving a schema."""
    return inner if keyword == "dependencies" and isinstance(inner, list) else change(inner)
