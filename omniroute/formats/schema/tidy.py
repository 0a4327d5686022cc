"""Schemas whose keywords have the values they may have: what servers refuse whatever their dialect."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from omniroute.formats.schema.notes import Rewrite
from omniroute.formats.schema.tree import Json, Node, different, is_strings, number, whole, written

_SPOKEN_TYPES = MappingProxyType(
    {
        **{kind: kind for kind in ("string", "number", "integer", "boolean", "object", "array", "null")},
        **{"str": "string", "text": "string", "int": "integer", "float": "number", "double": "number"},
        **{"bool": "boolean", "dict": "object", "list": "array", "none": "null"},
    }
)
"""Names of types, in lower case, as JSON Schema has them."""


def tidy(node: Node, rewrite: Rewrite) -> Node:
    """The schema without values that no validator takes, and without the ways of drafts before 2020."""
    result: Node = {}
    for keyword, value in node.items():
        kept = _kept(keyword, value, rewrite)
        if kept is not None or keyword in _ANY:
            result[keyword] = kept
        elif value is not None and value != []:
            rewrite.lose(keyword)
    _draft_4(node, result)
    if not rewrite.rules.openapi:
        _without_openapi(result)
    return result


def _kept(keyword: str, value: Json, rewrite: Rewrite) -> Json:
    """The value, or one that means the same; `None` when it cannot be used."""
    if keyword == "type":
        return _types(value, keep_case=rewrite.rules.openapi)
    check = _CHECKS.get(keyword)
    return value if check is None else check(value)


def _types(value: Json, *, keep_case: bool) -> Json:
    if isinstance(value, str):
        name = _SPOKEN_TYPES.get(value.lower())
        return value if keep_case and name == value.lower() else name
    if not isinstance(value, list):
        return None
    names: list[Json] = []
    for item in value:
        name = _SPOKEN_TYPES.get(item.lower()) if isinstance(item, str) else None
        if name is not None and name not in names:
            names.append(name)
    if not names:
        return None
    return names


def _string(value: Json) -> Json:
    return value if isinstance(value, str) else None


def _boolean(value: Json) -> Json:
    return value if isinstance(value, bool) else None


def _number(value: Json) -> Json:
    return value if number(value) is not None else None


def _exclusive(value: Json) -> Json:
    """Booleans are those of draft 4, which are read later."""
    return value if isinstance(value, bool) or number(value) is not None else None


def _positive(value: Json) -> Json:
    worth = number(value)
    return value if worth is not None and worth > 0 else None


def _length(value: Json) -> Json:
    """Protobuf writes whole numbers as strings."""
    if isinstance(value, str) and value.isdecimal() and value.isascii() and len(value) < 16:
        return written(int(value))
    size = whole(value)
    return value if size is not None and size >= 0 else None


def _object(value: Json) -> Json:
    return value if isinstance(value, dict) else None


def _named_schemas(value: Json) -> Json:
    if not isinstance(value, dict):
        return None
    kept: Node = {name: inner for name, inner in value.items() if isinstance(inner, dict | bool)}
    return value if len(kept) == len(value) else kept


def _schema(value: Json) -> Json:
    return value if isinstance(value, dict | bool) else None


def _schemas(value: Json) -> Json:
    if not isinstance(value, list):
        return None
    kept: list[Json] = [inner for inner in value if isinstance(inner, dict | bool)]
    return (value if len(kept) == len(value) else kept) or None


def _items(value: Json) -> Json:
    return _schemas(value) if isinstance(value, list) else _schema(value)


def _names(value: Json) -> Json:
    if not isinstance(value, list):
        return None
    names: list[Json] = [name for name in dict.fromkeys(x for x in value if isinstance(x, str))]
    return value if names == value else names


def _values(value: Json) -> Json:
    """An enum is a set: no value twice, and not empty."""
    if not isinstance(value, list) or not value:
        return None
    kept = different(value)
    return value if len(kept) == len(value) else kept


def _needs(value: Json) -> Json:
    if not isinstance(value, dict):
        return None
    kept: Node = {name: inner for name, inner in value.items() if _is_names(inner)}
    return value if len(kept) == len(value) else kept


def _is_names(value: Json) -> bool:
    return is_strings(value)


def _mixed(value: Json) -> Json:
    if not isinstance(value, dict):
        return None
    kept: Node = {
        name: inner for name, inner in value.items() if isinstance(inner, dict | bool) or _is_names(inner)
    }
    return value if len(kept) == len(value) else kept


def _list(value: Json) -> Json:
    return value if isinstance(value, list) else None


_CHECKS: Mapping[str, Callable[[Json], Json]] = MappingProxyType(
    {
        **dict.fromkeys(("$ref", "$dynamicRef", "$recursiveRef", "$id", "$schema", "$anchor"), _string),
        **dict.fromkeys(("$dynamicAnchor", "$comment", "title", "description", "format", "pattern"), _string),
        **dict.fromkeys(("contentEncoding", "contentMediaType"), _string),
        **dict.fromkeys(("minimum", "maximum"), _number),
        **dict.fromkeys(("exclusiveMinimum", "exclusiveMaximum"), _exclusive),
        "multipleOf": _positive,
        **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties"), _length),
        **dict.fromkeys(("maxProperties", "minContains", "maxContains"), _length),
        **dict.fromkeys(("uniqueItems", "nullable", "deprecated", "readOnly", "writeOnly"), _boolean),
        **dict.fromkeys(("properties", "patternProperties", "$defs", "definitions"), _named_schemas),
        "dependentSchemas": _named_schemas,
        "dependentRequired": _needs,
        "dependencies": _mixed,
        "$vocabulary": _object,
        **dict.fromkeys(("required", "propertyOrdering"), _names),
        **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), _schemas),
        "enum": _values,
        "examples": _list,
        "items": _items,
        **dict.fromkeys(("additionalItems", "unevaluatedItems", "contains", "propertyNames"), _schema),
        **dict.fromkeys(("additionalProperties", "unevaluatedProperties", "contentSchema"), _schema),
        **dict.fromkeys(("not", "if", "then", "else"), _schema),
    }
)
"""What each keyword may have; the rest of the vocabulary, and what is in none, may have anything."""

_ANY = frozenset({"const", "default", "example"})
"""Keywords for which null is a value."""


def _draft_4(node: Node, result: Node) -> None:
    """`exclusiveMinimum: true` belongs to `minimum`; a list of `items` is `prefixItems`."""
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(flag := result.get(exclusive), bool):
            limit = result.get(bound)
            if flag and limit is not None:
                result[exclusive] = limit
                del result[bound]
            else:
                del result[exclusive]
    if isinstance(result.get("items"), list):
        rows = result.pop("items")
        rest = result.pop("additionalItems", None)
        result.setdefault("prefixItems", rows)
        if rest is not None and rest is not True:
            result["items"] = rest
    if isinstance(node.get("id"), str):
        del result["id"]


def _without_openapi(result: Node) -> None:
    """`nullable` is one type more; `propertyOrdering` and `format: enum` say nothing."""
    result.pop("propertyOrdering", None)
    if result.get("format") == "enum":
        del result["format"]
    if result.pop("nullable", None) is not True:
        return
    kind = result.get("type")
    if isinstance(kind, str) and kind != "null":
        result["type"] = [kind, "null"]
    elif isinstance(kind, list) and "null" not in kind:
        result["type"] = [*kind, "null"]
    values = result.get("enum")
    if isinstance(values, list) and None not in values:
        result["enum"] = [*values, None]
    branches = result.get("anyOf")
    if kind is None and isinstance(branches, list) and {"type": "null"} not in branches:
        result["anyOf"] = [*branches, {"type": "null"}]
