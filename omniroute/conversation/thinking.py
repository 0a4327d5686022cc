"""How much a model is to think, in the terms of one target."""

from collections.abc import Iterator, Sequence

import msgspec

from omniroute.conversation.abilities import Abilities, EffortStyle, ReasoningBack
from omniroute.conversation.parts import Thinking, ToolResult, ToolUse
from omniroute.conversation.request import Message, Reasoning, Request, Role
from omniroute.conversation.tool_rules import is_forced
from omniroute.errors import ErrorKind, Refused

NONE = "none"
EFFORTS = (NONE, "minimal", "low", "medium", "high", "xhigh", "max")
"""Every word for how much, ascending."""
DYNAMIC = -1
"""A budget that the model chooses (Gemini)."""
LEAST_ANTHROPIC_BUDGET = 1024
"""Source: Anthropic's guide to extended thinking, read 2026-11-22."""


_BUDGETS = {"minimal": 512, "low": 1024, "medium": 10_240, "high": 32_768, "xhigh": 65_536, "max": 131_072}
_ANTHROPIC = "anthropic"
_PLAIN = frozenset({"openai-chat", "ollama"})
"""Dialects in which thoughts are told in plain words; in the others their signature says whose they are."""


def effort_of(budget: int) -> str:
    """The word for a budget of so many tokens."""
    if budget <= 0:
        return NONE
    if budget <= _BUDGETS["low"]:
        return "low"
    return "medium" if budget <= _BUDGETS["medium"] else "high"


def budget_of(effort: str) -> int:
    """The tokens a word stands for; a word nobody knows is taken for `medium`."""
    return 0 if effort == NONE else _BUDGETS.get(effort, _BUDGETS["medium"])


def is_off(reasoning: Reasoning) -> bool:
    """The client wants no thinking."""
    return reasoning.enabled is False or reasoning.effort == NONE or reasoning.budget_tokens == 0


def is_unsaid(reasoning: Reasoning) -> bool:
    """The client leaves it to the provider."""
    said = (reasoning.enabled, reasoning.effort, reasoning.budget_tokens, reasoning.adaptive)
    return all(value is None for value in said)


def thinks(reasoning: Reasoning, abilities: Abilities) -> bool:
    """Whether the target will think when it is asked so."""
    if is_unsaid(reasoning):
        return abilities.thinks_by_default
    return not is_off(reasoning)


def fitted_thinking(request: Request, abilities: Abilities, dialect: str, losses: list[str]) -> Request:
    """With the wish for thinking as the target can be told it. Raises `Refused` for tools that forbid it."""
    asked = request.reasoning
    if is_unsaid(asked):
        return _with(request, _by_default(request, abilities, dialect, losses))
    if is_off(asked):
        return _with(request, _switched_off(asked, abilities, dialect, losses))
    if abilities.reasoning is False or abilities.effort_style is EffortStyle.NONE:
        losses.append("reasoning")
        return _with(request, Reasoning())
    if _is_refused_here(request, abilities, dialect):
        losses.append("reasoning")
        return _with(request, _switched_off(Reasoning(enabled=False), abilities, dialect, []))
    wish = _in_style(asked, abilities, dialect, losses)
    if dialect == _ANTHROPIC and wish.budget_tokens is not None:
        return _anthropic_budget(request, wish, abilities, losses)
    return _with(request, wish)


def recalled(request: Request, abilities: Abilities, dialect: str, losses: list[str]) -> Request:
    """With the earlier thoughts that the target wants to see again, and no others."""
    if dialect not in _PLAIN or abilities.reasoning_back is ReasoningBack.ALWAYS:
        return request
    kept = len(request.messages)
    if abilities.reasoning_back is ReasoningBack.TOOL_TURNS:
        kept = _turn_start(request.messages)
    if not _think(request.messages):
        return request
    messages = tuple(
        _without_thinking(message) if place < kept else message
        for place, message in enumerate(request.messages)
    )
    if messages == request.messages:
        return request
    losses.append("thinking")
    return msgspec.structs.replace(request, messages=messages)


def _think(messages: Sequence[Message]) -> bool:
    """Somebody's thoughts are among what was said."""
    for message in messages:
        if message.role is Role.ASSISTANT:
            for part in message.parts:
                if isinstance(part, Thinking):
                    return True
    return False


def _by_default(request: Request, abilities: Abilities, dialect: str, losses: list[str]) -> Reasoning:
    """What is said about thinking when the client said nothing.

    It is switched off where the target does it unasked, but refuses what the client did ask for beside it.
    """
    forced = "tool_choice" in abilities.drop_when_thinking and is_forced(request.tool_choice)
    if abilities.thinks_by_default and (
        _refuses_tools(request, abilities) or (forced and abilities.thinking_off)
    ):
        losses.append("reasoning")
        return _switched_off(Reasoning(enabled=False), abilities, dialect, [])
    return Reasoning() if dialect in _PLAIN else request.reasoning


def _switched_off(asked: Reasoning, abilities: Abilities, dialect: str, losses: list[str]) -> Reasoning:
    style, efforts = abilities.effort_style, abilities.efforts
    if style is EffortStyle.NONE or abilities.reasoning is False or _is_unknown(abilities):
        if abilities.thinks_by_default or _is_unknown(abilities):
            losses.append("reasoning")
        return Reasoning()
    if not abilities.thinking_off:
        losses.append("reasoning")
        return _least(abilities)
    if dialect == _ANTHROPIC and not abilities.thinks_by_default:
        return Reasoning()  # what is not asked for does not happen, and some models refuse to be told so
    if style is EffortStyle.EFFORT:
        if efforts and NONE not in efforts:
            return Reasoning(enabled=False)
        return Reasoning(enabled=False, effort=NONE, summary=asked.summary)
    return Reasoning(enabled=False, budget_tokens=0 if style is EffortStyle.BUDGET else None)


def _is_unknown(abilities: Abilities) -> bool:
    """Nobody knows whether the target thinks at all; one that cannot may refuse even to be told not to."""
    by_word = abilities.effort_style is EffortStyle.EFFORT and not abilities.efforts
    return by_word and abilities.reasoning is None and not abilities.thinks_by_default


def _least(abilities: Abilities) -> Reasoning:
    words = [word for word in abilities.efforts if word != NONE]
    match abilities.effort_style:
        case EffortStyle.EFFORT | EffortStyle.SWITCH if words:
            return Reasoning(enabled=True, effort=words[0])
        case EffortStyle.ADAPTIVE if words:
            return Reasoning(enabled=True, adaptive=True, effort=words[0])
        case EffortStyle.BUDGET if abilities.budget_range is not None:
            return Reasoning(enabled=True, budget_tokens=abilities.budget_range[0])
        case _:
            return Reasoning()


def _in_style(asked: Reasoning, abilities: Abilities, dialect: str, losses: list[str]) -> Reasoning:
    summary = asked.summary
    match abilities.effort_style:
        case EffortStyle.EFFORT:
            effort = _effort(asked, abilities, losses)
            if effort is None and abilities.reasoning and "medium" in abilities.efforts:
                effort = "medium"
            return Reasoning(enabled=True, effort=effort, summary=summary)
        case EffortStyle.ADAPTIVE:
            effort = _effort(asked, abilities, losses)
            return Reasoning(enabled=True, adaptive=True, effort=effort, summary=summary)
        case EffortStyle.SWITCH:
            effort = _effort(asked, abilities, losses) if abilities.efforts else None
            return Reasoning(enabled=True, effort=effort, summary=summary)
        case EffortStyle.ENABLE:
            budget = _budget(asked, abilities, losses)
            return Reasoning(enabled=True, budget_tokens=budget, summary=summary)
        case EffortStyle.BUDGET:
            budget = _budget(asked, abilities, losses)
            if budget is None:
                budget = DYNAMIC if dialect == "gemini" else _within(_BUDGETS["medium"], abilities)
            effort = _effort(asked, abilities, losses) if abilities.efforts else None
            return Reasoning(enabled=True, budget_tokens=budget, effort=effort, summary=summary)
        case EffortStyle.NONE:  # answered by the caller
            return Reasoning()


def _effort(asked: Reasoning, abilities: Abilities, losses: list[str]) -> str | None:
    """The word nearest to what was asked; `None` when it was not said how much."""
    word = asked.effort
    if word is None:
        if asked.budget_tokens is None or asked.budget_tokens < 0:
            return None
        word = effort_of(asked.budget_tokens)
    words = [known for known in abilities.efforts if known != NONE]
    if abilities.efforts and not words:
        return None  # on or off is all there is
    if not words or word in words:
        return word
    nearest = min(words, key=lambda known: abs(_rank(known) - _rank(word)))
    if asked.effort is not None:
        losses.append("reasoning_effort")
    return nearest


def _rank(word: str) -> int:
    return EFFORTS.index(word) if word in EFFORTS else EFFORTS.index("medium")


def _budget(asked: Reasoning, abilities: Abilities, losses: list[str]) -> int | None:
    """The tokens asked for, within what the target takes; `None` when it was not said how many."""
    budget = asked.budget_tokens
    if budget is None:
        return None if asked.effort is None else _within(budget_of(asked.effort), abilities)
    if budget < 0:
        return None
    fitting = _within(budget, abilities)
    if fitting != budget:
        losses.append("thinking_budget")
    return fitting


def _within(budget: int, abilities: Abilities) -> int:
    if abilities.budget_range is None:
        return budget
    least, most = abilities.budget_range
    return min(max(budget, least), most)


def _anthropic_budget(request: Request, wish: Reasoning, abilities: Abilities, losses: list[str]) -> Request:
    """With a budget of at least 1024 tokens that leaves room for the answer below `max_tokens`.

    The limit is raised as far as the model allows; past that the budget shrinks. Where not even the least
    budget fits there is no thinking, and that is a loss.
    """
    budget = max(wish.budget_tokens or 0, LEAST_ANTHROPIC_BUDGET)
    asked, most = request.sampling.max_tokens, abilities.max_output_tokens
    limit = asked
    if asked is None:
        limit = most
        if most is None and abilities.max_tokens_required:
            limit = budget + DEFAULT_ANSWER
    elif budget >= asked:
        limit = asked if most is None else max(asked, min(most, budget + asked))
    if limit is not None and budget >= limit:
        budget = max(limit - max(limit // 4, 1), LEAST_ANTHROPIC_BUDGET)
        losses.append("thinking_budget")
        if budget >= limit:
            losses[-1] = "reasoning"
            return _with(request, _switched_off(Reasoning(enabled=False), abilities, _ANTHROPIC, []))
    sampling = request.sampling
    if limit != asked:
        sampling = msgspec.structs.replace(sampling, max_tokens=limit)
    reasoning = msgspec.structs.replace(wish, budget_tokens=budget)
    return msgspec.structs.replace(request, reasoning=reasoning, sampling=sampling)


DEFAULT_ANSWER = 32_000
"""Room for the answer beside the thoughts, where nobody knows a limit."""


def _is_refused_here(request: Request, abilities: Abilities, dialect: str) -> bool:
    """The target would refuse to think at this point of the conversation."""
    messages = request.messages
    if _refuses_tools(request, abilities):
        return True
    if not abilities.thinking_after_assistant and messages and messages[-1].role is Role.ASSISTANT:
        return True
    if not abilities.thought_before_tools:
        return False
    start = 0 if abilities.reasoning_back is ReasoningBack.ALWAYS else _turn_start(messages)
    return any(not _has_thought(message, dialect) for message in _tool_callers(messages[start:]))


def _refuses_tools(request: Request, abilities: Abilities) -> bool:
    """The request's tools need thinking to be off. Raises `Refused` where it cannot be."""
    if not request.tools or abilities.tools_while_thinking:
        return False
    if not abilities.thinking_off:
        message = f"tools: {abilities.model} always thinks, and takes no tools in this dialect while it does"
        raise Refused(ErrorKind.UNSUPPORTED, message, param="tools")
    return True


def _tool_callers(messages: Sequence[Message]) -> Iterator[Message]:
    for message in messages:
        if message.role is Role.ASSISTANT and any(isinstance(part, ToolUse) for part in message.parts):
            yield message


def _has_thought(message: Message, dialect: str) -> bool:
    thoughts = [part for part in message.parts if isinstance(part, Thinking)]
    if dialect in _PLAIN:
        return bool(thoughts)
    return any(thought.signature and thought.origin == dialect for thought in thoughts)


def _turn_start(messages: Sequence[Message]) -> int:
    """Where the running turn begins: after the last message in which the user, not a tool, says something."""
    for place in range(len(messages) - 1, -1, -1):
        message = messages[place]
        if message.role is Role.USER and any(not isinstance(part, ToolResult) for part in message.parts):
            return place
    return 0


def _without_thinking(message: Message) -> Message:
    if message.role is not Role.ASSISTANT or not any(isinstance(part, Thinking) for part in message.parts):
        return message
    parts = tuple(part for part in message.parts if not isinstance(part, Thinking))
    return msgspec.structs.replace(message, parts=parts)


def _with(request: Request, reasoning: Reasoning) -> Request:
    return (
        request if reasoning == request.reasoning else msgspec.structs.replace(request, reasoning=reasoning)
    )
