"""Joins the two views of an answer: a stream of events, and the whole."""

from collections.abc import Iterable, Iterator

import msgspec

from omniroute.conversation.events import (
    Cited,
    Delta,
    Ended,
    Event,
    Failed,
    Field,
    Finished,
    LogprobsSeen,
    OpaqueEvent,
    PartEnded,
    PartStarted,
    Started,
    UsageSeen,
)
from omniroute.conversation.parts import Base64, Citation, Media, Part, Refusal, Text, Thinking, ToolUse
from omniroute.conversation.request import TokenLogprob
from omniroute.conversation.response import Candidate, Finish, FinishReason, Response
from omniroute.conversation.usage import UNKNOWN, Usage
from omniroute.errors import Failure, FailureKind

CUT = Failure(kind=FailureKind.CUT, message="the upstream ended its stream before the end")
"""What a stream has come to that stopped early."""


class StreamFailed(Exception):
    """The stream that was to be folded did not end."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class _Growing:
    """One part while it grows."""

    __slots__ = ("candidate", "citations", "part", "pieces")

    def __init__(self, part: Part, candidate: int) -> None:
        self.part = part
        self.candidate = candidate
        self.pieces: dict[Field, list[str]] = {}
        self.citations: list[Citation] = []

    def whole(self) -> Part:
        """The part with everything that came."""
        grown = {field: "".join(pieces) for field, pieces in self.pieces.items()}
        text = grown.get(Field.TEXT, "")
        signature = grown.get(Field.SIGNATURE)
        match self.part:
            case Text() as part:
                citations = (*part.citations, *self.citations)
                return msgspec.structs.replace(part, text=part.text + text, citations=citations)
            case Thinking() as part:
                signature = (part.signature or "") + signature if signature else part.signature
                origin = part.origin if signature else None
                return msgspec.structs.replace(
                    part, text=part.text + text, signature=signature, origin=origin
                )
            case Refusal() as part:
                return msgspec.structs.replace(part, text=part.text + text)
            case ToolUse() as part:
                arguments = part.arguments + grown.get(Field.ARGUMENTS, "")
                signature = (part.signature or "") + signature if signature else part.signature
                origin = part.origin if signature else None
                return msgspec.structs.replace(part, arguments=arguments, signature=signature, origin=origin)
            case Media(source=Base64() as source) as part:
                source = Base64(source.media_type, source.data + grown.get(Field.BASE64, ""))
                return msgspec.structs.replace(part, source=source)
            case part:
                return part


class Folder:
    """Gathers events into the whole answer."""

    def __init__(self) -> None:
        self._id: str | None = None
        self._model: str | None = None
        self._parts: dict[int, _Growing] = {}
        self._finishes: dict[int, Finish] = {}
        self._logprobs: dict[int, list[TokenLogprob]] = {}
        self._usage: Usage = UNKNOWN
        self._failure: Failure | None = None
        self._ended = False

    def take(self, events: Iterable[Event]) -> None:  # noqa: C901, PLR0912 - one arm per kind of event
        """Take note of events, in order."""
        for event in events:
            match event:
                case Delta(index, field, text):
                    self._parts[index].pieces.setdefault(field, []).append(text)
                case PartStarted(index, part, candidate):
                    self._parts[index] = _Growing(part, candidate)
                case Cited(index, citation):
                    self._parts[index].citations.append(citation)
                case LogprobsSeen(tokens, candidate):
                    self._logprobs.setdefault(candidate, []).extend(tokens)
                case Started(id, model):
                    self._id, self._model = id, model
                case UsageSeen(usage):
                    self._usage = usage
                case Finished(finish, candidate):
                    self._finishes[candidate] = finish
                case Failed(failure):
                    self._failure = failure
                case Ended():
                    self._ended = True
                case PartEnded() | OpaqueEvent():
                    pass

    def whole(self) -> Response:
        """The answer. Raises `StreamFailed` when the stream failed or did not end."""
        if self._failure is not None or not self._ended:
            raise StreamFailed(self._failure or CUT)
        return Response(id=self._id, model=self._model, candidates=self._candidates(), usage=self._usage)

    def _candidates(self) -> tuple[Candidate, ...]:
        parts: dict[int, list[Part]] = {}
        for index in sorted(self._parts):
            growing = self._parts[index]
            parts.setdefault(growing.candidate, []).append(growing.whole())
        numbers = parts.keys() | self._finishes.keys()
        return tuple(
            Candidate(
                parts=tuple(parts.get(number, ())),
                finish=self._finishes.get(number, Finish(FinishReason.UNKNOWN)),
                logprobs=tuple(self._logprobs.get(number, ())),
            )
            for number in sorted(numbers)
        )


def fold(events: Iterable[Event]) -> Response:
    """The answer a whole stream tells. Raises `StreamFailed` when it did not end."""
    folder = Folder()
    folder.take(events)
    return folder.whole()


def unfold(response: Response) -> Iterator[Event]:
    """The shortest stream that tells the answer."""
    yield Started(response.id, response.model)
    index = 0
    for number, candidate in enumerate(response.candidates):
        logprobs = candidate.logprobs
        for part in candidate.parts:
            yield PartStarted(index, part, number)
            if logprobs and isinstance(part, Text):
                yield LogprobsSeen(logprobs, number)  # beside a text: where dialects have a place for them
                logprobs = ()
            yield PartEnded(index)
            index += 1
        if logprobs:
            yield LogprobsSeen(logprobs, number)
    if response.usage != UNKNOWN:
        yield UsageSeen(response.usage)
    for number, candidate in enumerate(response.candidates):
        yield Finished(candidate.finish, number)
    yield Ended()
