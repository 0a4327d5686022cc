"""Schemas as each dialect gets them, made short."""

import json
from typing import Any  # JSON of tests

import msgspec

from omniroute.formats.schema import Compiled, compiled

DIALECTS = ["anthropic", "gemini", "ollama", "openai-chat", "openai-responses"]


ANY: dict[str, Any] = {
    "anyOf": [
        {"type": "string"},
        {"type": "number"},
        {"type": "boolean"},
        {"type": "object"},
        {"type": "array", "items": {"type": "string"}},
    ]
}


def schema_for(schema: Any, dialect: str, **options: bool) -> Compiled:
    return compiled(msgspec.Raw(json.dumps(schema).encode()), dialect, **options)


def property_for(schema: Any, dialect: str) -> Any:
    """What becomes of the schema of one property."""
    whole = schema_for({"type": "object", "properties": {"p": schema}}, dialect)
    return json.loads(bytes(whole.schema))["properties"].get("p")


def root_for(schema: Any, dialect: str) -> Any:
    return json.loads(bytes(schema_for(schema, dialect).schema))
