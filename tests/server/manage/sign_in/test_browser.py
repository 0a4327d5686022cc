"""Signing in with a browser: what is stored, what is checked, what is told."""

import asyncio
import json
from typing import Any, NoReturn
from urllib.parse import parse_qs, urlsplit

import pytest

from omniroute.errors import Failure, FailureKind
from omniroute.gateway.http1.upstream import Http1Upstream
from omniroute.gateway.upstream import HttpRequest, UpstreamFailed
from omniroute.routing.plan import Attempt
from tests.server.installation import PATIENCE_S
from tests.server.manage.place import Place
from tests.server.manage.sign_in.calls import (
    actions,
    begin,
    browse,
    device,
    exchange,
    poll_callback,
    stored,
    way_back,
)
from tests.server.manage.sign_in.vendor import CLIENT_ID, CLIENT_SECRET, EMAIL, OAuthVendor

PROXY = {"type": "http", "host": "proxy.example", "port": 3128}


async def test_whoever_agrees_in_the_browser_is_signed_in(place: Place, vendor: OAuthVendor) -> None:
    begun = await begin(place)
    assert await poll_callback(place, begun["flowId"]) == (
        200,
        {"success": False, "pending": True, "error": "authorization_pending"},
    )

    status, text, headers = await browse(begun["authUrl"])
    assert (status, "Signed in" in text) == (200, True)
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "script" not in text

    status, result = await poll_callback(place, begun["flowId"])
    (account,) = await stored(place)
    assert (status, result) == (
        200,
        {
            "success": True,
            "connection": {"id": account.id, "provider": "acme", "email": EMAIL, "displayName": EMAIL},
        },
    )
    assert (account.name, account.secret, account.is_active) == (EMAIL, "access-2", True)
    assert sorted(await actions(place)) == ["oauth.connect", "oauth.start"]


async def test_what_is_needed_to_renew_the_token_is_kept(place: Place, vendor: OAuthVendor) -> None:
    now_ms = place.clock.now_ms()

    await browse((await begin(place))["authUrl"])

    (account,) = await stored(place)
    login = account.login
    assert login is not None
    assert (login.refresh_token, login.token_url) == ("refresh-2", f"{vendor.url}/token")
    assert (login.client_id, login.client_secret, login.identity) == (CLIENT_ID, None, EMAIL)
    assert login.scope == "openid models"
    assert login.expires_at_ms is not None
    assert 3_600_000 <= login.expires_at_ms - now_ms < 3_660_000


async def test_requests_are_made_with_the_token_from_then_on(place: Place, vendor: OAuthVendor) -> None:
    await browse((await begin(place))["authUrl"])

    status, answer, _ = await place.raw(
        "POST",
        "/v1/chat/completions",
        body={"model": "acme/m-1", "messages": [{"role": "user", "content": "hi"}]},
    )

    assert (status, answer["choices"][0]["message"]["content"]) == (200, "Hello")
    assert vendor.chats[-1] == "Bearer access-2"


async def test_a_token_that_ends_is_renewed_with_what_was_kept(place: Place, vendor: OAuthVendor) -> None:
    await browse((await begin(place))["authUrl"])
    place.clock.ahead_ms = 3_600_000
    body = {"model": "acme/m-1", "messages": [{"role": "user", "content": "hi"}]}

    status, _, _ = await place.raw("POST", "/v1/chat/completions", body=body)

    assert status == 200
    assert vendor.token_requests[-1]["refresh_token"] == "refresh-2"
    assert vendor.chats[-1] == "Bearer access-3"
    (account,) = await stored(place)
    assert account.secret == "access-3"
    assert account.login is not None
    assert (account.login.refresh_token, account.login.identity) == ("refresh-3", EMAIL)


async def test_verifier_and_device_code_stay_in_the_gateway(place: Place, vendor: OAuthVendor) -> None:
    begun = await begin(place)
    typed = await device(place)
    await browse(begun["authUrl"])

    verifier = vendor.token_requests[0]["code_verifier"]
    assert begun["codeVerifier"] is None
    assert verifier not in str(begun)
    assert "the-device-code" not in str(typed)


async def test_whoever_signs_in_again_renews_the_account_there_is(place: Place) -> None:
    await browse((await begin(place, name="work"))["authUrl"])
    (before,) = await stored(place)

    begun = await begin(place)
    status, result = await exchange(place, await way_back(begun["authUrl"]), flowId=begun["flowId"])

    (after,) = await stored(place)
    assert status == 200
    assert result["connection"]["displayName"] == "work"
    assert (after.id, after.name, after.priority) == (before.id, "work", before.priority)
    assert after.secret != before.secret


async def test_whoever_signs_in_again_is_asked_at_once(place: Place) -> None:
    await browse((await begin(place))["authUrl"])
    (account,) = await stored(place)
    provider = place.gateway.snapshot.providers["acme"]
    attempt = Attempt(provider, account, "m-1")
    for _ in range(5):
        place.gateway.health.begin(attempt)
        place.gateway.health.end(attempt, Failure(kind=FailureKind.AUTH, message="revoked", status=401))
    assert place.gateway.health.obstacle_of_account(account, "m-1") is not None

    await browse((await begin(place))["authUrl"])

    assert place.gateway.health.obstacle_of_account(account, "m-1") is None


async def test_a_sign_in_whose_browser_hangs_up_is_over_and_says_so(
    place: Place, vendor: OAuthVendor
) -> None:
    vendor.hold_token = asyncio.Event()
    begun = await begin(place)
    address = await way_back(begun["authUrl"])
    async with asyncio.TaskGroup() as group:
        browser = group.create_task(browse(address))
        await vendor.token_asked.wait()
        browser.cancel()

    async with asyncio.timeout(PATIENCE_S):
        while (result := (await poll_callback(place, begun["flowId"]))[1]).get("pending"):
            pass
    vendor.hold_token.set()

    assert (result["success"], result["error"]) == (False, "not_stored")
    assert await stored(place) == ()


async def test_two_people_have_two_accounts(place: Place, vendor: OAuthVendor) -> None:
    await browse((await begin(place))["authUrl"])
    vendor.email = "bob@example.org"
    await browse((await begin(place))["authUrl"])

    assert [account.name for account in await stored(place)] == [EMAIL, "bob@example.org"]


async def test_accounts_that_nobody_names_are_numbered(place: Place, vendor: OAuthVendor) -> None:
    vendor.email = None
    await browse((await begin(place))["authUrl"])
    await browse((await begin(place))["authUrl"])

    assert [account.name for account in await stored(place)] == ["Account 1", "Account 2"]


@pytest.mark.parametrize("form", ["address", "code#state", "state apart"])
async def test_what_came_back_may_be_pasted(place: Place, form: str) -> None:
    begun = await begin(place)
    address = await way_back(begun["authUrl"])
    code = parse_qs(urlsplit(address).query)["code"][0]
    pasted: dict[str, Any] = {
        "address": {"code": address},
        "code#state": {"code": f"{code}#{begun['state']}", "flowId": begun["flowId"]},
        "state apart": {"code": code, "state": begun["state"]},
    }[form]

    status, result = await exchange(place, **pasted)

    assert (status, result["success"]) == (201, True)


@pytest.mark.parametrize(
    "pasted", ["code-1", "code-1#other", "http://localhost/callback?code=code-1&state=x"]
)
async def test_a_code_with_another_state_or_none_is_refused_and_may_be_put_right(
    place: Place, vendor: OAuthVendor, pasted: str
) -> None:
    begun = await begin(place)
    address = await way_back(begun["authUrl"])

    status, body = await exchange(place, pasted, flowId=begun["flowId"])
    assert (status, body["error"]["code"]) == (400, "VALIDATION_FAILED")
    assert vendor.token_requests == []

    assert (await exchange(place, address, flowId=begun["flowId"]))[0] == 201


async def test_a_browser_with_a_state_nobody_knows_gets_nowhere(place: Place, vendor: OAuthVendor) -> None:
    begun = await begin(place)

    status, text, _ = await browse(f"{begun['redirectUri']}?code=stolen&state=guessed")

    assert (status, "Not signed in" in text) == (400, True)
    assert vendor.token_requests == []
    assert (await poll_callback(place, begun["flowId"]))[1]["pending"] is True


async def test_a_sign_in_is_used_once(place: Place, vendor: OAuthVendor) -> None:
    begun = await begin(place)
    address = await way_back(begun["authUrl"])
    assert (await exchange(place, address))[0] == 201

    status, body = await exchange(place, address)
    assert (status, body["error"]["code"]) == (409, "INVALID_STATE")
    assert len(vendor.token_requests) == 1

    page = await browse(address)
    assert page[0] == 200  # the browser loads the page anew: it says how it went
    assert len(vendor.token_requests) == 1


async def test_two_browsers_at_once_make_one_exchange(place: Place, vendor: OAuthVendor) -> None:
    address = await way_back((await begin(place))["authUrl"])

    await asyncio.gather(*(browse(address) for _ in range(8)))

    assert len(vendor.token_requests) == 1
    assert len(await stored(place)) == 1


async def test_a_sign_in_ends_after_ten_minutes(place: Place, vendor: OAuthVendor) -> None:
    begun = await begin(place)
    address = await way_back(begun["authUrl"])

    place.clock.ahead_ms = 601_000

    assert (await exchange(place, address, flowId=begun["flowId"]))[0] == 404
    assert (await browse(address))[0] == 400
    status, body = await poll_callback(place, begun["flowId"])
    assert (status, body["error"]) == (400, "no_server")
    assert vendor.token_requests == []


async def test_a_no_in_the_browser_is_told(place: Place, vendor: OAuthVendor) -> None:
    vendor.denies = True
    begun = await begin(place)

    status, text, _ = await browse(begun["authUrl"])

    assert (status, "Not signed in" in text) == (400, True)
    assert "said no" not in text
    status, result = await poll_callback(place, begun["flowId"])
    assert (status, result) == (
        400,
        {"success": False, "error": "access_denied", "errorDescription": "The person said no."},
    )
    assert await stored(place) == ()
    assert sorted(await actions(place)) == ["oauth.failed", "oauth.start"]


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        ((400, '{"error":"invalid_grant","error_description":"too late"}'), 400, "invalid_grant"),
        ((200, "{}"), 400, "invalid_response"),
        ((503, "<html>"), 502, "vendor_unreachable"),
    ],
)
async def test_a_vendor_that_gives_no_token_is_told_apart_from_one_that_is_down(
    place: Place, vendor: OAuthVendor, answer: tuple[int, str], status: int, error: str
) -> None:
    begun = await begin(place)
    vendor.token_answer = answer

    got, result = await exchange(place, await way_back(begun["authUrl"]))

    assert (got, result["success"], result["error"]) == (status, False, error)
    assert await poll_callback(place, begun["flowId"]) == (got, result)
    assert await stored(place) == ()


async def test_an_apps_secret_that_a_vendor_repeats_is_not_passed_on(
    place: Place, vendor: OAuthVendor
) -> None:
    begun = await begin(place, clientId=CLIENT_ID, clientSecret=CLIENT_SECRET)
    refusal = {"error": "invalid_client", "error_description": f"bad secret {CLIENT_SECRET}"}
    vendor.token_answer = (401, json.dumps(refusal))

    status, result = await exchange(place, await way_back(begun["authUrl"]))

    assert (status, result["error"]) == (400, "invalid_client")
    assert CLIENT_SECRET not in str(result)


async def test_vendors_are_asked_by_the_way_that_leads_to_their_provider(place: Place) -> None:
    status, _, _ = await place.raw(
        "PUT", "/api/settings/proxy", body={"level": "provider", "id": "acme", "proxy": PROXY}
    )
    assert status == 200
    begun = await begin(place)
    asked: list[HttpRequest] = []

    class Recorder(Http1Upstream):
        def open(self, request: HttpRequest) -> NoReturn:
            asked.append(request)
            raise UpstreamFailed(Failure(kind=FailureKind.CONNECT, message="nobody is there"))

    await place.gateway.upstream.close()
    place.gateway.upstream = Recorder(connect_s=1, proxy_environment={})
    await exchange(place, f"code-1#{begun['state']}")

    (request,) = asked
    assert request.proxy is not None
    assert request.proxy.host == PROXY["host"]


async def test_a_vendor_that_is_gone_is_a_502(place: Place, vendor: OAuthVendor) -> None:
    begun = await begin(place)
    address = await way_back(begun["authUrl"])
    await vendor.leave()

    status, result = await exchange(place, address)
    assert (status, result["success"], result["error"]) == (502, False, "vendor_unreachable")

    status, body, _ = await place.raw("GET", "/api/oauth/acme/device-code")
    assert (status, body["error"]["code"]) == (502, "UPSTREAM_ERROR")


async def test_openrouters_way_makes_a_key_that_lasts(place: Place, vendor: OAuthVendor) -> None:
    begun = await begin(place, "acme-key")
    assert begun["state"] in begun["redirectUri"]

    status, text, _ = await browse(begun["authUrl"])

    assert (status, "Signed in" in text) == (200, True)
    (account,) = await stored(place)
    assert (account.name, account.secret, account.login) == ("Account 1", "key-2", None)
