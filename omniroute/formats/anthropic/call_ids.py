"""Ids of tool calls as Anthropic takes them: unique in a request, of few characters."""

import re
from collections import deque

from omniroute.formats.codec import MADE_ID

_LEGAL = re.compile(r"[a-zA-Z0-9_-]+")
_ILLEGAL = re.compile(r"[^a-zA-Z0-9_-]")


class CallIds:
    """Ids of one request; the same requests get the same ones."""

    def __init__(self) -> None:
        self._used: set[str] = set()
        self._waiting: dict[str, deque[str]] = {}
        """Calls whose result has not come yet, by the id they came with."""

    def of_call(self, id: str) -> str:
        """The id to send for a call."""
        wire = wanted = legal(id) or f"{MADE_ID}{len(self._used)}"
        number = 2
        while wire in self._used:
            wire = f"{wanted}_{number}"
            number += 1
        self._used.add(wire)
        self._waiting.setdefault(id, deque()).append(wire)
        return wire

    def of_result(self, id: str) -> str:
        """The id to send for a result: that of the call it answers."""
        waiting = self._waiting.get(id)
        return waiting.popleft() if waiting else legal(id) or f"{MADE_ID}{len(self._used)}"


def legal(id: str) -> str:
    """The id with characters that Anthropic refuses made `_`."""
    return id if _LEGAL.fullmatch(id) else _ILLEGAL.sub("_", id)
