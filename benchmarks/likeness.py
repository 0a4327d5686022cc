"""What of an answer counts, in one spelling, so that two can be compared."""

import json
from typing import Any

import msgspec

from omniroute.conversation.parts import (
    Base64,
    Citation,
    Media,
    Opaque,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolUse,
)
from omniroute.conversation.request import TokenLogprob
from omniroute.conversation.response import Candidate, Response
from omniroute.conversation.usage import Usage
from omniroute.formats.codec import NO_ARGUMENTS

Seen = dict[str, Any]  # names of what counts, to values that have to be equal


def seen(response: Response) -> Seen:
    """All that counts."""
    return {
        "usage": counted(response.usage),
        "candidates": len(response.candidates),
        **{
            f"{name} of {number}": value
            for number, candidate in enumerate(response.candidates)
            for name, value in of_candidate(candidate).items()
        },
    }


def of_candidate(candidate: Candidate) -> Seen:
    """What counts of one candidate."""
    parts = candidate.parts
    return {
        "text": "".join(part.text for part in parts if isinstance(part, Text | Refusal)),
        "refusal": "".join(part.text for part in parts if isinstance(part, Refusal)),
        "thinking": "".join(part.text for part in parts if isinstance(part, Thinking)),
        "calls": [
            (part.id, part.name, spelled(part.arguments)) for part in parts if isinstance(part, ToolUse)
        ],
        "finish": candidate.finish.reason,
        "sequence": candidate.finish.sequence,
        "seals": [
            (part.signature, part.origin)
            for part in parts
            if isinstance(part, Thinking | ToolUse) and part.signature is not None
        ],
        "media": [_content(part) for part in parts if isinstance(part, Media)],
        "blocks": [_block(part) for part in parts if isinstance(part, Opaque)],
        "citations": [_cited(c) for part in parts if isinstance(part, Text) for c in part.citations],
        "logprobs": [_logprob(token) for token in candidate.logprobs],
        "order": kinds(parts),
    }


def counted(usage: Usage) -> tuple[int, ...]:
    """Tokens by bucket; for a comparison none is as good as unknown."""
    values = (
        usage.input,
        usage.cache_read,
        usage.cache_write,
        usage.cache_write_1h,
        usage.output,
        usage.reasoning,
    )
    return tuple(value or 0 for value in values)


def spelled(arguments: str) -> str:
    """Arguments in one spelling; those that are no JSON as they are."""
    if arguments.strip() in NO_ARGUMENTS:
        return "{}"
    try:
        return json.dumps(json.loads(arguments), sort_keys=True)
    except ValueError:
        return arguments


def is_object(arguments: str) -> bool:
    """True for arguments that dialects with objects can tell as they stand."""
    if arguments.strip() in NO_ARGUMENTS:
        return True
    try:
        return isinstance(json.loads(arguments), dict)
    except ValueError:
        return False


def kinds(parts: tuple[Part, ...]) -> list[str]:
    """Kinds of the parts that say something, neighbours of one kind as one, refusals as text."""
    told: list[str] = []
    for part in parts:
        kind = "Text" if isinstance(part, Refusal) else type(part).__name__
        says = not isinstance(part, Text | Thinking | Refusal) or part.text
        if says and (not told or told[-1] != kind or kind == "ToolUse"):
            told.append(kind)
    return told


def _content(media: Media) -> object:
    source = media.source
    return (media.kind, source.data if isinstance(source, Base64) else source)


def _block(part: Opaque) -> object:
    return (part.format, part.type, msgspec.json.decode(part.value))


def _cited(citation: Citation) -> tuple[object, ...]:
    named = (citation.url or "", citation.title or "", citation.cited_text or "")
    return (*named, citation.start or 0, citation.end or 0)


def _logprob(token: TokenLogprob) -> tuple[object, ...]:
    return (token.token, token.logprob, [(other.token, other.logprob) for other in token.top])
