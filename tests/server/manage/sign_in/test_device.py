"""Signing in with a code that is typed at the vendor."""

import pytest

from tests.server.manage.place import Place
from tests.server.manage.sign_in.calls import device, poll, stored
from tests.server.manage.sign_in.vendor import EMAIL, OAuthVendor


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


async def test_a_sign_in_belongs_to_its_provider(place: Place) -> None:
    begun = await device(place)

    assert (await poll(place, begun["flowId"], "acme-code"))[0] == 404
    assert (await poll(place, "unknown"))[0] == 404


async def test_what_old_clients_send_along_does_no_harm(place: Place, vendor: OAuthVendor) -> None:
    begun = await device(place)
    place.clock.ahead_ms += 5000
    body = {"deviceCode": begun["device_code"], "codeVerifier": None, "extraData": {"any": 1}}

    status, _, _ = await place.raw("POST", "/api/oauth/acme/poll", body=body)

    assert status == 201


async def test_a_code_that_lasts_for_days_is_waited_for_half_an_hour(
    place: Place, vendor: OAuthVendor
) -> None:
    vendor.code_lasts_s = 1_000_000
    begun = await device(place)
    assert begun["expires_in"] == 1800

    place.clock.ahead_ms += 1_800_000
    assert (await poll(place, begun["flowId"]))[0] == 404


async def test_a_hosted_vendor_cannot_send_the_gateway_to_this_machine(
    place: Place, vendor: OAuthVendor
) -> None:
    status, body, _ = await place.raw("GET", "/api/oauth/acme-hosted/device-code")

    assert (status, body["error"]["code"]) == (502, "UPSTREAM_ERROR")
    assert vendor.asked == []
