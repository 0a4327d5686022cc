"""What a sign-in takes to begin, and where none is open."""

from urllib.parse import urlencode, urlsplit

import aiohttp
import pytest

from tests.server.manage.place import Place
from tests.server.manage.sign_in.calls import begin, browse, exchange, poll_callback, stored, way_back
from tests.server.manage.sign_in.vendor import CLIENT_ID, CLIENT_SECRET, OAuthVendor


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
