"""A whole answer for a client in Gemini's dialect (API reference, read 2026-11-23)."""

from typing import Any

import msgspec

from omniroute.conversation.parts import Refusal, Text, ToolUse
from omniroute.conversation.response import Candidate, Finish, FinishReason, Response
from omniroute.formats.codec import Encoded, Losses, ReplyFacts, call_id
from omniroute.formats.gemini.content_encode import WirePart, encode_answer_part, own
from omniroute.formats.gemini.finish import finish_word
from omniroute.formats.gemini.grounding import grounding_metadata
from omniroute.formats.gemini.logprobs import logprobs_result
from omniroute.formats.gemini.members import NAME
from omniroute.formats.gemini.usage import usage_metadata

_FEEDBACK = "promptFeedback"


def encode_response(response: Response, facts: ReplyFacts) -> Encoded:
    """A whole answer for a client."""
    losses = Losses()
    body: dict[str, Any] = {}
    extras = own(response.extra, losses)
    if not (_FEEDBACK in extras and _is_blocked(response)):
        index = 0
        body["candidates"] = candidates = []
        for number, candidate in enumerate(response.candidates):
            candidates.append(_candidate(candidate, number, index, facts, losses))
            index += len(candidate.parts)
    usage = usage_metadata(response.usage)
    if usage is not None:
        body["usageMetadata"] = usage
    body |= {"modelVersion": facts.model, "responseId": facts.id} | extras
    return Encoded(msgspec.json.encode(body), losses.names)


def _is_blocked(response: Response) -> bool:
    """The prompt was blocked, so there is no candidate on the wire."""
    match response.candidates:
        case (Candidate(parts=(), finish=Finish(reason=FinishReason.CONTENT_FILTER)),) | ():
            return True
        case _:
            return False


def _candidate(
    candidate: Candidate, number: int, index: int, facts: ReplyFacts, losses: Losses
) -> dict[str, Any]:
    """One answer. `index`: of its first part among the parts of all."""
    wire: list[WirePart] = []
    cited: list[tuple[int, str, Any]] = []
    for place, part in enumerate(candidate.parts, index):
        id = call_id(part.id, facts, place) if isinstance(part, ToolUse) else ""
        encode_answer_part(part, wire, losses, id=id)
        if isinstance(part, Text) and part.citations:
            cited.append((len(wire) - 1, part.text, part.citations))
    refused = any(isinstance(part, Refusal) for part in candidate.parts)
    told: dict[str, Any] = {
        "content": {"parts": wire or [{"text": ""}], "role": "model"},
        "finishReason": finish_word(candidate.finish, refused=refused),
        "index": number,
    }
    extras = own(candidate.extra, losses)
    if candidate.logprobs:
        told["logprobsResult"] = logprobs_result(candidate.logprobs)
    is_own = candidate.extra is not None and candidate.extra.format == NAME
    grounding = grounding_metadata(cited) if not is_own else None
    if grounding is not None:
        told["groundingMetadata"] = grounding
    return told | extras
