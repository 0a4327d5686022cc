"""Thinking that has to be proven before it may go on."""

import msgspec

from omniroute.conversation.parts import Part, Text, Thinking, ToolResult, ToolUse
from omniroute.conversation.request import Message, Reasoning, Request, Role


def without_unproven_thinking(request: Request, dialect: str) -> tuple[Request, tuple[str, ...]]:
    """The request, with thinking off where Anthropic would refuse it: and then a loss.

    With a thinking budget, the turn that is being continued has to begin with the thoughts that led to its
    calls (extended thinking, documentation read 2026-11-23). If nobody has them, it goes on without.
    """
    reasoning = request.reasoning
    if dialect != "anthropic" or reasoning.budget_tokens is None or reasoning.adaptive:
        return request, ()
    if reasoning.enabled is False or not _continues_unproven(request.messages):
        return request, ()
    return msgspec.structs.replace(request, reasoning=Reasoning(enabled=False)), ("thinking",)


def _continues_unproven(messages: tuple[Message, ...]) -> bool:
    """True when the turn that goes on called tools, and no signed thought leads to them."""
    turn: list[Part] = []
    for message in reversed(messages):
        if message.role is Role.ASSISTANT:
            turn = [*message.parts, *turn]
        elif any(isinstance(part, Text) for part in message.parts) and not _has_result(message):
            break
    return any(isinstance(part, ToolUse) for part in turn) and not any(_is_proof(part) for part in turn)


def _has_result(message: Message) -> bool:
    return any(isinstance(part, ToolResult) for part in message.parts)


def _is_proof(part: Part) -> bool:
    return isinstance(part, Thinking) and part.signature is not None and part.origin == "anthropic"
