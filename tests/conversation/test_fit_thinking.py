"""Wishes for thinking in the terms of a target."""

from typing import Any

import pytest

from omniroute.conversation.abilities import EffortStyle, ReasoningBack, Structured
from omniroute.conversation.fit import fit
from omniroute.conversation.parts import Thinking, ToolUse
from omniroute.conversation.request import (
    ChoiceMode,
    Message,
    Output,
    OutputKind,
    Reasoning,
    Role,
    Sampling,
    ToolChoice,
)
from omniroute.conversation.thinking import budget_of, effort_of
from omniroute.errors import Refused
from tests.conversation.fit_samples import TOOL, asked, fitted, said, target, thinking, tool_turn

LEVELS = ("low", "medium", "high")
SEALED = Thinking("so", signature="s", origin="anthropic")


@pytest.mark.parametrize(
    ("budget", "effort"),
    [
        (0, "none"),
        (1, "low"),
        (1024, "low"),
        (1025, "medium"),
        (10_240, "medium"),
        (10_241, "high"),
        (200_000, "high"),
    ],
)
def test_a_budget_has_a_word(budget: int, effort: str) -> None:
    assert effort_of(budget) == effort


@pytest.mark.parametrize("effort", ["none", "low", "medium", "high"])
def test_a_word_keeps_its_meaning_as_a_budget(effort: str) -> None:
    assert effort_of(budget_of(effort)) == effort


STYLES: list[tuple[dict[str, Any], str, dict[str, Any], Reasoning, tuple[str, ...]]] = [
    # what is asked, dialect, abilities, what the target is told, losses
    ({"effort": "high"}, "openai-chat", {}, Reasoning(enabled=True, effort="high"), ()),
    ({"effort": "xhigh"}, "openai-chat", {}, Reasoning(enabled=True, effort="xhigh"), ()),
    (
        {"effort": "xhigh"},
        "openai-chat",
        {"efforts": LEVELS},
        Reasoning(enabled=True, effort="high"),
        ("reasoning_effort",),
    ),
    (
        {"effort": "minimal"},
        "openai-chat",
        {"efforts": LEVELS},
        Reasoning(enabled=True, effort="low"),
        ("reasoning_effort",),
    ),
    (
        {"enabled": True, "budget_tokens": 2000},
        "openai-chat",
        {"efforts": LEVELS},
        Reasoning(enabled=True, effort="medium"),
        (),
    ),
    ({"adaptive": True}, "openai-chat", {}, Reasoning(enabled=True), ()),
    (
        {"adaptive": True},
        "openai-chat",
        {"efforts": LEVELS, "reasoning": True},
        Reasoning(enabled=True, effort="medium"),
        (),
    ),
    ({"budget_tokens": -1}, "openai-chat", {}, Reasoning(enabled=True), ()),
    ({"enabled": False}, "openai-chat", {}, Reasoning(), ("reasoning",)),
    ({"enabled": False}, "openai-chat", {"reasoning": True}, Reasoning(enabled=False, effort="none"), ()),
    ({"effort": "none"}, "openai-chat", {"efforts": LEVELS}, Reasoning(enabled=False), ()),
    (
        {"effort": "none"},
        "openai-chat",
        {"efforts": LEVELS, "thinking_off": False},
        Reasoning(enabled=True, effort="low"),
        ("reasoning",),
    ),
    ({"effort": "high"}, "openai-chat", {"efforts": ("none",)}, Reasoning(enabled=True), ()),
    ({"effort": "high"}, "openai-chat", {"reasoning": False}, Reasoning(), ("reasoning",)),
    ({"effort": "none"}, "openai-chat", {"reasoning": False}, Reasoning(), ()),
    ({"effort": "high"}, "openai-chat", {"effort_style": EffortStyle.NONE}, Reasoning(), ("reasoning",)),
    (
        {"effort": "none"},
        "openai-chat",
        {"effort_style": EffortStyle.NONE, "thinks_by_default": True},
        Reasoning(),
        ("reasoning",),
    ),
    ({"effort": "high"}, "openai-chat", {"effort_style": EffortStyle.SWITCH}, Reasoning(enabled=True), ()),
    (
        {"effort": "high"},
        "openai-chat",
        {"effort_style": EffortStyle.SWITCH, "efforts": ("high", "max")},
        Reasoning(enabled=True, effort="high"),
        (),
    ),
    ({"budget_tokens": 0}, "openai-chat", {"effort_style": EffortStyle.SWITCH}, Reasoning(enabled=False), ()),
    (
        {"effort": "low"},
        "openai-chat",
        {"effort_style": EffortStyle.ENABLE},
        Reasoning(enabled=True, budget_tokens=1024),
        (),
    ),
    ({"enabled": True}, "openai-chat", {"effort_style": EffortStyle.ENABLE}, Reasoning(enabled=True), ()),
    (
        {"effort": "medium"},
        "gemini",
        {"effort_style": EffortStyle.BUDGET},
        Reasoning(enabled=True, budget_tokens=10_240),
        (),
    ),
    (
        {"effort": "max"},
        "gemini",
        {"effort_style": EffortStyle.BUDGET, "budget_range": (128, 32_768)},
        Reasoning(enabled=True, budget_tokens=32_768),
        (),
    ),
    (
        {"budget_tokens": 99_999},
        "gemini",
        {"effort_style": EffortStyle.BUDGET, "budget_range": (0, 24_576)},
        Reasoning(enabled=True, budget_tokens=24_576),
        ("thinking_budget",),
    ),
    (
        {"adaptive": True},
        "gemini",
        {"effort_style": EffortStyle.BUDGET},
        Reasoning(enabled=True, budget_tokens=-1),
        (),
    ),
    (
        {"effort": "none"},
        "gemini",
        {"effort_style": EffortStyle.BUDGET},
        Reasoning(enabled=False, budget_tokens=0),
        (),
    ),
    (
        {"effort": "none"},
        "gemini",
        {"effort_style": EffortStyle.BUDGET, "thinking_off": False, "budget_range": (128, 32_768)},
        Reasoning(enabled=True, budget_tokens=128),
        ("reasoning",),
    ),
    (
        {"effort": "low"},
        "anthropic",
        {"effort_style": EffortStyle.ADAPTIVE},
        Reasoning(enabled=True, adaptive=True, effort="low"),
        (),
    ),
    (
        {"enabled": True, "budget_tokens": 20_000},
        "anthropic",
        {"effort_style": EffortStyle.ADAPTIVE},
        Reasoning(enabled=True, adaptive=True, effort="high"),
        (),
    ),
    ({"effort": "none"}, "anthropic", {"effort_style": EffortStyle.ADAPTIVE}, Reasoning(), ()),
    (
        {"effort": "none"},
        "anthropic",
        {"effort_style": EffortStyle.ADAPTIVE, "thinks_by_default": True},
        Reasoning(enabled=False),
        (),
    ),
    (
        {"effort": "none"},
        "anthropic",
        {"effort_style": EffortStyle.ADAPTIVE, "thinking_off": False, "efforts": LEVELS},
        Reasoning(enabled=True, adaptive=True, effort="low"),
        ("reasoning",),
    ),
    ({"summary": "auto"}, "openai-chat", {"reasoning": False}, Reasoning(), ()),
]


@pytest.mark.parametrize(("wish", "dialect", "abilities", "told", "losses"), STYLES)
def test_a_wish_is_told_in_the_style_of_the_target(
    wish: dict[str, Any], dialect: str, abilities: dict[str, Any], told: Reasoning, losses: tuple[str, ...]
) -> None:
    result = fitted(thinking(**wish), dialect, **abilities)
    assert (result.request.reasoning, result.losses) == (told, losses)


BUDGETS: list[tuple[dict[str, Any], int | None, int | None, int | None, tuple[str, ...]]] = [
    # what is asked, the model's limit, budget and max_tokens that are sent, losses
    ({"budget_tokens": 2000, "max_tokens": 4000}, 64_000, 2000, 4000, ()),
    ({"budget_tokens": 4000, "max_tokens": 4000}, 64_000, 4000, 8000, ()),
    ({"budget_tokens": 10, "max_tokens": 4000}, 64_000, 1024, 4000, ("thinking_budget",)),
    ({"budget_tokens": 100_000, "max_tokens": 4000}, 32_000, 24_000, 32_000, ("thinking_budget",)),
    ({"budget_tokens": 4000, "max_tokens": 4000}, None, 3000, 4000, ("thinking_budget",)),
    ({"budget_tokens": 4000, "max_tokens": 1200}, None, 1024, 1200, ("thinking_budget",)),
    ({"budget_tokens": 4000, "max_tokens": 1000}, None, None, 1000, ("reasoning",)),
    ({"budget_tokens": 4000}, 64_000, 4000, 64_000, ()),
    ({"budget_tokens": 4000}, None, 4000, 36_000, ()),
    ({"effort": "medium", "max_tokens": 4096}, 64_000, 10_240, 14_336, ()),
    (
        {"budget_tokens": 100_000, "max_tokens": 200_000},
        64_000,
        48_000,
        64_000,
        ("max_tokens", "thinking_budget"),
    ),
]


@pytest.mark.parametrize(("wish", "most", "budget", "max_tokens", "losses"), BUDGETS)
def test_an_anthropic_budget_stays_below_max_tokens(
    wish: dict[str, Any],
    most: int | None,
    budget: int | None,
    max_tokens: int | None,
    losses: tuple[str, ...],
) -> None:
    result = fitted(
        thinking(**wish),
        "anthropic",
        effort_style=EffortStyle.BUDGET,
        budget_range=(1024, 131_072),
        max_output_tokens=most,
        max_tokens_required=True,
    )
    sent = (result.request.reasoning.budget_tokens, result.request.sampling.max_tokens)
    assert (sent, result.losses) == ((budget, max_tokens), losses)


def test_what_a_target_refuses_while_it_thinks_is_left_out_only_then() -> None:
    refuses = {
        "drop_when_thinking": frozenset({"temperature", "tool_choice"}),
        "effort_style": EffortStyle.ADAPTIVE,
    }
    request = asked(
        sampling=Sampling(temperature=0.5), tools=(TOOL,), tool_choice=ToolChoice(ChoiceMode.NAMED, "read")
    )
    assert fitted(request, "anthropic", **refuses).losses == ()
    wishing = asked(
        sampling=request.sampling,
        tools=request.tools,
        tool_choice=request.tool_choice,
        reasoning=Reasoning(effort="low"),
    )
    result = fitted(wishing, "anthropic", **refuses)
    assert result.losses == ("tool_choice", "temperature")
    assert result.request.sampling.temperature is None
    assert result.request.tool_choice == ToolChoice()


def test_a_model_that_thinks_by_default_counts_as_thinking() -> None:
    request = asked(sampling=Sampling(temperature=0.5))
    drop = frozenset({"temperature"})
    assert fitted(request, drop_when_thinking=drop).losses == ()
    assert fitted(request, drop_when_thinking=drop, thinks_by_default=True).losses == ("temperature",)
    off = asked(sampling=Sampling(temperature=0.5), reasoning=Reasoning(enabled=False))
    assert fitted(off, drop_when_thinking=drop, thinks_by_default=True).losses == ()


def test_there_is_no_thinking_after_the_assistants_own_words_where_that_is_refused() -> None:
    request = asked(said(Role.USER, "a"), said(Role.ASSISTANT, "b"), reasoning=Reasoning(effort="low"))
    assert fitted(request).request.reasoning.enabled
    result = fitted(request, thinking_after_assistant=False, reasoning=True)
    assert (result.request.reasoning.enabled, result.losses) == (False, ("reasoning",))


@pytest.mark.parametrize(
    ("thoughts", "dialect", "is_on"),
    [
        ((SEALED,), "anthropic", True),
        ((), "anthropic", False),
        ((Thinking("so"),), "anthropic", False),
        ((Thinking("so", signature="s", origin="gemini"),), "anthropic", False),
        ((Thinking("so"),), "openai-chat", True),
        ((), "openai-chat", False),
    ],
)
def test_there_is_no_thinking_when_the_thought_before_a_call_is_gone(
    thoughts: tuple[Thinking, ...], dialect: str, is_on: bool
) -> None:
    request = asked(*tool_turn(*thoughts), reasoning=Reasoning(enabled=True))
    result = fitted(
        request,
        dialect,
        thought_before_tools=True,
        thinks_by_default=True,
        effort_style=EffortStyle.SWITCH,
        reasoning_back=ReasoningBack.ALWAYS,
    )
    assert result.request.reasoning.enabled is is_on
    assert result.losses == (() if is_on else ("reasoning",))


def test_calls_of_earlier_turns_need_no_thought() -> None:
    request = asked(
        *tool_turn(), said(Role.ASSISTANT, "b"), said(Role.USER, "c"), reasoning=Reasoning(effort="low")
    )
    result = fitted(request, "anthropic", thought_before_tools=True, effort_style=EffortStyle.ADAPTIVE)
    assert result.losses == ()


@pytest.mark.parametrize(
    ("back", "dialect", "kept"),
    [
        (ReasoningBack.ALWAYS, "openai-chat", 2),
        (ReasoningBack.TOOL_TURNS, "openai-chat", 1),
        (ReasoningBack.NEVER, "openai-chat", 0),
        (ReasoningBack.NEVER, "anthropic", 2),
    ],
)
def test_earlier_thoughts_go_back_to_those_who_want_them(
    back: ReasoningBack, dialect: str, kept: int
) -> None:
    old = Message(Role.ASSISTANT, (Thinking("old"), ToolUse("c0", "read")))
    request = asked(said(Role.USER, "a"), old, *tool_turn(Thinking("new")))
    result = fitted(request, dialect, reasoning_back=back)
    thoughts = [
        part for message in result.request.messages for part in message.parts if isinstance(part, Thinking)
    ]
    assert len(thoughts) == kept
    assert result.losses == (() if kept == 2 else ("thinking",))


def test_a_forced_answer_tool_wins_over_thinking() -> None:
    request = asked(
        output=Output(kind=OutputKind.SCHEMA),
        reasoning=Reasoning(effort="high"),
        sampling=Sampling(temperature=0),
    )
    result = fitted(
        request,
        "anthropic",
        structured=Structured.TOOL,
        effort_style=EffortStyle.BUDGET,
        drop_when_thinking=frozenset({"tool_choice", "temperature"}),
    )
    assert (result.request.reasoning, result.losses) == (Reasoning(), ("reasoning",))
    assert result.request.sampling.temperature == 0


@pytest.mark.parametrize("can_stop", [True, False])
def test_a_forced_tool_counts_more_than_thinking_nobody_asked_for(can_stop: bool) -> None:
    request = asked(tools=(TOOL,), tool_choice=ToolChoice(ChoiceMode.REQUIRED))
    result = fitted(
        request,
        thinks_by_default=True,
        thinking_off=can_stop,
        effort_style=EffortStyle.SWITCH,
        drop_when_thinking=frozenset({"tool_choice"}),
    )
    assert result.losses == (("reasoning",) if can_stop else ("tool_choice",))
    assert (result.request.reasoning == Reasoning(enabled=False)) is can_stop
    assert (result.request.tool_choice == request.tool_choice) is can_stop


@pytest.mark.parametrize("wish", [Reasoning(), Reasoning(effort="high")])
def test_tools_that_go_with_no_thought_switch_it_off_or_are_refused(wish: Reasoning) -> None:
    refuses: dict[str, Any] = {"tools_while_thinking": False, "thinks_by_default": True, "reasoning": True}
    with_tools = asked(tools=(TOOL,), reasoning=wish)
    result = fitted(with_tools, **refuses)
    assert (result.request.reasoning.effort, result.losses) == ("none", ("reasoning",))
    assert fitted(asked(reasoning=wish), **refuses).losses == ()
    with pytest.raises(Refused) as caught:
        fitted(with_tools, thinking_off=False, **refuses)
    assert caught.value.param == "tools"


def test_in_the_clients_own_dialect_only_thinking_is_made_to_fit() -> None:
    request = asked(
        said(Role.DEVELOPER, "rules"),
        said(Role.USER, "hello"),
        reasoning=Reasoning(enabled=True, budget_tokens=5000),
        sampling=Sampling(temperature=0.3, seed=1),
    )
    abilities = target(
        effort_style=EffortStyle.ADAPTIVE,
        drop=frozenset({"seed"}),
        drop_when_thinking=frozenset({"temperature"}),
    )
    result = fit(request, abilities, dialect="anthropic", same_dialect=True)
    assert result.request.messages == request.messages
    assert result.request.sampling == Sampling(seed=1)
    assert result.request.reasoning == Reasoning(enabled=True, adaptive=True, effort="medium")
    assert result.losses == ("temperature",)
