"""What a model thought, in the ways that Chat servers tell it.

DeepSeek's `reasoning_content`, `reasoning` of OpenRouter and vLLM, and OpenRouter's `reasoning_details`,
which repeat the text and carry what has to come back unchanged (documentation, read 2026-11-22).
"""

from collections.abc import Iterable

import msgspec

from omniroute.conversation.parts import Extra, Thinking
from omniroute.formats.openai_chat.node import DIALECT, Node, as_raw

_WORDS = {"reasoning.text": "text", "reasoning.summary": "summary"}
"""Where the words of a detail stand, by its type."""
SEALED = "reasoning.encrypted"


def take_thinking(message: Node) -> list[Thinking]:
    """What the message says was thought, counted once however often it is told."""
    plain = message.text("reasoning_content")
    other = message.text("reasoning")
    details = message.nodes("reasoning_details") if "reasoning_details" in message else []
    told = [thought for detail in details if (thought := detail_of(detail)) is not None]
    text = plain or other
    if text and not any(thought.text for thought in told):
        return [Thinking(text), *told]
    return told


def detail_of(detail: Node) -> Thinking | None:
    """One of the `reasoning_details`; `None` for one that holds nothing."""
    kind = detail.text("type") or "reasoning.text"
    id = detail.text("id")
    sealed = kind == SEALED
    words = _WORDS.get(kind)
    text = (detail.text(words) if words else None) or ""
    signature = detail.text("data" if sealed else "signature") or None
    if not text and not signature and (words or sealed):
        return None
    extra = Extra(DIALECT, {"type": as_raw(kind), **detail.rest()})
    origin = DIALECT if signature else None
    return Thinking(text, signature, redacted=sealed, origin=origin, id=id, extra=extra)


def is_detail(thought: Thinking) -> bool:
    """True when it came as one of the `reasoning_details`, and goes back as one."""
    return thought.origin == DIALECT or (thought.extra is not None and thought.extra.format == DIALECT)


def is_sealed_here(thought: Thinking) -> bool:
    """True when it holds a proof that a Chat server gave, and wants back."""
    return thought.origin == DIALECT and thought.signature is not None


def as_detail(
    thought: Thinking, *, text: str | None = None, signature: str | None = None
) -> dict[str, object]:
    """It as one of the `reasoning_details`; `text` and `signature` stand for a piece of it."""
    kept = thought.extra.members if thought.extra is not None and thought.extra.format == DIALECT else {}
    kind = msgspec.json.decode(kept["type"], type=str) if "type" in kept else None
    if kind is None:
        kind = SEALED if thought.redacted else "reasoning.text"
    detail: dict[str, object] = {"type": kind}
    if text:
        detail[_WORDS.get(kind, "text")] = text
    if signature:
        detail["data" if kind == SEALED else "signature"] = signature
    if thought.id is not None:
        detail["id"] = thought.id
    detail.update((name, value) for name, value in kept.items() if name != "type")
    return detail


def whole_detail(thought: Thinking) -> dict[str, object]:
    """All of it as one of the `reasoning_details`; a signature of another origin is left out."""
    signature = thought.signature if thought.origin == DIALECT else None
    return as_detail(thought, text=thought.text, signature=signature)


def joined(thoughts: Iterable[Thinking]) -> str:
    """Their words."""
    return "".join(thought.text for thought in thoughts)
