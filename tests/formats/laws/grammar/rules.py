"""What the grammars of all dialects share: rules with names, and the frames of a stream."""

import json
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]  # JSON of any shape: the grammars look at what they know of it


class BrokenRule(AssertionError):
    """A stream breaks a rule of its dialect's grammar."""

    def __init__(self, rule: str, event: object) -> None:
        super().__init__(f"{rule}\n  in: {str(event)[:600]}")
        self.rule = rule


@dataclass(slots=True)
class Walk:
    """What was seen on the way through a stream."""

    ended: bool = False
    """The dialect's own ending came."""
    failed: bool = False
    """An error was told instead."""
    call_ids: list[str] = field(default_factory=list)


def demand(condition: object, rule: str, event: object) -> None:
    """Hold a stream to a rule."""
    if not condition:
        raise BrokenRule(rule, event)


def loaded(data: bytes, rule: str) -> Any:  # JSON of any shape
    """The JSON, which has to be valid and in UTF-8."""
    try:
        return json.loads(data.decode("utf-8"))
    except ValueError:
        raise BrokenRule(rule, data) from None


def frames(wire: bytes) -> list[tuple[str | None, bytes]]:
    """Name and data of each server-sent event. Comments are left out."""
    demand(not wire or wire.endswith(b"\n\n"), "the stream ends at the end of an event", wire[-60:])
    told: list[tuple[str | None, bytes]] = []
    for block in wire.split(b"\n\n")[:-1]:
        name: str | None = None
        data: list[bytes] = []
        for line in block.split(b"\n"):
            if line.startswith(b"event: "):
                demand(name is None, "an event has one name", block)
                name = line[7:].decode()
            elif line.startswith(b"data: "):
                data.append(line[6:])
            else:
                demand(line.startswith(b":"), "a line is `event: `, `data: ` or a comment", block)
        if name is not None or data:
            demand(len(data) == 1, "an event has one line of data", block)
            told.append((name, data[0]))
    return told


def is_count(value: object) -> bool:
    """True for a number of tokens or a place in a list."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def take_id(walk: Walk, id_: object, event: object) -> None:
    """Note the id of a tool call."""
    demand(isinstance(id_, str) and id_, "a tool call has an id", event)
    demand(id_ not in walk.call_ids, "ids of tool calls are unique in an answer", event)
    walk.call_ids.append(str(id_))
