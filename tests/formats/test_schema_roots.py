"""The outermost schema: of arguments, of answers, and strict."""

import json
from typing import Any  # JSON of tests

import pytest

from tests.formats.schemas import root_for, schema_for

A = {"type": "string"}


ROOTS: list[tuple[str, str, Any, Any]] = [
    ("no type", "openai-chat", {}, {"type": "object", "properties": {}}),
    ("no type", "anthropic", {"properties": {"a": A}}, {"type": "object", "properties": {"a": A}}),
    (
        "null too",
        "openai-chat",
        {"type": ["object", "null"], "properties": {}},
        {"type": "object", "properties": {}},
    ),
    (
        "points",
        "anthropic",
        {"$ref": "#/$defs/X", "$defs": {"X": {"type": "object", "properties": {"a": A}}}},
        {
            "$defs": {"X": {"type": "object", "properties": {"a": A}}},
            "type": "object",
            "properties": {"a": A},
        },
    ),
    (
        "all of",
        "openai-responses",
        {"allOf": [{"properties": {"a": A}, "required": ["a"]}, {"properties": {"b": A}}]},
        {"type": "object", "properties": {"a": A, "b": A}, "required": ["a"]},
    ),
    (
        "one of",
        "anthropic",
        {
            "oneOf": [
                {"type": "object", "properties": {"k": {"const": "a"}, "x": A}, "required": ["k", "x"]},
                {"type": "object", "properties": {"k": {"const": "b"}}, "required": ["k"]},
            ]
        },
        {"type": "object", "properties": {"k": {"enum": ["a", "b"]}, "x": A}, "required": ["k"]},
    ),
    (
        "demands",
        "openai-chat",
        {
            "type": "object",
            "properties": {"a": A, "b": A},
            "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
        },
        {
            "type": "object",
            "properties": {"a": A, "b": A},
            "description": "Exactly one of these has to be given: a; or b.",
        },
    ),
    (
        "no object",
        "openai-chat",
        {"type": "array", "items": {"$ref": "#/$defs/X"}, "$defs": {"X": A}},
        {
            "type": "object",
            "properties": {"value": {"type": "array", "items": {"$ref": "#/$defs/X"}}},
            "required": ["value"],
            "$defs": {"X": A},
        },
    ),
    (
        "not",
        "openai-chat",
        {"type": "object", "properties": {}, "not": {"required": ["a"]}},
        {"type": "object", "properties": {}, "description": 'Must not match: {"required":["a"]}.'},
    ),
]


@pytest.mark.parametrize(
    ("dialect", "schema", "expected"),
    [case[1:] for case in ROOTS],
    ids=[f"{case[1]}: {case[0]}" for case in ROOTS],
)
def test_arguments_are_an_object(dialect: str, schema: Any, expected: Any) -> None:
    assert root_for(schema, dialect) == expected


def test_arguments_that_are_no_object_are_told_to_be_wrapped() -> None:
    assert schema_for({"type": "string"}, "anthropic").wrapped
    assert not schema_for({"type": "object"}, "anthropic").wrapped


@pytest.mark.parametrize("dialect", ["openai-chat", "openai-responses", "gemini", "ollama"])
def test_answers_may_be_something_else_than_an_object(dialect: str) -> None:
    schema = {"type": "array", "items": {"type": "string"}, "minItems": 1}
    assert json.loads(bytes(schema_for(schema, dialect, answer=True).schema)) == schema


def test_ollama_reads_the_whole_schema_of_an_answer() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^a", "minLength": 2}}}
    assert json.loads(bytes(schema_for(schema, "ollama", answer=True).schema)) == schema


def test_answers_of_anthropic_are_closed_and_have_no_bounds() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}}
    result = schema_for(schema, "anthropic", answer=True)
    assert json.loads(bytes(result.schema)) == {
        "type": "object",
        "properties": {"a": {"type": "integer", "description": "At least 1."}},
        "additionalProperties": False,
    }
    assert result.losses == ("schema.minimum",)


CLOSED: dict[str, Any] = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("dialect", ["openai-chat", "openai-responses", "anthropic"])
@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({}, True),
        ({"additionalProperties": True}, False),
        ({"properties": {"a": {"type": "string"}, "b": {"type": "object", "properties": {}}}}, False),
        ({"properties": {"a": {"type": "string", "format": "color"}}}, False),
        ({"properties": {"a": {"oneOf": [{"type": "string"}]}}}, False),
        ({"properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}, True),
    ],
)
def test_strict_is_only_kept_where_it_can_be(dialect: str, change: dict[str, Any], kept: bool) -> None:
    losses = schema_for({**CLOSED, **change}, dialect, strict=True).losses
    assert ("strict" not in losses) is kept


def test_openai_demands_all_properties_for_strict() -> None:
    optional = {**CLOSED, "properties": {"a": A, "b": A}}
    assert schema_for(optional, "openai-chat", strict=True).losses == ("strict",)
    assert schema_for(optional, "anthropic", strict=True).losses == ()
