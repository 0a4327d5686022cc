"""What the demo says: pure, and honest about what it is."""

import re
import secrets
from dataclasses import dataclass
from typing import Any

import msgspec

from omniroute.conversation.tokens import count_tokens
from omniroute.gateway.demo.ask import Ask, JSONObject, Tool

MAX_QUOTE_CHARS = 2000
_MAX_DEPTH = 8

_INTRODUCTION = "This is OmniRoute's built-in demo model, no AI behind it."
_NEXT = "Connect a real model with: omniroute providers add openai (or any other provider)"
_PIECE = re.compile(r"(?:\S+\s*){1,4}|\s+")


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a client's tool."""

    id: str
    """Random, without the dialect's prefix."""
    name: str
    arguments: JSONObject

    @property
    def json(self) -> str:
        """The arguments as JSON text."""
        return msgspec.json.encode(self.arguments).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer, before it is written in a dialect: a tool call, or text."""

    id: str
    """Random, without the dialect's prefix: clients merge answers whose ids are equal."""
    model: str
    created_s: int
    text: str
    call: ToolCall | None
    input_tokens: int
    output_tokens: int

    @property
    def pieces(self) -> list[str]:
        """The text, or the call's arguments, cut as a stream sends them."""
        if self.call is None:
            return _PIECE.findall(self.text)
        half = len(self.call.json) // 2
        return [self.call.json[:half], self.call.json[half:]]


def answer(ask: Ask, *, model: str, created_s: int) -> Answer:
    """The answer to a request; a new one has new ids."""
    chosen = _chosen_tool(ask)
    call = None
    if chosen is not None:
        call = ToolCall(secrets.token_hex(12), chosen.name, _arguments(chosen, ask.text))
    text = "" if call else _text(ask)
    return Answer(
        id=secrets.token_hex(12),
        model=model,
        created_s=created_s,
        text=text,
        call=call,
        input_tokens=ask.input_tokens,
        output_tokens=count_tokens(text if call is None else f"{call.name} {call.json}"),
    )


def _text(ask: Ask) -> str:
    if ask.tool_result is not None:
        return f"{_INTRODUCTION} The tool answered: {_quoted(ask.tool_result)}\n{_NEXT}"
    return f"{_INTRODUCTION} You said: {_quoted(ask.text)}\n{_NEXT}"


def _quoted(text: str) -> str:
    """The text without its ends, shortened, and with nothing JSON cannot carry."""
    text = text.strip().encode("utf-8", "replace").decode()
    return text if len(text) <= MAX_QUOTE_CHARS else f"{text[:MAX_QUOTE_CHARS]}…"


def _chosen_tool(ask: Ask) -> Tool | None:
    """The tool that is demanded or named; the first when the text only says "tool"."""
    if not ask.tools or ask.tool_result is not None:
        return None
    wanted = [tool for tool in ask.tools if tool.name == ask.forced or _says(ask.text, tool.name)]
    if wanted:
        return next((tool for tool in wanted if tool.name == ask.forced), wanted[0])
    if ask.forced is not None or re.search(r"\btools?\b", ask.text, re.IGNORECASE):
        return ask.tools[0]
    return None


def _says(text: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def _arguments(tool: Tool, text: str) -> JSONObject:
    value = _example(tool.schema, _quoted(text), tool.schema, _MAX_DEPTH)
    return value if isinstance(value, dict) else {}


def _example(schema: object, text: str, root: JSONObject, depth: int) -> Any:  # JSON of any shape
    """The least value the schema allows, with the user's text where a string may stand."""
    schema = _followed(schema, root) if depth else {}
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    for name in ("enum", "examples"):
        if isinstance(values := schema.get(name), list) and values:
            return values[0]
    for name in ("anyOf", "oneOf", "allOf"):
        if isinstance(options := schema.get(name), list) and options:
            return _example(options[0], text, root, depth - 1)
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0] if kind else None
    if kind == "object" or (kind is None and "properties" in schema):
        return _object(schema, text, root, depth)
    if kind == "array":
        return [_example(schema.get("items"), text, root, depth - 1)] * _whole(schema.get("minItems"))
    return _scalar(kind, schema, text)


def _object(schema: JSONObject, text: str, root: JSONObject, depth: int) -> JSONObject:
    properties, required = schema.get("properties"), schema.get("required")
    if not isinstance(required, list):
        return {}
    known = properties if isinstance(properties, dict) else {}
    names = (name for name in required if isinstance(name, str))
    return {name: _example(known.get(name), text, root, depth - 1) for name in names}


def _scalar(kind: object, schema: JSONObject, text: str) -> Any:  # JSON of any shape
    if kind in ("integer", "number"):
        return _number(schema)
    if kind == "boolean":
        return False
    if kind == "null":
        return None
    longest = schema.get("maxLength")
    text = text[:longest] if isinstance(longest, int) else text
    return text.ljust(_whole(schema.get("minLength")), ".")


def _number(schema: JSONObject) -> int | float:
    least, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    if isinstance(above, int | float):
        return above + 1
    return least if isinstance(least, int | float) else 0


def _followed(schema: object, root: JSONObject) -> JSONObject:
    """The schema itself, or what its `$ref` inside the same document names."""
    if not isinstance(schema, dict):
        return {}
    reference = schema.get("$ref")
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return schema
    place: object = root
    for step in reference[2:].split("/"):
        place = place.get(step) if isinstance(place, dict) else None
    return place if isinstance(place, dict) else {}


def _whole(value: object) -> int:
    return min(value, 100) if isinstance(value, int) and value > 0 else 0
