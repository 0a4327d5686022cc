"""Several schemas that all hold, as one."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from omniroute.formats.schema.tree import Json, Node, different, is_strings, number, write
from omniroute.formats.schema.words import sentence, with_words

_GREATEST = frozenset(
    {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains"}
)
_LEAST = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains"})
_NOTES = frozenset(
    {
        "title",
        "default",
        "example",
        "examples",
        "deprecated",
        "$comment",
        "$schema",
        "$id",
        "propertyOrdering",
    }
)
_MAX_NESTED = 12
"""Levels of properties that are merged; below, the first schema stands and the other is told in words."""


def merged(one: Node, other: Node, depth: int = 0) -> Node:
    """What holds when both do; what cannot be said in one schema is said in words."""
    result = dict(one)
    words: list[str] = []
    for keyword, value in other.items():
        if keyword not in result:
            result[keyword] = value
        elif result[keyword] != value:
            result[keyword], told = _both(keyword, result[keyword], value, depth)
            if told is not None:
                words.append(told)
    return with_words(result, words)


def _both(keyword: str, one: Json, other: Json, depth: int) -> tuple[Json, str | None]:
    """What a keyword has to be, and what else is to be told."""
    simple = _SIMPLE.get(keyword)
    if simple is not None:
        return simple(one, other), None
    if keyword in ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas"):
        return _named(one, other, depth)
    if keyword in ("items", "additionalProperties"):
        return _one(one, other, depth)
    if keyword in ("type", "enum"):
        return _common(keyword, one, other)
    return one, sentence(keyword, other)


def _first(one: Json, other: Json) -> Json:
    del other
    return one


def _greater(one: Json, other: Json) -> Json:
    first, second = number(one), number(other)
    if first is None or second is None:
        return other if first is None else one
    return one if first >= second else other


def _less(one: Json, other: Json) -> Json:
    return other if _greater(one, other) is one and number(other) is not None else one


def _named(one: Json, other: Json, depth: int) -> tuple[Json, str | None]:
    if not isinstance(one, dict) or not isinstance(other, dict):
        return (one if isinstance(one, dict) else other), None
    result = dict(one)
    for name, schema in other.items():
        if name not in result:
            result[name] = schema
        elif result[name] != schema:
            result[name], _ = _one(result[name], schema, depth)
    return result, None


def _one(one: Json, other: Json, depth: int) -> tuple[Json, str | None]:
    if one is False or other is False:
        return False, None
    if isinstance(one, dict) and isinstance(other, dict):
        if depth < _MAX_NESTED:
            return merged(one, other, depth + 1), None
        return one, None
    return (one if isinstance(one, dict) else other), None


def _row(one: Json, other: Json) -> Json:
    if not isinstance(one, list) or not isinstance(other, list):
        return one if isinstance(one, list) else other
    return different([*one, *other])


def _common(keyword: str, one: Json, other: Json) -> tuple[Json, str | None]:
    first = one if isinstance(one, list) else [one]
    second = other if isinstance(other, list) else [other]
    texts = {write(item) for item in second}
    both = [item for item in first if write(item) in texts or (item == "integer" and "number" in second)]
    if keyword == "type" and "number" in first and "integer" in second and "integer" not in both:
        both.append("integer")
    if not both:
        return one, sentence(keyword, other)
    if keyword == "enum":
        return list(both), None
    return (both[0] if len(both) == 1 else list(both)), None


def _read(one: Json, other: Json) -> Json:
    if not isinstance(one, str) or not isinstance(other, str):
        return one if isinstance(one, str) else other
    if other in one or one in other:
        return one if other in one else other
    return f"{one} {other}" if one and other else one or other


_SIMPLE: Mapping[str, Callable[[Json, Json], Json]] = MappingProxyType(
    {
        **dict.fromkeys(_GREATEST, _greater),
        **dict.fromkeys(_LEAST, _less),
        **dict.fromkeys(_NOTES, _first),
        **dict.fromkeys(("required", "allOf", "prefixItems"), _row),
        "description": _read,
        "uniqueItems": lambda one, other: one is True or other is True,
        "nullable": lambda one, other: one is True and other is True,
    }
)


def required_names(node: Node) -> list[str]:
    """The properties the schema demands."""
    required = node.get("required")
    return required if is_strings(required) else []
