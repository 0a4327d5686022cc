"""Thoughts that a model writes into its text between `<think>` and `</think>`, taken out of it.

They count as thoughts when they are the first thing a candidate says; code that mentions the tags later is
text. Of a model known for its tags, later blocks and a lone end count too.
"""

import re

import msgspec

from omniroute.conversation.events import Cited, Delta, Event, Field, PartEnded, PartStarted
from omniroute.conversation.parts import Part, Text, Thinking
from omniroute.conversation.response import Candidate, Response
from omniroute.formats.codec import StreamDecoder

_OPEN = "<think>"
_CLOSE = "</think>"
_END = re.compile(_CLOSE, re.IGNORECASE)
_ANY = re.compile(f"{_OPEN}|{_CLOSE}", re.IGNORECASE)
_MAX_BLOCKS = 10
_MAX_BLANKS = 256
"""So much white space may stand before a tag."""


def split_response(response: Response, *, always: bool = False) -> Response:
    """The answer with thoughts apart. `always`: the model is known for its tags."""
    candidates = tuple(_split_candidate(candidate, always=always) for candidate in response.candidates)
    if candidates == response.candidates:
        return response
    return msgspec.structs.replace(response, candidates=candidates)


def _split_candidate(candidate: Candidate, *, always: bool) -> Candidate:
    parts: list[Part] = []
    spoke = False
    for part in candidate.parts:
        if not isinstance(part, Text) or (spoke and not always):
            parts.append(part)
            continue
        parts += _split_text(part, always=always)
        spoke = spoke or bool(part.text.strip())
    return msgspec.structs.replace(candidate, parts=tuple(parts))


def _split_text(part: Text, *, always: bool) -> list[Part]:
    splitter = _Splitter(always=always)
    text = part.text
    if always and (lone := _lone_end(text)) is not None:
        text = f"{_OPEN}{text[:lone]}{text[lone:]}"  # the prompt held the beginning
    pieces = [*splitter.feed(text), *splitter.close()]
    if pieces == [(False, part.text)]:
        return [part]
    joined: list[Part] = []
    for thinks, words in pieces:
        last = joined[-1] if joined else None
        if isinstance(last, Thinking if thinks else Text):
            joined[-1] = msgspec.structs.replace(last, text=last.text + words)
        else:
            joined.append(Thinking(words) if thinks else Text(words))
    return _with_the_rest(joined, part)


def _with_the_rest(parts: list[Part], whole: Text) -> list[Part]:
    """Citations and the like stay with the last text; offsets into the old text would be wrong."""
    if not whole.citations and whole.extra is None and whole.cache is None:
        return parts
    citations = tuple(msgspec.structs.replace(citation, start=None, end=None) for citation in whole.citations)
    for place in range(len(parts) - 1, -1, -1):
        if isinstance(part := parts[place], Text):
            parts[place] = Text(part.text, citations, whole.cache, whole.extra)
            return parts
    return [*parts, Text("", citations, whole.cache, whole.extra)]


def _lone_end(text: str) -> int | None:
    """Where the first tag stands, when it is an end."""
    tag = _ANY.search(text)
    return tag.start() if tag is not None and tag.group()[1] == "/" else None


class ThinkTags:
    """A stream whose thoughts are told apart, whatever way the tags are cut."""

    def __init__(self, decoder: StreamDecoder, *, always: bool = False) -> None:
        self._decoder = decoder
        self._always = always
        self._numbers: dict[int, int] = {}
        """Our number of each part that goes on as it is."""
        self._watched: dict[int, _Watched] = {}
        self._spoke: set[int] = set()
        """Candidates that have said something; their further texts are no concern of ours."""
        self._next = 0

    def feed(self, chunk: bytes) -> list[Event]:
        """The events these bytes complete. Raises ProtocolError."""
        return self._told(self._decoder.feed(chunk))

    def close(self) -> list[Event]:
        """What is left to tell once no bytes follow."""
        return self._told(self._decoder.close())

    def _told(self, events: list[Event]) -> list[Event]:
        told: list[Event] = []
        for event in events:
            if isinstance(event, Delta):
                watched = self._watched.get(event.index)
                if watched is not None:
                    self._say(event.index, watched, watched.splitter.feed(event.text), told)
                    continue
                number = self._numbers[event.index]
                told.append(event if number == event.index else Delta(number, event.field, event.text))
            elif isinstance(event, PartStarted):
                self._start(event, told)
            elif isinstance(event, PartEnded):
                self._end(event.index, told)
            elif isinstance(event, Cited):
                told.append(Cited(self._cited(event.index, told), event.citation))
            else:
                told.append(event)
        return told

    def _start(self, event: PartStarted, told: list[Event]) -> None:
        part = event.part
        if isinstance(part, Text) and (self._always or event.candidate not in self._spoke):
            watched = _Watched(part, event.candidate, always=self._always)
            self._watched[event.index] = watched
            if part.text:
                self._say(event.index, watched, watched.splitter.feed(part.text), told)
            return
        self._numbers[event.index] = self._next
        told.append(PartStarted(self._next, part, event.candidate))
        self._next += 1

    def _end(self, index: int, told: list[Event]) -> None:
        watched = self._watched.get(index)
        if watched is not None:
            self._say(index, watched, watched.splitter.close(), told)
            self._watched.pop(index, None)
            if watched.open is not None:
                told.append(PartEnded(watched.open))
            return
        told.append(PartEnded(self._numbers[index]))

    def _say(
        self, index: int, watched: "_Watched", pieces: list[tuple[bool, str]], told: list[Event]
    ) -> None:
        for thinks, words in pieces:
            number = watched.open
            if number is None or watched.thinks is not thinks:
                number = self._open(watched, told, thinks=thinks)
            told.append(Delta(number, Field.TEXT, words))
            if words.strip():
                self._spoke.add(watched.candidate)
        if watched.open is not None and not watched.thinks and watched.splitter.settled:
            self._numbers[index] = watched.open
            del self._watched[index]

    def _open(self, watched: "_Watched", told: list[Event], *, thinks: bool) -> int:
        if watched.open is not None:
            told.append(PartEnded(watched.open))
        part = Thinking() if thinks else msgspec.structs.replace(watched.part, text="")
        number = watched.open = self._next
        watched.thinks = thinks
        told.append(PartStarted(number, part, watched.candidate))
        self._next += 1
        return number

    def _cited(self, index: int, told: list[Event]) -> int:
        """Our number of the text a citation belongs to."""
        watched = self._watched.get(index)
        if watched is None:
            return self._numbers[index]
        if watched.open is None or watched.thinks:
            return self._open(watched, told, thinks=False)
        return watched.open


class _Watched:
    """A text that may hold thoughts."""

    __slots__ = ("candidate", "open", "part", "splitter", "thinks")

    def __init__(self, part: Text, candidate: int, *, always: bool) -> None:
        self.part = part
        self.candidate = candidate
        self.splitter = _Splitter(always=always)
        self.open: int | None = None
        """Our number of what is being told of it."""
        self.thinks = False


class _Splitter:
    """Tells thoughts from words; holds back no more than white space and what may be the start of a tag."""

    def __init__(self, *, always: bool) -> None:
        self._always = always
        self._blocks = 0
        self._thinks = False
        self._opens = True
        """Nothing but white space has come since the start, or since a tag."""
        self._held = ""

    @property
    def settled(self) -> bool:
        """True when all that follows is words."""
        return not (self._always or self._thinks or self._opens or self._held)

    def feed(self, text: str) -> list[tuple[bool, str]]:
        """Pieces that are certain: whether it is a thought, and the words."""
        pieces: list[tuple[bool, str]] = []
        rest, self._held = self._held + text, ""
        while rest:
            rest = self._begin(rest) if self._opens else self._go_on(rest, pieces)
        return pieces

    def close(self) -> list[tuple[bool, str]]:
        """What was held back is no tag."""
        held, self._held = self._held, ""
        return [(self._thinks, held)] if held else []

    def _begin(self, rest: str) -> str:
        """Take a tag off the start; gives what follows, nothing while it is not certain."""
        said = rest.lstrip()
        if self._blocks:
            rest = said  # white space next to a tag belongs to the tag
        may_open = not self._thinks and self._blocks < (_MAX_BLOCKS if self._always else 1)
        start = said[: len(_OPEN)].lower()
        if may_open and start == _OPEN:
            self._thinks = True
            self._blocks += 1
            return said[len(_OPEN) :]
        if not said or (may_open and _OPEN.startswith(start)):
            self._held = rest
            if len(rest) <= _MAX_BLANKS:
                return ""
            self._held = ""
        self._opens = False
        return rest

    def _go_on(self, rest: str, pieces: list[tuple[bool, str]]) -> str:
        """Tell what stands before the next tag; gives what follows it."""
        tags = _END if self._thinks or self._blocks >= _MAX_BLOCKS else _ANY
        tag = tags.search(rest) if self._thinks or self._always else None
        if tag is None:
            certain = len(rest) - (_started(rest) if self._thinks or self._always else 0)
            self._held = rest[certain:]
            if certain:
                pieces.append((self._thinks, rest[:certain]))
            return ""
        if tag.start():
            pieces.append((self._thinks, rest[: tag.start()]))
        self._thinks = tag.group()[1] != "/"
        self._blocks += self._thinks
        self._opens = True
        return rest[tag.end() :]


def _started(text: str) -> int:
    """How many of the last characters may be the start of a tag."""
    place = text.rfind("<", -len(_CLOSE) + 1)
    if place < 0:
        return 0
    tail = text[place:].lower()
    return len(text) - place if _OPEN.startswith(tail) or _CLOSE.startswith(tail) else 0
