"""A request on its way to an upstream of another dialect, and the answer on its way back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from omniroute.conversation.abilities import Abilities
from omniroute.conversation.events import (
    Cited,
    Delta,
    Ended,
    Event,
    Failed,
    Field,
    PartEnded,
    PartStarted,
    Started,
    UsageSeen,
)
from omniroute.conversation.fit import fit
from omniroute.conversation.fold import fold, unfold
from omniroute.conversation.pairing import paired
from omniroute.conversation.parts import Opaque, Part, Text, Thinking, ToolUse
from omniroute.conversation.proven import without_unproven_thinking
from omniroute.conversation.request import Request
from omniroute.conversation.response import Candidate, Response
from omniroute.errors import ErrorKind
from omniroute.formats import FORMATS
from omniroute.formats.codec import Encoded, Losses, ReplyFacts, StreamDecoder, StreamEncoder, call_id
from omniroute.formats.think_tags import ThinkTags, split_response
from omniroute.formats.tool_bridge import Bridge, bridge
from omniroute.formats.watch import Seen
from omniroute.records import FormatName

_NO_LOSS = frozenset({"id", "status", "object", "type", "phase", "anthropic_version"})
"""Members that name or frame what was said, and say nothing themselves."""
_DEGREES = frozenset({"concise", "detailed"})
"""How closely thoughts are to be summed up: only Responses tells it, elsewhere they are shown or not."""
_TAGGED = frozenset({FormatName.OPENAI_CHAT, FormatName.OLLAMA})
"""Dialects of the servers whose models write `<think>` into their text."""


class AnswerWriter(Protocol):
    """Writes answers in the client's dialect; a `Format` does, and variants of one do."""

    def encode_response(self, response: Response, facts: ReplyFacts) -> Encoded:
        """A whole answer."""

    def stream_encoder(self, facts: ReplyFacts) -> StreamEncoder:
        """A writer for a new stream."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What goes to the upstream."""

    body: bytes
    losses: tuple[str, ...]
    bridge: Bridge
    """Gives the answer's tool calls the client's own names again."""


def outgoing(
    request: Request,
    abilities: Abilities,
    dialect: FormatName,
    *,
    same: bool = False,
    as_said: bool = False,
) -> Outgoing:
    """The request in the upstream's dialect. `same`: it is the client's own, and only edited.

    `as_said`: nothing is known of the upstream, so that the client's own words stand. Raises `Refused` for
    content that the dialect or the model cannot take.
    """
    fitted = fit(request, abilities, dialect=dialect, same_dialect=as_said)
    fitted_request, unproven = without_unproven_thinking(fitted.request, dialect)
    if not same:
        fitted_request = msgspec.structs.replace(fitted_request, messages=paired(fitted_request.messages))
    bridged, restoring = bridge(
        fitted_request, dialect, abilities=abilities, custom_tools=True if same else None
    )
    encoded = FORMATS[dialect].encode_request(bridged, abilities)
    losses = Losses((*fitted.losses, *unproven, *encoded.losses))
    if request.reasoning.summary in _DEGREES and dialect is not FormatName.OPENAI_RESPONSES:
        losses.add("reasoning_summary")
    return Outgoing(encoded.body, _told(losses.names), restoring)


def _told(losses: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in losses if name not in _NO_LOSS)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a model thought before it called tools: some clients cannot give it back."""

    thinking: tuple[Thinking, ...]
    calls: tuple[ToolUse, ...]
    """With the ids the client knows them by, and without their arguments."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole answer as the client gets it."""

    body: bytes
    losses: tuple[str, ...]
    seen: Seen
    turn: Turn | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One answer's way from the upstream's dialect to the client's."""

    upstream: FormatName
    writer: AnswerWriter
    facts: ReplyFacts
    bridge: Bridge | None = None
    think_tags: bool = False
    """The model is known to write its thoughts as `<think>` in its text."""

    def whole(self, body: bytes) -> Whole:
        """A whole answer for a client that asked for one. Raises ProtocolError, StreamFailed."""
        return self._written(FORMATS[self.upstream].decode_response(body))

    def gathered(self, stream: bytes) -> Whole:
        """The same from an upstream that streams although it was not asked to."""
        decoder = self._decoder()
        return self._written(fold([*decoder.feed(stream), *decoder.close()]))

    def replayed(self, body: bytes) -> "TranslatedStream":
        """A stream that is complete already, from an upstream that answered whole: all of it is `rest()`.

        Raises ProtocolError, StreamFailed.
        """
        response = FORMATS[self.upstream].decode_response(body)
        return self._stream(_Replay(self._tidied(response)))

    def stream(self) -> "TranslatedStream":
        """A reader and writer for a new stream."""
        return self._stream(self._decoder())

    def _decoder(self) -> StreamDecoder:
        decoder = FORMATS[self.upstream].stream_decoder()
        return ThinkTags(decoder, always=self.think_tags) if self.upstream in _TAGGED else decoder

    def _stream(self, decoder: StreamDecoder) -> "TranslatedStream":
        restoring = None if self.bridge is None or self.bridge.is_plain else self.bridge
        return TranslatedStream(decoder, self.writer.stream_encoder(self.facts), self.facts, restoring)

    def _tidied(self, response: Response) -> Response:
        return split_response(response, always=self.think_tags) if self.upstream in _TAGGED else response

    def _written(self, response: Response) -> Whole:
        response = self._tidied(response)
        if self.bridge is not None and not self.bridge.is_plain:
            response = self.bridge.response(response)
        response = _with_ids(response, self.facts)
        encoded = self.writer.encode_response(response, self.facts)
        return Whole(encoded.body, _told(encoded.losses), _seen(response), _turn(response))


class _Replay:
    """A stream decoder that has its answer already."""

    def __init__(self, response: Response) -> None:
        self._events = list(unfold(response))

    def feed(self, chunk: bytes) -> list[Event]:
        """Nothing comes any more."""
        del chunk
        return []

    def close(self) -> list[Event]:
        """All of it, once."""
        events, self._events = self._events, []
        return events


@dataclass(slots=True)
class _Growing:
    """A thought, or the signature of a call, while it comes."""

    part: Thinking | ToolUse
    text: list[str] = field(default_factory=list)
    signature: list[str] = field(default_factory=list)


class TranslatedStream:
    """Reads one stream in the upstream's dialect and writes it in the client's."""

    def __init__(
        self, decoder: StreamDecoder, encoder: StreamEncoder, facts: ReplyFacts, restoring: Bridge | None
    ) -> None:
        self.seen = Seen()
        self._decoder = decoder
        self._encoder = encoder
        self._facts = facts
        self._restoring = restoring
        self._kept: dict[int, _Growing] = {}
        self._has_call = False
        self._said: list[str] = []
        self._open: set[int] = set()
        self._next = 0
        self._shift: int | None = None
        """What is added to the numbers of parts, in a stream that goes on from another."""

    def pass_on(self, chunk: bytes) -> bytes:
        """The bytes the client is to get for these. Raises ProtocolError."""
        return self._tell(self._decoder.feed(chunk))

    def rest(self) -> bytes:
        """What there is to tell once no bytes follow; `seen` says whether the stream had ended."""
        return self._tell(self._decoder.close())

    def text(self) -> str:
        """The output so far, for counting tokens."""
        return "".join(self.seen.text)

    def fail(self, kind: ErrorKind, message: str, *, request_id: str) -> bytes:
        """The in-band error that ends the client's stream."""
        return self._encoder.fail(kind, message, request_id=request_id)

    @property
    def said(self) -> str | None:
        """The words of the answer so far; `None` once it holds what no other model could go on from."""
        return None if self._has_call else "".join(self._said)

    def go_on_from(self, cut: "TranslatedStream") -> None:
        """Write on in the stream that `cut` began."""
        self._encoder = cut._encoder
        self._said, self._open, self._shift = [cut.said or ""], cut._open, cut._next
        self._next = cut._next

    @property
    def losses(self) -> tuple[str, ...]:
        """What could not be told so far."""
        return _told(self._encoder.losses)

    @property
    def turn(self) -> Turn | None:
        """What was thought before tools were called; `None` when none were."""
        if not self._has_call:
            return None
        return _turn_of([_grown(kept) for _, kept in sorted(self._kept.items())])

    def _tell(self, events: list[Event]) -> bytes:
        if self._restoring is not None:
            events = self._restoring.events(events)
        if self._shift is not None:
            events = self._joined(events, self._shift)
        for place, event in enumerate(events):
            kind = type(event)
            if kind is Delta:
                self._note_delta(event)  # type: ignore[arg-type]  # narrowed by `kind`, which is faster
            elif kind is PartStarted:
                events[place] = self._start(event)  # type: ignore[arg-type]  # as above
            else:
                self._note(event)
        return self._encoder.encode(events) if events else b""

    def _joined(self, events: list[Event], shift: int) -> list[Event]:
        """The events as they follow those of the stream that was cut off."""
        joined: list[Event] = []
        for event in events:
            match event:
                case Started():
                    continue
                case PartStarted(index, part, candidate):
                    joined.extend(PartEnded(number) for number in sorted(self._open) if number < shift)
                    self._open = {number for number in self._open if number >= shift}
                    joined.append(PartStarted(index + shift, part, candidate))
                case Delta(index, field, text):
                    joined.append(Delta(index + shift, field, text))
                case Cited(index, citation):
                    joined.append(Cited(index + shift, citation))
                case PartEnded(index):
                    joined.append(PartEnded(index + shift))
                case _:
                    joined.append(event)
        return joined

    def _note_delta(self, delta: Delta) -> None:
        if delta.field is not Field.SIGNATURE:
            self.seen.add_text(delta.text)
        kept = self._kept.get(delta.index)
        if kept is None:
            self._said.append(delta.text)
            return
        if delta.field is Field.SIGNATURE:
            kept.signature.append(delta.text)
        elif isinstance(kept.part, Thinking):
            kept.text.append(delta.text)

    def _start(self, event: PartStarted) -> PartStarted:
        part = event.part
        self._open.add(event.index)
        self._next = max(self._next, event.index + 1)
        match part:
            case Text():
                self._said.append(part.text)
            case ToolUse():
                self._has_call = True
                self.seen.add_text(part.arguments or part.name)
                part = msgspec.structs.replace(part, id=call_id(part.id, self._facts, event.index))
                self._kept[event.index] = _Growing(msgspec.structs.replace(part, arguments="", extra=None))
                return PartStarted(event.index, part, event.candidate)
            case Thinking():
                self._kept[event.index] = _Growing(part)
        if text := getattr(part, "text", ""):
            self.seen.add_text(text)
        elif not isinstance(part, Thinking) and part.__class__.__name__ in ("Media", "Opaque"):
            self.seen.content = True
        return event

    def _note(self, event: Event) -> None:
        seen = self.seen
        match event:
            case UsageSeen(usage):
                seen.usage = usage
            case Started(_, model):
                seen.model = model
            case PartEnded(index):
                self._open.discard(index)
            case Ended():
                seen.finished = True
            case Failed(failure):
                seen.failure = failure
            case _:
                pass


def _with_ids(response: Response, facts: ReplyFacts) -> Response:
    """The answer with ids of tool calls that no other answer has, the same as in a stream."""
    index = 0
    candidates: list[Candidate] = []
    for candidate in response.candidates:
        parts: list[Part] = []
        for part in candidate.parts:
            if isinstance(part, ToolUse):
                parts.append(msgspec.structs.replace(part, id=call_id(part.id, facts, index)))
            else:
                parts.append(part)
            index += 1
        candidates.append(msgspec.structs.replace(candidate, parts=tuple(parts)))
    return msgspec.structs.replace(response, candidates=tuple(candidates))


def _seen(response: Response) -> Seen:
    seen = Seen()
    seen.finished = True
    seen.model = response.model
    seen.usage = response.usage
    for part in _parts(response):
        seen.add_text(_words(part))
    return seen


def _words(part: Part) -> str:
    """What of a part is counted when nobody told its tokens."""
    match part:
        case ToolUse():
            return part.name + part.arguments
        case Opaque():
            return bytes(part.value).decode("utf-8", "replace")
        case _:
            return getattr(part, "text", "")


def _turn(response: Response) -> Turn | None:
    parts = list(_parts(response))
    if not any(isinstance(part, ToolUse) for part in parts):
        return None
    return _turn_of(parts)


def _turn_of(parts: Sequence[Part]) -> Turn:
    thinking = tuple(part for part in parts if isinstance(part, Thinking))
    calls = tuple(
        msgspec.structs.replace(part, arguments="", extra=None) for part in parts if isinstance(part, ToolUse)
    )
    return Turn(thinking, calls)


def _grown(kept: _Growing) -> Part:
    part = kept.part
    signature = (part.signature or "") + "".join(kept.signature) or None
    if isinstance(part, Thinking):
        return msgspec.structs.replace(part, text=part.text + "".join(kept.text), signature=signature)
    return msgspec.structs.replace(part, signature=signature)


def _parts(response: Response) -> Iterable[Part]:
    return (part for candidate in response.candidates for part in candidate.parts)
