"""Combos over the real server and the real client."""

from typing import Any

import pytest

from omniroute.api.combos import ComboChange, ComboModel, ComboTest, NewCombo
from omniroute.api.keys import NewKey
from omniroute.api.providers import ConnectionChange
from omniroute.client import combos, keys, providers, routing, settings
from omniroute.client.http import ApiRefused
from omniroute.records import AttemptRow, Strategy
from tests.server.manage.place import Place, names, request_row
from tests.server.manage.vendor import KEY, Vendor, at


@pytest.fixture
async def connected(place: Place, vendor: Vendor) -> Place:
    """A gateway with one provider."""
    await place.call(providers.add, at(vendor))
    return place


async def actions(place: Place, action: str) -> list[str]:
    _, body, _ = await place.raw("GET", f"/api/compliance/audit-log?action={action}")
    return [entry["action"] for entry in body["entries"]][::-1]


async def test_a_combo_is_kept_as_it_was_written(connected: Place) -> None:
    models: list[str | ComboModel] = ["openai/gpt-fast", ComboModel(model="openai/gpt-large", weight=30)]
    made = await connected.call(
        combos.create_combo, NewCombo(name="daily/driver", models=models, config={"maxRetries": 3})
    )

    assert made.models == models
    assert made.config.max_retries == 3
    assert (made.strategy, made.is_active) == (Strategy.PRIORITY, True)
    assert made.resolved_models == ["openai/gpt-fast", "openai/gpt-large"]
    assert await connected.call(combos.list_combos) == [made]
    assert await connected.call(combos.show_combo, "daily/driver") == made
    assert await connected.call(combos.show_combo, made.id) == made
    _, body, _ = await connected.raw("GET", f"/api/combos/{made.id}")
    assert body["models"] == ["openai/gpt-fast", {"model": "openai/gpt-large", "weight": 30}]


async def test_what_cannot_be_asked_is_a_warning(place: Place) -> None:
    made = await place.call(combos.create_combo, NewCombo(name="x", models=["groq/any", "no-such-model"]))
    assert made.resolved_models == []
    assert [warning.partition(":")[0] for warning in made.warnings] == ["groq/any", "no-such-model"]


async def test_an_accounts_new_name_goes_wherever_the_old_one_stood(connected: Place) -> None:
    account = connected.gateway.snapshot.accounts["openai"][0]
    models: list[str | ComboModel] = [
        ComboModel(model="openai/gpt-fast", accounts=[account.name, "other"]),
        ComboModel(model="demo/echo", accounts=[account.name]),
    ]
    await connected.call(combos.create_combo, NewCombo(name="x", models=models))
    await connected.call(providers.change, account.id, ConnectionChange(name="office"))

    assert (await connected.call(combos.show_combo, "x")).models == [
        ComboModel(model="openai/gpt-fast", accounts=["office", "other"]),
        ComboModel(model="demo/echo", accounts=[account.name]),
    ]


async def test_an_account_that_is_not_there_is_a_warning(connected: Place) -> None:
    models: list[str | ComboModel] = [ComboModel(model="openai/gpt-fast", accounts=["nobody"])]
    made = await connected.call(combos.create_combo, NewCombo(name="x", models=models))
    assert made.warnings == ["openai/gpt-fast: OpenAI has no account 'nobody'"]


async def test_a_change_leaves_the_rest_and_null_removes_a_member(connected: Place) -> None:
    made = await connected.call(
        combos.create_combo,
        NewCombo(name="x", models=["openai/gpt-fast"], config={"maxRetries": 3, "timeoutMs": 5000}),
    )
    changed = await connected.call(
        combos.change_combo,
        "x",
        ComboChange(strategy=Strategy.RANDOM, config={"maxRetries": None, "queueTimeoutMs": 1}),
    )
    assert (changed.strategy, changed.models, changed.is_active) == (Strategy.RANDOM, made.models, True)
    config = changed.config
    assert (config.max_retries, config.timeout_ms, config.queue_timeout_ms) == (None, 5000, 1)
    assert connected.gateway.snapshot.combos["x"].config.timeout_ms == 5000


async def test_a_new_name_goes_wherever_the_old_one_stood(connected: Place) -> None:
    made = await connected.call(combos.create_combo, NewCombo(name="old", models=["openai/gpt-fast"]))
    await connected.call(combos.create_combo, NewCombo(name="outer", models=["old", ComboModel(model="old")]))
    await connected.call(routing.set_alias, "short", "old")
    await connected.call(routing.set_alias, "gpt-9*", "old")
    key = await connected.call(keys.create_key, NewKey(name="k", allowed_models=["old", "other"]))
    connected.gateway.turns.next(made.id)

    await connected.call(combos.change_combo, "old", ComboChange(name="new"))

    outer = await connected.call(combos.show_combo, "outer")
    assert outer.models == ["new", ComboModel(model="new")]
    known = await connected.call(routing.aliases)
    assert known.aliases == {"short": "new"}
    assert [(one.pattern, one.target) for one in known.wildcards] == [("gpt-9*", "new")]
    assert (await connected.call(keys.show_key, key.id)).key.allowed_models == ["new", "other"]
    assert connected.gateway.turns.peek(made.id) == 0


async def test_a_combo_that_others_hold_goes_only_by_force(connected: Place) -> None:
    await connected.call(combos.create_combo, NewCombo(name="inner", models=["openai/gpt-fast"]))
    await connected.call(combos.create_combo, NewCombo(name="outer", models=["inner"]))
    with pytest.raises(ApiRefused) as held:
        await connected.call(combos.delete_combo, "inner")
    assert held.value.status == 409
    assert "outer" in held.value.message

    await connected.call(combos.delete_combo, "inner", force=True)

    assert names(await connected.call(combos.list_combos)) == ["outer"]
    assert await actions(connected, "combo.*") == ["combo.create", "combo.create", "combo.delete"]


async def test_a_combo_that_leads_back_to_itself_is_refused_with_the_way(connected: Place) -> None:
    await connected.call(combos.create_combo, NewCombo(name="a", models=["b"]))
    with pytest.raises(ApiRefused) as made:
        await connected.call(combos.create_combo, NewCombo(name="b", models=["a"]))
    assert made.value.status == 400
    assert "b > a > b" in made.value.message
    with pytest.raises(ApiRefused, match="a > a"):
        await connected.call(combos.change_combo, "a", ComboChange(models=["a"]))


async def test_nesting_too_deep_is_refused_also_for_those_above(connected: Place) -> None:
    for name, inner in (("d", "openai/gpt-fast"), ("c", "d"), ("b", "c")):
        await connected.call(combos.create_combo, NewCombo(name=name, models=[inner]))
    with pytest.raises(ApiRefused, match="nested over 3 deep"):
        await connected.call(combos.create_combo, NewCombo(name="a", models=["b"]))
    await connected.call(combos.create_combo, NewCombo(name="e", models=["openai/gpt-fast"]))
    with pytest.raises(ApiRefused, match="b > c > d > e"):
        await connected.call(combos.change_combo, "d", ComboChange(models=["e"]))
    await connected.call(settings.change_settings, {"comboDefaults": {"maxComboDepth": 4}})
    await connected.call(combos.create_combo, NewCombo(name="a", models=["b"]))


@pytest.mark.parametrize("name", ["sonnet", "openai/gpt-5.5", "openai/", "taken"])
async def test_a_name_that_means_something_is_refused(connected: Place, name: str) -> None:
    await connected.call(routing.set_alias, "sonnet", "openai/gpt-fast")
    await connected.call(combos.create_combo, NewCombo(name="taken"))
    with pytest.raises(ApiRefused) as refused:
        await connected.call(combos.create_combo, NewCombo(name=name))
    assert refused.value.status == 409


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "a b"}, "name"),
        ({"name": "x", "strategy": "best"}, "strategy"),
        ({"name": "x", "models": [{"model": "m", "weight": 101}]}, "models[0]"),
        ({"name": "x", "models": [{"model": "m", "wait": 1}]}, "models[0].wait"),
        ({"name": "x", "models": ["m"] * 51}, "models"),
        ({"name": "x", "config": {"maxRetries": 11}}, "config.maxRetries"),
        ({"name": "x", "config": {"retries": 1}}, "config.retries"),
        ({"name": "x", "config": {"strategy": "random"}}, "config.strategy"),
        ({"name": "x", "color": "red"}, "color"),
    ],
)
async def test_a_combo_that_makes_no_sense_is_refused(place: Place, body: Any, field: str) -> None:
    status, answer, _ = await place.raw("POST", "/api/combos", body=body)
    assert status == 400
    assert answer["error"]["details"][0]["field"].startswith(field)
    assert await place.call(combos.list_combos) == []


async def test_a_test_asks_every_member_and_changes_nothing(connected: Place, vendor: Vendor) -> None:
    models: list[str | ComboModel] = ["openai/gpt-fast", "openai/gpt-large", "groq/none"]
    made = await connected.call(combos.create_combo, NewCombo(name="x", models=models, is_active=False))

    result = await connected.call(combos.test_combo, ComboTest(combo_name="x"))

    assert [(one.model, one.status) for one in result.results] == [
        ("openai/gpt-fast", "ok"),
        ("openai/gpt-large", "ok"),
        ("groq/none", "error"),
    ]
    assert result.resolved_by == "openai/gpt-fast"
    assert [one.account for one in result.results] == ["work", "work", None]
    _, logs, _ = await connected.raw("GET", "/api/usage/call-logs")
    assert {(log["path"], log["comboName"]) for log in logs} == {("/api/combos/test", "x")}
    vendor.call_answer = (401, '{"error":{"message":"no"}}')
    failed = await connected.call(combos.test_combo, ComboTest(combo_name="x", stop_on_first=True))
    assert [one.status_code for one in failed.results[:2]] == [502, 502]
    assert KEY not in str(failed)
    assert not connected.gateway.health.cooldowns
    assert (await connected.call(combos.metrics_of, made.id)).metrics is None


async def test_a_test_stops_at_the_first_answer_when_told_to(connected: Place) -> None:
    await connected.call(
        combos.create_combo, NewCombo(name="x", models=["openai/gpt-fast", "openai/gpt-large"])
    )
    result = await connected.call(combos.test_combo, ComboTest(combo_name="x", stop_on_first=True))
    assert [one.model for one in result.results] == ["openai/gpt-fast"]


@pytest.mark.parametrize(("name", "status"), [("none", 404), ("empty", 400)])
async def test_what_cannot_be_tested_says_so(place: Place, name: str, status: int) -> None:
    await place.call(combos.create_combo, NewCombo(name="empty"))
    with pytest.raises(ApiRefused) as refused:
        await place.call(combos.test_combo, ComboTest(combo_name=name))
    assert refused.value.status == status


def attempt(model: str, failure: str | None) -> AttemptRow:
    return AttemptRow(
        provider="openai",
        model=model,
        account_id="a",
        account_name="a",
        status=503 if failure else 200,
        failure=failure,
        duration_ms=10,
    )


async def test_metrics_tell_what_a_combo_did_until_they_are_cleared(place: Place) -> None:
    await place.call(combos.create_combo, NewCombo(name="x", models=["openai/a", "openai/b"]))
    tried = (attempt("a", "overloaded: busy"), attempt("b", None))
    now_ms = place.clock.now_ms()
    await place.log(request_row(now_ms, combo="x", attempts=tried, duration_ms=30))

    (name, found), *others = (await place.call(combos.metrics)).items()

    assert (name, others) == ("x", [])
    assert (found.total_requests, found.total_fallbacks, found.success_rate) == (1, 1, 100)
    assert (found.avg_latency_ms, found.fallback_rate) == (30, 100)
    assert {model: one.success_rate for model, one in found.by_model.items()} == {
        "openai/a": 0,
        "openai/b": 100,
    }
    await place.call(combos.clear_metrics, "x")
    one = await place.call(combos.metrics_of, "x")
    assert one.metrics is None
    assert one.message
    assert await actions(place, "metrics.*") == ["metrics.reset"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_an_unknown_combo_is_not_found(place: Place, method: str) -> None:
    status, body, _ = await place.raw(method, "/api/combos/none", body={} if method == "PUT" else None)
    assert (status, body["error"]["code"]) == (404, "NOT_FOUND")
