"""Limits of accounts and the list of all models, over the real server and the real client."""

import pytest

from omniroute.client import providers, resilience, routing
from omniroute.client.http import ApiRefused
from omniroute.gateway.health.limits import Limit
from tests.server.manage.place import Place
from tests.server.manage.vendor import Vendor, at


@pytest.fixture
async def connected(place: Place, vendor: Vendor) -> Place:
    """A gateway with one provider of one account."""
    await place.call(providers.add, at(vendor))
    return place


async def test_an_account_is_protected_until_the_user_says_otherwise(connected: Place) -> None:
    [one] = (await connected.call(resilience.rate_limits)).connections
    assert (one.rate_limit_protection, one.enabled, one.learned) == (None, False, None)

    done = await connected.call(resilience.protect, one.connection_id, enabled=True)
    assert (done.success, done.enabled) == (True, True)
    [now] = (await connected.call(resilience.rate_limits)).connections
    assert (now.rate_limit_protection, now.enabled) == (True, True)
    _, shown, _ = await connected.raw("GET", "/api/settings")
    assert shown["rateLimitProtection"] == {f"openai/{one.name}": True}

    await connected.call(resilience.protect, one.connection_id, enabled=None)
    assert dict(connected.gateway.snapshot.preferences.rate_limit_protection) == {}
    _, log, _ = await connected.raw("GET", "/api/compliance/audit-log?action=rateLimit.update")
    assert [entry["details"]["enabled"] for entry in log["entries"]] == ["usual", "true"]


async def test_an_account_that_is_none_cannot_be_protected(connected: Place) -> None:
    with pytest.raises(ApiRefused) as refused:
        await connected.call(resilience.protect, "nobody", enabled=True)
    assert refused.value.status == 404


async def test_what_a_provider_told_of_its_limits_is_shown(connected: Place) -> None:
    [one] = (await connected.call(resilience.rate_limits)).connections
    connected.gateway.health.limits[one.connection_id] = Limit(requests=500, requests_left=488, tokens=9000)

    [now] = (await connected.call(resilience.rate_limits)).connections

    assert now.learned is not None
    assert (now.learned.requests_per_minute, now.learned.remaining) == (500, 488)
    assert (now.learned.tokens_per_minute, now.learned.reset_at) == (9000, None)


async def test_the_limits_for_all_are_changed_member_by_member(connected: Place) -> None:
    status, now, _ = await connected.raw("PUT", "/api/rate-limit", body={"requestsPerMinute": 7})
    assert (status, now["requestsPerMinute"], now["concurrentRequests"]) == (200, 7, 10)
    assert connected.gateway.snapshot.preferences.rate_limit_defaults.requests_per_minute == 7
    assert (await connected.raw("GET", "/api/rate-limit"))[1] == now
    assert (await connected.raw("PUT", "/api/rate-limit", body={"requestsPerMinute": 0}))[0] == 400


async def test_the_limits_for_all_know_one_account_too(connected: Place) -> None:
    [one] = (await connected.call(resilience.rate_limits)).connections
    body = {"connectionId": one.connection_id, "enabled": False}
    assert (await connected.raw("POST", "/api/rate-limit", body=body))[1]["enabled"] is False
    assert dict(connected.gateway.snapshot.preferences.rate_limit_protection) == {one.connection_id: False}


async def test_models_tell_whether_they_can_be_asked_and_what_they_are_called(connected: Place) -> None:
    model = next(one for one in connected.gateway.snapshot.providers["openai"].models)
    await connected.call(routing.set_alias, "mine", f"openai/{model.id}")

    _, listed, _ = await connected.raw("GET", "/api/models")
    _, everything, _ = await connected.raw("GET", "/api/models?all=true")

    assert {one["provider"] for one in listed["models"]} == {"openai"}
    assert len(everything["models"]) > len(listed["models"])
    found = next(one for one in listed["models"] if one["model"] == model.id)
    assert (found["alias"], found["available"]) == ("mine", True)
    assert not any(one["available"] for one in everything["models"] if one["provider"] == "groq")


async def test_an_alias_is_set_where_models_are_listed(connected: Place) -> None:
    model = connected.gateway.snapshot.providers["openai"].models[0].id
    status, _, _ = await connected.raw(
        "PUT", "/api/models", body={"model": f"openai/{model}", "alias": "mine"}
    )
    assert (status, connected.gateway.snapshot.aliases["mine"]) == (200, f"openai/{model}")


async def test_the_catalogue_is_narrowed_by_kind_and_to_connected_providers(connected: Place) -> None:
    _, body, _ = await connected.raw("GET", "/api/models/catalog?active=true&type=embedding")
    assert list(body["catalog"]) == ["openai"]
    assert {one["type"] for one in body["catalog"]["openai"]["models"]} == {"embedding"}

    _, body, _ = await connected.raw("GET", "/api/models/catalog?active=false")
    assert "openai" not in body["catalog"]
    assert body["catalog"]["groq"]["active"] is False

    assert (await connected.raw("GET", "/api/models/catalog?type=poem"))[0] == 400
