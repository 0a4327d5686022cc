"""Requests over accounts that were signed in: their tokens are renewed before, and once after a refusal."""

import asyncio
import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omniroute.errors import Failure
from omniroute.gateway import probe
from omniroute.gateway.tokens.renewal import Renewal
from omniroute.gateway.upstream import HttpRequest
from omniroute.records import Account, Outcome, Provider
from omniroute.records.proxies import Proxy, ProxyLevel, ProxyType
from omniroute.store import accounts, audit
from tests import scripted_upstream as script
from tests.gateway.tokens.vendor import CLIENT_SECRET, Vendor, refused, sign_in
from tests.recorded import Recorded
from tests.running_gateway import CHAT, RunningGateway, asking, running_gateway
from tests.scripted_upstream import Behaviour


@pytest.fixture
async def vendor() -> Any:  # an async generator
    async with Vendor() as started:
        yield started


async def stored(running: RunningGateway, account_id: str = "node-up-first") -> Account:
    vault = running.gateway.vault
    found = await running.gateway.database.read(lambda c: accounts.find(c, vault, account_id))
    assert found is not None
    return found


async def notes(running: RunningGateway) -> list[str]:
    decision = (await running.rows())[-1].decision
    assert decision is not None
    found: list[str] = json.loads(decision).get("notes", [])
    return found


async def test_a_token_that_ends_soon_is_renewed_before_the_call(
    running: RunningGateway, vendor: Vendor
) -> None:
    await sign_in(running, vendor, ends_in_s=200)

    got = await running.ask(CHAT, asking(CHAT))

    assert got.status == 200
    assert vendor.calls == [vendor.access_token]
    assert vendor.refreshes == ["refresh-token-0-0123456789"]
    account = await stored(running)
    assert account.secret == vendor.access_token
    assert account.login is not None
    assert account.login.refresh_token == vendor.refresh_token
    assert account.login.expires_at_ms is not None
    assert account.login.expires_at_ms > running.gateway.clock.now_ms() + 3_500_000
    assert await notes(running) == ["token of up/first: renewed before the call"]


async def test_a_token_that_lasts_is_used_as_it_is(running: RunningGateway, vendor: Vendor) -> None:
    await sign_in(running, vendor, ends_in_s=400)

    assert (await running.ask(CHAT, asking(CHAT))).status == 200

    assert vendor.refreshes == []


async def test_a_refused_token_is_renewed_once_and_the_same_account_asked_again(
    running: RunningGateway, vendor: Vendor
) -> None:
    await sign_in(running, vendor, ends_in_s=3600)
    vendor.revoke()

    got = await running.ask(CHAT, asking(CHAT))

    assert got.status == 200
    assert vendor.calls == ["access-token-0-0123456789", vendor.access_token]
    row = await running.row()
    assert [(one.account_name, one.status) for one in row.attempts] == [("first", 401), ("first", 200)]
    assert await notes(running) == ["token of up/first: refused (401), renewed and asked again"]
    assert running.gateway.health.cooldowns == {}


async def test_a_token_that_is_refused_though_it_was_just_renewed_is_not_renewed_again(
    running: RunningGateway, vendor: Vendor
) -> None:
    await sign_in(running, vendor, ends_in_s=3600)
    vendor.revoke()
    await running.add_account("node-up", "second", secret=vendor.access_token)
    vendor.refusals = [script.body(b'{"access_token": "useless", "refresh_token": "useless"}')]

    got = await running.ask(CHAT, asking(CHAT))

    assert got.status == 200
    assert len(vendor.refreshes) == 1
    assert [one.account_name for one in (await running.row()).attempts] == ["first", "first", "second"]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_storm_of_refusals_renews_once(running: RunningGateway, vendor: Vendor, stream: bool) -> None:
    await sign_in(running, vendor, ends_in_s=3600)
    vendor.revoke()
    vendor.held.clear()

    asked = [running.ask(CHAT, asking(CHAT, stream=stream)) for _ in range(40)]
    storm = asyncio.gather(*asked)
    await vendor.until(lambda up: len(up.requests) == 41)  # all were refused, and one asks for a new token
    vendor.held.set()

    assert [got.status for got in await storm] == [200] * 40
    assert len(vendor.refreshes) == 1
    assert vendor.calls.count(vendor.access_token) == 40


async def test_an_answer_without_a_refresh_token_keeps_the_one_there_is(
    running: RunningGateway, vendor: Vendor
) -> None:
    vendor.rotates = False
    await sign_in(running, vendor, ends_in_s=100)

    assert (await running.ask(CHAT, asking(CHAT))).status == 200

    login = (await stored(running)).login
    assert login is not None
    assert login.refresh_token == "refresh-token-0-0123456789"


async def test_new_tokens_are_stored_before_they_are_used(running: RunningGateway, vendor: Vendor) -> None:
    await sign_in(running, vendor, ends_in_s=100)
    known: list[str | None] = []

    def look(request: Recorded) -> None:
        current = running.gateway.snapshot.accounts["node-up"][0]
        assert current.login is not None
        known.append(current.login.refresh_token)

    vendor.on_call = look
    assert (await running.ask(CHAT, asking(CHAT))).status == 200

    assert known == [vendor.refresh_token]


async def test_a_final_refusal_ends_the_account_and_others_go_on(
    running: RunningGateway, vendor: Vendor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await sign_in(running, vendor, ends_in_s=-10)
    await running.add_account("node-up", "second", secret=vendor.access_token)
    vendor.refusals = [refused("invalid_grant", "refresh-token-0-0123456789 is revoked")]

    got = await running.ask(CHAT, asking(CHAT))

    assert got.status == 200
    assert len(vendor.refreshes) == 1
    account = await stored(running)
    assert (account.is_active, account.test_status) == (False, "expired")
    assert account.login is not None
    assert account.login.refresh_token is None
    assert account.last_error is not None
    assert "invalid_grant: **** is revoked" in account.last_error
    rows, _ = await running.gateway.database.read(lambda c: audit.listing(c, limit=9))
    assert [(row.action, row.actor, row.target) for row in rows] == [
        ("provider.deactivated", "system", "node-up-first")
    ]
    assert (await notes(running))[0].startswith("token of up/first: Signed out by Node up")
    for secret in ("refresh-token", "access-token", CLIENT_SECRET):
        assert secret not in caplog.text
        assert secret not in str(rows)

    await running.ask(CHAT, asking(CHAT))
    assert len(vendor.refreshes) == 1


async def test_a_vendor_that_is_down_is_asked_three_times_then_left_alone(
    running: RunningGateway, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running.gateway.tokens._renewal, "pauses_s", (0.0, 0.001, 0.001))
    await sign_in(running, vendor, ends_in_s=-10)
    await running.add_account("node-up", "second", secret=vendor.access_token)
    vendor.refusals = [script.body(b"", status=503)] * 9

    assert (await running.ask(CHAT, asking(CHAT))).status == 200
    assert (await running.ask(CHAT, asking(CHAT, "up/m-2"))).status == 200

    assert len(vendor.refreshes) == 3
    account = await stored(running)
    assert (account.is_active, account.test_status) == (True, "error")
    assert account.login is not None
    assert account.login.refresh_token == vendor.refresh_token
    lock = running.gateway.health.locks["node-up-first", "m-1"]
    assert 20 < lock.until_s - running.gateway.health.now_s <= 30


async def test_a_token_that_is_good_for_a_while_is_used_when_the_vendor_is_down(
    running: RunningGateway, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running.gateway.tokens._renewal, "pauses_s", (0.0,))
    tried: list[str] = []
    renew = Renewal.renew

    async def counted(self: Renewal, provider: Provider, account: Account) -> Account | Failure:
        tried.append(account.name)
        return await renew(self, provider, account)

    monkeypatch.setattr(Renewal, "renew", counted)
    await sign_in(running, vendor, ends_in_s=100)
    vendor.refusals = [script.body(b"", status=503)]

    assert (await running.ask(CHAT, asking(CHAT))).status == 200
    assert (await running.ask(CHAT, asking(CHAT))).status == 200

    assert len(vendor.refreshes) == 1
    assert vendor.calls == [vendor.access_token] * 2
    assert tried == ["first"], "the second call did not even ask the store"


async def test_a_client_that_leaves_does_not_end_the_renewal(running: RunningGateway, vendor: Vendor) -> None:
    await sign_in(running, vendor, ends_in_s=100)
    vendor.held.clear()
    async with asyncio.TaskGroup() as group:
        leaves = group.create_task(running.ask(CHAT, asking(CHAT)))
        await vendor.until(lambda up: len(up.requests) == 1)
        stays = group.create_task(running.ask(CHAT, asking(CHAT)))
        leaves.cancel()
        async with asyncio.timeout(10):
            while not await running.rows():
                pass  # the gateway has not seen it leave yet
        vendor.held.set()

    assert (await running.rows())[0].outcome is Outcome.CANCELLED
    assert stays.result().status == 200
    assert (await stored(running)).secret == vendor.access_token
    assert len(vendor.refreshes) == 1


async def test_who_knows_only_the_token_before_gets_the_new_one_without_asking(
    running: RunningGateway, vendor: Vendor
) -> None:
    await sign_in(running, vendor, ends_in_s=100)
    snapshot = running.gateway.snapshot
    provider, before = snapshot.providers["node-up"], snapshot.accounts["node-up"][0]
    await running.ask(CHAT, asking(CHAT))

    for found in (
        await running.gateway.tokens.newer(provider, before),
        await running.gateway.tokens.ready(provider, before),
    ):
        assert isinstance(found, Account)
        assert found.secret == vendor.access_token
    assert len(vendor.refreshes) == 1


async def test_signing_in_again_during_a_renewal_is_what_counts(
    running: RunningGateway, vendor: Vendor
) -> None:
    await sign_in(running, vendor, ends_in_s=100)
    vendor.held.clear()
    asked = asyncio.ensure_future(running.ask(CHAT, asking(CHAT)))
    await vendor.until(lambda up: len(up.requests) == 1)
    gateway, by_hand = running.gateway, await stored(running)

    vendor.generation = 4  # what the vendor gives out by the renewal is older than what the person has got
    fresh = vendor.login(ends_in_s=3600, now_ms=gateway.clock.now_ms())
    again = replace(by_hand, secret=vendor.access_token, login=fresh)
    await gateway.database.write(lambda c: accounts.update(c, gateway.vault, again))
    vendor.refusals = [script.body(b'{"access_token": "older", "refresh_token": "older"}')]
    vendor.held.set()

    assert (await asked).status == 200
    assert (await stored(running)).secret == vendor.access_token
    assert len(vendor.refreshes) == 1


async def test_tokens_that_end_soon_are_renewed_while_nobody_asks(
    running: RunningGateway, vendor: Vendor
) -> None:
    await sign_in(running, vendor, ends_in_s=500)

    await running.gateway.tokens.renew_ending()
    await running.gateway.tokens.renew_ending()

    assert len(vendor.refreshes) == 1
    assert running.gateway.snapshot.accounts["node-up"][0].secret == vendor.access_token


async def test_a_test_of_an_account_renews_a_token_that_is_refused(
    running: RunningGateway, vendor: Vendor
) -> None:
    await sign_in(running, vendor, ends_in_s=3600)
    vendor.revoke()
    account = running.gateway.snapshot.accounts["node-up"][0]
    provider = running.gateway.snapshot.providers["node-up"]

    result = await probe.test_account(running.gateway, provider, account, model="m-1")

    assert (result.valid, result.diagnosis.type) == (True, "ok")
    assert len(vendor.refreshes) == 1


@pytest.mark.parametrize(
    ("refusal", "finding"),
    [
        (refused("invalid_grant", "revoked"), "reauth_required"),
        (script.body(b"", status=503), "token_refresh_failed"),
    ],
)
async def test_a_test_tells_that_there_is_no_token_to_test(
    running: RunningGateway, vendor: Vendor, refusal: Behaviour, finding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running.gateway.tokens._renewal, "pauses_s", (0.0,))
    await sign_in(running, vendor, ends_in_s=-10)
    vendor.refusals = [refusal]
    account = running.gateway.snapshot.accounts["node-up"][0]
    provider = running.gateway.snapshot.providers["node-up"]

    result = await probe.test_account(running.gateway, provider, account, model=None)

    assert (result.valid, result.diagnosis.type, result.diagnosis.source) == (False, finding, "oauth")
    assert vendor.calls == []


async def test_a_list_of_models_is_asked_for_with_a_new_token(
    running: RunningGateway, vendor: Vendor
) -> None:
    await sign_in(running, vendor, ends_in_s=10)
    vendor.otherwise = script.body(b'{"data": [{"id": "m-1"}]}')
    account = running.gateway.snapshot.accounts["node-up"][0]
    provider = running.gateway.snapshot.providers["node-up"]

    found = await probe.fetch_models(running.gateway, provider, account)

    assert [model.id for model in found] == ["m-1"]
    assert vendor.calls == [vendor.access_token]


async def test_a_proxy_of_the_account_leads_to_the_vendor_too(
    running: RunningGateway, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sign_in(running, vendor, ends_in_s=10)
    way = Proxy(type=ProxyType.HTTP, host="proxy.example", port=3128)
    proxies = {(ProxyLevel.KEY, "node-up-first"): way}
    monkeypatch.setattr(running.gateway, "snapshot", replace(running.gateway.snapshot, proxies=proxies))
    asked: list[HttpRequest] = []
    upstream = running.gateway.upstream

    class Watched:
        def open(self, request: HttpRequest) -> Any:
            asked.append(request)
            return upstream.open(request)

    monkeypatch.setattr(running.gateway.tokens._renewal, "upstream", Watched())
    await running.gateway.tokens.renew_ending()

    assert [(request.url, request.proxy) for request in asked] == [(f"{vendor.url}/token", way)]


async def test_accounts_with_a_key_have_nothing_to_do_with_tokens(
    running: RunningGateway, upstream: script.ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    await running.add_node(upstream.url)
    monkeypatch.setattr(running.gateway, "tokens", None)
    upstream.script(script.error(401))

    assert (await running.ask(CHAT, asking(CHAT))).status == 502
    assert len(upstream.requests) == 1


async def test_two_gateways_on_one_store_renew_once(tmp_path: Path, vendor: Vendor) -> None:
    async with running_gateway(tmp_path) as one, running_gateway(tmp_path) as two:
        await sign_in(one, vendor, ends_in_s=3600)
        await two.gateway.reload()
        vendor.revoke()
        vendor.held.clear()

        storm = asyncio.gather(*(each.ask(CHAT, asking(CHAT)) for each in (one, two) * 20))
        await vendor.until(lambda up: len(up.requests) == 41)
        vendor.held.set()

        assert [got.status for got in await storm] == [200] * 40
        assert len(vendor.refreshes) == 1
