"""Settings that are changed while the gateway runs."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from omniroute.conversation.edits import (
    MOST_BUDGET,
    MOST_PROMPT,
    EffortLevel,
    SystemPrompt,
    ThinkingBudget,
    ThinkingMode,
)

__all__ = [
    "EffortLevel",
    "SystemPrompt",
    "SystemPromptChange",
    "ThinkingBudget",
    "ThinkingBudgetChange",
    "ThinkingMode",
]


class ThinkingBudgetChange(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """Body of `PUT /api/settings/thinking-budget`: what is absent stays."""

    mode: ThinkingMode | UnsetType = UNSET
    custom_budget: Annotated[int, Meta(ge=0, le=MOST_BUDGET)] | UnsetType = UNSET
    effort_level: EffortLevel | UnsetType = UNSET


class SystemPromptChange(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """Body of `PUT /api/settings/system-prompt`: what is absent stays."""

    enabled: bool | UnsetType = UNSET
    prompt: Annotated[str, Meta(max_length=MOST_PROMPT)] | UnsetType = UNSET
