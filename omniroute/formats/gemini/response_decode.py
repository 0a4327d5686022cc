"""A whole answer of an upstream in Gemini's dialect (API reference, read 2026-11-23)."""

import msgspec

from omniroute.conversation.fold import StreamFailed
from omniroute.conversation.parts import Citation, Part, Text, Thinking, ToolUse
from omniroute.conversation.response import Candidate, Finish, FinishReason, Response
from omniroute.conversation.usage import UNKNOWN, Usage
from omniroute.errors import ProtocolError, Refused
from omniroute.formats.gemini.content_decode import decode_model_part
from omniroute.formats.gemini.finish import UNFINISHED, decode_finish
from omniroute.formats.gemini.grounding import cited, grounded
from omniroute.formats.gemini.logprobs import decode_logprobs
from omniroute.formats.gemini.members import Members, extra, items, members, objects, read, string
from omniroute.formats.gemini.usage import UsageMetadata, disjoint
from omniroute.formats.watch import in_band
from omniroute.formats.wire_error import WireError

_USAGE = msgspec.json.Decoder(UsageMetadata)


def decode_response(body: bytes) -> Response:
    """A whole answer. Raises ProtocolError, and `StreamFailed` for an error that came as success."""
    try:
        return read(body, _response)
    except Refused as error:
        raise ProtocolError(f"the upstream's answer is not Gemini's: {error.message}") from None


def _response(body: bytes) -> Response:
    top = members(body, "the body")
    feedback = top.get("promptFeedback")
    told = top.pop("candidates", None)
    blocked = _block_reason(feedback) if feedback is not None else None
    if told is None and feedback is None:
        if "error" in top:
            error = WireError.of(body)
            raise StreamFailed(in_band(error.message, error.code or error.type))
        raise ProtocolError("the upstream's answer holds no candidates")
    candidates = (
        [_candidate(raw, f"candidates[{n}]") for n, raw in enumerate(items(told, "candidates"))]
        if told
        else []
    )
    if not candidates and blocked:
        candidates.append(Candidate((), Finish(FinishReason.CONTENT_FILTER, blocked)))
    usage = decode_usage(top.pop("usageMetadata")) if "usageMetadata" in top else UNKNOWN
    id = string(top.pop("responseId"), "responseId") if "responseId" in top else None
    model = string(top.pop("modelVersion"), "modelVersion") if "modelVersion" in top else None
    return Response(id=id, model=model, candidates=tuple(candidates), usage=usage, extra=extra(top))


def decode_usage(raw: msgspec.Raw) -> Usage:
    """The counts in disjoint buckets; unknown when they cannot be read."""
    try:
        return disjoint(_USAGE.decode(raw))
    except msgspec.ValidationError:
        return UNKNOWN


def _block_reason(raw: msgspec.Raw) -> str | None:
    feedback = members(raw, "promptFeedback")
    return string(feedback["blockReason"], "blockReason") if "blockReason" in feedback else None


def _candidate(raw: msgspec.Raw, where: str) -> Candidate:
    told = members(raw, where)
    parts = _parts(told.pop("content", None), where)
    parts = _with_citations(parts, told)
    word = string(told.pop("finishReason"), where) if "finishReason" in told else UNFINISHED
    called = any(isinstance(part, ToolUse) for part in parts)
    finish = Finish(FinishReason.UNKNOWN) if word == UNFINISHED else decode_finish(word, called=called)
    logprobs = decode_logprobs(told.pop("logprobsResult")) if "logprobsResult" in told else ()
    told.pop("index", None)
    return Candidate(tuple(parts), finish, logprobs, extra(told))


def _parts(raw: msgspec.Raw | None, where: str) -> list[Part]:
    content = members(raw, f"{where}.content") if raw is not None else {}
    parts: list[Part] = []
    for place, item in enumerate(objects(content["parts"], where) if "parts" in content else ()):
        for part in decode_model_part(item, f"{where}.content.parts[{place}]"):
            _join(parts, part)
    return parts


def _join(parts: list[Part], part: Part) -> None:
    """Put a part behind the others; texts, and thoughts, in a row are one."""
    last = parts[-1] if parts else None
    match last, part:
        case Text(extra=None), Text(extra=None):
            parts[-1] = Text(last.text + part.text)
        case Thinking(signature=None, extra=None), Thinking(extra=None):
            parts[-1] = msgspec.structs.replace(part, text=last.text + part.text)
        case _:
            parts.append(part)


def _with_citations(parts: list[Part], told: Members) -> list[Part]:
    """The texts with where they have something from; the metadata stay among the extras too."""
    if "groundingMetadata" not in told and "citationMetadata" not in told:
        return parts
    places = [place for place, part in enumerate(parts) if isinstance(part, Text)]
    texts = [part.text for part in parts if isinstance(part, Text)]
    if not texts:
        return parts
    found: dict[int, dict[Citation, None]] = {}
    for number, citation in citations(told, texts):
        found.setdefault(number, {})[citation] = None
    for number, each in found.items():
        text = parts[places[number]]
        parts[places[number]] = msgspec.structs.replace(text, citations=tuple(each))
    return parts


def citations(told: Members, texts: list[str]) -> list[tuple[int, Citation]]:
    """Everything a candidate's metadata say about where its texts have something from."""
    found: list[tuple[int, Citation]] = []
    if "groundingMetadata" in told:
        found += grounded(told["groundingMetadata"], texts)
    if "citationMetadata" in told:
        found += cited(told["citationMetadata"], texts)
    return found
