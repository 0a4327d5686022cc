"""References in schemas: put in, left alone or cut."""

from typing import Any  # JSON of tests

import pytest

from tests.formats.schemas import property_for, root_for, schema_for

TREE = {
    "type": "object",
    "properties": {"root": {"$ref": "#/$defs/Node", "description": "Start."}},
    "$defs": {
        "Node": {
            "type": "object",
            "properties": {
                "value": {"$ref": "#/definitions/Value"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
            },
        }
    },
    "definitions": {"Value": {"type": "string"}},
}


@pytest.mark.parametrize("dialect", ["gemini", "ollama"])
def test_references_are_put_in_and_recursion_is_cut(dialect: str) -> None:
    assert root_for(TREE, dialect) == {
        "type": "object",
        "properties": {
            "root": {
                "type": "object",
                "properties": {
                    "value": {"type": "string"},
                    "children": {
                        "type": "array",
                        "items": {"type": "object", "description": "Has the same shape as Node above."},
                    },
                },
                "description": "Start.",
            }
        },
    }
    assert schema_for(TREE, dialect).losses == ("schema.$ref",)


@pytest.mark.parametrize("dialect", ["anthropic", "openai-chat", "openai-responses"])
def test_references_stay_where_they_are_known(dialect: str) -> None:
    assert root_for(TREE, dialect) == TREE


def test_references_that_double_at_every_step_are_cut() -> None:
    defs = {
        f"d{n}": {"properties": {"l": {"$ref": f"#/$defs/d{n + 1}"}, "r": {"$ref": f"#/$defs/d{n + 1}"}}}
        for n in range(40)
    }
    result = schema_for({"properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": defs}, "gemini")
    assert len(bytes(result.schema)) < 1_000_000
    assert result.losses == ("schema.$ref",)


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        ("#/$defs/a~1b", {"type": "string"}),
        ("#/$defs/c%20d", {"type": "integer"}),
        ("#here", {"type": "boolean"}),
        ("#/allOf/0", {"type": "number"}),
    ],
)
def test_references_are_found(pointer: str, expected: Any) -> None:
    schema = {
        "type": "object",
        "properties": {"p": {"$ref": pointer}},
        "$defs": {
            "a/b": {"type": "string"},
            "c d": {"type": "integer"},
            "e": {"type": "boolean", "$anchor": "here"},
        },
        "allOf": [{"type": "number"}],
    }
    assert root_for(schema, "gemini")["properties"]["p"] == expected


def test_a_reference_to_nowhere_is_told() -> None:
    assert property_for({"$ref": "http://x/y", "type": "string"}, "gemini") == {
        "type": "string",
        "description": "As defined in http://x/y.",
    }
