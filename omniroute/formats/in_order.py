"""Parts of a stream one after the other, for dialects that cannot interleave them."""

from collections.abc import Callable, Sequence

from omniroute.conversation.events import Cited, Delta, Ended, Event, PartEnded, PartStarted
from omniroute.errors import ProtocolError

MAX_HELD_CHARS = 16 * 1024 * 1024


def one_lane(start: PartStarted) -> int | None:
    """Every part waits for the one before it."""
    del start
    return 0


class InOrder:
    """Lets the events of the oldest open part through, and holds those of the others back until it ends."""

    def __init__(self, lane_of: Callable[[PartStarted], int | None] = one_lane) -> None:
        """`lane_of`: parts wait for those of their own lane only; in no lane (`None`) they wait for none."""
        self._lane_of = lane_of
        self._lanes: dict[int, int] = {}
        self._taken: set[int] = set()
        """Lanes in which a part is open."""
        self._open: set[int] = set()
        """The parts whose events go through."""
        self._held: dict[int, list[Event]] = {}
        self._held_chars = 0

    def take(self, events: Sequence[Event]) -> list[Event]:
        """The events whose turn it is. Raises ProtocolError when too much would have to be held."""
        told: list[Event] = []
        for event in events:
            if type(event) is Delta and event.index in self._open:
                told.append(event)
            else:
                self._sort(event, told)
        return told

    def _sort(self, event: Event, told: list[Event]) -> None:
        match event:
            case PartStarted():
                self._start(event, told)
            case PartEnded(index) if index in self._open:
                told.append(event)
                self._open.discard(index)
                if index in self._lanes:
                    self._release(self._lanes.pop(index), told)
            case Cited(index) if index in self._open:
                told.append(event)
            case Delta(index) | Cited(index) | PartEnded(index):
                self._hold(index, event)
            case Ended():
                self._release_all(told)
                told.append(event)
            case _:
                told.append(event)

    def _start(self, event: PartStarted, told: list[Event]) -> None:
        lane = self._lane_of(event)
        if lane is not None:
            self._lanes[event.index] = lane
            if lane in self._taken:
                self._held[event.index] = [event]
                return
            self._taken.add(lane)
        self._open.add(event.index)
        told.append(event)

    def _hold(self, index: int, event: Event) -> None:
        if isinstance(event, Delta):
            self._held_chars += len(event.text)
        if self._held_chars > MAX_HELD_CHARS:
            raise ProtocolError("the upstream interleaves more than can be put in order")
        self._held.setdefault(index, []).append(event)

    def _release(self, lane: int, told: list[Event]) -> None:
        """What waited for its turn in this lane, up to the next part that is still open."""
        for index in sorted(index for index in self._held if self._lanes.get(index) == lane):
            events = self._held.pop(index)
            told += events
            self._held_chars -= sum(len(event.text) for event in events if isinstance(event, Delta))
            if not isinstance(events[-1], PartEnded):
                self._open.add(index)
                return
            del self._lanes[index]
        self._taken.discard(lane)

    def _release_all(self, told: list[Event]) -> None:
        for index in sorted(self._held):
            told += self._held.pop(index)
