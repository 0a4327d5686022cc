"""What was read and written before: agents send their whole history again with every turn.

A text that was read before is found by its own bytes, so that nothing but the time it takes depends on it.
What is kept is what clients said: it stays in memory, and goes with the process or when as much else was
said since. It is never written to disk, nor told to anybody.
"""

from collections.abc import Callable, Hashable
from typing import Generic, TypeAlias, TypeVar

import msgspec

from omniroute.conversation.request import Message, Tool

LEAST_BYTES = 256
"""A shorter text is read again: that takes no longer than looking it up."""
MAX_BYTES = 24 << 20
"""Of memory for all messages that are kept, as they were read, as they are, and as they were written."""
MAX_TOOL_BYTES = 8 << 20
"""The same for lists of tools."""

T = TypeVar("T")

_Key: TypeAlias = tuple[str, bytes]
"""A dialect, and a text in it."""


class Fragment(msgspec.Struct, frozen=True):
    """A value as one dialect writes it, and what it could not carry."""

    texts: tuple[msgspec.Raw, ...]
    losses: tuple[str, ...] = ()


class Entry(Generic[T]):
    """One value that is remembered."""

    __slots__ = ("facts", "key", "size", "value", "written")

    def __init__(self, key: _Key, value: T) -> None:
        self.key = key
        self.value = value
        self.size = _size(key[1])
        self.facts: set[Hashable] = set()
        """What was found to be so."""
        self.written: dict[Hashable, Fragment] = {}
        """What was written for it, by everything else that this depended on."""


class Remembered(Generic[T]):
    """Values by the texts they were read from, and the texts that are written for them.

    They are kept in two generations. A value that is asked for moves to the younger one; when that has
    grown to half of the bound the elder is forgotten. This needs no clock and no order, and threads that
    meet here lose nothing but an entry.
    """

    def __init__(self, max_bytes: int) -> None:
        self._half = max_bytes // 2
        self._size = 0
        self._young: dict[_Key, Entry[T]] = {}
        self._old: dict[_Key, Entry[T]] = {}
        self._young_values: dict[int, Entry[T]] = {}
        """By the identity of the value, which lasts as long as it is kept."""
        self._old_values: dict[int, Entry[T]] = {}

    def read(
        self, dialect: str, raw: msgspec.Raw, read: Callable[[msgspec.Raw, int], T], place: int = 0
    ) -> T:
        """What `read` makes of the text, or made of an equal one. Raises what it raises.

        `place`: the text's in its list, which errors may name and values do not depend on.
        """
        text = bytes(raw)
        if len(text) < LEAST_BYTES:
            return read(raw, place)
        key = (dialect, text)
        entry = self._young.get(key)
        if entry is None:
            entry = self._old.get(key)
            if entry is None:
                # Read from the copy: what is kept must not hold on to the body it was cut from.
                entry = Entry(key, read(msgspec.Raw(text), place))
            self._add(entry)
        return entry.value

    def entry(self, value: T) -> "Entry[T] | None":
        """What is known of this very value; `None` for one that is not remembered."""
        return self._young_values.get(id(value)) or self._old_values.get(id(value))

    def keep_written(self, entry: "Entry[T]", terms: Hashable, fragment: Fragment) -> None:
        """Remember what was written for a value under these terms."""
        size = sum(memoryview(text).nbytes for text in fragment.texts) + _OVERHEAD_BYTES
        entry.written[terms] = fragment
        entry.size += size
        self._grow(size)

    def _add(self, entry: Entry[T]) -> None:
        if entry.size > self._half:
            return
        self._young[entry.key] = entry
        self._young_values[id(entry.value)] = entry
        self._grow(entry.size)

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > self._half:
            self._old, self._old_values = self._young, self._young_values
            self._young, self._young_values = {}, {}
            self._size = 0


_OVERHEAD_BYTES = 1000
"""Of an entry, whatever its text."""


def _size(text: bytes) -> int:
    """Bytes an entry takes at most: its text, and the strings read from it, which may need four a letter."""
    wide = not text.isascii() or b"\\u" in text
    return len(text) * (5 if wide else 2) + _OVERHEAD_BYTES


MESSAGES: Remembered[Message | None] = Remembered(MAX_BYTES)
"""`None` for a message that says nothing."""
TOOLS: Remembered[tuple[Tool, ...]] = Remembered(MAX_TOOL_BYTES)
"""Whole lists: they come as they are with every turn."""
