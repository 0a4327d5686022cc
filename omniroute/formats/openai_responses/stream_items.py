"""One item of a streamed answer while it grows."""

import msgspec

from omniroute.conversation.events import Cited, Delta, Event, Field, LogprobsSeen, PartEnded, PartStarted
from omniroute.conversation.parts import Citation, Extra, Part, Refusal, Text, Thinking, ToolUse
from omniroute.conversation.request import TokenLogprob
from omniroute.formats.openai_responses.items import (
    BLANK_LINE,
    CUSTOM_CALL,
    FUNCTION_CALL,
    MESSAGE,
    REASONING,
    decode_call,
)
from omniroute.formats.openai_responses.members import DIALECT, MARK, Members
from omniroute.formats.openai_responses.response_decode import decode_item


class Count:
    """Numbers the parts of an answer."""

    __slots__ = ("_next", "calls")

    def __init__(self) -> None:
        self._next = 0
        self.calls = False
        """A tool of the client is called."""

    def started(self, part: Part, events: list[Event]) -> int:
        """Tell the start of a part; its number."""
        index = self._next
        self._next += 1
        self.calls = self.calls or isinstance(part, ToolUse)
        events.append(PartStarted(index, part))
        return index


class _Growing:
    """One part, and what was told of it."""

    __slots__ = ("citations", "field", "index", "part", "told")

    def __init__(self, part: Part, index: int, field: Field) -> None:
        self.part = part
        self.index = index
        self.field = field
        self.told: list[str] = []
        self.citations = 0

    def grow(self, text: str, events: list[Event]) -> None:
        self.told.append(text)
        events.append(Delta(self.index, self.field, text))

    def settle(self, whole: str, events: list[Event]) -> None:
        """Tell what the deltas left out of the whole text."""
        told = "".join(self.told)
        if len(whole) > len(told) and whole.startswith(told):
            self.grow(whole[len(told) :], events)


class GrowingItem:
    """An item from its announcement to its end, before which every event may be missing.

    What comes after its end does not count.
    """

    __slots__ = ("_count", "_first", "_kind", "_parts", "_place", "_source", "ended", "logprobs_seen")

    def __init__(self, count: Count) -> None:
        self._count = count
        self._kind: str | None = None
        self._first: Part | None = None
        """The first part as it will start, without content."""
        self._parts: dict[int, _Growing] = {}
        self._source: str | None = None
        """Whether the text of a reasoning item comes from its summary or its content: one only counts."""
        self._place = 0
        self.logprobs_seen = 0
        self.ended = False

    def announce(self, item: Members, events: list[Event]) -> None:
        """The item begins, most of it still to come."""
        self._kind = kind = item.text("type")
        item.left.pop("status", None)
        if kind in (FUNCTION_CALL, CUSTOM_CALL):
            item.left.pop("arguments", None)
            item.left.pop("input", None)
            if item.peek("name") is not None and item.peek("call_id") is not None:
                call = decode_call(item, custom=kind == CUSTOM_CALL)
                if call.name and call.id:
                    self._start(0, call, Field.ARGUMENTS, events)
        elif kind == MESSAGE:
            item.left.pop("role", None)
            item.left.pop("content", None)
            self._first = Text("", extra=item.rest())
        elif kind == REASONING:
            self._first = Thinking(origin=DIALECT, id=item.text("id"))

    def _start(self, place: int, part: Part, field: Field, events: list[Event]) -> _Growing:
        index = self._count.started(part, events)
        growing = self._parts[place] = _Growing(part, index, field)
        return growing

    def add_text(self, place: int, text: str, events: list[Event]) -> None:
        """More of a text of a message."""
        if self.ended:
            return
        growing = self._parts.get(place)
        if growing is None:
            growing = self._start(place, Text("", extra=self._extra()), Field.TEXT, events)
        growing.grow(text, events)

    def _extra(self) -> Extra | None:
        if self._parts:
            return MARK
        return self._first.extra if isinstance(self._first, Text) else None

    def add_refusal(self, place: int, text: str, events: list[Event]) -> None:
        """More of a refusal."""
        if self.ended:
            return
        growing = self._parts.get(place)
        if growing is None:
            growing = self._start(place, Refusal("", extra=self._extra()), Field.TEXT, events)
        growing.grow(text, events)

    def add_thought(self, source: str, place: int, text: str, events: list[Event]) -> None:
        """More of a summary, or of the thoughts themselves."""
        self._source = self._source or source
        if self._source != source or self.ended:
            return
        growing = self._parts.get(0)
        if growing is None:
            first = self._first if isinstance(self._first, Thinking) else Thinking(origin=DIALECT)
            growing = self._start(0, first, Field.TEXT, events)
        elif place != self._place:
            text = BLANK_LINE + text
        self._place = place
        growing.grow(text, events)

    def add_arguments(self, text: str, events: list[Event]) -> None:
        """More of what a tool is called with."""
        growing = self._parts.get(0)
        if growing is not None and growing.field is Field.ARGUMENTS and not self.ended:
            growing.grow(text, events)

    def settle(self, place: int, whole: str, events: list[Event]) -> None:
        """The whole of a part is told."""
        growing = self._parts.get(place)
        if growing is not None and not self.ended:
            growing.settle(whole, events)

    def cite(self, place: int, citation: Citation, events: list[Event]) -> None:
        """A text has something from somewhere."""
        growing = self._parts.get(place)
        if growing is not None and not self.ended:
            growing.citations += 1
            events.append(Cited(growing.index, citation))

    def finish(self, raw: msgspec.Raw, events: list[Event]) -> None:
        """The item is complete, and told whole. Raises `WrongShape`."""
        if self.ended:
            return
        logprobs: list[TokenLogprob] = []
        whole = decode_item(raw, logprobs)
        grown = [self._parts[place] for place in sorted(self._parts)]
        for growing, part in zip(grown, whole, strict=False):
            _complete(growing, part, events)
        untold = tuple(logprobs[self.logprobs_seen :])
        if untold and grown:
            events.append(LogprobsSeen(untold))
            untold = ()
        self.close(events)
        for part in whole[len(grown) :]:
            events.append(PartEnded(self._count.started(part, events)))
        if untold:
            events.append(LogprobsSeen(untold))

    def close(self, events: list[Event]) -> None:
        """Nothing more comes."""
        if not self.ended:
            self.ended = True
            events.extend(PartEnded(growing.index) for growing in self._parts.values())


def _complete(growing: _Growing, part: Part, events: list[Event]) -> None:
    """Tell what the whole part has that was not told."""
    match part:
        case Text(text, citations) if isinstance(growing.part, Text):
            growing.settle(text, events)
            events.extend(Cited(growing.index, citation) for citation in citations[growing.citations :])
        case Refusal(text) if isinstance(growing.part, Refusal):
            growing.settle(text, events)
        case Thinking(text, signature) if isinstance(growing.part, Thinking):
            growing.settle(text, events)
            if signature:
                events.append(Delta(growing.index, Field.SIGNATURE, signature))
        case ToolUse() if isinstance(growing.part, ToolUse):
            growing.settle(part.arguments, events)
        case _:
            pass
