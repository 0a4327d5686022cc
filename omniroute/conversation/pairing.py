"""Tool calls matched with their results: every dialect refuses one without the other."""

from collections.abc import Iterator, Sequence

import msgspec

from omniroute.conversation.parts import Part, Text, ToolResult, ToolUse
from omniroute.conversation.request import Message, Role


def paired(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The messages with the results of each turn's calls right behind it; the same ones when they are so.

    A call without a result gets an empty one. A result without a call before it becomes words of the user.
    """
    if _is_plainly_tidy(messages):
        return messages
    matched = _Matched(messages)
    if matched.is_tidy():
        return messages
    return tuple(matched.tidied())


def _is_plainly_tidy(messages: Sequence[Message]) -> bool:
    """True when the calls of each turn have one result each, all behind it at once.

    False says nothing: this reads what is common, and in a quarter of the time.
    """
    waiting: set[str] = set()
    talking = False
    for message in messages:
        speaks = message.role is Role.ASSISTANT
        if speaks and waiting and not talking:
            return False
        talking = speaks
        if not (_calls(message, waiting) if speaks else _answers(message, waiting)):
            return False
    return not waiting


def _calls(message: Message, waiting: set[str]) -> bool:
    """Adds the calls to those that wait; False when two of them cannot be told apart."""
    for part in message.parts:
        if type(part) is ToolUse:
            if part.id in waiting:
                return False
            waiting.add(part.id)
    return True


def _answers(message: Message, waiting: set[str]) -> bool:
    """Takes out the calls that are answered; False for an answer to none, and for none while some wait."""
    waited = len(waiting)
    for part in message.parts:
        if type(part) is ToolResult:
            if part.tool_use_id not in waiting:
                return False
            waiting.remove(part.tool_use_id)
    return not waiting or len(waiting) < waited


class _Turn:
    """What an assistant said without a break, and where the results of its calls stand."""

    def __init__(self) -> None:
        self.calls: list[ToolUse] = []
        self.open: dict[str, list[ToolUse]] = {}
        """Calls without a result so far, by id: some servers number the calls of each turn anew."""
        self.end = 0
        """The message behind the turn."""
        self.after = 0
        """The message behind the results that follow at once."""
        self.late: list[ToolResult] = []
        """Results that came later than that."""

    def add(self, call: ToolUse) -> None:
        self.calls.append(call)
        self.open.setdefault(call.id, []).append(call)

    def answer(self, id: str) -> bool:
        """True when a call of this id was waiting."""
        waiting = self.open.get(id)
        if not waiting:
            return False
        waiting.pop(0)
        return True

    def missing(self) -> list[ToolResult]:
        """Results for the calls that have none, in the order of the calls."""
        waiting = {id(call) for calls in self.open.values() for call in calls}
        return [
            ToolResult(call.id, name=call.name or None, custom=call.custom)
            for call in self.calls
            if id(call) in waiting
        ]


class _Matched:
    def __init__(self, messages: Sequence[Message]) -> None:
        self._messages = messages
        self._turns: list[_Turn] = []
        self._orphans: set[tuple[int, int]] = set()
        self._moved: set[tuple[int, int]] = set()
        talking = False
        for place, message in enumerate(messages):
            if message.role is Role.ASSISTANT:
                if not talking:
                    self._turns.append(_Turn())
                self._speak(place, message)
            else:
                self._answer(place, message)
            talking = message.role is Role.ASSISTANT

    def _speak(self, place: int, message: Message) -> None:
        turn = self._turns[-1]
        turn.end = turn.after = place + 1
        for part in message.parts:
            if isinstance(part, ToolUse):
                turn.add(part)

    def _answer(self, place: int, message: Message) -> None:
        for number, part in enumerate(message.parts):
            if not isinstance(part, ToolResult):
                continue
            turn = next((turn for turn in reversed(self._turns) if turn.answer(part.tool_use_id)), None)
            if turn is None:
                self._orphans.add((place, number))
            elif turn.after >= place:
                turn.after = place + 1
            else:
                turn.late.append(part)
                self._moved.add((place, number))

    def is_tidy(self) -> bool:
        """True when nothing has to be changed."""
        return not self._orphans and not self._moved and not any(turn.missing() for turn in self._turns)

    def tidied(self) -> Iterator[Message]:
        """The messages as they should be."""
        added = {
            turn.after: Message(Role.USER, tuple(results))
            for turn in self._turns
            if (results := [*turn.late, *turn.missing()])
        }
        for place, message in enumerate(self._messages):
            if place in added:
                yield added.pop(place)
            parts = tuple(self._parts(place, message))
            if parts == message.parts:
                yield message
            elif parts:
                yield msgspec.structs.replace(message, parts=parts)
        yield from added.values()

    def _parts(self, place: int, message: Message) -> Iterator[Part]:
        for number, part in enumerate(message.parts):
            if (place, number) in self._orphans and isinstance(part, ToolResult):
                yield from _as_words(part)
            elif (place, number) not in self._moved:
                yield part


def _as_words(result: ToolResult) -> Iterator[Part]:
    """What a tool gave back, as something the user says."""
    of = f" {result.name}" if result.name else ""
    yield Text(f"[Result of an earlier call of the tool{of}]")
    yield from result.parts
