"""The settings of conversations over the real server and the real client."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from omniroute.api.settings import (
    EffortLevel,
    SystemPrompt,
    SystemPromptChange,
    ThinkingBudget,
    ThinkingBudgetChange,
    ThinkingMode,
)
from omniroute.client import settings
from omniroute.paths import Paths
from omniroute.records import Snapshot
from omniroute.server.build import build_gateway, close_gateway
from omniroute.settings import load_settings
from tests.server.manage.place import Place


async def snapshot_after_a_restart(place: Place) -> Snapshot:
    """What a new process on the same data would go by."""
    directory = Path(place.gateway.data_dir)
    paths = Paths(directory, directory / "config.toml")
    other = await build_gateway(paths, load_settings(paths.config_file), place.clock)
    try:
        return other.snapshot
    finally:
        await close_gateway(other)


async def test_at_first_clients_decide_and_no_prompt_is_added(place: Place) -> None:
    _, budget, _ = await place.raw("GET", "/api/settings/thinking-budget")
    _, prompt, _ = await place.raw("GET", "/api/settings/system-prompt")
    assert budget == {"mode": "passthrough", "customBudget": 10240, "effortLevel": "medium"}
    assert prompt == {"enabled": False, "prompt": ""}


async def test_a_thinking_budget_is_changed_key_by_key_at_once_and_for_good(place: Place) -> None:
    await place.call(settings.change_thinking_budget, ThinkingBudgetChange(custom_budget=8000))
    now = await place.call(settings.change_thinking_budget, ThinkingBudgetChange(mode=ThinkingMode.CUSTOM))

    wanted = ThinkingBudget(mode=ThinkingMode.CUSTOM, custom_budget=8000, effort_level=EffortLevel.MEDIUM)
    assert now == await place.call(settings.thinking_budget) == place.gateway.snapshot.thinking == wanted
    assert (await snapshot_after_a_restart(place)).thinking == wanted


async def test_a_system_prompt_is_in_force_while_it_is_enabled(place: Place) -> None:
    await place.call(settings.change_system_prompt, SystemPromptChange(prompt="Be brief."))
    assert (await place.call(settings.system_prompt)).text is None

    now = await place.call(settings.change_system_prompt, SystemPromptChange(enabled=True))

    assert now == await place.call(settings.system_prompt) == SystemPrompt(enabled=True, prompt="Be brief.")
    assert place.gateway.snapshot.system_prompt == "Be brief."
    assert (await snapshot_after_a_restart(place)).system_prompt == "Be brief."


async def test_the_audit_log_tells_of_changes_but_not_the_prompt(place: Place) -> None:
    await place.call(settings.change_system_prompt, SystemPromptChange(enabled=True, prompt="Be brief."))
    await place.call(settings.change_thinking_budget, ThinkingBudgetChange(mode=ThinkingMode.AUTO))

    _, body, _ = await place.raw("GET", "/api/compliance/audit-log?action=settings.update")

    assert [(entry["target"], entry["details"]) for entry in body["entries"]] == [
        ("thinkingBudget", {"mode": "auto"}),
        (
            "systemPrompt",
            {"enabled": "true", "length": "9", "sha256": sha256(b"Be brief.").hexdigest()},
        ),
    ]
    assert "brief" not in msgspec.json.encode(body).decode()


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("thinking-budget", {"mode": "loud"}, "mode"),
        ("thinking-budget", {"customBudget": 131_073}, "customBudget"),
        ("thinking-budget", {"customBudget": -1}, "customBudget"),
        ("thinking-budget", {"effortLevel": "max"}, "effortLevel"),
        ("thinking-budget", {"budget": 1}, "budget"),
        ("system-prompt", {"prompt": "x" * 32_769}, "prompt"),
        ("system-prompt", {"prompt": None}, "prompt"),
        ("system-prompt", {"enabled": "yes"}, "enabled"),
    ],
)
async def test_a_value_that_cannot_be_is_refused_and_changes_nothing(
    place: Place, path: str, body: dict[str, Any], field: str
) -> None:
    _, before, _ = await place.raw("GET", f"/api/settings/{path}")
    status, answer, _ = await place.raw("PUT", f"/api/settings/{path}", body=body)
    assert (status, answer["error"]["details"][0]["field"]) == (400, field)
    assert (await place.raw("GET", f"/api/settings/{path}"))[1] == before


async def test_settings_need_a_credential(place: Place) -> None:
    assert (await place.raw("GET", "/api/settings/system-prompt", key=None))[0] == 401
