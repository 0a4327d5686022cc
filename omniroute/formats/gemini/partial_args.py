"""Arguments of a function call that come piece by piece, each with its JSON path (Vertex AI, 2026-11-23)."""

import re
from itertools import pairwise
from typing import Any

import msgspec

from omniroute.errors import ProtocolError

MAX_DEPTH = 64
MAX_ITEMS = 10_000

_STEP = re.compile(r"""\.?([^.\[\]'"]+)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]""")
_ESCAPE = re.compile(r"\\(.)")


class PartialArg(msgspec.Struct):
    """One piece."""

    jsonPath: str = "$"
    stringValue: str | None = None
    numberValue: int | float | None = None
    boolValue: bool | None = None

    @property
    def value(self) -> str | int | float | bool | None:
        """What it adds; `None` when it says null, or nothing but that it will go on."""
        for value in (self.stringValue, self.numberValue, self.boolValue):
            if value is not None:
                return value
        return None


class Arguments:
    """Puts arguments together."""

    def __init__(self) -> None:
        self._root: dict[str, Any] = {}

    def add(self, piece: PartialArg) -> None:
        """Put a piece where it belongs: a text goes on, anything else stands. Raises ProtocolError."""
        steps = _steps(piece.jsonPath)
        if not steps:
            return
        place: Any = self._root
        for step, following in pairwise(steps):
            inner = _get(place, step)
            if not isinstance(inner, dict | list):
                inner = [] if isinstance(following, int) else {}
                _set(place, step, inner)
            place = inner
        before, value = _get(place, steps[-1]), piece.value
        if isinstance(before, str) and isinstance(value, str):
            value = before + value
        _set(place, steps[-1], value)

    def text(self) -> str:
        """The arguments as JSON."""
        return msgspec.json.encode(self._root).decode()


def _steps(path: str) -> list[str | int]:
    """The names and numbers of a path like `$.tags[0]['a b']`."""
    rest = path.removeprefix("$")
    steps: list[str | int] = []
    end = 0
    while end < len(rest):
        step = _STEP.match(rest, end)
        if step is None or len(steps) >= MAX_DEPTH:
            raise ProtocolError("the upstream streams arguments to a place that cannot be")
        end = step.end()
        name, number, *quoted = step.groups()
        if number is not None:
            steps.append(int(number[:9]))
        elif name is not None:
            steps.append(name)
        else:
            steps.append(_ESCAPE.sub(r"\1", next(text for text in quoted if text is not None)))
    return steps


def _get(place: Any, step: str | int) -> Any:
    if isinstance(place, list):
        return place[step] if isinstance(step, int) and step < len(place) else None
    return place.get(str(step))


def _set(place: Any, step: str | int, value: Any) -> None:
    if isinstance(place, dict):
        place[str(step)] = value
        return
    if not isinstance(step, int) or step >= MAX_ITEMS:
        raise ProtocolError("the upstream streams arguments to a place that cannot be")
    place.extend([None] * (step + 1 - len(place)))
    place[step] = value
