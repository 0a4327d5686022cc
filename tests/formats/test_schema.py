"""Schemas arrive at each dialect in the part of JSON Schema it takes."""

import json
from typing import Any  # JSON of tests

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from omniroute.formats.schema import compiled
from omniroute.formats.schema.rules import ANSWER, TOOL

DIALECTS = sorted(TOOL)

_KEYWORDS = sorted(
    {
        *("type", "properties", "required", "items", "anyOf", "oneOf", "allOf", "not", "enum", "const"),
        *("$ref", "$defs", "definitions", "description", "title", "default", "nullable", "format"),
        *("pattern", "minLength", "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "minItems"),
        *("additionalProperties", "patternProperties", "prefixItems", "uniqueItems", "if", "then", "x-other"),
        *("dependencies", "propertyNames", "propertyOrdering", "examples", "$schema", "additionalItems"),
    }
)
_NAMES = st.sampled_from(["a", "b", "$ref", "type", "properties", "enum", "title", "default", "$defs"])
_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["string", "integer", "object", "array", "null", "#/$defs/a", "#", "date-time", "uuid", ""]
    ),
    st.text(max_size=5),
)
_JSON = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.one_of(st.sampled_from(_KEYWORDS), _NAMES, st.text(max_size=3)), inner, max_size=4
        )
    ),
    max_leaves=25,
)


def _schemas() -> st.SearchStrategy[Any]:
    """Schemas that mostly make sense: each keyword with a value of its kind."""
    types = st.sampled_from(["string", "integer", "number", "boolean", "object", "array", "null", "STRING"])

    def of(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        named = st.dictionaries(_NAMES, inner, max_size=3)
        rows = st.lists(inner, min_size=1, max_size=3)
        kinds: dict[str, st.SearchStrategy[Any]] = {
            "type": types | st.lists(types, max_size=3),
            "description": st.sampled_from(["What it is.", "x"]),
            "title": st.just("T"),
            "properties": named,
            "patternProperties": named,
            "$defs": st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
            "required": st.lists(_NAMES, max_size=3),
            "items": inner | rows,
            "anyOf": rows,
            "oneOf": rows,
            "allOf": rows,
            "not": inner,
            "if": inner,
            "then": inner,
            "prefixItems": rows,
            "$ref": st.sampled_from(
                ["#/$defs/a", "#/$defs/b", "#", "#/properties/a", "#nowhere", "http://x/y"]
            ),
            "enum": st.lists(_LEAVES, max_size=4),
            "const": _LEAVES,
            "default": _LEAVES,
            "nullable": st.booleans(),
            "format": st.sampled_from(["enum", "date-time", "uuid", "int32"]),
            "pattern": st.just("^a"),
            "minLength": st.integers(0, 3) | st.just("2"),
            "minItems": st.integers(0, 3),
            "minimum": st.integers(-3, 3) | st.just(0.5),
            "exclusiveMinimum": st.integers(-3, 3) | st.booleans() | st.just(1.5),
            "exclusiveMaximum": st.integers(-3, 3) | st.booleans(),
            "additionalProperties": st.booleans() | inner,
            "uniqueItems": st.booleans(),
            "dependencies": st.dictionaries(_NAMES, inner | st.lists(_NAMES, max_size=2), max_size=2),
        }
        return (
            st.fixed_dictionaries({}, optional=kinds).map(
                lambda schema: dict(
                    list(schema.items())[:6]
                )  # what all of them together make is always the same
            )
            | st.booleans()
        )

    return st.recursive(st.just({}) | types.map(lambda kind: {"type": kind}), of, max_leaves=12)


def _raw(schema: Any) -> msgspec.Raw:
    return msgspec.Raw(schema if isinstance(schema, bytes) else json.dumps(schema).encode())


def _compiled(schema: Any, dialect: str, *, answer: bool = False) -> Any:
    return json.loads(bytes(compiled(_raw(schema), dialect, answer=answer).schema))


def _nodes(schema: Any) -> list[dict[str, Any]]:
    """Every schema inside a schema, itself first."""
    if not isinstance(schema, dict):
        return []
    inner: list[Any] = []
    for keyword, value in schema.items():
        if keyword in ("properties", "$defs"):
            inner.extend(value.values())
        elif keyword in ("anyOf", "prefixItems"):
            inner.extend(value)
        elif keyword == "items":
            inner.append(value)
    return [schema, *(node for child in inner for node in _nodes(child))]


@pytest.mark.parametrize("answer", [False, True])
@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=60, deadline=None)
@given(schema=_JSON | _schemas())
@example(schema={"properties": {"$ref": {"$ref": "#"}}})
def test_any_json_compiles_to_what_compiles_to_itself(dialect: str, answer: bool, schema: Any) -> None:
    once = compiled(_raw(schema), dialect, answer=answer)
    again = compiled(once.schema, dialect, answer=answer)
    assert json.loads(bytes(again.schema)) == json.loads(bytes(once.schema))
    assert bytes(again.schema) == bytes(once.schema)


@pytest.mark.parametrize("answer", [False, True])
@pytest.mark.parametrize("dialect", ["gemini", "ollama", "anthropic"])
@settings(max_examples=80, deadline=None)
@given(schema=_JSON | _schemas())
def test_only_keywords_that_the_dialect_knows_come_out(dialect: str, answer: bool, schema: Any) -> None:
    keywords = (ANSWER if answer else TOOL)[dialect].keywords
    for node in _nodes(_compiled(schema, dialect, answer=answer)):
        assert keywords is None or node.keys() <= keywords


@settings(max_examples=200, deadline=None)
@given(schema=_JSON | _schemas())
def test_gemini_finds_nothing_to_refuse(schema: Any) -> None:
    for node in _nodes(_compiled(schema, "gemini")):
        assert "type" in node or "anyOf" in node
        assert node.keys() == {"anyOf"} or "anyOf" not in node
        assert isinstance(node.get("type", ""), str)
        assert set(node.get("required", ())) <= set(node.get("properties", ()))
        assert all(isinstance(value, str) and value for value in node.get("enum", ()))
        if "enum" in node:
            assert node["type"].lower() == "string"
        if node.get("type", "").lower() == "array":
            assert "items" in node


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=60, deadline=None)
@given(schema=_JSON | _schemas())
def test_arguments_are_always_an_object(dialect: str, schema: Any) -> None:
    root = _compiled(schema, dialect)
    assert root["type"].lower() == "object"
    assert not {"anyOf", "oneOf", "allOf"} & root.keys()
