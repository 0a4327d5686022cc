"""Answers whose tool calls get the names and kinds again that the client declared."""

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field as made

import msgspec

from omniroute.conversation.events import (
    Cited,
    Delta,
    Ended,
    Event,
    Failed,
    Field,
    Finished,
    PartEnded,
    PartStarted,
)
from omniroute.conversation.parts import Part, Text, ToolUse
from omniroute.conversation.response import Candidate, Finish, FinishReason, Response
from omniroute.formats.tool_names import Key, ToolNames

JSON_ANSWER = "json_answer"
"""The tool whose arguments are the answer."""


@dataclass(frozen=True, slots=True)
class AnswerTool:
    """The answer comes as the arguments of `json_answer`."""

    unwraps: bool = False
    """It is no object, so it stands in the member `value` of one."""

    def text(self, arguments: str) -> str:
        """The answer."""
        if not self.unwraps:
            return arguments or "{}"
        try:
            value = msgspec.json.decode(arguments, type=_Value).value
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
            return arguments
        return bytes(value).decode("utf-8", "replace")


class _Value(msgspec.Struct):
    value: msgspec.Raw


class _Input(msgspec.Struct, forbid_unknown_fields=True):
    input: str


def unwrapped(arguments: str) -> str:
    """The text a custom tool was called with; the arguments themselves when they are not `{"input": …}`."""
    try:
        return msgspec.json.decode(arguments, type=_Input).input
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return arguments


def restored(
    response: Response, names: ToolNames, customs: frozenset[Key], answer: AnswerTool | None
) -> Response:
    """A whole answer as the client knows its tools."""
    candidates = tuple(_candidate(candidate, names, customs, answer) for candidate in response.candidates)
    return msgspec.structs.replace(response, candidates=candidates)


def _candidate(
    candidate: Candidate, names: ToolNames, customs: frozenset[Key], answer: AnswerTool | None
) -> Candidate:
    if answer is not None and any(_is_answer(part) for part in candidate.parts):
        return _answered(candidate, answer)
    parts: list[Part] = []
    for part in candidate.parts:
        if isinstance(part, ToolUse):
            custom = (part.namespace, part.name) in customs
            parts.append(
                _named(part, names, unwrapped(part.arguments) if custom else part.arguments, custom=custom)
            )
        else:
            parts.append(part)
    return msgspec.structs.replace(candidate, parts=tuple(parts))


def _is_answer(part: Part) -> bool:
    return isinstance(part, ToolUse) and part.name == JSON_ANSWER


def _named(part: ToolUse, names: ToolNames, arguments: str, *, custom: bool) -> ToolUse:
    namespace, name = names.client((part.namespace, part.name))
    return msgspec.structs.replace(
        part, name=name, namespace=namespace, arguments=arguments, custom=part.custom or custom
    )


def _answered(candidate: Candidate, answer: AnswerTool) -> Candidate:
    """The first answer as text, without the words around it."""
    parts: list[Part] = []
    found = False
    for part in candidate.parts:
        if isinstance(part, ToolUse) and part.name == JSON_ANSWER:
            if not found:
                parts.append(Text(answer.text(part.arguments)))
            found = True
        elif not isinstance(part, Text | ToolUse):
            parts.append(part)
    return msgspec.structs.replace(candidate, parts=tuple(parts), finish=_stopped(candidate.finish))


def _stopped(finish: Finish) -> Finish:
    if finish.reason is not FinishReason.TOOL_USE:
        return finish
    return msgspec.structs.replace(finish, reason=FinishReason.STOP)


@dataclass(slots=True)
class _Held:
    """A part whose content is told when it is complete."""

    index: int
    field: Field
    pieces: list[str] = made(default_factory=list)
    is_answer: bool = False


class Restoring:
    """The same for a stream: custom input and wrapped answers are held back until their part ends."""

    def __init__(self, names: ToolNames, customs: frozenset[Key], answer: AnswerTool | None) -> None:
        self._names = names
        self._customs = customs
        self._answer = answer
        self._next = 0
        self._numbers: dict[int, int] = {}
        """The upstream's number of a part, and ours: parts that are left out have none."""
        self._held: dict[int, _Held] = {}
        self._streamed: set[int] = set()
        """Answers that are told as they come."""
        self._silent: set[int] = set()
        """Those of them that have not said anything."""
        self._texts: dict[int, list[Event]] = {}
        """By candidate: text that is told only when no answer comes."""
        self._text_of: dict[int, int] = {}
        """Candidate of each text part that waits."""
        self._answered: set[int] = set()
        """Candidates that have given their answer."""

    def events(self, events: Sequence[Event]) -> list[Event]:
        """What these events are for the client."""
        told: list[Event] = []
        for event in events:
            match event:
                case Delta():
                    self._delta(event, told)
                case PartStarted():
                    self._start(event, told)
                case PartEnded(index):
                    self._end(index, told)
                case Cited():
                    self._cite(event, told)
                case Finished(finish, candidate):
                    self._release(candidate, told)
                    done = _stopped(finish) if candidate in self._answered else finish
                    told.append(Finished(done, candidate))
                case _:
                    if isinstance(event, Ended | Failed):
                        self._release_all(told)
                    told.append(event)
        return told

    def _number(self, index: int) -> int:
        self._numbers[index] = self._next
        self._next += 1
        return self._numbers[index]

    def _start(self, event: PartStarted, told: list[Event]) -> None:
        part = event.part
        if isinstance(part, ToolUse):
            if self._answer is not None and part.name == JSON_ANSWER:
                self._start_answer(event, part, told)
            else:
                self._start_call(event, part, told)
        elif isinstance(part, Text) and self._answer is not None:
            if event.candidate not in self._answered:
                self._text_of[event.index] = event.candidate
                self._texts.setdefault(event.candidate, []).append(event)
        else:
            told.append(PartStarted(self._number(event.index), part, event.candidate))

    def _start_answer(self, event: PartStarted, part: ToolUse, told: list[Event]) -> None:
        if event.candidate in self._answered:
            return
        self._answered.add(event.candidate)
        for waiting in self._texts.pop(event.candidate, []):
            if isinstance(waiting, PartStarted):
                del self._text_of[waiting.index]
        number = self._number(event.index)
        if self._answer is not None and self._answer.unwraps:
            self._held[event.index] = _Held(number, Field.TEXT, [part.arguments], is_answer=True)
            told.append(PartStarted(number, Text(""), event.candidate))
            return
        self._streamed.add(event.index)
        if not part.arguments:
            self._silent.add(event.index)
        told.append(PartStarted(number, Text(part.arguments), event.candidate))

    def _start_call(self, event: PartStarted, part: ToolUse, told: list[Event]) -> None:
        number = self._number(event.index)
        custom = (part.namespace, part.name) in self._customs
        if custom:
            self._held[event.index] = _Held(number, Field.ARGUMENTS, [part.arguments])
        named = _named(part, self._names, "" if custom else part.arguments, custom=custom)
        told.append(PartStarted(number, named, event.candidate))

    def _delta(self, event: Delta, told: list[Event]) -> None:
        index = event.index
        if index in self._text_of:
            self._texts[self._text_of[index]].append(event)
        elif index in self._streamed:
            if event.field is Field.ARGUMENTS:
                self._silent.discard(index)
                told.append(Delta(self._numbers[index], Field.TEXT, event.text))
        elif index in self._held and event.field is Field.ARGUMENTS:
            self._held[index].pieces.append(event.text)
        elif index in self._held and self._held[index].is_answer:
            return
        elif index in self._numbers:
            told.append(Delta(self._numbers[index], event.field, event.text))

    def _end(self, index: int, told: list[Event]) -> None:
        if index in self._text_of:
            self._texts[self._text_of[index]].append(PartEnded(index))
            return
        number = self._numbers.get(index)
        if number is None:
            return
        held = self._held.pop(index, None)
        if held is not None:
            whole = "".join(held.pieces)
            text = self._answer.text(whole) if held.is_answer and self._answer else unwrapped(whole)
            if text:
                told.append(Delta(number, held.field, text))
        elif index in self._silent:
            told.append(Delta(number, Field.TEXT, "{}"))
        told.append(PartEnded(number))

    def _cite(self, event: Cited, told: list[Event]) -> None:
        if event.index in self._text_of:
            self._texts[self._text_of[event.index]].append(event)
        elif event.index in self._numbers:
            told.append(Cited(self._numbers[event.index], event.citation))

    def _release_all(self, told: list[Event]) -> None:
        for candidate in sorted(self._texts):
            self._release(candidate, told)

    def _release(self, candidate: int, told: list[Event]) -> None:
        """Tell the text that waited: no answer came instead of it."""
        for event in self._texts.pop(candidate, []):
            match event:
                case PartStarted(index, part, of):
                    told.append(PartStarted(self._number(index), part, of))
                    del self._text_of[index]
                case Delta(index, kind, text):
                    told.append(Delta(self._numbers[index], kind, text))
                case Cited(index, citation):
                    told.append(Cited(self._numbers[index], citation))
                case PartEnded(index):
                    told.append(PartEnded(self._numbers[index]))
                case _:
                    pass
