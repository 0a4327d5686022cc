"""`/api/settings/…`: what is changed about conversations while the gateway runs."""

from hashlib import sha256
from typing import TypeVar

import msgspec
import sqlalchemy as sa
from msgspec import UNSET

from omniroute.api.settings import SystemPrompt, SystemPromptChange, ThinkingBudget, ThinkingBudgetChange
from omniroute.records import Preferences, preferences_of
from omniroute.server.manage.call import ManageCall
from omniroute.server.manage.rows import commit, note
from omniroute.store import settings

S = TypeVar("S", bound=msgspec.Struct)

_THINKING_BUDGET = "thinkingBudget"
_SYSTEM_PROMPT = "systemPrompt"


async def show_thinking_budget(call: ManageCall) -> ThinkingBudget:
    """`GET /api/settings/thinking-budget`"""
    return call.gateway.snapshot.thinking


async def change_thinking_budget(call: ManageCall) -> ThinkingBudget:
    """`PUT /api/settings/thinking-budget`: what is absent stays; the next request follows it."""
    change = call.read(ThinkingBudgetChange)

    def update(connection: sa.Connection) -> ThinkingBudget:
        budget = _changed(_stored(connection).thinking_budget, change)
        settings.put(connection, _THINKING_BUDGET, msgspec.to_builtins(budget))
        said = {name: str(value) for name, value in msgspec.to_builtins(change).items()}
        note(call, connection, "settings.update", _THINKING_BUDGET, **said)
        return budget

    return await commit(call, update)


async def show_system_prompt(call: ManageCall) -> SystemPrompt:
    """`GET /api/settings/system-prompt`"""
    return call.gateway.snapshot.preferences.system_prompt


async def change_system_prompt(call: ManageCall) -> SystemPrompt:
    """`PUT /api/settings/system-prompt`: what is absent stays; the next request follows it.

    The audit log tells the length and the hash of the prompt, never its text.
    """
    change = call.read(SystemPromptChange)

    def update(connection: sa.Connection) -> SystemPrompt:
        prompt = _changed(_stored(connection).system_prompt, change)
        settings.put(connection, _SYSTEM_PROMPT, msgspec.to_builtins(prompt))
        note(
            call,
            connection,
            "settings.update",
            _SYSTEM_PROMPT,
            enabled=str(prompt.enabled).lower(),
            length=str(len(prompt.prompt)),
            sha256=sha256(prompt.prompt.encode("utf-8", "surrogatepass")).hexdigest(),
        )
        return prompt

    return await commit(call, update)


def _stored(connection: sa.Connection) -> Preferences:
    return preferences_of(dict(settings.listing(connection)))


def _changed(before: S, change: msgspec.Struct) -> S:
    named = {name: getattr(change, name) for name in change.__struct_fields__}
    said = {name: value for name, value in named.items() if value is not UNSET}
    return msgspec.structs.replace(before, **said)
