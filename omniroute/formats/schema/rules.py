"""Which part of JSON Schema each dialect takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

_FORMATS = MappingProxyType[str, frozenset[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a dialect takes. The defaults are JSON Schema 2020-12 whole."""

    keywords: frozenset[str] | None = None
    """All it knows; `None`: every keyword there is."""
    inline: bool = False
    """It knows no `$ref`."""
    merges: bool = False
    """It knows neither `allOf` nor `oneOf` nor `const`."""
    openapi: bool = False
    """One type a schema, `nullable`, enums of strings only, nothing beside `anyOf` (Gemini)."""
    booleans: bool = True
    """It knows `true` and `false` as schemas."""
    formats: Mapping[str, frozenset[str]] | None = None
    """Type to the values of `format` it knows; `None`: all."""
    object_root: bool = True
    """The schema itself has to be an object's."""
    root_refused: frozenset[str] = frozenset()
    """Keywords that may not stand in the schema itself, only further down."""
    root_properties: bool = False
    """The schema itself has to have `properties`."""
    array_items: bool = False
    """Arrays have to have `items`."""
    closed: bool = False
    """Objects have to have `additionalProperties: false`, `minItems` is at most 1."""


_OPENAI = Rules(
    booleans=False,
    root_refused=frozenset({"oneOf", "anyOf", "allOf", "enum", "const", "not"}),
    root_properties=True,
    array_items=True,
)
"""Functions of OpenAI without `strict`.

From its refusals: "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'const'/'not'
at the top level", "array schema missing items", "object schema missing properties"; as users report them in
github.com/langchain-ai/langchainjs/issues/9804, github.com/goruck/home-generative-agent/pull/545
(read 2026-11-23).
"""

_ANTHROPIC = Rules(root_refused=frozenset({"oneOf", "anyOf", "allOf"}))
"""`input_schema`: JSON Schema 2020-12 (so no `items` lists, no draft-4 booleans) of an object.

"input_schema does not support oneOf, allOf, or anyOf at the top level":
github.com/anthropics/claude-code/issues/5973 (read 2026-11-23).
"""

_ANTHROPIC_ANSWER = Rules(
    keywords=frozenset(
        {
            *("type", "title", "description", "enum", "const", "default", "properties", "required"),
            *("additionalProperties", "items", "minItems", "anyOf", "format", "pattern"),
        }
    ),
    inline=True,
    merges=True,
    booleans=False,
    formats=_FORMATS(
        {
            "string": frozenset(
                ("date-time", "date", "time", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid")
            )
        }
    ),
    object_root=False,
    closed=True,
)
"""`output_config.format` and strict tools: platform.claude.com, build-with-claude/structured-outputs.

It knows `$ref` that does not come back to itself and `allOf` without `$ref` too; both are resolved here
(read 2026-11-23 as quoted by hex.pm/packages/lang_schema).
"""

_GEMINI = Rules(
    keywords=frozenset(
        {
            *("type", "format", "title", "description", "nullable", "enum", "items", "minItems", "maxItems"),
            *("properties", "required", "minProperties", "maxProperties", "propertyOrdering", "anyOf"),
            *("minimum", "maximum", "minLength", "maxLength", "pattern", "example"),
        }
    ),
    inline=True,
    merges=True,
    openapi=True,
    booleans=False,
    formats=_FORMATS(
        {
            "string": frozenset({"enum", "date-time"}),
            "number": frozenset({"float", "double"}),
            "integer": frozenset({"int32", "int64"}),
        }
    ),
    array_items=True,
)
"""The `Schema` object of v1beta: googleapis.github.io/js-genai, types.Schema (read 2026-11-23).

`default` is taken there and ignored, so it is said in words. Its refusals, which are in no reference: "only
'enum' and 'date-time' are supported for STRING type", "Unknown name exclusiveMinimum", enum values that are
no strings, "items: missing field", "property is not defined" for a foreign `required`, "type: must be
specified when not using one_of, any_of or all_of", and at Vertex anything beside `anyOf`.
"""

_OLLAMA = Rules(
    keywords=frozenset({"type", "description", "enum", "items", "properties", "required", "anyOf"}),
    inline=True,
    merges=True,
    booleans=False,
    formats=_FORMATS({}),
    root_refused=frozenset({"anyOf", "enum"}),
    root_properties=True,
)
"""`ToolFunctionParameters` and `ToolProperty` in api/types.go: all else is lost on the way to the model.

github.com/ollama/ollama/pull/10091, /13508 and /9434 (read 2026-11-23). `$defs` is kept there but never read.
"""

_ANY_ROOT = Rules(object_root=False)
"""Answers where a grammar or a validator reads the schema: OpenAI's `json_schema`, Ollama's `format`."""

TOOL: Mapping[str, Rules] = MappingProxyType(
    {
        "openai-chat": _OPENAI,
        "openai-responses": _OPENAI,
        "anthropic": _ANTHROPIC,
        "gemini": _GEMINI,
        "ollama": _OLLAMA,
    }
)
"""For the arguments of functions."""

ANSWER: Mapping[str, Rules] = MappingProxyType(
    {
        "openai-chat": _ANY_ROOT,
        "openai-responses": _ANY_ROOT,
        "anthropic": _ANTHROPIC_ANSWER,
        "gemini": Rules(
            keywords=_GEMINI.keywords,
            inline=True,
            merges=True,
            openapi=True,
            booleans=False,
            formats=_GEMINI.formats,
            array_items=True,
            object_root=False,
        ),
        "ollama": _ANY_ROOT,
    }
)
"""For the text of answers."""
