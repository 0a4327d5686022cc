"""Settings of the running gateway. Calls raise as `Client` does."""

from omniroute.api.settings import (
    ComboDefaults,
    ComboDefaultsChange,
    SettingsChange,
    ShownSettings,
    SystemPrompt,
    SystemPromptChange,
    ThinkingBudget,
    ThinkingBudgetChange,
)
from omniroute.client.http import Client

_THINKING_BUDGET = "/api/settings/thinking-budget"
_SYSTEM_PROMPT = "/api/settings/system-prompt"


def settings(client: Client) -> ShownSettings:
    """Every setting that is changed while the gateway runs."""
    return client.get("/api/settings", ShownSettings)


def change_settings(client: Client, change: SettingsChange) -> ShownSettings:
    """All settings as they are now; objects were merged, `None` meant the default."""
    return client.patch("/api/settings", ShownSettings, change)


def combo_defaults(client: Client) -> ComboDefaults:
    """What holds for every combo that does not say otherwise."""
    return client.get("/api/settings/combo-defaults", ComboDefaults)


def change_combo_defaults(client: Client, change: ComboDefaultsChange) -> ComboDefaults:
    """The same as it is now."""
    return client.patch("/api/settings/combo-defaults", ComboDefaults, change)


def thinking_budget(client: Client) -> ThinkingBudget:
    """How much models are to think."""
    return client.get(_THINKING_BUDGET, ThinkingBudget)


def change_thinking_budget(client: Client, change: ThinkingBudgetChange) -> ThinkingBudget:
    """The setting as it is now."""
    return client.put(_THINKING_BUDGET, ThinkingBudget, change)


def system_prompt(client: Client) -> SystemPrompt:
    """What stands before the system text of every conversation."""
    return client.get(_SYSTEM_PROMPT, SystemPrompt)


def change_system_prompt(client: Client, change: SystemPromptChange) -> SystemPrompt:
    """The setting as it is now."""
    return client.put(_SYSTEM_PROMPT, SystemPrompt, change)
