"""Budgets over the real server and the real client."""

from typing import Any

import pytest

from omniroute.api.budgets import NewBudget
from omniroute.api.keys import CreatedKey, NewKey
from omniroute.api.providers import NewConnection
from omniroute.client import budgets, keys, providers
from omniroute.client.http import ApiRefused
from tests.server.manage.place import Place, request_row

PATH = "/api/usage/budget"


async def laptop(place: Place) -> CreatedKey:
    return await place.call(keys.create_key, NewKey(name="laptop"))


async def spend(place: Place, nano_usd: int, **members: Any) -> None:
    await place.log(request_row(place.clock.now_ms(), cost_nano_usd=nano_usd, **members))


async def test_every_key_is_listed_with_what_it_spent(place: Place) -> None:
    key = await laptop(place)
    await spend(place, 1_500_000_000, api_key_id=key.id, api_key_name="laptop")
    await spend(place, 500_000_000)

    everything, mine = await place.call(budgets.budgets)

    assert (everything.key_id, everything.daily_used, everything.status) == ("*", 2.0, "none")
    assert (mine.key_id, mine.key_name, mine.monthly_used) == (key.id, "laptop", 1.5)
    assert (mine.limit, mine.period, mine.remaining, mine.resets_at) == (None, None, None, None)


async def test_a_budget_is_set_in_either_form_and_each_adds_to_the_other(place: Place) -> None:
    key = await laptop(place)
    await spend(place, 4_200_000_000, api_key_id=key.id)

    _, first, _ = await place.raw("POST", PATH, body={"keyId": key.id, "limit": 50, "period": "monthly"})
    status, second, _ = await place.raw(
        "POST", PATH, body={"apiKeyId": key.id, "dailyLimitUsd": 5, "warningThreshold": 0.9}
    )

    assert first["monthlyLimitUsd"] == 50
    assert status == 200
    assert second == {
        "success": True,
        "apiKeyId": key.id,
        "keyId": key.id,
        "dailyLimitUsd": 5.0,
        "weeklyLimitUsd": 0.0,
        "monthlyLimitUsd": 50.0,
        "warningThreshold": 0.9,
    }
    mine = (await place.call(budgets.budgets))[1]
    assert (mine.limit, mine.period, mine.remaining, mine.status) == (50.0, "monthly", 45.8, "ok")
    assert place.gateway.snapshot.budgets[key.id].daily_nano_usd == 5 * 10**9


@pytest.mark.parametrize(
    ("spent", "status", "allowed"), [(3.9, "ok", True), (4.0, "warning", True), (5.0, "exceeded", False)]
)
async def test_the_state_of_a_budget_follows_what_was_spent(
    place: Place, *, spent: float, status: str, allowed: bool
) -> None:
    key = await laptop(place)
    await place.call(budgets.set_budget, NewBudget(key_id=key.id, daily_limit_usd=5))
    await spend(place, round(spent * 10**9), api_key_id=key.id)

    entry = (await place.call(budgets.budgets))[1]
    body = await place.call(budgets.budget, key.id)

    assert entry.status == status
    assert (body.daily_total, body.total_entries) == (spent, 1)
    check = body.budget_check
    assert (check.allowed, check.warning_reached) == (allowed, status != "ok")
    assert check.reason == (None if allowed else "the daily limit is used up")


async def test_an_amount_is_kept_to_the_last_decimal(place: Place) -> None:
    key = await laptop(place)

    answer = await place.call(
        budgets.set_budget, NewBudget(key_id=key.id, weekly_limit_usd=999_999.999999999)
    )

    assert answer.weekly_limit_usd == 999_999.999999999
    assert place.gateway.snapshot.budgets[key.id].weekly_nano_usd == 999_999_999_999_999


async def test_zero_removes_a_limit_and_the_last_one_the_budget(place: Place) -> None:
    key = await laptop(place)
    await place.call(budgets.set_budget, NewBudget(key_id=key.id, daily_limit_usd=5, weekly_limit_usd=9))

    await place.call(budgets.set_budget, NewBudget(key_id=key.id, limit=0, period="daily"))
    assert place.gateway.snapshot.budgets[key.id].limits == {"weekly": 9 * 10**9}

    await place.call(budgets.set_budget, NewBudget(key_id=key.id, weekly_limit_usd=0))
    assert key.id not in place.gateway.snapshot.budgets


async def test_all_requests_and_an_account_may_have_a_budget_too(place: Place) -> None:
    new = NewConnection(
        provider="groq", name="work", api_key="gsk_1", base_url="http://127.0.0.1:9/v1", allow_private=True
    )
    account = await place.call(providers.add, new)
    subject = f"account:{account.id}"
    await spend(place, 10**9, account_id=account.id)

    for one in ("*", subject):
        await place.call(budgets.set_budget, NewBudget(key_id=one, daily_limit_usd=1))

    entries = {one.key_id: one for one in await place.call(budgets.budgets)}
    assert entries["*"].key_name == "all requests"
    assert entries[subject].key_name == "groq/work"
    assert {one.status for one in entries.values()} == {"exceeded"}
    assert (await place.call(budgets.budget, subject)).total_entries == 1


async def test_what_a_subscription_covers_counts_where_the_user_says_so(place: Place) -> None:
    await spend(place, 10**9, provider="claude")
    unbilled = {one.id for one in place.gateway.snapshot.providers.values() if one.category == "subscription"}
    assert "claude" in unbilled

    assert (await place.call(budgets.budget, "*")).daily_total == 0
    await place.raw("PATCH", "/api/settings", body={"budgetCountSubscriptions": True})
    assert (await place.call(budgets.budget, "*")).daily_total == 1


async def test_a_budget_is_removed_once_and_goes_with_its_key(place: Place) -> None:
    key = await laptop(place)
    await place.call(budgets.set_budget, NewBudget(key_id=key.id, daily_limit_usd=5))

    assert (await place.call(budgets.remove_budget, key.id)).removed
    assert not (await place.call(budgets.remove_budget, key.id)).removed

    await place.call(budgets.set_budget, NewBudget(key_id=key.id, daily_limit_usd=5))
    await place.call(keys.revoke_key, key.id)
    assert place.gateway.snapshot.budgets == {}


async def test_changes_are_in_the_audit_log(place: Place) -> None:
    await place.call(budgets.set_budget, NewBudget(key_id="*", daily_limit_usd=5))
    await place.call(budgets.remove_budget, "*")

    _, body, _ = await place.raw("GET", "/api/compliance/audit-log?action=budget.*")
    assert [(entry["action"], entry["target"]) for entry in body["entries"]] == [
        ("budget.delete", "*"),
        ("budget.set", "*"),
    ]
    assert body["entries"][1]["details"] == {"daily": "5.0", "warning": "0.8"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "keyId"),
        ({"keyId": "*"}, "dailyLimitUsd"),
        ({"keyId": "*", "warningThreshold": 0.5}, "dailyLimitUsd"),
        ({"keyId": "*", "limit": 5}, "period"),
        ({"keyId": "*", "period": "daily"}, "limit"),
        ({"keyId": "*", "limit": 5, "period": "yearly"}, "period"),
        ({"keyId": "*", "dailyLimitUsd": -1}, "dailyLimitUsd"),
        ({"keyId": "*", "dailyLimitUsd": 1_000_001}, "dailyLimitUsd"),
        ({"keyId": "*", "dailyLimitUsd": 0.0000000001}, "dailyLimitUsd"),
        ({"keyId": "*", "dailyLimitUsd": 1, "warningThreshold": 1.5}, "warningThreshold"),
        ({"keyId": "*", "yearlyLimitUsd": 1}, "yearlyLimitUsd"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_name(
    place: Place, body: dict[str, object], field: str
) -> None:
    status, answer, _ = await place.raw("POST", PATH, body=body)

    assert status == 400
    assert answer["error"]["details"][0]["field"] == field


async def test_a_key_that_is_not_there_cannot_have_a_budget(place: Place) -> None:
    for subject in ("7b", "account:7b"):
        with pytest.raises(ApiRefused) as caught:
            await place.call(budgets.set_budget, NewBudget(key_id=subject, daily_limit_usd=5))
        assert caught.value.status == 404
        with pytest.raises(ApiRefused):
            await place.call(budgets.budget, subject)
