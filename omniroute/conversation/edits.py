"""What settings of the gateway change in a request, whatever its dialect."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from omniroute.conversation.parts import Part, Text
from omniroute.conversation.request import Message, Reasoning, Request, Role

MOST_BUDGET = 131_072
"""The greatest thinking budget, in tokens."""
MOST_PROMPT = 32_768
"""The greatest system prompt of the gateway, in characters."""

_GO_ON = (
    "Your answer was cut off by the connection. Go on exactly where it ends, in the middle of a word if need "
    "be, and repeat nothing."
)
_MANY_MESSAGES, _MANY_TOOLS, _LONG_MESSAGE = 10, 3, 2000


class ThinkingMode(StrEnum):
    """Who decides how much a model thinks."""

    PASSTHROUGH = "passthrough"
    """The client."""
    AUTO = "auto"
    """The provider: what the client says is left out."""
    CUSTOM = "custom"
    """A fixed budget."""
    ADAPTIVE = "adaptive"
    """A budget that grows with the conversation."""


class EffortLevel(StrEnum):
    """Where an adaptive budget starts."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


_BASES = {
    EffortLevel.NONE: 0,
    EffortLevel.LOW: 1024,
    EffortLevel.MEDIUM: 10_240,
    EffortLevel.HIGH: MOST_BUDGET,
}


class ThinkingBudget(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The setting of that name."""

    mode: ThinkingMode = ThinkingMode.PASSTHROUGH
    custom_budget: Annotated[int, Meta(ge=0, le=MOST_BUDGET)] = 10_240
    """Tokens; 0: no thinking."""
    effort_level: EffortLevel = EffortLevel.MEDIUM


class SystemPrompt(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The setting of that name."""

    enabled: bool = False
    prompt: Annotated[str, Meta(max_length=MOST_PROMPT)] = ""

    @property
    def text(self) -> str | None:
        """What goes before the clients' own system texts; `None`: nothing."""
        return self.prompt if self.enabled and self.prompt.strip() else None


def with_system_prompt(request: Request, prompt: str) -> Request:
    """With `prompt` before the client's own system text, a blank line between them."""
    messages = request.messages
    first = messages[0] if messages else None
    if first is None or first.role not in (Role.SYSTEM, Role.DEVELOPER):
        return msgspec.structs.replace(request, messages=(Message(Role.SYSTEM, (Text(prompt),)), *messages))
    led = msgspec.structs.replace(first, parts=_led_by(prompt, first.parts))
    return msgspec.structs.replace(request, messages=(led, *messages[1:]))


def with_most_tokens(request: Request, most: int) -> Request:
    """With an answer of at most so many tokens."""
    wanted = request.sampling.max_tokens
    if wanted is not None and wanted <= most:
        return request
    sampling = msgspec.structs.replace(request.sampling, max_tokens=most)
    return msgspec.structs.replace(request, sampling=sampling)


def going_on(request: Request, said: str) -> Request:
    """The request for the rest of an answer that was cut off after `said`."""
    turns = (
        Message(Role.ASSISTANT, (Text(said),)),
        Message(Role.USER, (Text(_GO_ON),)),
    )
    return msgspec.structs.replace(request, messages=(*request.messages, *turns))


def with_thinking_budget(request: Request, budget: ThinkingBudget, *, reasoning_model: bool) -> Request:
    """With the wish for thinking that the setting makes of the client's own.

    `custom` and `adaptive` leave models alone that are not known to reason.
    """
    match budget.mode:
        case ThinkingMode.PASSTHROUGH:
            return request
        case ThinkingMode.AUTO:
            return msgspec.structs.replace(request, reasoning=Reasoning())
        case ThinkingMode.CUSTOM:
            tokens = budget.custom_budget
        case ThinkingMode.ADAPTIVE:
            tokens = adaptive_budget(request, budget.effort_level)
    if not reasoning_model:
        return request
    summary = request.reasoning.summary
    wish = (
        Reasoning(enabled=True, budget_tokens=tokens, summary=summary) if tokens else Reasoning(enabled=False)
    )
    return msgspec.structs.replace(request, reasoning=wish)


def adaptive_budget(request: Request, level: EffortLevel) -> int:
    """Tokens: the level's own, and more for long conversations, many tools and a long last question."""
    tenths = 10
    tenths += 5 * (len(request.messages) > _MANY_MESSAGES)
    tenths += 5 * (len(request.tools) > _MANY_TOOLS)
    tenths += 3 * (_last_question_chars(request) > _LONG_MESSAGE)
    return min(-(-_BASES[level] * tenths // 10), MOST_BUDGET)


def _led_by(prompt: str, parts: tuple[Part, ...]) -> tuple[Part, ...]:
    only = parts[0] if len(parts) == 1 else None
    if isinstance(only, Text) and only.cache is None and only.extra is None:
        return (msgspec.structs.replace(only, text=f"{prompt}\n\n{only.text}"),)
    return (Text(prompt), *parts)  # a block that is cached, or one of many, stays what it was


def _last_question_chars(request: Request) -> int:
    for message in reversed(request.messages):
        texts = [part.text for part in message.parts if isinstance(part, Text)]
        if message.role is Role.USER and texts:
            return sum(map(len, texts))
    return 0
