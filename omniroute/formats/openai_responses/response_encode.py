"""Whole answers for clients that speak OpenAI Responses (API reference, read 2026-11-22)."""

from collections.abc import Sequence
from typing import Any

import msgspec

from omniroute.conversation.parts import (
    Base64,
    Media,
    MediaKind,
    Opaque,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolUse,
)
from omniroute.conversation.request import Request, TokenLogprob
from omniroute.conversation.response import Candidate, Finish, FinishReason, Response
from omniroute.conversation.usage import UNKNOWN, Usage
from omniroute.formats.codec import Encoded, Losses, ReplyFacts, call_id
from omniroute.formats.openai_responses.items import IMAGE_CALL
from omniroute.formats.openai_responses.members import DIALECT, own
from omniroute.formats.openai_responses.output_items import (
    Item,
    call_item,
    content_part,
    goes_on,
    message_item,
    message_members,
    note_extra,
    reasoning_item,
)
from omniroute.formats.openai_responses.request_encode import echo
from omniroute.formats.openai_responses.usage import encode_usage

_INCOMPLETE = {
    FinishReason.LENGTH: "max_output_tokens",
    FinishReason.CONTENT_FILTER: "content_filter",
    FinishReason.REFUSAL: "content_filter",
}

Body = dict[str, Any]  # JSON of any shape, with texts that stand as they came


def encode_response(response: Response, facts: ReplyFacts) -> Encoded:
    """A whole answer for a client."""
    losses = Losses()
    candidate = response.candidates[0] if response.candidates else Candidate()
    if len(response.candidates) > 1:
        losses.add("candidates")
    note_extra(candidate.extra, losses)
    note_extra(response.extra, losses)
    output = _output(candidate.parts, candidate.logprobs, facts, losses)
    body = reply(facts, echoed(facts.request), finish=candidate.finish, output=output, usage=response.usage)
    return Encoded(msgspec.json.encode(body | (own(response.extra) or {})), losses.names)


def echoed(request: Request) -> Body:
    """What the answer repeats of the request, ready to be written more than once."""
    return {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in echo(request).items()}


def reply(
    facts: ReplyFacts,
    repeated: Body,
    *,
    finish: Finish | None = None,
    output: Sequence[object] = (),
    usage: Usage = UNKNOWN,
) -> Body:
    """The `response` object. No `finish`: it has only begun."""
    status = "in_progress" if finish is None else status_of(finish)
    details = None
    if finish is not None and status == "incomplete":
        details = {"reason": _INCOMPLETE[finish.reason]}
    return {
        "id": f"resp_{facts.id}",
        "object": "response",
        "created_at": facts.created_s,
        "status": status,
        "error": {"code": "server_error", "message": "the model failed"} if status == "failed" else None,
        "incomplete_details": details,
        "model": facts.model,
        "output": output,
        "usage": encode_usage(usage),
        **repeated,
    }


def status_of(finish: Finish) -> str:
    """How the whole answer ended."""
    if finish.reason is FinishReason.ERROR:
        return "failed"
    return "incomplete" if finish.reason in _INCOMPLETE else "completed"


def _output(
    parts: Sequence[Part], logprobs: Sequence[TokenLogprob], facts: ReplyFacts, losses: Losses
) -> list[object]:
    """Every part an item, but for texts that share one."""
    output: list[object] = []
    content: list[Item] | None = None
    for number, part in enumerate(parts):
        if not isinstance(part, (Text, Refusal)):
            content = None
            item = output_item(part, number, facts, losses)
            if item is not None:
                output.append(item)
            continue
        told = content_part(part, losses, logprobs if isinstance(part, Text) else None)
        if isinstance(part, Text):
            logprobs = ()
        if content is not None and goes_on(part):
            content.append(told)
        else:
            content = [told]
            item = message_item(content, message_members(part, losses))
            output.append({"id": f"msg_{facts.id}_{number}", "status": "completed", **item})
    if logprobs:
        losses.add("logprobs")
    return output


def output_item(part: Part, number: int, facts: ReplyFacts, losses: Losses) -> object | None:
    """A whole item, with the id it has in streams too; `None` for what the dialect has no word for."""
    match part:
        case ToolUse():
            item = call_item(part, call_id(part.id, facts, number), losses)
            return {"id": call_item_id(part, number, facts), "status": "completed", **item}
        case Thinking() if part.text or (part.origin == DIALECT and part.signature):
            return {"id": f"rs_{facts.id}_{number}", **reasoning_item(part)}
        case Opaque(format, _, value) if format == DIALECT:
            return value
        case Media(kind=MediaKind.IMAGE, source=Base64(media_type, image)):
            note_extra(part.extra, losses)
            return {
                "id": f"ig_{facts.id}_{number}",
                "type": IMAGE_CALL,
                "status": "completed",
                "result": image,
                "output_format": media_type.removeprefix("image/") or "png",
                **(own(part.extra) or {}),
            }
        case _:
            note_lost(part, losses)
            return None


def note_lost(part: Part, losses: Losses) -> None:
    """A part of an answer that the dialect has no word for."""
    match part:
        case Thinking():
            if part.signature:
                losses.add("redacted_thinking" if part.redacted else "thinking")
        case Opaque():
            losses.add(part.type)
        case Media():
            losses.add(part.kind.value)
        case _:
            losses.add("tool_result")


def call_item_id(call: ToolUse, number: int, facts: ReplyFacts) -> str:
    """The id of the item, which is not that of the call."""
    return f"{'ctc' if call.custom else 'fc'}_{facts.id}_{number}"
