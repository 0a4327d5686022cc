"""Signing in at a vendor: what the gateway keeps to itself, what it stores, and what it refuses."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
import pytest

from omniroute.paths import Paths
from omniroute.records import Account
from omniroute.store import accounts, audit
from tests.server.installation import MASTER_KEY
from tests.server.manage.oauth_vendor import CLIENT_ID, CLIENT_SECRET, EMAIL, OAuthVendor, listening
from tests.server.manage.place import Place, open_place


@pytest.fixture
async def vendor() -> AsyncIterator[OAuthVendor]:
    async with listening() as opened:
        yield opened


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vendor: OAuthVendor) -> AsyncIterator[Place]:
    monkeypatch.setenv("OMNIROUTE_MASTER_KEY", MASTER_KEY)
    monkeypatch.setenv("ACME_OAUTH_CLIENT_ID", CLIENT_ID)
    data_dir = tmp_path / "data"
    vendor.write_catalogue(Paths(data_dir, data_dir / "config.toml").catalogue_overrides)
    async with open_place(tmp_path) as opened:
        yield opened


async def begin(place: Place, provider: str = "acme", **start: Any) -> dict[str, Any]:
    status, body, _ = await place.raw("POST", f"/api/oauth/{provider}/authorize", body=start)
    assert status == 200, body
    answer: dict[str, Any] = body
    return answer


async def device(place: Place, provider: str = "acme") -> dict[str, Any]:
    status, body, _ = await place.raw("GET", f"/api/oauth/{provider}/device-code")
    assert status == 200, body
    answer: dict[str, Any] = body
    return answer


async def browse(url: str) -> tuple[int, str, dict[str, str]]:
    """What a browser ends at that follows every redirect."""
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.text(), dict(answer.headers)


async def way_back(url: str) -> str:
    """Where the vendor sends the browser, which does not go there."""
    async with aiohttp.ClientSession() as session, session.get(url, allow_redirects=False) as answer:
        return answer.headers["Location"]


async def poll_callback(place: Place, flow_id: str, provider: str = "acme") -> tuple[int, Any]:
    path = f"/api/oauth/{provider}/poll-callback"
    status, body, _ = await place.raw("POST", path, body={"flowId": flow_id})
    return status, body


async def poll(place: Place, flow_id: str, provider: str = "acme") -> tuple[int, Any]:
    status, body, _ = await place.raw("POST", f"/api/oauth/{provider}/poll", body={"flowId": flow_id})
    return status, body


async def exchange(place: Place, code: str, **members: Any) -> tuple[int, Any]:
    status, body, _ = await place.raw("POST", "/api/oauth/acme/exchange", body={"code": code, **members})
    return status, body


async def stored(place: Place) -> tuple[Account, ...]:
    return await place.gateway.database.read(lambda c: accounts.listing(c, place.gateway.vault))


async def actions(place: Place) -> list[str]:
    rows, _ = await place.gateway.database.read(lambda c: audit.listing(c, limit=50))
    return [row.action for row in rows if row.action.startswith("oauth.")]


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


async def test_a_typed_code_signs_in_without_any_browser_here(place: Place, vendor: OAuthVendor) -> None:
    vendor.polls = ["authorization_pending", "slow_down", "authorization_pending"]
    begun = await device(place)
    assert (begun["user_code"], begun["interval"], begun["expires_in"]) == ("ABCD-EFGH", 5, 900)

    seen = []
    for wait_s in (5, 5, 10, 10):
        place.clock.ahead_ms += wait_s * 1000
        status, result = await poll(place, begun["flowId"])
        seen.append((status, result.get("error"), result.get("interval")))

    assert seen == [
        (200, "authorization_pending", 5),
        (200, "slow_down", 10),
        (200, "authorization_pending", 10),
        (201, None, None),
    ]
    assert [account.name for account in await stored(place)] == [EMAIL]


async def test_a_vendor_is_polled_no_faster_than_it_wants(place: Place, vendor: OAuthVendor) -> None:
    begun = await device(place)

    for _ in range(5):
        assert (await poll(place, begun["flowId"]))[1]["pending"] is True

    assert vendor.token_requests == []


@pytest.mark.parametrize("code", ["access_denied", "expired_token"])
async def test_a_typed_code_that_is_refused_or_old_ends_the_sign_in(
    place: Place, vendor: OAuthVendor, code: str
) -> None:
    vendor.polls = [code]
    begun = await device(place)
    place.clock.ahead_ms += 5000

    status, result = await poll(place, begun["flowId"])
    assert (status, result["success"], result["error"]) == (400, False, code)

    place.clock.ahead_ms += 5000
    assert await poll(place, begun["flowId"]) == (status, result)
    assert len(vendor.token_requests) == 1


async def test_a_poll_that_meets_a_vendor_in_trouble_may_be_made_again(
    place: Place, vendor: OAuthVendor
) -> None:
    begun = await device(place)
    vendor.token_answer = (503, "busy")
    place.clock.ahead_ms += 5000
    status, result = await poll(place, begun["flowId"])
    assert (status, result["pending"], result["error"]) == (502, True, "vendor_unreachable")

    vendor.token_answer = None
    place.clock.ahead_ms += 5000
    assert (await poll(place, begun["flowId"]))[0] == 201


async def test_kilo_codes_way_is_one_of_approval(place: Place, vendor: OAuthVendor) -> None:
    vendor.polls = ["202"]
    begun = await device(place, "acme-code")
    results = []
    for _ in range(2):
        place.clock.ahead_ms += 3000
        results.append((await poll(place, begun["flowId"], "acme-code"))[0])

    (account,) = await stored(place)
    assert results == [200, 201]
    assert (account.name, account.secret, account.login) == (EMAIL, "kilo-token", None)


async def test_a_listener_of_its_own_serves_one_browser(place: Place) -> None:
    status, begun, _ = await place.raw("GET", "/api/oauth/acme/start-callback-server")
    assert status == 200
    address = await way_back(begun["authUrl"])
    assert urlsplit(address).port == begun["serverPort"] != urlsplit(place.url).port

    assert (await browse(address.replace("/callback", "/elsewhere")))[0] == 404
    assert (await browse(address.replace("state=", "state=x")))[0] == 400


async def test_a_listener_of_its_own_closes_after_use(place: Place) -> None:
    _, begun, _ = await place.raw("GET", "/api/oauth/acme/start-callback-server")
    address = await way_back(begun["authUrl"])

    assert (await browse(address))[0] == 200

    assert (await poll_callback(place, begun["flowId"]))[1]["success"] is True
    with pytest.raises(aiohttp.ClientConnectionError):
        await browse(address)


async def test_a_port_that_is_taken_is_named(place: Place) -> None:
    port = urlsplit(place.url).port
    wanted = {"redirect_uri": f"http://127.0.0.1:{port}/callback"}

    status, body, _ = await place.raw("GET", f"/api/oauth/acme/start-callback-server?{urlencode(wanted)}")

    assert (status, body["error"]["code"]) == (409, "CONFLICT")
    assert str(port) in body["error"]["message"]


@pytest.mark.parametrize(
    "uri", ["https://evil.example/callback", "http://10.0.0.1/x", "http://localhost:1/#a", "javascript:x"]
)
async def test_a_browser_is_sent_back_to_this_machine_only(place: Place, uri: str) -> None:
    status, body, _ = await place.raw("POST", "/api/oauth/acme/authorize", body={"redirectUri": uri})

    assert (status, body["error"]["details"][0]["field"]) == (400, "redirectUri")


async def test_an_app_of_ones_own_is_asked_for_by_the_name_of_its_variable(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ACME_OAUTH_CLIENT_ID")
    for provider, names in (
        ("acme", ["ACME_OAUTH_CLIENT_ID"]),
        ("acme-cloud", ["ACME_CLOUD_OAUTH_CLIENT_ID", "ACME_CLOUD_OAUTH_CLIENT_SECRET"]),
    ):
        status, body, _ = await place.raw("GET", f"/api/oauth/{provider}/authorize")
        assert (status, body["error"]["code"]) == (409, "INVALID_STATE")
        assert all(name in body["error"]["message"] for name in names)
        assert "acme.example" in body["error"]["message"]


async def test_an_app_may_be_given_with_the_sign_in(place: Place, vendor: OAuthVendor) -> None:
    vendor.secret = CLIENT_SECRET
    begun = await begin(place, "acme-cloud", clientId=CLIENT_ID, clientSecret=CLIENT_SECRET)
    assert CLIENT_SECRET not in str(begun)

    assert (await browse(begun["authUrl"]))[0] == 200

    (account,) = await stored(place)
    assert account.login is not None
    assert (account.login.client_id, account.login.client_secret) == (CLIENT_ID, CLIENT_SECRET)


async def test_the_environments_secret_goes_to_no_other_app(
    place: Place, monkeypatch: pytest.MonkeyPatch, vendor: OAuthVendor
) -> None:
    monkeypatch.setenv("ACME_OAUTH_CLIENT_SECRET", CLIENT_SECRET)
    begun = await begin(place, clientId="another-app")

    await exchange(place, await way_back(begun["authUrl"]))

    assert "client_secret" not in vendor.token_requests[0]


@pytest.mark.parametrize(
    ("provider", "status", "words"),
    [
        ("claude", 400, "anthropic"),
        ("codex", 400, "openai"),
        ("antigravity", 400, "gemini"),
        ("cursor", 400, "vendor"),
        ("github", 400, "vendor"),
        ("groq", 400, "omniroute providers add groq"),
        ("nobody", 404, "nobody"),
    ],
)
async def test_where_no_sign_in_is_open_the_permitted_way_is_named(
    place: Place, provider: str, status: int, words: str
) -> None:
    for action in ("authorize", "device-code", "start-callback-server"):
        got, body, _ = await place.raw("GET", f"/api/oauth/{provider}/{action}")
        assert got == status
        assert words in body["error"]["message"]


async def test_a_vendor_without_that_flow_says_which_it_has(place: Place) -> None:
    for provider, action, other in (
        ("acme-code", "authorize", "device-code"),
        ("acme-key", "device-code", "authorize"),
    ):
        status, body, _ = await place.raw("GET", f"/api/oauth/{provider}/{action}")
        assert (status, other in body["error"]["message"]) == (400, True)


async def test_what_the_url_lacks_is_said_before_anybody_is_sent_away(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERTEX_OAUTH_CLIENT_ID", CLIENT_ID)
    monkeypatch.setenv("VERTEX_OAUTH_CLIENT_SECRET", CLIENT_SECRET)

    status, body, _ = await place.raw("GET", "/api/oauth/vertex/authorize")

    assert (status, body["error"]["details"][0]["field"]) == (400, "variables.project")


async def test_nobody_begins_a_sign_in_without_the_token(place: Place) -> None:
    for method, action in (
        ("GET", "authorize"),
        ("GET", "device-code"),
        ("GET", "start-callback-server"),
        ("POST", "exchange"),
        ("POST", "poll"),
        ("POST", "poll-callback"),
    ):
        assert (await place.raw(method, f"/api/oauth/acme/{action}", key=None))[0] in (401, 403), action


async def test_a_sign_in_belongs_to_its_provider(place: Place) -> None:
    begun = await device(place)

    assert (await poll(place, begun["flowId"], "acme-code"))[0] == 404
    assert (await poll(place, "unknown"))[0] == 404
