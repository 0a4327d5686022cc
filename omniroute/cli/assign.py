"""Settings as a person writes them: `cache.ttlMs=5000`, `max-retries=2`, `strategy=`."""

import json
from collections.abc import Sequence
from typing import Any

from omniroute.cli.failures import UsageError


def assigned(given: Sequence[str]) -> dict[str, Any]:  # JSON of any shape
    """A change of settings: dots lead into objects, an empty value means the default, text needs no quotes.

    Raises `UsageError`.
    """
    change: dict[str, Any] = {}
    for text in given:
        path, equals, value = text.partition("=")
        names = [camel(name) for name in path.strip().split(".")]
        if not equals or not all(names):
            raise UsageError(f"{text!r}: write it as name=value; name= sets it back")
        place = change
        for name in names[:-1]:
            place = place.setdefault(name, {})
            if not isinstance(place, dict):
                raise UsageError(f"{text!r}: {name} is set as a whole already")
        place[names[-1]] = value_of(value.strip())
    return change


def value_of(text: str) -> Any:  # JSON of any shape
    """JSON where it is some, else the text; nothing is `None`."""
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def camel(name: str) -> str:
    """`max-retries` as the API calls it; what is written its way already stays."""
    first, *rest = name.strip().replace("_", "-").split("-")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


def flat(value: Any, path: str = "") -> list[tuple[str, str]]:  # JSON of any shape
    """Every value of a document under its full name, as `assigned` reads it."""
    if isinstance(value, dict) and value:
        return [row for name, member in value.items() for row in flat(member, f"{path}.{name}".strip("."))]
    if isinstance(value, str):
        return [(path, value)]
    return [(path, json.dumps(value, ensure_ascii=False))]
