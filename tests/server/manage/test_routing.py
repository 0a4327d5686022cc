"""Aliases, fallback chains, plans and decisions over the real server and the real client."""

from typing import Any

import pytest

from omniroute.api.combos import ComboChange, NewCombo
from omniroute.api.fallback import NewChain, Step
from omniroute.api.keys import NewKey
from omniroute.api.policies import Actions, Evaluate, PolicyBody
from omniroute.api.providers import NewNode
from omniroute.api.routing import PlanRequest
from omniroute.client import combos, keys, policies, providers, routing, usage
from omniroute.client.http import ApiRefused
from omniroute.records import ChainStep, ModelFacts, Strategy
from omniroute.routing.decision import Candidate, Decision, encode
from omniroute.store import models
from tests.server.manage.place import Place, request_row
from tests.server.manage.vendor import Vendor, at


@pytest.fixture
async def connected(place: Place, vendor: Vendor) -> Place:
    """A gateway with one provider of two accounts."""
    await place.call(providers.add, at(vendor))
    await place.call(providers.add, at(vendor, "spare"))
    return place


async def audit(place: Place, action: str) -> list[tuple[str, str]]:
    _, body, _ = await place.raw("GET", f"/api/compliance/audit-log?action={action}")
    return [(entry["action"], entry["target"]) for entry in body["entries"]][::-1]


async def test_an_alias_is_followed_at_once_until_it_is_removed(connected: Place) -> None:
    made = await connected.call(routing.set_alias, "fast", "openai/gpt-fast")
    assert made.warnings == []
    assert connected.gateway.snapshot.aliases == {"fast": "openai/gpt-fast"}

    removed = await connected.call(routing.remove_alias, "fast")
    again = await connected.call(routing.remove_alias, "fast")

    assert (removed.removed, again.removed) == (True, False)
    assert (await connected.call(routing.aliases)).aliases == {}
    assert await audit(connected, "alias.*") == [("alias.set", "fast"), ("alias.delete", "fast")]


async def test_a_pattern_is_an_alias_too(connected: Place) -> None:
    await connected.call(routing.set_alias, "gpt-9*", "openai/gpt-fast")
    await connected.call(routing.set_alias, "gpt-9*", "openai/gpt-large")

    plan = await connected.call(routing.plan, PlanRequest(model="gpt-9-turbo"))

    assert plan.decision.aliases == ["openai/gpt-large"]
    assert len((await connected.call(routing.aliases)).wildcards) == 1
    assert (await connected.call(routing.remove_alias, "gpt-9*")).removed
    assert (await connected.call(routing.aliases)).wildcards == []


async def test_an_alias_of_what_is_not_connected_yet_is_kept_with_a_warning(place: Place) -> None:
    made = await place.call(routing.set_alias, "fast", "groq/any")
    assert len(made.warnings) == 1
    assert "providers add groq" in made.warnings[0]


@pytest.mark.parametrize(
    ("alias", "model", "status"),
    [
        ("a", "a", 400),
        ("a", "b", 400),
        ("a", "no such model", 400),
        ("a b", "openai/gpt-fast", 400),
        ("daily", "openai/gpt-fast", 409),
    ],
)
async def test_an_alias_that_leads_nowhere_is_refused(
    connected: Place, alias: str, model: str, status: int
) -> None:
    await connected.call(combos.create_combo, NewCombo(name="daily", models=["openai/gpt-fast"]))
    with pytest.raises(ApiRefused) as refused:
        await connected.call(routing.set_alias, alias, model)
    assert refused.value.status == status


async def test_aliases_in_a_ring_are_refused(connected: Place) -> None:
    await connected.call(routing.set_alias, "a", "openai/gpt-fast")
    await connected.call(routing.set_alias, "b", "a")
    with pytest.raises(ApiRefused, match="lead on"):
        await connected.call(routing.set_alias, "a", "b")


@pytest.mark.parametrize("alias", ["back", "ba*"])
async def test_a_combo_cannot_be_led_back_to_itself_by_an_alias(connected: Place, alias: str) -> None:
    models = ["back", "openai/gpt-fast"]
    await connected.call(combos.create_combo, NewCombo(name="daily", models=list(models)))
    with pytest.raises(ApiRefused, match="leads back to itself: daily > back > daily"):
        await connected.call(routing.set_alias, alias, "daily")
    await connected.call(routing.set_alias, alias, "openai/gpt-large")
    await connected.call(routing.set_alias, "other", "daily")
    change = ComboChange(models=["other"])
    with pytest.raises(ApiRefused, match="leads back to itself: daily > other > daily"):
        await connected.call(combos.change_combo, "daily", change)


async def test_a_chain_is_kept_by_priority_and_known_to_routing(place: Place) -> None:
    chain = [Step(provider="gh", priority=2), Step(provider="openai", model="gpt-x", enabled=False)]
    made = await place.call(routing.set_chain, NewChain(model="gpt", chain=chain))

    assert [step.provider for step in made.chain] == ["openai", "github"]
    assert place.gateway.snapshot.chains["gpt"][0] == ChainStep(
        provider_id="openai", model="gpt-x", is_enabled=False
    )
    assert await place.call(routing.chains) == {"gpt": made.chain}
    assert (await place.call(routing.remove_chain, "gpt")).removed
    assert await place.call(routing.chains) == {}
    assert await audit(place, "fallback.*") == [("fallback.set", "gpt"), ("fallback.delete", "gpt")]


async def test_a_chain_names_the_users_own_servers_as_people_do(connected: Place, vendor: Vendor) -> None:
    await connected.call(providers.add_node, NewNode(name="Lab", prefix="lab", base_url=vendor.url))
    chain = [Step(provider="lab", model="big")]
    made = await connected.call(routing.set_chain, NewChain(model="openai/gpt-fast", chain=chain))
    told = await connected.call(policies.evaluate, Evaluate(model="openai/gpt-fast"))

    assert [step.provider for step in made.chain] == ["lab"]
    assert await connected.call(routing.chains) == {"openai/gpt-fast": made.chain}
    assert told.fallback_chain == ["lab"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"model": "m", "chain": []}, "chain"),
        ({"model": "m", "chain": [{"provider": "nobody"}]}, "chain[0].provider"),
        ({"model": "m", "chain": [{"provider": "openai"}, {"provider": "openai"}]}, "chain[1].provider"),
        ({"model": "m", "chain": [{"provider": "openai", "weight": 1}]}, "chain[0].weight"),
        ({"chain": [{"provider": "openai"}]}, "model"),
    ],
)
async def test_a_chain_that_makes_no_sense_is_refused(place: Place, body: Any, field: str) -> None:
    status, answer, _ = await place.raw("POST", "/api/fallback/chains", body=body)
    assert (status, answer["error"]["details"][0]["field"]) == (400, field)


async def test_a_plan_names_who_would_be_asked_and_who_not(connected: Place, vendor: Vendor) -> None:
    small = ModelFacts(id="small", context_tokens=100, custom=True)
    await connected.gateway.database.write(lambda c: models.put(c, "openai", small))
    await connected.gateway.reload()
    await connected.call(
        combos.create_combo,
        NewCombo(name="x", models=["openai/small", "openai/gpt-large", "none"], config={"timeoutMs": 9000}),
    )

    made = await connected.call(routing.plan, PlanRequest(model="x", tokens=5000))

    assert [(one.model, one.account) for one in made.attempts] == [
        ("gpt-large", "work"),
        ("gpt-large", "spare"),
    ]
    assert {one.timeout_ms for one in made.attempts} == {9000}
    why = {one.model: one.skipped for one in made.decision.candidates if one.skipped}
    assert "100 tokens" in (why["small"] or "")
    assert set(why) == {"small", "none"}
    assert (made.decision.combo, made.decision.strategy) == ("x", "priority")
    assert vendor.asked == []
    fits = await connected.call(routing.plan, PlanRequest(model="x", tokens=100))
    assert fits.attempts[0].model == "small"


async def test_a_plan_stands_under_the_policies(connected: Place) -> None:
    preferred = PolicyBody(name="demo first", type="routing", actions=Actions(prefer_provider=["demo"]))
    large = PolicyBody(name="no large", type="access", actions=Actions(block_model=["*large*"]))
    await connected.call(policies.put_policy, preferred)
    await connected.call(policies.put_policy, large)
    models = ["openai/gpt-fast", "openai/gpt-large", "demo/echo"]
    await connected.call(combos.create_combo, NewCombo(name="daily", models=list(models)))

    made = await connected.call(routing.plan, PlanRequest(model="daily"))

    assert {f"{one.provider}/{one.model}" for one in made.attempts} == {"demo/echo", "openai/gpt-fast"}
    assert made.attempts[0].provider == "demo"
    assert made.decision.policies == ["demo first", "no large"]
    assert [(one.model, one.skipped) for one in made.decision.candidates if one.skipped] == [
        ("openai/gpt-large", "blocked by the policy 'no large'")
    ]
    with pytest.raises(ApiRefused, match="no large"):
        await connected.call(routing.plan, PlanRequest(model="openai/gpt-large"))


async def test_a_plan_takes_no_turn(connected: Place) -> None:
    await connected.call(
        combos.create_combo,
        NewCombo(name="x", models=["openai/a", "openai/b"], strategy=Strategy.ROUND_ROBIN),
    )
    first = await connected.call(routing.plan, PlanRequest(model="x"))
    second = await connected.call(routing.plan, PlanRequest(model="x"))
    assert first == second


async def test_a_plan_for_a_key_follows_its_rights(connected: Place) -> None:
    await connected.call(keys.create_key, NewKey(name="ci", allowed_models=["groq/*"]))
    with pytest.raises(ApiRefused) as refused:
        await connected.call(routing.plan, PlanRequest(model="openai/gpt-fast", key="ci"))
    assert refused.value.status == 403


@pytest.mark.parametrize(("model", "status"), [("no-such-model", 404), ("groq/any", 404)])
async def test_a_plan_of_what_cannot_be_asked_says_why(place: Place, model: str, status: int) -> None:
    with pytest.raises(ApiRefused) as refused:
        await place.call(routing.plan, PlanRequest(model=model))
    assert refused.value.status == status


async def test_a_request_tells_the_decision_behind_it(place: Place) -> None:
    kept = Decision(
        requested="daily",
        aliases=("x",),
        combo="x",
        strategy="auto (fast)",
        candidates=(
            Candidate("openai", "a", "work", 0.7, {"health": 1.0}),
            Candidate("openai", "b", skipped="circuit_open", until_ms=5),
        ),
        notes=("said",),
    )
    now_ms = place.clock.now_ms()
    row = request_row(now_ms, request_id="my-request", combo="x", cache="MISS", decision=encode(kept))
    await place.log(row)

    by_id = await place.call(usage.call_log, row.id)
    by_request_id = await place.call(usage.call_log, "my-request")

    assert by_id == by_request_id
    assert (by_id.log.combo_name, by_id.log.cache) == ("x", "MISS")
    found = by_id.decision
    assert found is not None
    assert [(one.account, one.skipped, one.until_ms) for one in found.candidates] == [
        ("work", None, None),
        (None, "circuit_open", 5),
    ]
    assert (found.aliases, found.strategy, found.notes) == (["x"], "auto (fast)", ["said"])
