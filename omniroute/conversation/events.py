"""What a stream tells, in order.

Per stream: `Started`, then for each part `PartStarted`, its deltas, `PartEnded`; `Finished` once per
candidate; last `Ended`, or `Failed` when it did not end. Parts may be interleaved; `index` numbers them
across all candidates in the order they start, from 0. `UsageSeen` may come anywhere before the end, also
after `Finished`: later counts replace earlier ones.
"""

from enum import StrEnum
from typing import TypeAlias

import msgspec

from omniroute.conversation.parts import Citation, Part
from omniroute.conversation.request import TokenLogprob
from omniroute.conversation.response import Finish
from omniroute.conversation.usage import Usage
from omniroute.errors import Failure


class Field(StrEnum):
    """What of a part grows."""

    TEXT = "text"
    """Of a `Text`, a `Thinking` or a `Refusal`."""
    SIGNATURE = "signature"
    ARGUMENTS = "arguments"
    BASE64 = "base64"
    """Of a `Media` whose source is `Base64`; its media type stands in the start."""


class Started(msgspec.Struct, frozen=True, gc=False):
    """The answer begins."""

    id: str | None = None
    model: str | None = None


class PartStarted(msgspec.Struct, frozen=True):
    """A part begins: its kind, id and name; text and arguments may already hold what came with the start."""

    index: int
    part: Part
    candidate: int = 0


class Delta(msgspec.Struct, frozen=True, gc=False):
    """A part grows. `text` is never empty."""

    index: int
    field: Field
    text: str


class Cited(msgspec.Struct, frozen=True):
    """A text part has something from somewhere."""

    index: int
    citation: Citation


class PartEnded(msgspec.Struct, frozen=True, gc=False):
    """A part is complete."""

    index: int


class LogprobsSeen(msgspec.Struct, frozen=True):
    """Likelihoods of the tokens that came last."""

    tokens: tuple[TokenLogprob, ...]
    candidate: int = 0


class UsageSeen(msgspec.Struct, frozen=True):
    """Tokens so far; replaces what was told before."""

    usage: Usage


class Finished(msgspec.Struct, frozen=True):
    """A candidate is complete, and why."""

    finish: Finish
    candidate: int = 0


class Ended(msgspec.Struct, frozen=True, gc=False):
    """The answer ended as its dialect has answers end."""


class Failed(msgspec.Struct, frozen=True):
    """The answer did not end: an error event, or a stream cut short. Nothing follows."""

    failure: Failure


class OpaqueEvent(msgspec.Struct, frozen=True):
    """An event only its own dialect knows."""

    format: str
    value: msgspec.Raw


Event: TypeAlias = (
    Started
    | PartStarted
    | Delta
    | Cited
    | PartEnded
    | LogprobsSeen
    | UsageSeen
    | Finished
    | Ended
    | Failed
    | OpaqueEvent
)
