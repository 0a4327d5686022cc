"""Accounts, what holds them up, and all settings, over the real server and the real client."""

from pathlib import Path
from typing import Any

import pytest

from omniroute.api.combos import NewCombo
from omniroute.api.providers import ConnectionChange
from omniroute.api.resilience import Reset, ResilienceChange
from omniroute.api.settings import ComboDefaultsChange
from omniroute.client import combos, providers, resilience, routing, settings
from omniroute.client.http import ApiRefused
from omniroute.errors import Failure, FailureKind
from omniroute.paths import Paths
from omniroute.records import AccountStrategy
from omniroute.routing.plan import Attempt
from omniroute.server.build import build_gateway, close_gateway
from omniroute.settings import load_settings
from tests.server.manage.place import Place
from tests.server.manage.vendor import Vendor, at


@pytest.fixture
async def connected(place: Place, vendor: Vendor) -> Place:
    """A gateway with one provider of two accounts."""
    await place.call(providers.add, at(vendor))
    await place.call(providers.add, at(vendor, "spare"))
    return place


def fail(place: Place, kind: FailureKind, *, account: int = 0, model: str = "m", times: int = 1) -> str:
    """Attempts of an account that fail; its id."""
    snapshot = place.gateway.snapshot
    row = snapshot.accounts["openai"][account]
    attempt = Attempt(snapshot.providers["openai"], row, model)
    for _ in range(times):
        place.gateway.health.begin(attempt)
        place.gateway.health.end(attempt, Failure(kind=kind, message="no", status=500))
    return row.id


async def states(place: Place) -> list[str]:
    return [one.state for one in await place.call(resilience.accounts)]


async def after_a_restart(place: Place) -> Any:
    directory = Path(place.gateway.data_dir)
    paths = Paths(directory, directory / "config.toml")
    other = await build_gateway(paths, load_settings(paths.config_file), place.clock)
    await close_gateway(other)
    return other


@pytest.mark.parametrize("how", ["edited", "added anew"])
async def test_a_new_key_owes_nothing_for_the_failures_of_the_old_one(
    connected: Place, vendor: Vendor, how: str
) -> None:
    account_id = fail(connected, FailureKind.AUTH)
    fail(connected, FailureKind.QUOTA, account=1)
    assert "ready" not in await states(connected)

    if how == "edited":
        await connected.call(providers.change, account_id, ConnectionChange(api_key="sk-another-0123456789"))
    else:
        await connected.call(providers.add, at(vendor))

    assert [state == "ready" for state in await states(connected)] == [True, False]


async def test_accounts_tell_what_holds_them_up_and_until_when(connected: Place) -> None:
    assert await states(connected) == ["ready", "ready"]
    fail(connected, FailureKind.QUOTA)
    locked = fail(connected, FailureKind.RATE_LIMITED, account=1, model="big")

    first, second = await connected.call(resilience.accounts, provider="oai")

    assert (first.state, second.state) == ("cooling", "locked")
    assert first.cooldown is not None
    assert (first.cooldown.reason, first.cooldown.message) == ("quota_exhausted", "no")
    assert first.remaining_ms is not None
    assert first.remaining_ms > 1000
    assert first.until is not None
    assert second.locks["big"].reason == "rate_limit_exceeded"
    assert (await connected.call(resilience.account, locked)).id == locked
    with pytest.raises(ApiRefused) as missing:
        await connected.call(resilience.account, "none")
    assert missing.value.status == 404


async def test_a_breaker_stands_before_all_accounts_of_its_provider(connected: Place) -> None:
    fail(connected, FailureKind.OVERLOADED, times=4)
    assert await states(connected) == ["locked", "ready"]
    fail(connected, FailureKind.OVERLOADED, account=1)
    assert await states(connected) == ["broken", "broken"]
    shown = await connected.call(resilience.resilience)
    (breaker,) = shown.circuit_breakers
    assert (breaker.name, breaker.state, breaker.failure_count) == ("openai", "OPEN", 5)
    assert breaker.retry_after_ms > 0


@pytest.mark.parametrize(
    ("scope", "left"),
    [
        ("all", (False, False, False)),
        ("breakers", (False, True, True)),
        ("cooldowns", (True, False, True)),
        ("locks", (True, True, False)),
        ("limits", (True, True, True)),
    ],
)
async def test_a_reset_lifts_what_it_names_for_good(
    connected: Place, scope: Any, left: tuple[bool, bool, bool]
) -> None:
    fail(connected, FailureKind.OVERLOADED, times=5)
    fail(connected, FailureKind.AUTH, account=1)

    done = await connected.call(resilience.reset, Reset(scope=scope))

    if scope == "breakers":
        assert done.message == "1 breaker closed, 0 cooldowns and 0 locks lifted"
    book = connected.gateway.health
    assert (bool(book.breakers), bool(book.cooldowns), bool(book.locks)) == left
    assert (done.reset_count, done.cooldowns_cleared, done.locks_cleared) == tuple(
        int(not still) for still in left
    )
    kept = (await after_a_restart(connected)).health
    assert (bool(kept.breakers), bool(kept.cooldowns), bool(kept.locks)) == left


async def test_a_reset_of_one_account_leaves_the_others(connected: Place) -> None:
    first = fail(connected, FailureKind.AUTH)
    fail(connected, FailureKind.AUTH, account=1)

    await connected.call(resilience.reset, Reset(connection_id=first))

    assert await states(connected) == ["ready", "cooling"]
    await connected.call(resilience.reset, Reset(provider="oai"))
    assert await states(connected) == ["ready", "ready"]
    for unknown in (Reset(provider="none"), Reset(connection_id="none")):
        with pytest.raises(ApiRefused) as refused:
            await connected.call(resilience.reset, unknown)
        assert refused.value.status == 404


async def test_profiles_are_changed_member_by_member_and_set_back(connected: Place) -> None:
    changed = await connected.call(
        resilience.change_resilience,
        ResilienceChange(
            profiles={"apikey": {"circuitBreakerThreshold": 1}, "oauth": {"maxBackoffLevel": 2}}
        ),
    )
    assert changed.profiles.apikey.circuit_breaker_threshold == 1
    assert changed.profiles.oauth.transient_cooldown == 5000
    fail(connected, FailureKind.OVERLOADED)
    assert await states(connected) == ["broken", "broken"]

    back = await connected.call(
        resilience.change_resilience,
        ResilienceChange(profiles={"apikey": None, "oauth": {"maxBackoffLevel": None}}),
    )
    assert back.profiles.apikey.circuit_breaker_threshold == 5
    assert back.profiles.oauth.max_backoff_level == 8


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"profiles": {"apikey": {"circuitBreakerThreshold": 0}}}, "profiles.apikey.circuitBreakerThreshold"),
        ({"profiles": {"cookie": {}}}, "profiles.cookie"),
        ({"defaults": {"requestsPerMinute": 0}}, "defaults.requestsPerMinute"),
    ],
)
async def test_patience_that_makes_no_sense_is_refused(place: Place, body: Any, field: str) -> None:
    for method in ("PUT", "PATCH"):
        status, answer, _ = await place.raw(method, "/api/resilience", body=body)
        assert (status, answer["error"]["details"][0]["field"]) == (400, field)


async def test_availability_names_models_that_no_account_can_be_asked_for(connected: Place) -> None:
    fail(connected, FailureKind.RATE_LIMITED, model="big")
    assert (await connected.call(routing.availability)).unavailable_count == 0
    fail(connected, FailureKind.RATE_LIMITED, account=1, model="big")

    shown = await connected.call(routing.availability)

    assert [(one.provider, one.model) for one in shown.models] == [("openai", "big")]
    assert len(shown.locks) == 2
    assert (shown.providers["openai"].connections, shown.providers["openai"].available) == (2, 2)
    check = await connected.call(routing.check_availability, "openai/big")
    assert (check.available, check.type) == (False, "model")
    assert check.resolved[0].reason == "rate_limit_exceeded"
    assert (await connected.call(routing.clear_availability, "openai", model="big")).removed
    assert (await connected.call(routing.check_availability, "openai/big")).available
    assert not (await connected.call(routing.clear_availability, "openai", model="big")).removed


async def test_availability_of_a_combo_lists_its_members(connected: Place) -> None:
    await connected.call(combos.create_combo, NewCombo(name="x", models=["openai/a", "openai/b"]))
    check = await connected.call(routing.check_availability, "x")
    assert (check.type, [one.model for one in check.resolved]) == ("combo", ["a", "b"])
    assert not (await connected.call(routing.check_availability, "groq/any")).available
    with pytest.raises(ApiRefused) as unknown:
        await connected.call(routing.check_availability, "no-such-model")
    assert unknown.value.status == 404


async def test_settings_are_merged_at_once_and_for_good(place: Place) -> None:
    await place.call(settings.change_settings, {"cache": {"ttlMs": 5000}, "fallbackStrategy": "p2c"})
    shown = await place.call(
        settings.change_settings,
        {"cache": {"maxEntries": 7}, "providerStrategies": {"oai": "random"}, "blockedProviders": ["groq"]},
    )

    assert (shown.cache.ttl_ms, shown.cache.max_entries, shown.cache.enabled) == (5000, 7, True)
    assert shown.fallback_strategy is AccountStrategy.P2C
    assert shown.provider_strategies == {"openai": AccountStrategy.RANDOM}
    assert shown.version
    for snapshot in (place.gateway.snapshot, (await after_a_restart(place)).snapshot):
        assert snapshot.preferences.cache.max_entries == 7
        assert snapshot.preferences.blocked_providers == ("groq",)
    back = await place.call(settings.change_settings, {"cache": None, "blockedProviders": None})
    assert (back.cache.ttl_ms, back.blocked_providers) == (3_600_000, ())


async def test_the_audit_log_tells_which_settings_changed(place: Place) -> None:
    await place.raw("PUT", "/api/settings", body={"sessionAffinity": False, "stickyRoundRobinLimit": 3})
    _, body, _ = await place.raw("GET", "/api/compliance/audit-log?action=settings.update")
    assert [entry["details"] for entry in body["entries"]] == [{"keys": "sessionAffinity"}]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"noSuchKey": 1}, "noSuchKey"),
        ({"cache": {"ttl": 1}}, "cache.ttl"),
        ({"cache": {"ttlMs": 1}}, "cache.ttlMs"),
        ({"cache": 5}, "cache"),
        ({"cache": {"semantic": "on"}}, "cache.semanticModel"),
        ({"cache": {"semanticModel": "no/such"}}, "cache.semanticModel"),
        ({"wildcardAliases": [{"pattern": "a*", "target": "no/such"}]}, "wildcardAliases[0]"),
        ({"fallbackStrategy": "best"}, "fallbackStrategy"),
        ({"stickyRoundRobinLimit": 1001}, "stickyRoundRobinLimit"),
        ({"providerOverrides": {"nobody": {}}}, "providerOverrides.nobody"),
        ({"providerOverrides": {"openai": {"retries": 1}}}, "providerOverrides.openai.retries"),
        ({"comboDefaults": {"strategy": "random"}}, "comboDefaults.strategy"),
        ({"providerOverrides": {"openai": {"maxComboDepth": 1}}}, "providerOverrides.openai.maxComboDepth"),
        ({"blockedProviders": ["groq", "nobody"]}, "blockedProviders"),
        ({"unknownModelProvider": "nobody"}, "unknownModelProvider"),
        ({"wildcardAliases": [{"pattern": "a*", "target": "b", "x": 1}]}, "wildcardAliases[0].x"),
    ],
)
async def test_a_setting_that_cannot_be_is_refused_and_changes_nothing(
    place: Place, body: Any, field: str
) -> None:
    _, before, _ = await place.raw("GET", "/api/settings")
    status, answer, _ = await place.raw("PATCH", "/api/settings", body={"sessionAffinity": False, **body})
    assert (status, answer["error"]["details"][0]["field"]) == (400, field)
    assert (await place.raw("GET", "/api/settings"))[1] == before


async def test_combo_defaults_hold_for_combos_and_by_provider(connected: Place) -> None:
    await connected.call(
        settings.change_combo_defaults,
        ComboDefaultsChange(
            combo_defaults={"maxRetries": 4, "autoMode": "fast"},
            provider_overrides={"oai": {"timeoutMs": 7000}},
        ),
    )
    now = await connected.call(
        settings.change_combo_defaults, ComboDefaultsChange(combo_defaults={"autoMode": None})
    )

    assert now == await connected.call(settings.combo_defaults)
    assert (now.combo_defaults.max_retries, now.combo_defaults.auto_mode) == (4, None)
    assert now.provider_overrides["openai"].timeout_ms == 7000
    with pytest.raises(ApiRefused):
        await connected.call(settings.change_combo_defaults, ComboDefaultsChange())
