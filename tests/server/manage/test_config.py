"""The whole configuration in and out, over the real server and the real client."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from omniroute.api.combos import ComboModel, NewCombo
from omniroute.api.config import Applied, ApplyRequest, Document
from omniroute.api.fallback import NewChain, Step
from omniroute.api.keys import NewKey
from omniroute.api.providers import NewModel, NewNode
from omniroute.client import combos, config, keys, providers, routing, settings
from omniroute.client.http import ApiRefused
from omniroute.records import EVERYTHING, Budget, Strategy
from omniroute.server.manage.setting_names import labelled
from omniroute.store import budgets
from tests.server.manage.place import Place, names, open_place
from tests.server.manage.vendor import KEY, Vendor, at

NANO = 10**9
PASSWORD = "a-proxy-password"
POLICY = {
    "id": "no-opus",
    "name": "No opus on CI",
    "type": "access",
    "actions": {"block_model": ["*opus*"]},
}


@pytest.fixture
async def full(place: Place, vendor: Vendor) -> Place:
    """A gateway with something of everything."""
    await place.call(providers.add, at(vendor))
    await place.call(providers.add, at(vendor, "spare", default_model="gpt-large"))
    node = NewNode(name="Lab", prefix="lab", base_url=vendor.url)
    node_id = (await place.call(providers.add_node, node)).id
    await place.call(providers.add, at(vendor, "first", provider="lab", base_url=None))
    await place.call(providers.add_model, NewModel(provider="lab", model_id="m/x", context_length=9000))
    ci = await place.call(keys.create_key, NewKey(name="ci", allowed_models=["lab/*"], scopes=["proxy"]))
    await place.call(keys.create_key, NewKey(name="old", expires_at="2099-01-01T00:00:00Z"))
    await place.call(routing.set_alias, "fast", "openai/gpt-fast")
    await place.call(routing.set_alias, "gpt-4*", "fast")
    await place.call(combos.create_combo, NewCombo(name="inner", models=["lab/m/x"], is_active=False))
    models: list[str | ComboModel] = [
        "inner",
        ComboModel(model="openai/gpt-fast", weight=2, accounts=["spare"]),
    ]
    await place.call(
        combos.create_combo,
        NewCombo(name="daily", models=models, strategy=Strategy.WEIGHTED, config={"maxRetries": 2}),
    )
    chain = [Step(provider="lab", model="m/x"), Step(provider="openai", priority=3, enabled=False)]
    await place.call(routing.set_chain, NewChain(model="gpt", chain=chain))
    change = {
        "cache": {"ttlMs": 5000},
        "providerStrategies": {"openai": "p2c", "lab": "p2c"},
        "providerOverrides": {"lab": {"maxRetries": 0}},
        "blockedProviders": [node_id],
        "unknownModelProvider": node_id,
        "fallbackStrategy": "random",
    }
    await place.call(settings.change_settings, change)
    conditions = {"api_key_ids": [ci.id]}
    status, _, _ = await place.raw("POST", "/api/policies", body={**POLICY, "conditions": conditions})
    assert status == 201
    accounts = {account.name: account.id for account in place.gateway.snapshot.accounts["openai"]}
    await place.gateway.database.write(lambda c: budgets.put(c, Budget(subject=ci.id, daily_nano_usd=NANO)))
    everything = Budget(subject=EVERYTHING, monthly_nano_usd=25 * NANO, warning_threshold=0.5)
    await place.gateway.database.write(lambda c: budgets.put(c, everything))
    proxy = {"type": "socks5", "host": "10.0.0.1", "port": 1080, "username": "u", "password": PASSWORD}
    for proxied in (
        {"level": "global", "proxy": {"host": "proxy.example", "port": 8080}},
        {"level": "key", "id": accounts["spare"], "proxy": proxy},
    ):
        status, _, _ = await place.raw("PUT", "/api/settings/proxy", body=proxied)
        assert status == 200
    return place


@pytest.fixture
async def empty(tmp_path: Path) -> AsyncIterator[Place]:
    """Another gateway, without anything."""
    async with open_place(tmp_path / "other") as opened:
        yield opened


async def applied(
    place: Place, document: Document, secrets: dict[str, str] | None = None, *, dry_run: bool = False
) -> Applied:
    return await place.call(
        config.apply, ApplyRequest(document=document, secrets=secrets or {}, dry_run=dry_run)
    )


async def exported(place: Place) -> Document:
    return await place.call(config.export)


SECRETS = {
    "PROXY_PASSWORD_ACCOUNT_OPENAI_SPARE": PASSWORD,
    "OPENAI_API_KEY": KEY,
    "OPENAI_API_KEY_SPARE": KEY,
    "LAB_API_KEY": KEY,
}


async def test_an_export_holds_everything_but_secrets(full: Place) -> None:
    document = await exported(full)

    assert KEY not in msgspec.json.encode(document).decode()
    assert document["accounts"]["openai/spare"]["apiKey"] == "env:OPENAI_API_KEY_SPARE"
    assert document["nodes"] == {"lab": {"baseUrl": document["nodes"]["lab"]["baseUrl"], "name": "Lab"}}
    assert document["models"] == {"lab/m/x": {"contextLength": 9000}}
    assert document["settings"] == {
        "cache": {"ttlMs": 5000},
        "fallbackStrategy": "random",
        "providerStrategies": {"openai": "p2c", "lab": "p2c"},
        "providerOverrides": {"lab": {"maxRetries": 0}},
        "blockedProviders": ["lab"],
        "unknownModelProvider": "lab",
        "wildcardAliases": [{"pattern": "gpt-4*", "target": "fast"}],
    }
    assert document["combos"]["daily"] == {
        "models": ["inner", {"model": "openai/gpt-fast", "weight": 2, "accounts": ["spare"]}],
        "strategy": "weighted",
        "config": {"maxRetries": 2},
    }
    assert document["keys"]["ci"] == {"allowedModels": ["lab/*"]}
    assert PASSWORD not in msgspec.json.encode(document).decode()
    assert document["budgets"] == {
        "*": {"monthlyUsd": 25.0, "warningThreshold": 0.5},
        "key:ci": {"dailyUsd": 1.0},
    }
    assert document["proxies"]["global"] == {"host": "proxy.example", "port": 8080}
    assert document["proxies"]["account/openai/spare"]["password"].startswith("env:PROXY_PASSWORD_")
    assert document["policies"]["no-opus"]["conditions"] == {"api_key_ids": ["ci"]}


async def test_what_was_exported_changes_nothing(full: Place) -> None:
    version = full.gateway.snapshot.version
    document = await exported(full)

    again = await applied(full, document)
    with_secrets = await applied(full, document, SECRETS)

    assert again == with_secrets == Applied(applied=False, changes=[], keys=[], warnings=[])
    assert full.gateway.snapshot.version == version


async def test_an_empty_home_becomes_the_same(full: Place, empty: Place) -> None:
    document = await exported(full)

    done = await applied(empty, document, SECRETS)

    assert done.applied
    assert await exported(empty) == document
    assert {key.name for key in done.keys} == {"ci", "old"}
    assert not (await applied(empty, document, SECRETS)).changes
    ours, theirs = empty.gateway.snapshot, full.gateway.snapshot
    assert ours.combos["daily"].entries == theirs.combos["daily"].entries
    assert labelled(ours, ours.preferences) == labelled(theirs, theirs.preferences)
    assert [account.secret for account in ours.accounts["openai"]] == [KEY, KEY]
    (made,) = [key for key in await empty.call(keys.list_keys) if key.name == "ci"]
    secret = next(key.key for key in done.keys if key.name == "ci")
    assert made.key == f"{secret[:11]}****{secret[-4:]}"


async def test_a_question_changes_nothing(full: Place) -> None:
    document = await exported(full)
    document["combos"]["daily"]["strategy"] = "random"
    del document["aliases"]["fast"]
    document["settings"].pop("wildcardAliases")

    asked = await applied(full, document, dry_run=True)

    assert not asked.applied
    assert [(one.action, one.path, one.before, one.after) for one in asked.changes] == [
        ("remove", "settings.wildcardAliases", [{"pattern": "gpt-4*", "target": "fast"}], None),
        ("remove", "aliases.fast", "openai/gpt-fast", None),
        ("change", "combos.daily.strategy", "weighted", "random"),
    ]
    assert (await exported(full))["combos"]["daily"]["strategy"] == "weighted"
    done = await applied(full, document)
    assert done.changes == asked.changes
    assert await exported(full) == {name: items for name, items in document.items() if items}


async def test_a_section_that_is_not_there_is_left_alone(full: Place) -> None:
    before = await exported(full)

    await applied(full, {"combos": {"only": {"models": ["openai/gpt-fast"]}}})

    after = await exported(full)
    assert after == {**before, "combos": {"only": {"models": ["openai/gpt-fast"]}}}


async def test_accounts_change_places_and_keep_their_keys(full: Place) -> None:
    document = await exported(full)
    listed = document["accounts"]
    mine = {
        name: {**listed[name], "priority": place} for name, place in (("openai/work", 2), ("openai/spare", 1))
    }

    done = await applied(full, {"accounts": {**mine, "lab/first": listed["lab/first"]}})

    assert {change.path for change in done.changes} == {
        "accounts.openai/work.priority",
        "accounts.openai/spare.priority",
    }
    rows = full.gateway.snapshot.accounts["openai"]
    assert [(row.name, row.secret) for row in rows] == [("spare", KEY), ("work", KEY)]


async def test_a_new_secret_is_seen_and_never_shown(full: Place) -> None:
    document = {"accounts": (await exported(full))["accounts"]}
    secrets = {**SECRETS, "OPENAI_API_KEY": "sk-another-0123456789"}

    asked = await applied(full, document, secrets, dry_run=True)
    done = await applied(full, document, secrets)

    assert [change.path for change in asked.changes] == ["accounts.openai/work.apiKey"]
    assert "sk-another" not in str((asked, done))
    assert full.gateway.snapshot.accounts["openai"][0].secret == "sk-another-0123456789"
    assert not (await applied(full, document, secrets)).changes


async def test_one_thing_that_is_wrong_leaves_everything_as_it_was(full: Place) -> None:
    before = await exported(full)
    document: Document = {
        "aliases": {"new": "openai/gpt-fast"},
        "combos": {"a": {"models": ["b"]}, "b": {"models": ["a"]}},
    }
    with pytest.raises(ApiRefused, match="leads back to itself"):
        await applied(full, document)
    assert await exported(full) == before


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"combo": {}}, "combo"),
        ({"combos": []}, "combos"),
        ({"combos": {"x": {"models": [], "colour": 1}}}, "combos.x.colour"),
        ({"combos": {"x": {"models": [{"model": "m", "wait": 1}]}}}, "combos.x.models[0].wait"),
        ({"combos": {"x": {"config": {"retries": 1}}}}, "combos.x.config.retries"),
        ({"combos": {"a b": {}}}, "combos.a b"),
        ({"settings": {"cache": {"ttl": 1}}}, "settings.cache.ttl"),
        ({"settings": {"nothing": 1}}, "settings.nothing"),
        ({"accounts": {"openai": {}}}, "accounts.openai"),
        ({"accounts": {"nobody/x": {}}}, "accounts.nobody/x"),
        ({"accounts": {"openai/x": {}}}, "accounts.openai/x.apiKey"),
        ({"accounts": {"openai/x": {"apiKey": "env:NOT_SET"}}}, "accounts.openai/x.apiKey"),
        ({"accounts": {"openai/x": {"apiKey": "sk-in-clear"}}}, "accounts.openai/x.apiKey"),
        (
            {
                "nodes": {"n": {"baseUrl": "http://h/v1"}},
                "accounts": {"n/x": {"apiKey": "env:NOT_SET"}},
            },
            "accounts.n/x.apiKey",
        ),
        ({"aliases": {"a*": "m"}}, "aliases.a*"),
        ({"aliases": {"a": "no-such-model"}}, "aliases.a"),
        ({"chains": {"m": {"steps": [{"provider": "nobody"}]}}}, "chains.m.steps[0].provider"),
        ({"keys": {"k": {"scopes": ["root"]}}}, "keys.k.scopes[0]"),
        ({"nodes": {"openai": {"baseUrl": "http://h/v1"}}}, "nodes.openai"),
        ({"policies": {"p": {"type": "access"}}}, "policies.p.actions"),
        ({"models": {"x": {}}}, "models.x"),
        ({"budgets": {"*": {}}}, "budgets.*"),
        ({"budgets": {"key:nobody": {"dailyUsd": 1}}}, "budgets.key:nobody"),
        ({"budgets": {"*": {"dailyUsd": 0}}}, "budgets.*.dailyUsd"),
        ({"proxies": {"global": {"host": "h"}}}, "proxies.global.port"),
        ({"proxies": {"combo/none": {"host": "h", "port": 1}}}, "proxies.combo/none"),
        (
            {"proxies": {"global": {"host": "h", "port": 1, "username": "u", "password": "env:NOT_SET"}}},
            "proxies.global.password",
        ),
    ],
)
async def test_what_is_not_understood_is_refused_with_its_path(
    place: Place, document: Any, field: str
) -> None:
    status, body, _ = await place.raw("POST", "/api/config/apply", body={"document": document})
    assert (status, body["error"]["details"][0]["field"]) == (400, field)
    assert "sk-in-clear" not in str(body)


async def test_every_change_is_in_the_audit_log(place: Place) -> None:
    await applied(place, {"keys": {"ci": {}}, "settings": {"sessionAffinity": False}})
    _, body, _ = await place.raw("GET", "/api/compliance/audit-log")
    assert {entry["action"] for entry in body["entries"]} == {"apiKey.create", "settings.update"}
    await applied(place, {"keys": {}})
    assert names(await place.call(keys.list_keys)) == []
