"""Google's schemas (a subset of OpenAPI 3.0) as JSON Schema."""

import re
from typing import Any

import msgspec

_GOOGLES_OWN = re.compile(
    rb'"(?:type|anyOf|any_of)"\s*:\s*"[A-Z]|"(?:nullable|any_of|property_?[oO]rdering)"'
)
"""What only schemas in Google's own notation have in them."""

_OTHER_CASE = {
    "any_of": "anyOf",
    "max_items": "maxItems",
    "min_items": "minItems",
    "max_length": "maxLength",
    "min_length": "minLength",
    "max_properties": "maxProperties",
    "min_properties": "minProperties",
    "property_ordering": "propertyOrdering",
}
_COUNTS = frozenset({"maxItems", "minItems", "maxLength", "minLength", "maxProperties", "minProperties"})
_PLACES = frozenset({"properties", "$defs", "definitions"})
"""Members whose own members are schemas by name."""


def json_schema(raw: msgspec.Raw) -> msgspec.Raw:
    """The schema as JSON Schema; the same bytes when it is one already."""
    if _GOOGLES_OWN.search(bytes(raw)) is None:
        return raw
    return msgspec.Raw(msgspec.json.encode(_schema(msgspec.json.decode(raw))))


def _schema(value: Any) -> Any:  # JSON of any shape
    if isinstance(value, list):
        return [_schema(item) for item in value]
    if not isinstance(value, dict):
        return value
    schema: dict[str, Any] = {}
    for given, member in value.items():
        name = _OTHER_CASE.get(str(given), str(given))
        if name in _PLACES and isinstance(member, dict):
            schema[name] = {key: _schema(each) for key, each in member.items()}
        elif name in ("items", "anyOf", "additionalProperties"):
            schema[name] = _schema(member)
        elif name == "type" and isinstance(member, str):
            schema[name] = member.lower()
        elif name in _COUNTS and isinstance(member, str) and member.isdecimal():
            schema[name] = int(member)
        elif name not in ("nullable", "propertyOrdering"):
            schema[name] = member
    if schema.get("type") == "type_unspecified":
        del schema["type"]
    return _nullable(schema) if value.get("nullable") is True else schema


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    if "type" in schema:
        schema["type"] = [schema["type"], "null"]
        if isinstance(schema.get("enum"), list) and None not in schema["enum"]:
            schema["enum"] = [*schema["enum"], None]
    elif isinstance(schema.get("anyOf"), list):
        schema["anyOf"] = [*schema["anyOf"], {"type": "null"}]
    return schema
