"""Parts of a stream one after the other, for dialects that cannot interleave them."""

from collections.abc import Sequence

from omniroute.conversation.events import Cited, Delta, Ended, Event, PartEnded, PartStarted
from omniroute.errors import ProtocolError

MAX_HELD_CHARS = 16 * 1024 * 1024


class InOrder:
    """Lets the events of the oldest open part through, and holds those of the others back until it ends."""

    def __init__(self) -> None:
        self._now: int | None = None
        """The part whose events go through."""
        self._held: dict[int, list[Event]] = {}
        self._held_chars = 0

    def take(self, events: Sequence[Event]) -> list[Event]:
        """The events whose turn it is. Raises ProtocolError when too much would have to be held."""
        told: list[Event] = []
        for event in events:
            if type(event) is Delta and event.index == self._now:
                told.append(event)
            else:
                self._sort(event, told)
        return told

    def _sort(self, event: Event, told: list[Event]) -> None:
        match event:
            case PartStarted(index) if self._now is None:
                self._now = index
                told.append(event)
            case PartEnded(index) if index == self._now:
                told.append(event)
                self._release(told)
            case Cited(index) if index == self._now:
                told.append(event)
            case PartStarted(index) | Delta(index) | Cited(index) | PartEnded(index):
                self._hold(index, event)
            case Ended():
                self._release(told, all_of_it=True)
                told.append(event)
            case _:
                told.append(event)

    def _hold(self, index: int, event: Event) -> None:
        if isinstance(event, Delta):
            self._held_chars += len(event.text)
        if self._held_chars > MAX_HELD_CHARS:
            raise ProtocolError("the upstream interleaves more than can be put in order")
        self._held.setdefault(index, []).append(event)

    def _release(self, told: list[Event], *, all_of_it: bool = False) -> None:
        """What waited for its turn, up to the next part that is still open."""
        self._now = None
        while self._held:
            index = min(self._held)
            events = self._held.pop(index)
            told += events
            self._held_chars -= sum(len(event.text) for event in events if isinstance(event, Delta))
            if not isinstance(events[-1], PartEnded) and not all_of_it:
                self._now = index
                return
