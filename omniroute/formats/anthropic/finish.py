"""Why a model stopped, in Anthropic's words (API reference, read 2026-11-23)."""

from omniroute.conversation.response import Finish, FinishReason
from omniroute.errors import ProtocolError

_REASONS = {
    "end_turn": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "stop_sequence": FinishReason.STOP_SEQUENCE,
    "tool_use": FinishReason.TOOL_USE,
    "pause_turn": FinishReason.PAUSE,
    "refusal": FinishReason.REFUSAL,
}
_WORDS = {
    FinishReason.STOP: "end_turn",
    FinishReason.LENGTH: "max_tokens",
    FinishReason.TOOL_USE: "tool_use",
    FinishReason.STOP_SEQUENCE: "stop_sequence",
    FinishReason.CONTENT_FILTER: "refusal",
    FinishReason.REFUSAL: "refusal",
    FinishReason.PAUSE: "pause_turn",
    FinishReason.UNKNOWN: "end_turn",
}


def finish_of(raw: str | None, sequence: str | None, *, calls: bool) -> Finish:
    """Why, told apart for an answer that waits for the client's tools."""
    reason = _REASONS.get(raw or "", FinishReason.UNKNOWN)
    if calls and reason is FinishReason.STOP:
        reason = FinishReason.TOOL_USE
    return Finish(reason, raw, sequence)


def finish_word(finish: Finish, *, refused: bool) -> str:
    """The `stop_reason`; `refused`: the model declined in words. Raises ProtocolError for a failure."""
    if finish.reason is FinishReason.ERROR:
        said = finish.raw or "it did not say which"
        raise ProtocolError(f"the model ended with an error: {said}")
    if refused and finish.reason is FinishReason.STOP:
        return "refusal"
    if finish.raw is not None and _REASONS.get(finish.raw) is finish.reason:
        return finish.raw
    return _WORDS[finish.reason]
