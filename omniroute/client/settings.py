"""Settings of the running gateway. Calls raise as `Client` does."""

from omniroute.api.settings import SystemPrompt, SystemPromptChange, ThinkingBudget, ThinkingBudgetChange
from omniroute.client.http import Client

_THINKING_BUDGET = "/api/settings/thinking-budget"
_SYSTEM_PROMPT = "/api/settings/system-prompt"


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
