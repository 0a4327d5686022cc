"""Why an answer ended, in Gemini's words (API reference, read 2026-11-23)."""

from collections.abc import Mapping
from types import MappingProxyType

from omniroute.conversation.response import Finish, FinishReason

_BLOCKED = (
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "LANGUAGE",
    "MODEL_ARMOR",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
)
_BROKEN = (
    "MALFORMED_FUNCTION_CALL",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
    "MISSING_THOUGHT_SIGNATURE",
    "MALFORMED_RESPONSE",
)
_REASONS: Mapping[str, FinishReason] = MappingProxyType(
    {
        "STOP": FinishReason.STOP,
        "MAX_TOKENS": FinishReason.LENGTH,
        "OTHER": FinishReason.UNKNOWN,
        "NO_IMAGE": FinishReason.UNKNOWN,
        "IMAGE_OTHER": FinishReason.UNKNOWN,
    }
    | dict.fromkeys(_BLOCKED, FinishReason.CONTENT_FILTER)
    | dict.fromkeys(_BROKEN, FinishReason.ERROR)
)
_WORDS: Mapping[FinishReason, str] = MappingProxyType(
    {
        FinishReason.LENGTH: "MAX_TOKENS",
        FinishReason.CONTENT_FILTER: "SAFETY",
        FinishReason.REFUSAL: "SAFETY",
        FinishReason.ERROR: "OTHER",
    }
)
"""Everything else is `STOP`."""

UNFINISHED = "FINISH_REASON_UNSPECIFIED"
"""What stands in chunks of some servers while the answer goes on."""


def decode_finish(raw: str, *, called: bool) -> Finish:
    """The reason behind a word; a new word is unknown. `called`: the answer calls a tool of the client."""
    reason = _REASONS.get(raw, FinishReason.UNKNOWN)
    if called and reason is FinishReason.STOP:
        reason = FinishReason.TOOL_USE
    return Finish(reason, raw)


def finish_word(finish: Finish, *, refused: bool) -> str:
    """The word for a reason: the upstream's own when it is one of Gemini's. `refused`: the model declined."""
    raw, reason = finish.raw or "", finish.reason
    if reason is FinishReason.STOP and refused:
        return "SAFETY"
    if _REASONS.get(raw) is reason:
        return raw
    return _WORDS.get(reason, "STOP")
