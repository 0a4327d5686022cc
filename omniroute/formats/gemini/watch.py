"""Gemini generateContent as it passes by (API reference, read 2026-11-22)."""

import msgspec

from omniroute.errors import ProtocolError
from omniroute.formats.gemini.usage import UsageMetadata, disjoint
from omniroute.formats.watch import ABSENT, Seen, SseWatch, decode_event, in_band, is_something

KEEPALIVE = b": keep-alive\n\n"
STREAM_TYPE = "text/event-stream; charset=utf-8"


class _Part(msgspec.Struct):
    text: str | None = None
    functionCall: msgspec.Raw = ABSENT
    inlineData: msgspec.Raw = ABSENT
    executableCode: msgspec.Raw = ABSENT


class _Content(msgspec.Struct):
    parts: list[_Part] | None = None


class _Candidate(msgspec.Struct):
    content: _Content | None = None
    finishReason: str | None = None


class _Feedback(msgspec.Struct):
    blockReason: str | None = None


class _Error(msgspec.Struct):
    message: str | None = None
    status: str | None = None


class _Answer(msgspec.Struct):
    candidates: list[_Candidate] | None = None
    promptFeedback: _Feedback | None = None
    usageMetadata: UsageMetadata | None = None
    modelVersion: str | None = None
    error: _Error | None = None


_ANSWER = msgspec.json.Decoder(_Answer)


class StreamWatch(SseWatch):
    """Reads along with a stream of partial answers."""

    def __init__(self) -> None:
        super().__init__(_note_event)


def read_whole(body: bytes) -> Seen:
    """What a whole answer shows. Raises ProtocolError when it is none."""
    try:
        answer = _ANSWER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ProtocolError("the upstream's answer is not Gemini's") from None
    if answer.candidates is None and answer.promptFeedback is None:
        raise ProtocolError("the upstream's answer holds no candidates")
    seen = Seen()
    _note(seen, answer)
    seen.finished = True
    return seen


def _note_event(seen: Seen, data: bytes) -> None:
    answer = decode_event(_ANSWER, data)
    if answer is not None:
        _note(seen, answer)


def _note(seen: Seen, answer: _Answer) -> None:
    seen.model = answer.modelVersion or seen.model
    if answer.error is not None:
        seen.failure = in_band(answer.error.message, answer.error.status)
    if answer.usageMetadata is not None:
        seen.usage = disjoint(answer.usageMetadata)
    if answer.promptFeedback is not None and answer.promptFeedback.blockReason:
        seen.finished = True
    for candidate in answer.candidates or ():
        for part in (candidate.content.parts if candidate.content else None) or ():
            _note_part(seen, part)
        if candidate.finishReason:
            seen.finished = True


def _note_part(seen: Seen, part: _Part) -> None:
    if part.text:
        seen.add_text(part.text)
    for raw in (part.functionCall, part.executableCode):
        if is_something(raw):
            seen.add_text(bytes(raw).decode("utf-8", "replace"))
    if is_something(part.inlineData):
        seen.content = True
