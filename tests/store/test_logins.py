"""Logins beside their accounts, and the lease under which one process renews them."""

from dataclasses import replace
from functools import partial

import sqlalchemy as sa

from omniroute.records import Account
from omniroute.records.logins import Login
from omniroute.records.oauth import TokenStyle
from omniroute.store import accounts, logins, tables
from omniroute.store.database import SqliteDatabase
from omniroute.store.secrets import Vault
from tests.store.samples import NOON_MS, account

LEASE_MS = 20_000
LOGIN = Login(
    refresh_token="refresh-1",
    expires_at_ms=NOON_MS + 3_600_000,
    token_url="https://vendor.example/token",
    client_id="own-app",
    client_secret="app-secret",
    style=TokenStyle.JSON,
    scope="chat",
    identity="me@example.org",
)


async def signed_in(database: SqliteDatabase, vault: Vault) -> Account:
    return await database.write(lambda c: accounts.create(c, vault, account(login=LOGIN)))


async def read_back(database: SqliteDatabase, vault: Vault) -> Account:
    found = await database.read(lambda c: accounts.find(c, vault, "a1"))
    assert found is not None
    return found


async def claim(database: SqliteDatabase, owner: str, *, at_ms: int = NOON_MS, generation: int = 1) -> bool:
    return await database.write(
        lambda c: logins.claim(c, "a1", generation, owner=owner, now_ms=at_ms, lasting_ms=LEASE_MS)
    )


async def test_an_account_is_read_back_with_its_login(database: SqliteDatabase, vault: Vault) -> None:
    stored = await signed_in(database, vault)

    assert stored.login == replace(LOGIN, obtained_at_ms=NOON_MS, generation=1)
    assert await read_back(database, vault) == stored
    assert await database.read(lambda c: accounts.listing(c, vault)) == (stored,)


async def test_no_token_stands_in_the_file_as_it_is(database: SqliteDatabase, vault: Vault) -> None:
    await signed_in(database, vault)

    row = await database.read(lambda c: c.execute(sa.select(tables.logins)).one())
    secrets = (row.refresh_token, row.client_secret)
    assert all(sealed.startswith("enc:") for sealed in secrets)
    assert not any(word in str(secrets) for word in ("refresh-1", "app-secret"))
    for word in ("refresh-1", "app-secret"):
        assert word not in repr(await read_back(database, vault))


async def test_writing_an_account_back_does_not_touch_its_login(
    database: SqliteDatabase, vault: Vault
) -> None:
    stored = await signed_in(database, vault)

    renamed = replace(stored, name="other", updated_at_ms=NOON_MS + 1)
    after = await database.write(lambda c: accounts.update(c, vault, renamed))

    assert after.login == stored.login


async def test_signing_in_again_is_another_generation(database: SqliteDatabase, vault: Vault) -> None:
    stored = await signed_in(database, vault)
    again = replace(stored, secret="other", login=LOGIN, updated_at_ms=NOON_MS + 5)

    after = await database.write(lambda c: accounts.update(c, vault, again))

    assert after.login == replace(LOGIN, obtained_at_ms=NOON_MS + 5, generation=2)


async def test_a_key_takes_the_place_of_a_login(database: SqliteDatabase, vault: Vault) -> None:
    stored = await signed_in(database, vault)

    await database.write(lambda c: accounts.update(c, vault, replace(stored, secret="sk-1", login=None)))

    assert (await read_back(database, vault)).login is None


async def test_a_change_without_a_secret_keeps_secret_and_login(
    database: SqliteDatabase, vault: Vault
) -> None:
    stored = await signed_in(database, vault)

    await database.write(lambda c: accounts.update(c, vault, replace(stored, secret=None, login=None)))

    assert await read_back(database, vault) == stored


async def test_a_login_goes_with_its_account(database: SqliteDatabase, vault: Vault) -> None:
    stored = await signed_in(database, vault)
    await database.write(lambda c: accounts.delete(c, "a1"))
    await database.write(lambda c: accounts.create(c, vault, replace(stored, login=None)))
    assert (await read_back(database, vault)).login is None

    await database.write(lambda c: logins.put(c, vault, "a1", LOGIN, at_ms=NOON_MS))
    await database.write(lambda c: accounts.delete_of_provider(c, "openai"))
    assert await database.read(lambda c: logins.listing(c, vault)) == {}


async def test_one_owner_at_a_time_has_the_lease(database: SqliteDatabase, vault: Vault) -> None:
    await signed_in(database, vault)

    assert await claim(database, "one")
    assert not await claim(database, "two")
    assert await claim(database, "one", at_ms=NOON_MS + 10_000)
    assert not await claim(database, "two", at_ms=NOON_MS + LEASE_MS)
    assert await claim(database, "two", at_ms=NOON_MS + 10_000 + LEASE_MS)
    assert not await claim(database, "one", at_ms=NOON_MS + 11_000 + LEASE_MS)


async def test_a_lease_from_before_the_clock_was_set_back_holds_nobody(
    database: SqliteDatabase, vault: Vault
) -> None:
    await signed_in(database, vault)
    assert await claim(database, "one")

    assert await claim(database, "two", at_ms=NOON_MS - 3_600_000)


async def test_only_the_generation_that_was_renewed_is_replaced(
    database: SqliteDatabase, vault: Vault
) -> None:
    await signed_in(database, vault)
    assert await claim(database, "one")
    first = replace(LOGIN, refresh_token="refresh-2")
    second = replace(LOGIN, refresh_token="refresh-lost")

    assert await database.write(lambda c: logins.renew(c, vault, "a1", 1, first, at_ms=NOON_MS + 7))
    assert not await database.write(lambda c: logins.renew(c, vault, "a1", 1, second, at_ms=NOON_MS + 8))

    login = (await read_back(database, vault)).login
    assert login == replace(first, obtained_at_ms=NOON_MS + 7, generation=2)
    assert not await claim(database, "two", generation=1)
    assert await claim(database, "two", generation=2)


async def test_pauses_between_failures_grow_to_a_limit(database: SqliteDatabase, vault: Vault) -> None:
    await signed_in(database, vault)
    at_ms, pauses = NOON_MS, []
    for _ in range(7):
        assert await claim(database, "one", at_ms=at_ms)
        assert await database.write(partial(logins.put_off, account_id="a1", generation=1, at_ms=at_ms))
        standing = await database.read(lambda c: logins.standing(c, "a1"))
        assert standing is not None
        assert standing.retry_from_ms is not None
        assert not await claim(database, "one", at_ms=standing.retry_from_ms - 1)
        pauses.append((standing.retry_from_ms - at_ms) // 1000)
        at_ms = standing.retry_from_ms

    assert pauses == [30, 60, 120, 240, 480, 900, 900]


async def test_the_end_of_a_login_erases_its_refresh_token(database: SqliteDatabase, vault: Vault) -> None:
    await signed_in(database, vault)

    assert await database.write(lambda c: logins.end(c, "a1", 1))
    await database.write(lambda c: accounts.note_failure(c, "a1", error="gone", is_final=True))

    after = await read_back(database, vault)
    assert after.login is not None
    assert (after.login.refresh_token, after.is_active, after.test_status) == (None, False, "expired")
