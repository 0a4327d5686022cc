"""Policies over the real server and the real client."""

from typing import Any

import pytest

from omniroute.api.keys import NewKey
from omniroute.api.policies import Actions, Conditions, Evaluate, PolicyBody, TimeWindow
from omniroute.client import keys, policies
from omniroute.client.http import ApiRefused
from tests.server.manage.place import Place, names, open_place

NO_ECHO = PolicyBody(name="No echo", type="access", priority=5, actions=Actions(block_model=["*echo*"]))


async def test_a_policy_is_kept_as_it_was_given(place: Place) -> None:
    conditions = Conditions(
        model_pattern="demo/*",
        api_key_ids=["k"],
        client_ips=["10.0.0.0/8", "192.168.*.*"],
        time_window=TimeWindow(start="22:00", end="06:00", days=["sat", "sun"]),
    )
    cap = PolicyBody(name="cap", type="budget", conditions=conditions, actions=Actions(max_tokens=100))

    made = await place.call(policies.put_policy, cap)
    await place.call(policies.put_policy, NO_ECHO)

    found = await place.call(policies.policies)
    assert names(found.policies) == ["No echo", "cap"]
    assert (found.policies[1], made.conditions, made.actions) == (made, conditions, cap.actions)
    assert (made.enabled, made.priority) == (True, 100)


async def test_the_same_id_replaces_and_nothing_is_left_after_its_removal(place: Place) -> None:
    made = await place.call(policies.put_policy, NO_ECHO)
    other = PolicyBody(
        id=made.id, name="off", type="access", enabled=False, actions=Actions(block_model=["*"])
    )
    changed = await place.call(policies.put_policy, other)

    assert (changed.id, changed.created_at, changed.enabled) == (made.id, made.created_at, False)
    assert names((await place.call(policies.policies)).policies) == ["off"]
    assert (await place.call(policies.delete_policy, made.id)).removed
    assert (await place.call(policies.policies)).policies == []
    with pytest.raises(ApiRefused, match="no policy"):
        await place.call(policies.delete_policy, made.id)
    _, body, _ = await place.raw("GET", "/api/compliance/audit-log?action=policy.*")
    assert [entry["action"] for entry in body["entries"]] == [
        "policy.delete",
        "policy.update",
        "policy.create",
    ]


async def test_an_evaluation_goes_through_every_step(place: Place) -> None:
    key = await place.call(keys.create_key, NewKey(name="ci", allowed_models=["groq/*"]))
    cap = PolicyBody(name="cap", type="budget", actions=Actions(max_tokens=100))
    await place.call(policies.put_policy, cap)

    passed = await place.call(policies.evaluate, Evaluate(model="demo/echo"))
    assert (passed.allowed, passed.policy_phase, passed.targets) == (True, "passed", ["demo/echo"])
    assert (passed.max_tokens, passed.applied_policies) == (100, ["cap"])
    not_for_it = await place.call(policies.evaluate, Evaluate(model="demo/echo", api_key_id=key.id))
    assert (not_for_it.allowed, not_for_it.policy_phase) == (False, "allowed_models")
    unknown = await place.call(policies.evaluate, Evaluate(model="demo/nothing-of-the-kind-x/y"))
    assert unknown.policy_phase in {"model", "passed"}

    await place.call(policies.put_policy, NO_ECHO)
    blocked = await place.call(policies.evaluate, Evaluate(model="demo/echo"))
    assert (blocked.allowed, blocked.policy_phase) == (False, "policies")
    assert blocked.reason is not None
    assert "'No echo'" in blocked.reason

    await place.call(keys.revoke_key, key.id)
    with pytest.raises(ApiRefused, match="no API key"):
        await place.call(policies.evaluate, Evaluate(model="demo/echo", api_key_id=key.id))


async def test_policies_are_there_after_a_restart(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNIROUTE_MASTER_KEY", "0" * 64)
    async with open_place(tmp_path) as before:
        await before.call(policies.put_policy, NO_ECHO)
    async with open_place(tmp_path) as after:
        assert not (await after.call(policies.evaluate, Evaluate(model="demo/echo"))).allowed


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": " ", "type": "access", "actions": {"block_model": ["*"]}}, "name"),
        ({"name": "x", "type": "magic"}, "type"),
        ({"name": "x", "type": "access"}, "actions"),
        ({"name": "x", "type": "access", "actions": {"max_tokens": 5}}, "actions.max_tokens"),
        ({"name": "x", "type": "budget", "actions": {"max_tokens": 0}}, "actions.max_tokens"),
        (
            {"name": "x", "type": "routing", "actions": {"prefer_provider": ["nobody"]}},
            "actions.prefer_provider",
        ),
        (
            {
                "name": "x",
                "type": "budget",
                "actions": {"max_tokens": 5},
                "conditions": {"client_ips": ["x"]},
            },
            "conditions.client_ips",
        ),
        (
            {
                "name": "x",
                "type": "budget",
                "actions": {"max_tokens": 5},
                "conditions": {"time_window": {"start": "25:00"}},
            },
            "conditions.time_window.start",
        ),
        ({"action": "dance"}, "action"),
        ({"action": "evaluate", "model": "m", "clientIp": "here"}, "clientIp"),
    ],
)
async def test_a_policy_that_makes_no_sense_is_refused(
    place: Place, body: dict[str, Any], field: str
) -> None:
    status, answer, _ = await place.raw("POST", "/api/policies", body=body)
    assert (status, answer["error"]["details"][0]["field"]) == (400, field)
    assert (await place.call(policies.policies)).policies == []


async def test_unlocking_what_is_not_locked_is_not_found(place: Place) -> None:
    with pytest.raises(ApiRefused, match="no locked identifier"):
        await place.call(policies.unlock, "ip:203.0.113.9")
