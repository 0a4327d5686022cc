"""Accounts that were signed in, as the management API shows, changes, exports and applies them."""

from dataclasses import replace

import pytest

from omniroute.api.config import ApplyRequest
from omniroute.api.providers import ConnectionChange
from omniroute.client import config, providers, resilience, system
from omniroute.client.http import ApiRefused
from omniroute.records import Account
from omniroute.records.logins import Login
from omniroute.server.build import secrets_in_use
from omniroute.store import accounts
from tests.server.manage.place import TOKEN, Place

HOUR_MS = 3_600_000
ACCESS, REFRESH, SECRET = "access-token-0123456789", "refresh-token-0123456789", "app-secret-0123456789"


@pytest.fixture
async def signed_in(place: Place) -> Account:
    now_ms = place.clock.now_ms()
    login = Login(
        refresh_token=REFRESH,
        expires_at_ms=now_ms + HOUR_MS,
        token_url="https://vendor.example/token",
        client_id="own-app",
        client_secret=SECRET,
        scope="inference-api",
        identity="ann@example.org",
    )
    account = Account(
        id="hf-1",
        provider_id="huggingface",
        name="ann",
        priority=1,
        secret=ACCESS,
        login=login,
        created_at_ms=now_ms,
        updated_at_ms=now_ms,
    )
    gateway = place.gateway
    stored = await gateway.database.write(lambda c: accounts.create(c, gateway.vault, account))
    await gateway.reload()
    return stored


async def stored(place: Place) -> Account:
    vault = place.gateway.vault
    found = await place.gateway.database.read(lambda c: accounts.find(c, vault, "hf-1"))
    assert found is not None
    return found


async def sign_out(place: Place) -> None:
    gateway = place.gateway
    await gateway.database.write(
        lambda c: accounts.note_failure(c, "hf-1", error="Signed out. Sign in again.", is_final=True)
    )
    await gateway.reload()


async def test_a_connection_shows_who_is_signed_in_and_no_token(place: Place, signed_in: Account) -> None:
    shown = await place.call(providers.connection, "hf-1")
    assert (shown.auth_type, shown.has_api_key, shown.masked_api_key) == ("oauth", False, None)
    assert (shown.has_access_token, shown.has_refresh_token) == (True, True)
    assert (shown.email, shown.scope) == ("ann@example.org", "inference-api")
    assert shown.expires_at is not None

    for path in ("/api/providers", "/api/accounts", "/api/config/export"):
        status, answer, _ = await place.raw("GET", path)
        assert status == 200
        for secret in (ACCESS, REFRESH, SECRET):
            assert secret not in str(answer), path


async def test_an_account_tells_how_long_its_token_lasts(place: Place, signed_in: Account) -> None:
    place.clock.ahead_ms = HOUR_MS // 2
    shown = (await place.call(resilience.account, "hf-1")).login
    assert shown is not None
    assert (shown.identity, shown.is_renewed) == ("ann@example.org", True)
    assert shown.remaining_ms is not None
    assert HOUR_MS // 2 - 60_000 < shown.remaining_ms <= HOUR_MS // 2


async def test_renaming_keeps_the_sign_in(place: Place, signed_in: Account) -> None:
    await place.call(providers.change, "hf-1", ConnectionChange(name="other"))
    after = await stored(place)
    assert (after.name, after.secret, after.login) == ("other", ACCESS, signed_in.login)


async def test_a_key_takes_the_place_of_a_sign_in_that_has_ended(place: Place, signed_in: Account) -> None:
    await sign_out(place)
    await place.call(providers.change, "hf-1", ConnectionChange(api_key="hf_0123456789abcdef"))
    after = await stored(place)
    assert (after.secret, after.login) == ("hf_0123456789abcdef", None)
    assert (after.is_active, after.test_status, after.last_error) == (True, "unknown", None)


async def test_no_secret_of_a_sign_in_may_be_logged(place: Place, signed_in: Account) -> None:
    assert {ACCESS, REFRESH, SECRET} <= set(secrets_in_use(place.gateway, TOKEN))


async def test_an_export_says_that_an_account_is_signed_in_and_applying_it_changes_nothing(
    place: Place, signed_in: Account
) -> None:
    document = await place.call(config.export)
    assert document["accounts"]["huggingface/ann"] == {"priority": 1, "signedIn": True}

    document["accounts"]["huggingface/ann"]["defaultModel"] = "some/model"
    applied = await place.call(config.apply, ApplyRequest(document=document))

    assert applied.changes
    after = await stored(place)
    assert after == replace(
        signed_in,
        default_model="some/model",
        created_at_ms=after.created_at_ms,
        updated_at_ms=after.updated_at_ms,
    )


async def test_a_sign_in_cannot_be_applied_where_there_is_none(place: Place) -> None:
    document = {"accounts": {"huggingface/ann": {"signedIn": True}}}
    with pytest.raises(ApiRefused, match="sign in with: omniroute providers login huggingface --name 'ann'"):
        await place.call(config.apply, ApplyRequest(document=document))


async def test_an_account_that_is_signed_out_is_noticed(place: Place, signed_in: Account) -> None:
    before = await place.call(system.health)
    await sign_out(place)
    found = await place.call(system.health)

    assert (before.status, before.checks["accounts"].ok) == ("healthy", True)
    assert (found.status, found.checks["accounts"].message) == (
        "degraded",
        "1 account signed out: huggingface/ann, sign in again with omniroute providers login huggingface",
    )
    [provider] = place.gateway.live.stats().providers
    assert provider.signed_out == ["ann"]


async def test_a_token_that_could_not_be_renewed_is_noticed_with_the_reason(
    place: Place, signed_in: Account
) -> None:
    gateway = place.gateway
    await gateway.database.write(
        lambda c: accounts.note_failure(c, "hf-1", error="it answered 503", is_final=False)
    )
    await gateway.reload()
    found = await place.call(system.health)

    assert found.checks["accounts"].message == (
        "1 token could not be renewed: huggingface/ann (it answered 503)"
    )
