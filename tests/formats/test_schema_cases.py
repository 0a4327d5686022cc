"""Each trap of JSON Schema, and what becomes of it in each dialect."""

import json
from typing import Any  # JSON of tests

import msgspec
import pytest

from omniroute.formats.schema import Compiled, compiled
from tests.formats.schemas import ANY, DIALECTS, property_for, schema_for


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_schema_is_an_empty_object(dialect: str) -> None:
    assert json.loads(bytes(compiled(None, dialect).schema)) == {"type": "object", "properties": {}}
    assert compiled(None, dialect).losses == ()


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "text",
    [
        b'{ "type":"object", "properties" : {"n": {"type":"string","enum":["\\u00e9"]}}, "required":["n"]}',
        b'{"properties":{"type":{"type":"string"},"$ref":{"type":"integer"}},"type":"object"}',
        b'{"type":"object","properties":{"title":{"type":"object","properties":{"enum":{"type":"string"}}}}}',
    ],
)
def test_what_every_dialect_takes_stays_as_it_is(dialect: str, text: bytes) -> None:
    assert bytes(compiled(msgspec.Raw(text), dialect).schema) == text


@pytest.mark.parametrize("dialect", ["anthropic", "openai-chat"])
def test_numbers_of_a_schema_that_changes_keep_their_digits(dialect: str) -> None:
    text = (
        b'{"type":"object","properties":{"a":{"type":"number","minimum":1.50,"multipleOf":1e-2}},"not":null}'
    )
    schema = bytes(compiled(msgspec.Raw(text), dialect).schema)
    assert (
        schema == b'{"type":"object","properties":{"a":{"type":"number","minimum":1.50,"multipleOf":1e-2}}}'
    )


@pytest.mark.parametrize("text", [b"", b"nonsense", b"[1]", b"5", b'"x"', b"NaN", b'{"items":' * 5000])
def test_what_is_no_schema_becomes_an_empty_object_and_is_told(text: bytes) -> None:
    result = compiled(msgspec.Raw(text), "openai-chat")
    assert json.loads(bytes(result.schema)) == {"type": "object", "properties": {}}
    assert result.losses == ("schema",)


GEMINI: list[tuple[str, Any, Any]] = [
    ("nullable", {"type": ["string", "null"]}, {"type": "string", "nullable": True}),
    ("one type", {"type": ["string"]}, {"type": "string"}),
    (
        "types",
        {"type": ["string", "integer"], "description": "d", "minLength": 1},
        {"anyOf": [{"type": "string", "minLength": 1, "description": "d"}, {"type": "integer"}]},
    ),
    (
        "null branch",
        {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "d"},
        {"type": "string", "description": "d", "nullable": True},
    ),
    ("one branch", {"oneOf": [{"type": "string"}]}, {"type": "string"}),
    (
        "nothing beside branches",
        {"anyOf": [{"type": "string"}, {"type": "integer"}], "description": "d"},
        {"anyOf": [{"type": "string", "description": "d"}, {"type": "integer"}]},
    ),
    ("const", {"const": "x"}, {"type": "string", "enum": ["x"]}),
    ("const null", {"const": None}, {"type": "null"}),
    ("constants", {"anyOf": [{"const": "x"}, {"const": "y"}]}, {"type": "string", "enum": ["x", "y"]}),
    (
        "numbers in enum",
        {"enum": [1, 2.50]},
        {**ANY, "anyOf": [{**ANY["anyOf"][0], "description": "One of: 1, 2.5."}, *ANY["anyOf"][1:]]},
    ),
    ("whole numbers in enum", {"enum": [1, 2]}, {"type": "integer", "description": "One of: 1, 2."}),
    ("null in enum", {"enum": ["a", None]}, {"type": "string", "enum": ["a"], "nullable": True}),
    ("nothing in enum", {"type": "string", "enum": []}, {"type": "string"}),
    ("empty string in enum", {"enum": ["", "a"]}, {"type": "string", "description": 'One of: "", "a".'}),
    ("anything", {}, ANY),
    ("true", True, ANY),
    ("false", False, None),
    ("array of anything", {"type": "array"}, {"type": "array", "items": ANY}),
    (
        "tuple",
        {"type": "array", "prefixItems": [{"type": "string"}]},
        {"type": "array", "description": "In order, 1 items.", "items": {"type": "string"}},
    ),
    ("greater, whole", {"type": "integer", "exclusiveMinimum": 0}, {"type": "integer", "minimum": 1}),
    (
        "less",
        {"type": "number", "exclusiveMaximum": 2},
        {"type": "number", "description": "Less than 2.", "maximum": 2},
    ),
    (
        "draft 4",
        {"type": "integer", "minimum": 3, "exclusiveMinimum": True},
        {"type": "integer", "minimum": 4},
    ),
    (
        "draft 4 off",
        {"type": "integer", "minimum": 3, "exclusiveMinimum": False},
        {"type": "integer", "minimum": 3},
    ),
    ("format kept", {"type": "string", "format": "date-time"}, {"type": "string", "format": "date-time"}),
    ("format told", {"type": "string", "format": "uuid"}, {"type": "string", "description": "Format: uuid."}),
    ("pattern kept", {"type": "string", "pattern": "^a"}, {"type": "string", "pattern": "^a"}),
    (
        "words after words",
        {"type": "array", "items": {"type": "string"}, "uniqueItems": True, "description": "Tags."},
        {"type": "array", "items": {"type": "string"}, "description": "Tags. No item twice."},
    ),
    ("default", {"type": "string", "default": "x"}, {"type": "string", "description": 'Default: "x".'}),
    ("default null", {"type": "string", "default": None}, {"type": "string"}),
    (
        "closed",
        {"type": "object", "additionalProperties": False},
        {"type": "object", "description": "No other properties."},
    ),
    (
        "map",
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "object", "description": 'Values of other properties: {"type":"string"}.'},
    ),
    (
        "merged",
        {"allOf": [{"type": "integer", "minimum": 1}, {"minimum": 3, "maximum": 9}, {"maximum": 5}]},
        {"type": "integer", "minimum": 3, "maximum": 5},
    ),
    (
        "merged properties",
        {"allOf": [{"properties": {"a": {"type": "string"}}}, {"required": ["a", "b"]}]},
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
    ),
    (
        "demands",
        {
            "type": "object",
            "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
            "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
        },
        {
            "type": "object",
            "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
            "description": "At least one of these has to be given: a; or b.",
        },
    ),
    (
        "condition as it stood",
        {"type": "string", "if": {"const": "x"}, "then": {"required": ["b"]}},
        {"type": "string", "description": 'Where this holds: {"const":"x"} then this: {"required":["b"]}'},
    ),
    (
        "type by keyword",
        {"properties": {"a": {"type": "string"}}},
        {"type": "object", "properties": {"a": {"type": "string"}}},
    ),
    ("wrong values", {"type": "string", "description": 5, "enum": "x", "minLength": "y"}, {"type": "string"}),
    ("upper case", {"type": "STRING"}, {"type": "STRING"}),
]


@pytest.mark.parametrize(
    ("schema", "expected"), [case[1:] for case in GEMINI], ids=[case[0] for case in GEMINI]
)
def test_gemini(schema: Any, expected: Any) -> None:
    assert property_for(schema, "gemini") == expected


ELSEWHERE: list[tuple[str, str, Any, Any]] = [
    ("openapi null", "anthropic", {"type": "STRING", "nullable": True}, {"type": ["string", "null"]}),
    (
        "openapi enum",
        "openai-chat",
        {"type": "STRING", "format": "enum", "enum": ["a"], "nullable": True},
        {"type": ["string", "null"], "enum": ["a", None]},
    ),
    (
        "openapi length",
        "anthropic",
        {"type": "ARRAY", "items": {}, "minItems": "2"},
        {"type": "array", "items": {}, "minItems": 2},
    ),
    ("draft 4", "anthropic", {"minimum": 3, "exclusiveMinimum": True}, {"exclusiveMinimum": 3}),
    (
        "draft 4 tuple",
        "anthropic",
        {"type": "array", "items": [{"type": "string"}], "additionalItems": False},
        {"type": "array", "prefixItems": [{"type": "string"}], "items": False},
    ),
    ("array of anything", "openai-chat", {"type": "array"}, {"type": "array", "items": {}}),
    ("true", "openai-chat", True, {}),
    ("true", "anthropic", True, True),
    ("false", "openai-chat", False, {"not": {}}),
    ("false", "ollama", False, None),
    ("Python's types", "anthropic", {"type": "dict"}, {"type": "object"}),
    ("no type", "anthropic", {"type": "any"}, {}),
    ("one of", "openai-chat", {"oneOf": [{"type": "string"}]}, {"oneOf": [{"type": "string"}]}),
    (
        "one of",
        "ollama",
        {"oneOf": [{"type": "string"}, {"type": "null"}]},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
    ),
    ("types", "ollama", {"type": ["string", "null"]}, {"type": ["string", "null"]}),
    ("const", "ollama", {"const": 5}, {"enum": [5]}),
    (
        "all in words",
        "ollama",
        {"type": "string", "minLength": 2, "maxLength": 5, "pattern": "^a", "format": "uuid", "title": "T"},
        {
            "type": "string",
            "description": "Format: uuid. At least 2 characters. At most 5 characters. "
            "Matches the regular expression `^a`.",
        },
    ),
]


@pytest.mark.parametrize(
    ("dialect", "schema", "expected"),
    [case[1:] for case in ELSEWHERE],
    ids=[f"{case[1]}: {case[0]}" for case in ELSEWHERE],
)
def test_other_dialects(dialect: str, schema: Any, expected: Any) -> None:
    assert property_for(schema, dialect) == expected


def test_losses_name_the_constraints_that_are_words_now() -> None:
    schema = {
        "type": "object",
        "$schema": "http://json-schema.org/draft-07/schema#",
        "properties": {
            "a": {"type": "string", "format": "uuid", "default": "x"},
            "b": {"type": "string", "format": "email"},
        },
        "additionalProperties": False,
        "x-vendor": 1,
    }
    assert schema_for(schema, "gemini").losses == ("schema.format", "schema.additionalProperties")
    assert schema_for(schema, "anthropic") == Compiled(msgspec.Raw(json.dumps(schema).encode()))


def test_the_same_schema_is_compiled_once() -> None:
    schema = json.dumps({"type": "object", "properties": {"once": {"const": 1}}}).encode()
    assert compiled(msgspec.Raw(schema), "gemini") is compiled(
        msgspec.Raw(bytes(bytearray(schema))), "gemini"
    )


def test_what_is_remembered_has_an_end() -> None:
    first = msgspec.Raw(b'{"type":"object","properties":{"first":{"const":1}}}')
    before = compiled(first, "gemini")
    for n in range(400):  # each is remembered with its 200 kB
        compiled(msgspec.Raw(b'{"type":"object","description":"%d%s"}' % (n, b"x" * 100_000)), "gemini")
    again = compiled(first, "gemini")
    assert again == before
    assert again is not before
