"""How often combos asked each of their members in the last day."""

from collections.abc import Mapping

from omniroute.clock import Clock
from omniroute.store.combo_hours import HOUR_MS

HOURS = 24

Hours = dict[int, int]
"""The start of an hour to the requests in it."""


class ComboUses:
    """Counts by combo and member, hour by hour; what is on disk is read back at the start.

    An attempt counts when it begins, so that requests at one time do not all take the same member.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._hours: dict[str, dict[str, Hours]] = {}
        """By combo id and member."""

    @property
    def since_ms(self) -> int:
        """The first hour that counts."""
        now_ms = self._clock.now_ms()
        return now_ms - now_ms % HOUR_MS - (HOURS - 1) * HOUR_MS

    def restore(self, counts: Mapping[tuple[str, str, int], int]) -> None:
        """Begin with what was counted before: `store.combo_hours.by_hour`."""
        for (combo_id, member, hour_ms), requests in counts.items():
            self._add(combo_id, member, hour_ms, requests)

    def asked(self, combo_id: str, member: str) -> None:
        """A combo asks one of its members, `provider/model`, now."""
        now_ms = self._clock.now_ms()
        self._add(combo_id, member, now_ms - now_ms % HOUR_MS, 1)

    def counts(self, combo_id: str) -> Mapping[str, int]:
        """Requests of the last day by member, `provider/model`."""
        since_ms = self.since_ms
        members = self._hours.get(combo_id, {})
        return {
            member: sum(requests for hour_ms, requests in hours.items() if hour_ms >= since_ms)
            for member, hours in members.items()
        }

    def forget(self, combo_id: str | None = None) -> None:
        """Begin at nothing again: for all combos, or for one."""
        if combo_id is None:
            self._hours.clear()
        else:
            self._hours.pop(combo_id, None)

    def _add(self, combo_id: str, member: str, hour_ms: int, requests: int) -> None:
        hours = self._hours.setdefault(combo_id, {}).setdefault(member, {})
        hours[hour_ms] = hours.get(hour_ms, 0) + requests
        if len(hours) > HOURS:
            since_ms = self.since_ms
            for old_ms in [one for one in hours if one < since_ms]:
                del hours[old_ms]
