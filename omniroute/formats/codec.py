"""What encoders and decoders of all dialects share."""

import re
from collections.abc import Sequence
from typing import Protocol

import msgspec

from omniroute.conversation.events import Event
from omniroute.conversation.request import Request
from omniroute.errors import ErrorKind, Refused

MADE_ID = "call_omr"
"""How ids of tool calls begin that no provider gave."""

NO_ARGUMENTS = frozenset({"", "null"})
"""What models write for the arguments of a tool that takes none, when they do not write an empty object."""

_WEAK_ID = re.compile(r"(?:.*[:._-])?\d{1,4}", re.DOTALL)
"""Ids that only number the calls of one answer: `0`, `call_1`, `functions.read_file:0`."""
_UNIQUE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}|[A-Za-z]{4,}\d[A-Za-z0-9]{8,}")
"""What no such id holds: part of a UUID, a run of random letters and digits."""


class Encoded(msgspec.Struct, frozen=True):
    """A body, and what the dialect could not carry."""

    body: bytes
    losses: tuple[str, ...] = ()
    """Short names, each once: `top_k`, `logit_bias`, `citations`, `server_tool_use`."""


class ReplyFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer is to be dressed in: codecs make no ids and read no clock."""

    id: str
    """Unique, letters and digits only; ids of the answer and of its parts are made from it."""
    created_s: int
    model: str
    """The name the client asked for."""
    request: Request
    """What the client asked, in its own dialect's decoding."""


class StreamDecoder(Protocol):
    """Reads one stream."""

    def feed(self, chunk: bytes) -> list[Event]:
        """The events these bytes complete. Raises ProtocolError."""

    def close(self) -> list[Event]:
        """What is left to tell once no bytes follow: `Ended`, or `Failed` when the stream was cut short."""


class StreamEncoder(Protocol):
    """Writes one stream."""

    def encode(self, events: Sequence[Event]) -> bytes:
        """The bytes that tell these events; none for `Failed`, which `fail` tells. Raises ProtocolError."""

    def fail(self, kind: ErrorKind, message: str, *, request_id: str) -> bytes:
        """The in-band error that ends the stream, with no normal ending after it."""

    @property
    def losses(self) -> tuple[str, ...]:
        """What could not be told so far."""


def cannot_carry(what: str, where: str, dialect: str) -> Refused:
    """The refusal of content a dialect has no place for: 400 with the part's path, before any upstream."""
    message = f"{where}: {what} cannot be sent to a model that speaks {dialect}"
    if what == "item_reference":
        message += "; send the item itself, as clients do with `store: false`"
    return Refused(ErrorKind.UNSUPPORTED, message, param=where)


def state_elsewhere(dialect: str) -> Refused:
    """The refusal to go on without what an earlier answer's provider has kept of the conversation."""
    where = "previous_response_id"
    message = f"{where}: a model that speaks {dialect} cannot go on from what another provider has kept"
    return Refused(ErrorKind.UNSUPPORTED, f"{message}; send the whole conversation", param=where)


def call_id(given: str, facts: ReplyFacts, index: int) -> str:
    """An id for a tool call that is unique among all answers, `given` itself where it is one.

    Some servers give none, or number the calls of each answer from 0; clients merge calls of equal id.
    """
    if not given:
        return f"{MADE_ID}{facts.id}{index}"
    if _WEAK_ID.fullmatch(given) and not _UNIQUE.search(given):
        return f"{re.sub(r'[^A-Za-z0-9_-]', '_', given)}_omr{facts.id}"
    return given


class Losses:
    """Names of what was left out, each once, in the order met."""

    __slots__ = ("_names",)

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._names: dict[str, None] = dict.fromkeys(names)

    def add(self, name: str) -> None:
        """Note one more."""
        self._names[name] = None

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(self._names)
