"""JSON as a tree whose numbers keep the digits they were written with."""

import json
from collections.abc import Iterable
from typing import TypeAlias, TypeGuard

import msgspec

Json: TypeAlias = "bool | str | msgspec.Raw | list[Json] | dict[str, Json] | None"
"""Numbers are `Raw`, the text as it stood."""
Node: TypeAlias = dict[str, Json]
"""A schema that is an object."""

MAX_DEPTH = 80
"""Levels of nesting; what is deeper is not read. No tool that was seen has more than 20."""


def parse(text: bytes) -> Json:
    """The tree of a JSON text. Raises ValueError for what is no JSON, or nested too deeply."""
    try:
        tree: Json = json.loads(text, parse_int=_number, parse_float=_number, parse_constant=_refused)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if _depth_over(tree, MAX_DEPTH):
        raise ValueError("nested too deeply")
    return tree


def write(tree: Json) -> bytes:
    """The JSON text of a tree."""
    try:
        return msgspec.json.encode(tree)
    except UnicodeEncodeError:  # half a surrogate pair, which UTF-8 has no bytes for
        return msgspec.json.encode(_without_halves(tree))


def different(values: Iterable[Json]) -> list[Json]:
    """The values, each once, in the order met."""
    found: dict[bytes, Json] = {}
    for value in values:
        found.setdefault(write(value), value)
    return list(found.values())


def number(value: Json) -> float | None:
    """What a number is worth; `None` for all else."""
    if not isinstance(value, msgspec.Raw):
        return None
    try:
        return float(bytes(value))
    except (OverflowError, ValueError):
        return None


def whole(value: Json) -> int | None:
    """What a whole number is worth; `None` for all else."""
    worth = number(value)
    if worth is None or not worth.is_integer() or abs(worth) >= 2**53:
        return None
    return int(worth)


def written(value: int) -> msgspec.Raw:
    """A whole number as a tree has it."""
    return msgspec.Raw(str(value).encode())


def count(tree: Json, limit: int) -> int:
    """How many values the tree has, or something over `limit`."""
    total = 1
    if isinstance(tree, dict | list):
        for value in tree.values() if isinstance(tree, dict) else tree:
            total += count(value, limit - total)
            if total > limit:
                break
    return total


def is_strings(value: object) -> TypeGuard[list[str]]:
    """Whether it is a list of nothing but strings."""
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _number(digits: str) -> msgspec.Raw:
    return msgspec.Raw(digits.encode())


def _refused(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _depth_over(tree: Json, limit: int) -> bool:
    if not isinstance(tree, dict | list):
        return False
    if limit == 0:
        return True
    return any(_depth_over(value, limit - 1) for value in (tree.values() if isinstance(tree, dict) else tree))


def _without_halves(tree: Json) -> Json:
    if isinstance(tree, str):
        return tree.encode("utf-8", "replace").decode()
    if isinstance(tree, list):
        return [_without_halves(value) for value in tree]
    if isinstance(tree, dict):
        return {_in_utf8(key): _without_halves(value) for key, value in tree.items()}
    return tree


def _in_utf8(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
