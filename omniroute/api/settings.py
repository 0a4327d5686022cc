"""Settings that are changed while the gateway runs."""

from typing import Annotated, Any

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
from omniroute.records.preferences import ComboSettings, MemberSettings, Preferences

__all__ = [
    "ComboDefaults",
    "ComboDefaultsChange",
    "EffortLevel",
    "SettingsChange",
    "ShownSettings",
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


class ShownSettings(Preferences, frozen=True, kw_only=True, rename="camel"):
    """Answer of `GET /api/settings`: every setting, whether it was changed or not."""

    version: str
    data_dir: str


SettingsChange = dict[str, Any]  # JSON of any shape, checked against `Preferences`
"""Body of `PATCH /api/settings`: objects are merged, `null` means the default."""


class ComboDefaults(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What holds for every combo that does not say otherwise."""

    combo_defaults: ComboSettings
    provider_overrides: dict[str, MemberSettings]
    """Provider id to what holds for its members."""


class ComboDefaultsChange(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True
):
    """Body of `PATCH /api/settings/combo-defaults`: member by member, `null` removes one."""

    combo_defaults: dict[str, Any] | None = None  # checked against `ComboSettings`
    provider_overrides: dict[str, Any] | None = None  # `MemberSettings` by provider
