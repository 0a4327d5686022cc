"""Calls of tools in a Chat stream, put together from their fragments."""

import msgspec

from omniroute.conversation.events import Delta, Event, Field, PartStarted
from omniroute.conversation.parts import Extra, ToolUse
from omniroute.formats.openai_chat.node import DIALECT
from omniroute.formats.openai_chat.parts_decode import google_signature
from omniroute.formats.watch import ABSENT, is_something

_TEXT = msgspec.json.Decoder(str)


class FunctionPiece(msgspec.Struct):
    """A piece of a call's inner object; arguments may be an object where a server is careless."""

    name: str | None = None
    arguments: msgspec.Raw = ABSENT
    input: msgspec.Raw = ABSENT


class ToolCallPiece(msgspec.Struct):
    """A fragment of a call."""

    index: int | None = None
    id: str | None = None
    type: str | None = None
    function: FunctionPiece | None = None
    custom: FunctionPiece | None = None
    extra_content: msgspec.Raw = ABSENT

    @property
    def says_something(self) -> bool:
        """False for the empty shells some servers send beside other content."""
        inner = self.function or self.custom
        return bool(self.id or (inner is not None and (inner.name or inner.arguments or inner.input)))


class _Call:
    """One call while it grows."""

    __slots__ = ("custom", "extra", "id", "name", "part", "pieces", "signature")

    def __init__(self) -> None:
        self.id = ""
        self.name = ""
        self.custom = False
        self.part: int | None = None
        """Number of its part once it was told."""
        self.pieces: list[str] = []
        self.signature: str | None = None
        self.extra: Extra | None = None


class Calls:
    """The calls of one candidate. Servers number them in many ways, or not at all."""

    def __init__(self, candidate: int) -> None:
        self._candidate = candidate
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return bool(self._calls)

    @property
    def open(self) -> list[int]:
        """Numbers of their parts."""
        return [call.part for call in self._calls if call.part is not None]

    def take(self, piece: ToolCallPiece, next_part: int, events: list[Event]) -> int:
        """Tell what a fragment adds; gives the number of the next part."""
        if not piece.says_something:
            return next_part
        inner = piece.function or piece.custom or FunctionPiece()
        call = self._call_of(piece, inner)
        call.id = call.id or piece.id or ""
        call.custom = call.custom or piece.custom is not None or piece.type == "custom"
        if piece.extra_content is not ABSENT:
            _note_extra(call, piece.extra_content)
        text = _arguments(inner)
        if call.part is None:
            call.name = inner.name or ""
            if text:
                call.pieces.append(text)
            return self._tell(call, next_part, events) if call.name else next_part
        if text:
            call.pieces.append(text)
            events.append(Delta(call.part, Field.ARGUMENTS, text))
        return next_part

    def flush(self, next_part: int, events: list[Event]) -> int:
        """Tell the calls whose name never came."""
        for call in self._calls:
            if call.part is None:
                next_part = self._tell(call, next_part, events)
        return next_part

    def _tell(self, call: _Call, next_part: int, events: list[Event]) -> int:
        call.part = next_part
        part = ToolUse(
            call.id,
            call.name,
            custom=call.custom,
            signature=call.signature,
            origin=DIALECT if call.signature else None,
            extra=call.extra,
        )
        events.append(PartStarted(next_part, part, self._candidate))
        text = "".join(call.pieces)
        if text:
            events.append(Delta(next_part, Field.ARGUMENTS, text))
        return next_part + 1

    def _call_of(self, piece: ToolCallPiece, inner: FunctionPiece) -> _Call:
        """The call a fragment belongs to, by its number, else by its id, else the last."""
        call = self._by_index.get(piece.index) if piece.index is not None else self._unnumbered(piece)
        if call is None or _is_another(call, piece, inner):
            call = _Call()
            self._calls.append(call)
            if piece.index is not None:
                self._by_index[piece.index] = call
        return call

    def _unnumbered(self, piece: ToolCallPiece) -> _Call | None:
        if piece.id:
            known = next((call for call in self._calls if call.id == piece.id), None)
            if known is not None:
                return known
        return self._calls[-1] if self._calls else None


def _is_another(call: _Call, piece: ToolCallPiece, inner: FunctionPiece) -> bool:
    """A call that begins although its number was used before: it has a name and an id of its own."""
    if not inner.name or call.part is None:
        return False
    if piece.id and call.id:
        return piece.id != call.id
    return not piece.id and _is_complete("".join(call.pieces))


def _is_complete(arguments: str) -> bool:
    try:
        msgspec.json.decode(arguments, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return False
    return True


def _arguments(inner: FunctionPiece) -> str:
    raw = inner.arguments if inner.arguments is not ABSENT else inner.input
    if raw is ABSENT:
        return ""
    text = bytes(raw)
    if text[:1] == b'"':
        return _TEXT.decode(raw)
    return "" if text == b"null" else text.decode()


def _note_extra(call: _Call, raw: msgspec.Raw) -> None:
    """The signature of Google's own Chat endpoint, which has to come back with the call."""
    if not is_something(raw) or call.part is not None:
        return
    try:
        call.signature = google_signature(raw)
    except msgspec.DecodeError:
        call.extra = Extra(DIALECT, {"extra_content": raw})
