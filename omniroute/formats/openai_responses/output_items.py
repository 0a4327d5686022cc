"""Parts of a turn of the model as items: the same in histories and in answers."""

from collections.abc import Sequence

import msgspec

from omniroute.conversation.parts import Citation, Extra, Refusal, Text, Thinking, ToolUse
from omniroute.conversation.request import TokenLogprob
from omniroute.formats.codec import Losses
from omniroute.formats.openai_responses.items import CUSTOM_CALL, FUNCTION_CALL, MESSAGE, REASONING
from omniroute.formats.openai_responses.members import DIALECT, own

Item = dict[str, object]


def call_item(call: ToolUse, call_id: str, losses: Losses) -> Item:
    """A `function_call` or `custom_tool_call`, without an id of its own unless it came with one."""
    note_extra(call.extra, losses)
    if call.cache is not None:
        losses.add("cache_control")
    item: Item = {
        "type": CUSTOM_CALL if call.custom else FUNCTION_CALL,
        "call_id": call_id,
        "name": call.name,
    }
    if call.custom:
        item["input"] = call.arguments
    else:
        item["arguments"] = call.arguments or "{}"
    if call.namespace is not None:
        item["namespace"] = call.namespace
    return item | (own(call.extra) or {})


def reasoning_item(thinking: Thinking) -> Item:
    """A `reasoning` item; its seal is written only where this dialect made it."""
    members = own(thinking.extra) or {}
    item: Item = {"type": REASONING}
    if thinking.origin in (DIALECT, None) and thinking.id is not None:
        item["id"] = thinking.id
    item["summary"] = summary(thinking.text)
    if thinking.origin == DIALECT and thinking.signature:
        item["encrypted_content"] = thinking.signature
    return item | members


def summary(text: str) -> list[dict[str, str]]:
    """The parts of a summary; one at most, for what was joined is not cut again."""
    return [{"type": "summary_text", "text": text}] if text else []


def goes_on(part: Text | Refusal) -> bool:
    """True when the part belongs to the message item of the part before it."""
    members = own(part.extra)
    return members is not None and (not members or "continues" in members)


def message_members(part: Text | Refusal, losses: Losses) -> dict[str, msgspec.Raw]:
    """What the part knows about its message item."""
    note_extra(part.extra, losses)
    members = own(part.extra) or {}
    return {name: value for name, value in members.items() if name not in ("content", "continues")}


def content_part(
    part: Text | Refusal, losses: Losses, logprobs: Sequence[TokenLogprob] | None = None
) -> dict[str, object]:
    """An `output_text` or `refusal`. `logprobs`: `None` leaves the member out."""
    told: dict[str, object]
    if isinstance(part, Refusal):
        told = {"type": "refusal", "refusal": part.text}
    else:
        if part.cache is not None:
            losses.add("cache_control")
        told = {"type": "output_text", "text": part.text, "annotations": annotations(part.citations, losses)}
        if logprobs is not None:
            told["logprobs"] = [logprob(token) for token in logprobs]
    kept = (own(part.extra) or {}).get("content")
    if kept is not None:
        told.update(msgspec.json.decode(kept, type=dict[str, msgspec.Raw]))
    return told


def annotations(citations: Sequence[Citation], losses: Losses) -> list[Item]:
    """Where the text has something from, as far as the dialect can say."""
    told = [annotation(citation, losses) for citation in citations]
    return [item for item in told if item is not None]


def annotation(citation: Citation, losses: Losses) -> Item | None:
    """One `url_citation`, or what this dialect told before; `None` when it has no words for it."""
    members = own(citation.extra)
    kept = members or {}
    if "type" not in kept and citation.url is None:
        losses.add("citations")
        return None
    told: Item = {} if "type" in kept else {"type": "url_citation"}
    values = (
        ("url", citation.url),
        ("title", citation.title if "type" in kept else citation.title or ""),
        ("start_index", citation.start if "type" in kept else citation.start or 0),
        ("end_index", citation.end if "type" in kept else citation.end or 0),
    )
    told.update((name, value) for name, value in values if value is not None)
    return told | kept


def logprob(token: TokenLogprob) -> Item:
    """One token with its likeliest others; the SDKs want both lists."""
    return {
        "token": token.token,
        "bytes": list(token.bytes if token.bytes is not None else token.token.encode("utf-8", "replace")),
        "logprob": token.logprob,
        "top_logprobs": [
            {
                "token": other.token,
                "bytes": list(
                    other.bytes if other.bytes is not None else other.token.encode("utf-8", "replace")
                ),
                "logprob": other.logprob,
            }
            for other in token.top
        ],
    }


def note_extra(extra: Extra | None, losses: Losses) -> None:
    """Members that only another dialect understands are lost."""
    if extra is not None and extra.format != DIALECT:
        for name in extra.members:
            losses.add(name)


def message_item(content: Sequence[Item], members: dict[str, msgspec.Raw]) -> Item:
    """A `message` of the model."""
    return {"type": MESSAGE, "role": "assistant", "content": content, **members}
