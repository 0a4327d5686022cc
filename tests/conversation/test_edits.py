"""What the gateway's settings change in a request."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.conversation.edits import (
    EffortLevel,
    SystemPrompt,
    ThinkingBudget,
    ThinkingMode,
    adaptive_budget,
    with_system_prompt,
    with_thinking_budget,
)
from omniroute.conversation.parts import CacheMark, Text
from omniroute.conversation.request import Message, Reasoning, Role
from tests.conversation.fit_samples import TOOL, asked, said

USER = said(Role.USER, "hello")
CACHED = Text("rules", cache=CacheMark())
PROMPTS: list[tuple[tuple[Message, ...], tuple[Message, ...]]] = [
    ((USER,), (said(Role.SYSTEM, "ours"), USER)),
    ((), (said(Role.SYSTEM, "ours"),)),
    ((said(Role.SYSTEM, "rules"), USER), (said(Role.SYSTEM, "ours\n\nrules"), USER)),
    ((said(Role.DEVELOPER, "rules"), USER), (said(Role.DEVELOPER, "ours\n\nrules"), USER)),
    ((said(Role.SYSTEM, "a", "b"), USER), (said(Role.SYSTEM, "ours", "a", "b"), USER)),
    ((Message(Role.SYSTEM, (CACHED,)), USER), (Message(Role.SYSTEM, (Text("ours"), CACHED)), USER)),
    ((USER, said(Role.SYSTEM, "late")), (said(Role.SYSTEM, "ours"), USER, said(Role.SYSTEM, "late"))),
]


@pytest.mark.parametrize(("messages", "wanted"), PROMPTS)
def test_our_prompt_stands_before_the_clients(
    messages: tuple[Message, ...], wanted: tuple[Message, ...]
) -> None:
    request = msgspec.structs.replace(asked(), messages=messages)
    assert with_system_prompt(request, "ours").messages == wanted


def test_a_prompt_counts_only_when_it_is_enabled_and_says_something() -> None:
    assert SystemPrompt(enabled=True, prompt="x").text == "x"
    assert SystemPrompt(prompt="x").text is None
    assert SystemPrompt(enabled=True, prompt=" \n").text is None


WISH = Reasoning(effort="high", summary="auto")
BUDGETS: list[tuple[dict[str, Any], bool, Reasoning]] = [
    ({}, True, WISH),
    ({"mode": ThinkingMode.AUTO}, False, Reasoning()),
    ({"mode": ThinkingMode.CUSTOM}, True, Reasoning(enabled=True, budget_tokens=10_240, summary="auto")),
    ({"mode": ThinkingMode.CUSTOM, "custom_budget": 0}, True, Reasoning(enabled=False)),
    ({"mode": ThinkingMode.CUSTOM}, False, WISH),
    ({"mode": ThinkingMode.ADAPTIVE}, True, Reasoning(enabled=True, budget_tokens=10_240, summary="auto")),
    ({"mode": ThinkingMode.ADAPTIVE, "effort_level": EffortLevel.NONE}, True, Reasoning(enabled=False)),
    ({"mode": ThinkingMode.ADAPTIVE}, False, WISH),
]


@pytest.mark.parametrize(("budget", "reasons", "wanted"), BUDGETS)
def test_the_thinking_setting_decides_over_the_clients_wish(
    budget: dict[str, Any], reasons: bool, wanted: Reasoning
) -> None:
    request = asked(reasoning=WISH)
    changed = with_thinking_budget(request, ThinkingBudget(**budget), reasoning_model=reasons)
    assert changed.reasoning == wanted


@pytest.mark.parametrize(
    ("level", "messages", "tools", "chars", "tokens"),
    [
        (EffortLevel.LOW, 10, 3, 2000, 1024),
        (EffortLevel.LOW, 11, 3, 2000, 1536),
        (EffortLevel.LOW, 10, 4, 2000, 1536),
        (EffortLevel.LOW, 10, 3, 2001, 1332),
        (EffortLevel.MEDIUM, 11, 4, 2001, 23_552),
        (EffortLevel.HIGH, 11, 4, 2001, 131_072),
        (EffortLevel.NONE, 11, 4, 2001, 0),
    ],
)
def test_an_adaptive_budget_grows_with_the_conversation(
    level: EffortLevel, messages: int, tools: int, chars: int, tokens: int
) -> None:
    turns = [
        *[said(Role.USER, "a")] * (messages - 2),
        said(Role.USER, "x" * chars),
        said(Role.ASSISTANT, "b"),
    ]
    assert adaptive_budget(asked(*turns, tools=(TOOL,) * tools), level) == tokens


@given(
    st.sampled_from(EffortLevel),
    st.integers(1, 30),
    st.integers(0, 10),
    st.integers(0, 3000),
    st.integers(0, 5),
)
def test_a_longer_conversation_never_gets_a_smaller_budget(
    level: EffortLevel, messages: int, tools: int, chars: int, more: int
) -> None:
    def budget(extra: int) -> int:
        turns = [said(Role.USER, "x" * (chars + extra * 500))] * (messages + extra)
        return adaptive_budget(asked(*turns, tools=(TOOL,) * (tools + extra)), level)

    assert budget(0) <= budget(more)
