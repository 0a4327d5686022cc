"""Whose turn it is, in combos that take turns, and how many may be asked at once."""

import asyncio
from collections.abc import Mapping


class Turns:
    """Counts by combo; a start goes on from how many requests are on record."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._slots: dict[tuple[str, str, str, int], asyncio.Semaphore] = {}

    def restore(self, requests: Mapping[str, int]) -> None:
        """Combos have been asked so often before: by their ids."""
        self._counts.update(requests)

    def next(self, combo_id: str) -> int:
        """How often it was asked before."""
        count = self._counts.get(combo_id, 0)
        self._counts[combo_id] = count + 1
        return count

    def peek(self, combo_id: str) -> int:
        """The same without taking a turn."""
        return self._counts.get(combo_id, 0)

    def reset(self, combo_id: str) -> None:
        """Begin with its first member again."""
        self._counts.pop(combo_id, None)

    def slots(self, combo: str, provider_id: str, model: str, most: int) -> asyncio.Semaphore:
        """Places for so many requests at once to one member; whoever waits is served in turn."""
        key = (combo, provider_id, model, most)
        slots = self._slots.get(key)
        if slots is None:
            slots = self._slots[key] = asyncio.Semaphore(most)
        return slots
