"""Whether OpenAI would take a schema with `strict`."""

from omniroute.formats.schema.tree import Json, Node, is_strings

_REFUSED = frozenset(
    {
        *(
            "allOf",
            "oneOf",
            "not",
            "if",
            "then",
            "else",
            "dependentRequired",
            "dependentSchemas",
            "dependencies",
        ),
        *("patternProperties", "propertyNames", "unevaluatedProperties", "unevaluatedItems", "contains"),
        *("minContains", "maxContains", "minProperties", "maxProperties", "uniqueItems"),
    }
)
"""developers.openai.com/api/docs/guides/structured-outputs, on keywords that are not yet supported
(read 2026-11-23 as quoted at github.com/ai-dynamo/dynamo/pull/15153)."""

_FORMATS = frozenset(("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"))
_MAX_PROPERTIES = 5000
_MAX_ENUM = 1000


class _Strict:
    def __init__(self) -> None:
        self.properties = 0
        self.values = 0

    def takes(self, schema: Json) -> bool:
        """Whether the schema keeps to the subset."""
        if not isinstance(schema, dict) or _REFUSED & schema.keys():
            return False
        values = schema.get("enum")
        self.values += len(values) if isinstance(values, list) else 0
        kind = schema.get("type")
        if isinstance(schema.get("format"), str) and schema["format"] not in _FORMATS:
            return False
        if (kind == "object" or "properties" in schema) and not self._object(schema):
            return False
        if self.properties > _MAX_PROPERTIES or self.values > _MAX_ENUM:
            return False
        return all(self.takes(inner) for inner in _inner(schema))

    def _object(self, schema: Node) -> bool:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        if schema.get("additionalProperties") is not False or not isinstance(properties, dict):
            return False
        self.properties += len(properties)
        return is_strings(required) and set(required) == properties.keys()


def _inner(schema: Node) -> list[Json]:
    inner: list[Json] = []
    for keyword in ("properties", "$defs", "definitions"):
        if isinstance(named := schema.get(keyword), dict):
            inner.extend(named.values())
    if isinstance(branches := schema.get("anyOf"), list):
        inner.extend(branches)
    if "items" in schema:
        inner.append(schema["items"])
    return inner


def takes_strict(schema: Json) -> bool:
    """Whether every object in it is closed and demands all its properties, and it has only what is known."""
    return isinstance(schema, dict) and schema.get("type") == "object" and _Strict().takes(schema)
