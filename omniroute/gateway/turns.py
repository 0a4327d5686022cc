"""Whose turn it is, in combos that take turns."""


class Turns:
    """Counts by combo; in memory, so a restart begins anew."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

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
