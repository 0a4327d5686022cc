"""A whole answer for a client of Anthropic Messages."""

import msgspec

from omniroute.conversation.parts import Media, Opaque, Part, Refusal, Text, Thinking, ToolResult, ToolUse
from omniroute.conversation.response import Candidate, FinishReason, Response
from omniroute.formats.anthropic.blocks_encode import Block, encode_call, encode_text
from omniroute.formats.anthropic.finish import finish_word
from omniroute.formats.anthropic.members import NAME, own
from omniroute.formats.anthropic.usage import encode_usage
from omniroute.formats.codec import Encoded, Losses, ReplyFacts, call_id


def encode_response(response: Response, facts: ReplyFacts) -> Encoded:
    """The answer. Raises ProtocolError for one whose model ended with an error."""
    losses = Losses()
    candidate = response.candidates[0] if response.candidates else Candidate()
    if len(response.candidates) > 1:
        losses.add("candidates")
    if candidate.logprobs:
        losses.add("logprobs")
    own(candidate.extra, losses)
    refused = any(isinstance(part, Refusal) for part in candidate.parts)
    content = [answer_block(part, place, facts, losses) for place, part in enumerate(candidate.parts)]
    stopped = candidate.finish.reason is FinishReason.STOP_SEQUENCE
    message = {
        "id": f"msg_{facts.id}",
        "type": "message",
        "role": "assistant",
        "model": facts.model,
        "content": [block for block in content if block is not None],
        "stop_reason": finish_word(candidate.finish, refused=refused),
        "stop_sequence": candidate.finish.sequence if stopped else None,
        "usage": encode_usage(response.usage),
        **own(response.extra, losses),
    }
    return Encoded(msgspec.json.encode(message), losses.names)


def answer_block(part: Part, place: int, facts: ReplyFacts, losses: Losses) -> Block | None:
    """The block of a part of an answer; `None` for one that cannot be told, or says nothing."""
    match part:
        case Text(text):
            return encode_text(part, losses, for_client=True) if text or part.citations else None
        case Refusal(text):
            return {"type": "text", "text": text} if text else None
        case Thinking():
            return _thought(part, losses)
        case ToolUse(id):
            return encode_call(part, call_id(id, facts, place), losses)
        case Opaque(format, type, value):
            if format == NAME:
                return value
            losses.add(type)
        case Media(kind):
            losses.add(kind.value)
        case ToolResult():
            losses.add("tool_result")
    return None


def seal(part: Thinking) -> str | None:
    """The signature, where it is one of this dialect."""
    return part.signature if part.origin == NAME else None


def _thought(part: Thinking, losses: Losses) -> Block | None:
    """Unsigned thoughts of other models are shown too, with the signature clients want to see."""
    signature = seal(part)
    members = own(part.extra, losses)
    if part.redacted:
        if signature is None:
            losses.add("redacted_thinking")
            return None
        return {"type": "redacted_thinking", "data": signature, **members}
    if not part.text and signature is None:
        return None
    return {"type": "thinking", "thinking": part.text, "signature": signature or "", **members}
