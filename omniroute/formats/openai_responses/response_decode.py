"""Whole answers of OpenAI Responses (API reference, read 2026-11-22)."""

import msgspec

from omniroute.conversation.fold import StreamFailed
from omniroute.conversation.parts import Base64, Media, MediaKind, Opaque, Part, ToolUse
from omniroute.conversation.request import TokenLogprob
from omniroute.conversation.response import Candidate, Finish, FinishReason, Response
from omniroute.conversation.usage import UNKNOWN
from omniroute.errors import Failure, ProtocolError
from omniroute.formats.openai_responses.items import (
    CUSTOM_CALL,
    FUNCTION_CALL,
    IMAGE_CALL,
    MESSAGE,
    REASONING,
    decode_call,
    decode_message,
    decode_reasoning,
)
from omniroute.formats.openai_responses.members import DIALECT, Members, WrongShape, items
from omniroute.formats.openai_responses.usage import decode_usage
from omniroute.formats.watch import decode, in_band

_BODY = msgspec.json.Decoder(dict[str, msgspec.Raw])
_FAILED = frozenset({"failed", "cancelled"})
_REASONS = {"max_output_tokens": FinishReason.LENGTH, "content_filter": FinishReason.CONTENT_FILTER}
_ECHOED = frozenset(
    {
        "background",
        "completed_at",
        "created_at",
        "frequency_penalty",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "object",
        "output_text",
        "parallel_tool_calls",
        "presence_penalty",
        "previous_response_id",
        "prompt_cache_key",
        "prompt_cache_retention",
        "reasoning",
        "safety_identifier",
        "store",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
        "user",
    }
)
"""Members that repeat the request, or are made anew for each client."""


def decode_response(body: bytes) -> Response:
    """A whole answer. Raises ProtocolError, and `StreamFailed` for an answer that tells a failure."""
    try:
        return _response(Members(decode(_BODY, body)))
    except WrongShape as error:
        raise ProtocolError(f"the upstream's answer: {error}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ProtocolError):
        raise ProtocolError("the upstream's answer is not a response object") from None


def _response(whole: Members) -> Response:
    if whole.peek("output") is None and whole.peek("error") is None:
        raise WrongShape("output", "a list")
    status = whole.text("status")
    error = whole.nested("error")
    if status in _FAILED or error is not None:
        raise StreamFailed(failure(error))
    logprobs: list[TokenLogprob] = []
    parts: list[Part] = []
    for item in items(whole.raw("output"), "output"):
        parts.extend(decode_item(item, logprobs))
    calls = any(isinstance(part, ToolUse) for part in parts)
    finish = with_calls(decode_finish(status, whole.nested("incomplete_details")), calls=calls)
    usage = whole.raw("usage")
    id, model = whole.text("id"), whole.text("model")
    for name in whole.left.keys() & _ECHOED:
        del whole.left[name]
    return Response(
        id=id,
        model=model,
        candidates=(Candidate(tuple(parts), finish, tuple(logprobs)),),
        usage=UNKNOWN if usage is None else decode_usage(usage),
        extra=whole.rest(),
    )


def failure(error: Members | None) -> Failure:
    """What an error inside an answer comes to."""
    if error is None:
        return in_band(None, None)
    return in_band(error.text("message"), error.text("code") or error.text("type"))


def decode_item(raw: msgspec.Raw, logprobs: list[TokenLogprob]) -> list[Part]:
    """The parts of one item of an answer, often one. Raises `WrongShape`."""
    item = Members.of(raw, "output")
    kind = item.text("type")
    item.left.pop("status", None)
    if kind == MESSAGE:
        return decode_message(item, logprobs=logprobs)
    if kind == REASONING:
        thinking = decode_reasoning(item, exact=False)
        return [thinking] if thinking.text or thinking.signature else []
    if kind in (FUNCTION_CALL, CUSTOM_CALL):
        return [decode_call(item, custom=kind == CUSTOM_CALL)]
    if kind == IMAGE_CALL and (image := item.text("result")):
        media_type = f"image/{item.text('output_format') or 'png'}"
        return [Media(MediaKind.IMAGE, Base64(media_type, image), extra=item.rest())]
    return [Opaque(DIALECT, kind or "", raw)]


def decode_finish(status: str | None, details: Members | None) -> Finish:
    """Why the model stopped."""
    if status == "incomplete":
        reason = details.text("reason") if details is not None else None
        return Finish(_REASONS.get(reason or "", FinishReason.UNKNOWN), reason or status)
    known = status in ("completed", None)
    return Finish(FinishReason.STOP if known else FinishReason.UNKNOWN, status)


def with_calls(finish: Finish, *, calls: bool) -> Finish:
    """The same, told apart for an answer that waits for the client's tools."""
    if calls and finish.reason is FinishReason.STOP:
        return Finish(FinishReason.TOOL_USE, finish.raw)
    return finish
