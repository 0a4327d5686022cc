"""What answers of `/api/chat` and `/api/generate` look like, lines and wholes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
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
    ToolResult,
    ToolUse,
)
from omniroute.conversation.request import TokenLogprob
from omniroute.conversation.response import Finish, FinishReason
from omniroute.conversation.usage import Usage
from omniroute.formats.codec import Losses, ReplyFacts, call_id
from omniroute.formats.ollama.request_encode import arguments_of, with_extra

Json = dict[str, Any]  # a JSON object while it is built


@dataclass(slots=True)
class Content:
    """What a line says, or a whole answer."""

    max_images: int = 0
    """How many there is a place for."""
    text: str = ""
    thinking: str = ""
    images: list[str] = field(default_factory=list)
    calls: list[Json] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Shape:
    """How one of the two calls answers."""

    put: Callable[[Content], Json]
    """The members that hold the content."""
    max_images: int

    def content(self) -> Content:
        """Room for what is to be told."""
        return Content(self.max_images)


def _as_chat(content: Content) -> Json:
    message: Json = {"role": "assistant", "content": content.text}
    if content.thinking:
        message["thinking"] = content.thinking
    if content.calls:
        message["tool_calls"] = content.calls
    return {"message": message}


def _as_generate(content: Content) -> Json:
    members: Json = {"response": content.text}
    if content.thinking:
        members["thinking"] = content.thinking
    if content.images:
        members["image"] = content.images[0]
    if content.calls:
        members["tool_calls"] = content.calls
    return members


CHAT = Shape(_as_chat, max_images=0)
"""`/api/chat`. No server answers with images there, and the `ollama` SDK fails on one (0.6.3)."""
GENERATE = Shape(_as_generate, max_images=1)
"""`/api/generate`."""


def head(facts: ReplyFacts) -> Json:
    """What every line begins with."""
    created = datetime.fromtimestamp(facts.created_s, UTC)
    return {"model": facts.model, "created_at": created.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}


def ending(finish: Finish, usage: Usage) -> Json:
    """What the last line ends with. Unknown counts are left out: no SDK needs them, and none is zero."""
    reason = "length" if finish.reason is FinishReason.LENGTH else "stop"
    members: Json = {"done": True, "done_reason": reason}
    if usage.prompt is not None:
        members["prompt_eval_count"] = usage.prompt
    if usage.completion is not None:
        members["eval_count"] = usage.completion
    return members


def add_part(content: Content, part: Part, facts: ReplyFacts, index: int, losses: Losses) -> None:
    """Put a complete part into the content; what has no place there is a loss."""
    match part:
        case Text():
            content.text += part.text
            if part.citations:
                losses.add("citations")
        case Refusal():
            content.text += part.text
        case Thinking(redacted=True):
            losses.add("redacted_thinking")
        case Thinking():
            content.thinking += part.text
        case ToolUse():
            content.calls.append(_call(part, facts, index, len(content.calls), losses))
        case Media(MediaKind.IMAGE, Base64() as source) if len(content.images) < content.max_images:
            content.images.append(source.data)
        case Media() | Opaque() | ToolResult():
            losses.add(_name(part))


def _name(part: Media | Opaque | ToolResult) -> str:
    """What a part is called in a report of losses."""
    match part:
        case Media():
            return part.kind.value
        case Opaque():
            return part.type
        case ToolResult():
            return "tool_result"


def _call(use: ToolUse, facts: ReplyFacts, index: int, place: int, losses: Losses) -> Json:
    arguments = arguments_of(use, losses)
    raw = bytes(arguments)
    if b"\n" in raw or b"\r" in raw:
        arguments = msgspec.Raw(msgspec.json.format(raw, indent=-1))  # a line of the stream has no line ends
    function: Json = {"index": place, "name": use.name, "arguments": arguments}
    return with_extra({"id": call_id(use.id, facts, index), "function": function}, use.extra, losses)


def logprobs(tokens: Sequence[TokenLogprob]) -> list[Json]:
    """Likelihoods as the dialect tells them."""
    return [_logprob(token) for token in tokens]


def _logprob(token: TokenLogprob) -> Json:
    members: Json = {"token": token.token, "logprob": token.logprob}
    if token.bytes is not None:
        members["bytes"] = token.bytes
    if token.top:
        members["top_logprobs"] = logprobs(token.top)
    return members
