"""Several accounts of one provider: by priority, and on to the next one while nothing was handed on."""

from typing import Any

from omniroute.records import Outcome
from tests import scripted_upstream as script
from tests.running_gateway import CHAT, NODE_TYPES, RunningGateway, asking
from tests.scripted_upstream import ScriptedUpstream


def accounts_asked(upstream: ScriptedUpstream) -> list[str]:
    """The keys that came, in order."""
    keys = [
        request.headers.get("x-api-key") or request.headers["authorization"] for request in upstream.requests
    ]
    return [key.removeprefix("Bearer ").split("-")[2] for key in keys]


async def two_accounts(running: RunningGateway, upstream: ScriptedUpstream, path: str, **first: Any) -> None:
    await running.add_node(upstream.url, type=NODE_TYPES[path], **first)
    await running.add_account("node-up", "second")


async def test_accounts_are_asked_by_priority_and_only_while_switched_on(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    upstream.otherwise = script.error(500)
    await running.add_node(upstream.url)
    await running.add_account("node-up", "off", is_active=False)
    await running.add_account("node-up", "late")
    await running.add_account("node-up", "urgent", priority=1)
    await running.ask(CHAT, asking(CHAT))
    assert accounts_asked(upstream)[:3] == ["urgent", "first", "late"]
    again = accounts_asked(upstream)[3:]
    assert sorted(again) == ["first", "late", "urgent"], "each once more, though the breaker opens meanwhile"


async def test_the_last_failure_is_told_with_the_earliest_time_to_come_back(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await two_accounts(running, upstream, CHAT)
    upstream.script(
        script.error(429, "first is busy", headers={"Retry-After": "40"}),
        script.error(429, "second is busy", headers={"Retry-After": "90"}),
    )
    got = await running.ask(CHAT, asking(CHAT))
    assert got.error["message"] == "second is busy"
    assert got.headers["Retry-After"] == "40"
    assert [attempt.status for attempt in (await running.row()).attempts] == [429, 429]


async def test_every_account_is_asked_though_the_providers_breaker_opens_on_the_way(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    names = ["first", *(f"more{number}" for number in range(7))]
    for name in names[1:]:
        await running.add_account("node-up", name)
    upstream.script(*[script.error(500)] * 7)
    got = await running.ask(CHAT, asking(CHAT))
    assert (got.status, got.headers["X-OmniRoute-Attempts"]) == (200, "8")
    assert accounts_asked(upstream) == names


async def test_when_all_have_failed_the_ones_that_may_be_asked_soon_are_asked_once_more(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await two_accounts(running, upstream, CHAT)
    upstream.script(script.error(500), script.error(500))
    got = await running.ask(CHAT, asking(CHAT))
    assert (got.status, got.headers["X-OmniRoute-Attempts"]) == (200, "3")
    assert accounts_asked(upstream)[:2] == ["first", "second"]


async def test_an_open_breaker_is_told_at_once_when_none_of_its_accounts_is_free_soon(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.set(
        "providerProfiles", {"apikey": {"transientCooldown": 60_000, "circuitBreakerThreshold": 1}}
    )
    await running.add_node(upstream.url)
    upstream.otherwise = script.error(500, "fell over")
    failed = await running.ask(CHAT, asking(CHAT))
    refused = await running.ask(CHAT, asking(CHAT))
    assert (failed.status, failed.error["message"]) == (500, "fell over")
    assert refused.status == 503
    assert "circuit_open" in refused.error["message"]
    assert 25 <= int(refused.headers["Retry-After"]) <= 33
    assert len(upstream.requests) == 1


async def test_who_has_nobody_else_to_ask_probes_an_open_breaker_as_soon_as_an_account_is_free(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.set("providerProfiles", {"apikey": {"transientCooldown": 1, "circuitBreakerThreshold": 1}})
    await running.add_node(upstream.url)
    upstream.script(script.error(500), script.error(500))
    statuses = [(await running.ask(CHAT, asking(CHAT))).status for _ in range(2)]
    assert statuses == [500, 200]
    assert running.gateway.health.breakers == {}


async def test_an_open_breaker_sends_requests_elsewhere_while_there_is_another_target(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.set("providerProfiles", {"apikey": {"transientCooldown": 1, "circuitBreakerThreshold": 1}})
    await running.add_node(upstream.url)
    async with ScriptedUpstream() as other:
        await running.add_node(other.url, "other")
        await running.add_combo("both", "up/m-1", "other/m-1")
        upstream.script(script.error(500))
        for _ in range(5):
            assert (await running.ask(CHAT, asking(CHAT, "both"))).status == 200
        assert (len(upstream.requests), len(other.requests)) == (1, 5)
        other.otherwise = script.error(500)
        got = await running.ask(CHAT, asking(CHAT, "both"))
        assert (got.status, got.headers["X-OmniRoute-Model"]) == (200, "up/m-1")


async def test_an_account_whose_key_cannot_be_sent_makes_way_for_the_next(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await two_accounts(running, upstream, CHAT, secret="no key has blanks")
    got = await running.ask(CHAT, asking(CHAT))
    assert got.status == 200
    assert accounts_asked(upstream) == ["second"]


async def test_an_account_whose_key_cannot_be_sent_is_named(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url, secret="no key has blanks")
    got = await running.ask(CHAT, asking(CHAT))
    assert (got.status, got.headers["x-should-retry"]) == (502, "false")
    assert "'first'" in got.error["message"]
    row = await running.row()
    assert row.outcome is Outcome.ERROR
    assert not any("client" in (attempt.failure or "") for attempt in row.attempts)


async def test_tokens_of_an_account_that_failed_are_not_those_of_the_answer(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await two_accounts(running, upstream, "/v1/messages")
    upstream.script(script.cut_before_content(), script.answer(usage=False))
    await running.ask("/v1/messages", asking("/v1/messages", stream=True))
    row = await running.row()
    assert row.usage.estimated
    assert row.usage.cache_read is None
