"""Every difference that a way through a dialect may make to an answer, by name.

What is not named here has to arrive as it was.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import msgspec

from benchmarks.likeness import is_object
from benchmarks.rewriting import each_candidate, each_part, parts_of
from omniroute.conversation.parts import Citation, Media, Opaque, Part, Refusal, Text, Thinking, ToolUse
from omniroute.conversation.response import Candidate, Finish, FinishReason, Response
from omniroute.conversation.usage import Usage
from omniroute.formats.codec import ReplyFacts, call_id
from omniroute.records import FormatName

Change = Callable[[Response, FormatName], Response]


@dataclass(frozen=True, slots=True)
class Difference:
    """One kind of change."""

    why: str
    change: Change
    losses: Callable[[Response, FormatName], Iterable[str]] = lambda response, dialect: ()
    """The names it is reported by, when it changes the answer."""


def _first_candidate(response: Response, dialect: FormatName) -> Response:
    return msgspec.structs.replace(response, candidates=response.candidates[:1])


def _foreign_seals(response: Response, dialect: FormatName) -> Response:
    def change(part: Part) -> Part | None:
        if not isinstance(part, Thinking | ToolUse) or part.origin in (None, dialect.value):
            return part
        if isinstance(part, Thinking) and not part.text:
            return None
        return msgspec.structs.replace(part, signature=None, origin=None)

    return each_part(response, change)


def _seals_lost(response: Response, dialect: FormatName) -> Iterable[str]:
    for part in parts_of(response):
        if isinstance(part, Thinking) and part.redacted and part.origin != dialect.value:
            yield "redacted_thinking"


def _foreign_blocks(response: Response, dialect: FormatName) -> Response:
    return each_part(
        response, lambda part: None if isinstance(part, Opaque) and part.format != dialect.value else part
    )


def _blocks_lost(response: Response, dialect: FormatName) -> Iterable[str]:
    for part in parts_of(response):
        if isinstance(part, Opaque) and part.format != dialect.value:
            yield part.type


def _refusal_is_text(response: Response, dialect: FormatName) -> Response:
    def change(candidate: Candidate) -> Candidate:
        refused = any(isinstance(part, Refusal) for part in candidate.parts)
        parts = tuple(Text(part.text) if isinstance(part, Refusal) else part for part in candidate.parts)
        finish = candidate.finish
        if refused and finish.reason is FinishReason.STOP:
            finish = Finish(FinishReason.REFUSAL)
        return msgspec.structs.replace(candidate, parts=parts, finish=finish)

    return each_candidate(response, change)


def _no_images(response: Response, dialect: FormatName) -> Response:
    return each_part(response, lambda part: None if isinstance(part, Media) else part)


def _no_citations(response: Response, dialect: FormatName) -> Response:
    def change(part: Part) -> Part:
        return msgspec.structs.replace(part, citations=()) if isinstance(part, Text) else part

    return each_part(response, change)


def _no_cited_text(response: Response, dialect: FormatName) -> Response:
    def change(part: Part) -> Part:
        if not isinstance(part, Text):
            return part
        citations = tuple(msgspec.structs.replace(citation, cited_text=None) for citation in part.citations)
        return msgspec.structs.replace(part, citations=citations)

    return each_part(response, change)


def _no_citation_place(response: Response, dialect: FormatName) -> Response:
    def change(part: Part) -> Part:
        if not isinstance(part, Text):
            return part
        citations = tuple(msgspec.structs.replace(c, start=None, end=None) for c in part.citations)
        return msgspec.structs.replace(part, citations=citations)

    return each_part(response, change)


def _no_citation_without_address(response: Response, dialect: FormatName) -> Response:
    def change(part: Part) -> Part:
        if not isinstance(part, Text):
            return part
        return msgspec.structs.replace(
            part, citations=tuple(c for c in part.citations if _has_address(c, dialect))
        )

    return each_part(response, change)


def _has_address(citation: Citation, dialect: FormatName) -> bool:
    own = citation.extra is not None and citation.extra.format == dialect.value
    return bool(citation.url) or own


def _addressless_lost(response: Response, dialect: FormatName) -> Iterable[str]:
    for part in parts_of(response):
        if isinstance(part, Text) and not all(_has_address(c, dialect) for c in part.citations):
            yield "citations"


def _source_once(response: Response, dialect: FormatName) -> Response:
    def change(candidate: Candidate) -> Candidate:
        cited = [c for part in candidate.parts if isinstance(part, Text) for c in part.citations]
        placed = [c for c in cited if c.start is not None and c.end is not None]
        sources = {_source(c): c for c in cited if c not in placed}
        for citation in placed:
            sources.pop(_source(citation), None)
        told = iter([*placed, *sources.values()])
        parts: list[Part] = []
        for part in candidate.parts:
            if isinstance(part, Text):
                part = msgspec.structs.replace(part, citations=tuple(told))  # the first has them all
            parts.append(part)
        return msgspec.structs.replace(candidate, parts=tuple(parts))

    return each_candidate(response, change)


def _source(citation: Citation) -> tuple[str | None, ...]:
    return (citation.url, citation.title, citation.cited_text)


def _no_logprobs_of_refusals(response: Response, dialect: FormatName) -> Response:
    def change(candidate: Candidate) -> Candidate:
        says = any(isinstance(part, Text) for part in candidate.parts)
        return candidate if says else msgspec.structs.replace(candidate, logprobs=())

    return each_candidate(response, change)


def _logprobs_of_refusals_lost(response: Response, dialect: FormatName) -> Iterable[str]:
    if _no_logprobs_of_refusals(response, dialect) != response:
        yield "logprobs"


def _no_logprobs(response: Response, dialect: FormatName) -> Response:
    return each_candidate(response, lambda candidate: msgspec.structs.replace(candidate, logprobs=()))


def _object_arguments(response: Response, dialect: FormatName) -> Response:
    def change(part: Part) -> Part:
        if not isinstance(part, ToolUse) or is_object(part.arguments):
            return part
        wrapped = msgspec.json.encode({"_arguments": part.arguments}).decode()
        return msgspec.structs.replace(part, arguments=wrapped)

    return each_part(response, change)


def _arguments_lost(response: Response, dialect: FormatName) -> Iterable[str]:
    for part in parts_of(response):
        if isinstance(part, ToolUse) and not is_object(part.arguments):
            yield "arguments"


def _finish_word(response: Response, dialect: FormatName) -> Response:
    words = FINISHES[dialect]

    def change(candidate: Candidate) -> Candidate:
        finish = candidate.finish
        reason = words.get(finish.reason, finish.reason)
        if reason is FinishReason.STOP and any(isinstance(part, ToolUse) for part in candidate.parts):
            reason = FinishReason.TOOL_USE
        sequence = finish.sequence if reason is FinishReason.STOP_SEQUENCE else None
        return msgspec.structs.replace(candidate, finish=Finish(reason, None, sequence))

    return each_candidate(response, change)


def _usage_totals(response: Response, dialect: FormatName) -> Response:
    usage = Usage(input=response.usage.prompt, output=response.usage.completion)
    return msgspec.structs.replace(response, usage=usage)


def _usage_without_written(response: Response, dialect: FormatName) -> Response:
    usage = response.usage
    input_ = (
        None if usage.input is None else usage.input + (usage.cache_write or 0) + (usage.cache_write_1h or 0)
    )
    told = Usage(input=input_, cache_read=usage.cache_read, output=usage.output, reasoning=usage.reasoning)
    return msgspec.structs.replace(response, usage=told)


def _by_kind(response: Response, dialect: FormatName) -> Response:
    def change(candidate: Candidate) -> Candidate:
        parts = tuple(sorted(candidate.parts, key=_place_in_message))
        return msgspec.structs.replace(candidate, parts=parts)

    return each_candidate(response, change)


def _place_in_message(part: Part) -> int:
    return next(
        place
        for place, kind in enumerate((Thinking, Text | Refusal, Media, ToolUse, Opaque, object))
        if isinstance(part, kind)
    )


_STOP = FinishReason.STOP
_VAGUE = {FinishReason.PAUSE: _STOP, FinishReason.UNKNOWN: _STOP}
_FILTERED = {FinishReason.REFUSAL: FinishReason.CONTENT_FILTER}
FINISHES: Mapping[FormatName, Mapping[FinishReason, FinishReason]] = MappingProxyType(
    {
        FormatName.OPENAI_CHAT: _VAGUE | _FILTERED,
        FormatName.OPENAI_RESPONSES: _VAGUE | _FILTERED | {FinishReason.STOP_SEQUENCE: _STOP},
        FormatName.ANTHROPIC: {
            FinishReason.UNKNOWN: _STOP,
            FinishReason.CONTENT_FILTER: FinishReason.REFUSAL,
        },
        FormatName.GEMINI: _VAGUE | _FILTERED | {FinishReason.STOP_SEQUENCE: _STOP},
        FormatName.OLLAMA: _VAGUE
        | dict.fromkeys(
            (FinishReason.STOP_SEQUENCE, FinishReason.REFUSAL, FinishReason.CONTENT_FILTER), _STOP
        ),
    }
)
"""What is read of a reason that the dialect has no word of its own for."""

CHANGES: Mapping[str, Difference] = MappingProxyType(
    {
        "first_candidate": Difference(
            "the dialect has one answer",
            _first_candidate,
            lambda response, dialect: ["candidates"] if len(response.candidates) > 1 else [],
        ),
        "foreign_seals": Difference(
            "a signature or sealed thought is good at its origin only", _foreign_seals, _seals_lost
        ),
        "foreign_blocks": Difference(
            "what a provider's own tool did is known to its dialect only", _foreign_blocks, _blocks_lost
        ),
        "refusal_is_text": Difference("the dialect has no part for a refusal", _refusal_is_text),
        "no_images": Difference(
            "answers of the dialect hold no images",
            _no_images,
            lambda response, dialect: [
                part.kind.value for part in parts_of(response) if isinstance(part, Media)
            ],
        ),
        "no_citations": Difference(
            "the dialect has no citations",
            _no_citations,
            lambda response, dialect: [
                "citations" for part in parts_of(response) if isinstance(part, Text) and part.citations
            ],
        ),
        "no_cited_text": Difference("a citation of the dialect is an address and a place", _no_cited_text),
        "no_citation_place": Difference(
            "a citation says what it cites, not for which words", _no_citation_place
        ),
        "no_citation_without_address": Difference(
            "a citation of the dialect is an address, or a document of its own provider",
            _no_citation_without_address,
            _addressless_lost,
        ),
        "source_once": Difference(
            "sources are a list beside the answer: one that is not for certain words stands there once",
            _source_once,
        ),
        "no_logprobs_of_refusals": Difference(
            "only texts have log probabilities", _no_logprobs_of_refusals, _logprobs_of_refusals_lost
        ),
        "no_logprobs": Difference(
            "the dialect has no log probabilities",
            _no_logprobs,
            lambda response, dialect: ["logprobs" for candidate in response.candidates if candidate.logprobs],
        ),
        "object_arguments": Difference(
            "arguments are an object; text that is none is wrapped in one",
            _object_arguments,
            _arguments_lost,
        ),
        "object_arguments_at_last": Difference(
            "the same, but a stream tells the text as it comes, before anybody can say what it will be",
            _object_arguments,
            _arguments_lost,
        ),
        "finish_word": Difference("the dialect has fewer words for the end", _finish_word),
        "usage_totals": Difference("only sums of tokens are told", _usage_totals),
        "usage_without_written": Difference(
            "what was written to a cache is not told apart", _usage_without_written
        ),
        "by_kind": Difference("a message has one thought, one text, and calls, in that order", _by_kind),
    }
)

_ALWAYS = ("foreign_seals", "foreign_blocks")
WHOLE_ONLY = frozenset({"by_kind", "object_arguments_at_last"})
"""Differences that streams do not make: they tell parts as they come."""

OF: Mapping[FormatName, tuple[str, ...]] = MappingProxyType(
    {
        FormatName.OPENAI_CHAT: (*_ALWAYS, "no_citation_without_address", "finish_word", "by_kind"),
        FormatName.OPENAI_RESPONSES: (
            *_ALWAYS,
            "first_candidate",
            "no_citation_without_address",
            "no_cited_text",
            "no_logprobs_of_refusals",
            "finish_word",
        ),
        FormatName.ANTHROPIC: (
            *_ALWAYS,
            "first_candidate",
            "refusal_is_text",
            "no_images",
            "no_citation_without_address",
            "no_citation_place",
            "no_logprobs",
            "object_arguments_at_last",
            "finish_word",
        ),
        FormatName.GEMINI: (
            *_ALWAYS,
            "refusal_is_text",
            "source_once",
            "object_arguments",
            "finish_word",
            "usage_without_written",
        ),
        FormatName.OLLAMA: (
            *_ALWAYS,
            "first_candidate",
            "refusal_is_text",
            "no_images",
            "no_citations",
            "object_arguments",
            "finish_word",
            "usage_totals",
            "by_kind",
        ),
    }
)
"""The differences each dialect makes, in the order they are applied."""


def through(response: Response, dialect: FormatName, *, stream: bool) -> Response:
    """What is expected of an answer that was written in a dialect and read again."""
    for name in OF[dialect]:
        if not (stream and name in WHOLE_ONLY):
            response = CHANGES[name].change(response, dialect)
    return response


def reported(response: Response, dialect: FormatName, *, stream: bool) -> set[str]:
    """The losses that have to be told."""
    names: set[str] = set()
    for name in OF[dialect]:
        if stream and name in WHOLE_ONLY:
            continue
        names.update(CHANGES[name].losses(response, dialect))
        if name == "first_candidate":
            response = CHANGES[name].change(response, dialect)
    return names


def with_ids(response: Response, facts: ReplyFacts) -> Response:
    """The answer with the ids that clients get for its calls."""
    index = 0
    candidates: list[Candidate] = []
    for candidate in response.candidates:
        parts: list[Part] = []
        for part in candidate.parts:
            if isinstance(part, ToolUse):
                part = msgspec.structs.replace(part, id=call_id(part.id, facts, index))
            parts.append(part)
            index += 1
        candidates.append(msgspec.structs.replace(candidate, parts=tuple(parts)))
    return msgspec.structs.replace(response, candidates=tuple(candidates))
