"""What a keyword demands, in words for the description: for dialects that do not know it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from omniroute.formats.schema.tree import Json, Node, is_strings, write

_MAX_VALUE = 600
"""Characters of JSON that are told inside a sentence; what is longer is only named."""

SILENT = frozenset(
    {
        *("$schema", "$id", "id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$comment", "$vocabulary"),
        *("$defs", "definitions", "title", "nullable", "propertyOrdering", "readOnly", "writeOnly"),
    }
)
"""Keywords that demand nothing, or nothing that is not said otherwise."""

NOTES = frozenset({"default", "examples", "example", "deprecated", "contentEncoding", "contentMediaType"})
"""Keywords that tell and do not demand: in words nothing of them is lost."""


def sentence(keyword: str, value: Json) -> str | None:
    """What the keyword says; `None` when it says nothing."""
    told = _SENTENCES.get(keyword)
    return told(value) if told is not None else None


def is_constraint(keyword: str) -> bool:
    """Whether an answer can break what the keyword says."""
    return keyword in _SENTENCES and keyword not in NOTES


def with_words(node: Node, words: list[str]) -> Node:
    """The schema with more to read in its description."""
    if not words:
        return node
    before = node.get("description")
    first = [before] if isinstance(before, str) and before else []
    return {**node, "description": " ".join((*first, *words))}


def shown(value: Json) -> str:
    """A value as JSON, or three dots when it is too long to read."""
    text = write(value).decode()
    return text if len(text) <= _MAX_VALUE else "…"


def listed(values: list[Json]) -> str:
    """Values as a row."""
    return (
        shown(values).removeprefix("[").removesuffix("]").replace(",", ", ")
        if len(values) > 1
        else shown(values[0])
    )


def _other_properties(value: Json) -> str | None:
    if value is False:
        return "No other properties."
    if value is True or value == {}:
        return None
    return f"Values of other properties: {shown(value)}."


def _forbidden(value: Json) -> str | None:
    if value is False:
        return None
    return "Must not be given." if value is True or value == {} else f"Must not match: {shown(value)}."


def _required(value: Json) -> str | None:
    return f"Needs: {', '.join(value)}." if is_strings(value) and value else None


def _plain(frame: str) -> Callable[[Json], str]:
    return lambda value: frame.format(value) if isinstance(value, str) else frame.format(shown(value))


def _exact(frame: str) -> Callable[[Json], str]:
    return lambda value: frame.format(shown(value))


def _when_true(text: str) -> Callable[[Json], str | None]:
    return lambda value: text if value is True else None


_SENTENCES: Mapping[str, Callable[[Json], str | None]] = MappingProxyType(
    {
        "pattern": _plain("Matches the regular expression `{}`."),
        "format": _plain("Format: {}."),
        "minLength": _plain("At least {} characters."),
        "maxLength": _plain("At most {} characters."),
        "minimum": _plain("At least {}."),
        "maximum": _plain("At most {}."),
        "exclusiveMinimum": _plain("Greater than {}."),
        "exclusiveMaximum": _plain("Less than {}."),
        "multipleOf": _plain("A multiple of {}."),
        "minItems": _plain("At least {} items."),
        "maxItems": _plain("At most {} items."),
        "uniqueItems": _when_true("No item twice."),
        "prefixItems": _exact("The first items, in order: {}."),
        "additionalItems": _exact("Further items: {}."),
        "contains": _exact("Contains an item like: {}."),
        "minContains": _plain("At least {} such items."),
        "maxContains": _plain("At most {} such items."),
        "unevaluatedItems": _exact("Other items: {}."),
        "minProperties": _plain("At least {} properties."),
        "maxProperties": _plain("At most {} properties."),
        "additionalProperties": _other_properties,
        "unevaluatedProperties": _other_properties,
        "patternProperties": _exact("Properties by the pattern of their name: {}."),
        "propertyNames": _exact("Names of properties: {}."),
        "dependentRequired": _exact("Properties that need others: {}."),
        "dependentSchemas": _exact("When a property is given: {}."),
        "dependencies": _exact("When a property is given: {}."),
        "required": _required,
        "enum": lambda value: f"One of: {listed(value)}." if isinstance(value, list) and value else None,
        "const": _exact("Always {}."),
        "type": lambda value: f"Type: {' or '.join(value) if is_strings(value) else shown(value)}.",
        "not": _forbidden,
        "if": _exact("Where this holds: {}"),
        "then": _exact("then this: {}"),
        "else": _exact("else this: {}."),
        "oneOf": _exact("Exactly one of: {}."),
        "anyOf": _exact("At least one of: {}."),
        "allOf": _exact("All of: {}."),
        "items": _exact("Items: {}."),
        "properties": _exact("Properties: {}."),
        "$ref": _plain("As defined in {}."),
        "$dynamicRef": _plain("As defined in {}."),
        "$recursiveRef": _plain("As defined in {}."),
        "contentSchema": _exact("Content: {}."),
        "contentEncoding": _plain("Encoding: {}."),
        "contentMediaType": _plain("Media type: {}."),
        "default": lambda value: None if value is None else f"Default: {shown(value)}.",
        "example": _exact("For example: {}."),
        "examples": lambda value: (
            f"For example: {listed(value)}." if isinstance(value, list) and value else None
        ),
        "deprecated": _when_true("Deprecated."),
    }
)
