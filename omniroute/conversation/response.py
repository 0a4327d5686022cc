"""What a model answered, in no dialect."""

from enum import StrEnum

import msgspec

from omniroute.conversation.parts import Extra, Part
from omniroute.conversation.request import TokenLogprob
from omniroute.conversation.usage import UNKNOWN, Usage


class FinishReason(StrEnum):
    """Why a model stopped."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_USE = "tool_use"
    STOP_SEQUENCE = "stop_sequence"
    CONTENT_FILTER = "content_filter"
    REFUSAL = "refusal"
    PAUSE = "pause"
    """The provider wants to be asked to go on (Anthropic's `pause_turn`)."""
    ERROR = "error"
    UNKNOWN = "unknown"


class Finish(msgspec.Struct, frozen=True):
    """Why, and in the upstream's own word."""

    reason: FinishReason
    raw: str | None = None
    sequence: str | None = None
    """The stop sequence that was met, where the upstream says."""


class Candidate(msgspec.Struct, frozen=True):
    """One of the answers."""

    parts: tuple[Part, ...] = ()
    finish: Finish = Finish(FinishReason.UNKNOWN)
    logprobs: tuple[TokenLogprob, ...] = ()
    extra: Extra | None = None


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer."""

    id: str | None = None
    """The upstream's own id; never shown to a client of another dialect."""
    model: str | None = None
    """The model as the upstream names it."""
    candidates: tuple[Candidate, ...] = ()
    usage: Usage = UNKNOWN
    extra: Extra | None = None
