"""Requests that wait for an account whose limit is used up, each account's in the order they came."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress

LONGEST_QUEUE_S = 30.0
"""A request waits this long at most for an account whose limit will let it through."""
LOOK_AGAIN_S = 1.0
"""The first in a line looks this often by itself: limits may be changed, and nobody tells it."""


class Lines:
    """One line for each account that somebody waits for.

    Only the first in a line looks whether there is room, so nobody who comes later goes before. Whoever
    leaves, for whatever reason, wakes the next: a place is never lost to one who has gone away.
    """

    def __init__(self, free_in_s: Callable[[str], float]) -> None:
        """`free_in_s`: seconds until an account has room; 0: now."""
        self._free_in_s = free_in_s
        self._lines: dict[str, deque[asyncio.Event]] = {}
        """By account id; none is empty."""

    def __contains__(self, account_id: str) -> bool:
        return account_id in self._lines

    def __bool__(self) -> bool:
        return bool(self._lines)

    def length(self, account_id: str) -> int:
        """How many wait."""
        line = self._lines.get(account_id)
        return 0 if line is None else len(line)

    async def enter(self, account_id: str, *, within_s: float, in_vain: Callable[[], bool]) -> bool:
        """Whether the account has room for the caller, after a wait if need be, unless that is in vain.

        The caller has to begin its call before it awaits anything else: then whoever is next finds it there.
        """
        if account_id not in self._lines and self._free_in_s(account_id) <= 0:
            return True
        turn = asyncio.Event()
        line = self._lines.setdefault(account_id, deque())
        line.append(turn)
        try:
            async with asyncio.timeout(max(within_s, 0)):
                while not in_vain():
                    if line[0] is turn and self._free_in_s(account_id) <= 0:
                        return True
                    await self._wait(account_id, turn, is_first=line[0] is turn)
                return False
        except TimeoutError:
            return False
        finally:  # does not await: it runs in a cancelled task too
            line.remove(turn)
            if line:
                line[0].set()
            else:
                del self._lines[account_id]

    async def _wait(self, account_id: str, turn: asyncio.Event, *, is_first: bool) -> None:
        """Until somebody says that it may be time; the first in a line looks at the clock too."""
        turn.clear()
        look_in_s = min(self._free_in_s(account_id), LOOK_AGAIN_S) if is_first else None
        with suppress(TimeoutError):
            async with asyncio.timeout(look_in_s):
                await turn.wait()

    def wake(self, account_id: str) -> None:
        """Something has changed for the account: let the first in its line look."""
        line = self._lines.get(account_id)
        if line is not None:
            line[0].set()

    def wake_all(self) -> None:
        """Something has changed for every account."""
        for line in self._lines.values():
            line[0].set()
