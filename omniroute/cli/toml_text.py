"""A document as TOML: tables for objects, one line for what is inside a list."""

import json
import re
from collections.abc import Iterator
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def to_toml(document: dict[str, Any]) -> str:
    """The text. What is null is left out: TOML has no word for it."""
    return "\n".join(_table(document, ())).strip("\n") + "\n"


def _table(table: dict[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    plain = {
        name: value for name, value in table.items() if not isinstance(value, dict) and value is not None
    }
    inner = {name: value for name, value in table.items() if isinstance(value, dict)}
    if path and (plain or not inner):
        yield f"[{'.'.join(map(_key, path))}]"
    for name, value in plain.items():
        yield f"{_key(name)} = {_value(value)}"
    if path and (plain or not inner):
        yield ""
    for name, value in inner.items():
        yield from _table(value, (*path, name))


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value)
        case dict():
            return (
                "{ " + ", ".join(f"{_key(n)} = {_value(v)}" for n, v in value.items()) + " }"
                if value
                else "{}"
            )
        case list() if any(isinstance(one, dict | list) for one in value):
            return "[\n" + "".join(f"    {_value(one)},\n" for one in value) + "]"
        case list():
            return "[" + ", ".join(map(_value, value)) + "]"
        case _:
            return json.dumps(value)


def _text(text: str) -> str:
    """A basic string; JSON's escapes are TOML's too, but for what JSON leaves as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
