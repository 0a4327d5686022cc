"""Accounts: order, names, secrets, test results."""

import pytest
from sqlalchemy import text

from omniroute.errors import StoreError
from omniroute.paths import Paths
from omniroute.records import Account
from omniroute.store import accounts, key_value
from omniroute.store.database import SqliteDatabase
from omniroute.store.failures import Duplicate, NotFound
from omniroute.store.secrets import Vault
from tests.store.samples import NOON_MS, account


async def add(database: SqliteDatabase, vault: Vault, *rows: Account) -> None:
    await database.write(lambda c: [accounts.create(c, vault, row) for row in rows])


async def line(database: SqliteDatabase, vault: Vault, provider_id: str = "openai") -> list[tuple[str, int]]:
    rows = await database.read(lambda c: accounts.listing(c, vault))
    return [(row.id, row.priority) for row in rows if row.provider_id == provider_id]


async def version(database: SqliteDatabase) -> int:
    return await database.read(key_value.config_version)


async def test_an_account_is_read_as_it_was_stored(database: SqliteDatabase, vault: Vault) -> None:
    row = account(
        is_active=False,
        base_url="http://10.0.0.1",
        allow_private=True,
        variables={"region": "eu"},
        default_model="m",
        test_status="error",
        last_error="no",
        last_tested_ms=3,
    )
    stored = await database.write(lambda c: accounts.create(c, vault, row))

    assert stored.priority == 1
    assert await database.read(lambda c: accounts.find(c, vault, "a1")) == stored
    assert await database.read(lambda c: accounts.find(c, vault, "other")) is None
    assert await database.read(accounts.count) == 1


async def test_the_secret_is_not_in_the_file(database: SqliteDatabase, vault: Vault, paths: Paths) -> None:
    await add(database, vault, account(secret="sk-never-in-the-clear"))
    await database.close()

    files = [path.read_bytes() for path in paths.data_dir.glob("storage.sqlite*")]
    assert files
    assert not any(b"never-in-the-clear" in content for content in files)


@pytest.mark.parametrize(
    ("priority", "order"),
    [(0, ["a1", "a2", "new"]), (1, ["new", "a1", "a2"]), (2, ["a1", "new", "a2"]), (99, ["a1", "a2", "new"])],
)
async def test_a_new_account_takes_its_place_in_line(
    database: SqliteDatabase, vault: Vault, priority: int, order: list[str]
) -> None:
    await add(database, vault, account("a1"), account("a2"), account("other", provider_id="anthropic"))
    stored = await database.write(lambda c: accounts.create(c, vault, account("new", priority=priority)))

    assert await line(database, vault) == [(row_id, place) for place, row_id in enumerate(order, 1)]
    assert stored.priority == order.index("new") + 1
    assert await line(database, vault, "anthropic") == [("other", 1)]


async def test_an_account_moves_in_line_and_leaves_no_gap_when_it_goes(
    database: SqliteDatabase, vault: Vault
) -> None:
    await add(database, vault, account("a1"), account("a2"), account("a3"))

    await database.write(lambda c: accounts.update(c, vault, account("a3", priority=1)))
    assert await line(database, vault) == [("a3", 1), ("a1", 2), ("a2", 3)]

    assert await database.write(lambda c: accounts.delete(c, "a1"))
    assert await line(database, vault) == [("a3", 1), ("a2", 2)]
    assert not await database.write(lambda c: accounts.delete(c, "a1"))


async def test_two_accounts_of_a_provider_have_two_names(database: SqliteDatabase, vault: Vault) -> None:
    await add(database, vault, account("a1", name="work"), account("a2", name="home"))
    await add(database, vault, account("a3", name="work", provider_id="anthropic"))

    with pytest.raises(Duplicate, match="openai has an account named 'work'"):
        await add(database, vault, account("a4", name="work"))
    with pytest.raises(Duplicate):
        await database.write(lambda c: accounts.update(c, vault, account("a2", name="work")))
    assert await line(database, vault) == [("a1", 1), ("a2", 2)]


async def test_an_update_keeps_the_secret_unless_it_brings_one(
    database: SqliteDatabase, vault: Vault
) -> None:
    await add(database, vault, account(secret="first"))

    await database.write(lambda c: accounts.update(c, vault, account(secret=None, name="new")))
    kept = await database.read(lambda c: accounts.find(c, vault, "a1"))
    await database.write(lambda c: accounts.update(c, vault, account(secret="second")))
    replaced = await database.read(lambda c: accounts.find(c, vault, "a1"))

    assert kept is not None
    assert (kept.name, kept.secret) == ("new", "first")
    assert replaced is not None
    assert replaced.secret == "second"


async def test_an_unknown_account_is_not_updated(database: SqliteDatabase, vault: Vault) -> None:
    with pytest.raises(NotFound):
        await database.write(lambda c: accounts.update(c, vault, account()))


async def test_an_account_whose_secret_does_not_open_is_there_but_inactive(
    database: SqliteDatabase, vault: Vault
) -> None:
    await add(database, vault, account("a1"), account("a2", secret=None))
    rows = await database.read(lambda c: accounts.listing(c, Vault(bytes(range(32)), "other")))

    lost, keyless = rows
    assert (lost.secret, lost.is_active, lost.test_status) == (None, False, "error")
    assert lost.last_error == accounts.UNREADABLE
    assert keyless.is_active
    assert keyless.last_error is None


async def test_a_secret_swapped_between_rows_does_not_open(database: SqliteDatabase, vault: Vault) -> None:
    await add(database, vault, account("a1"), account("a2"))
    swap = (
        "UPDATE provider_connections SET secret = (SELECT secret FROM provider_connections WHERE id = 'a1')"
    )
    await database.write(lambda c: c.execute(text(f"{swap} WHERE id = 'a2'")))

    first, second = await database.read(lambda c: accounts.listing(c, vault))
    assert first.secret == "sk-of-a1"
    assert second.secret is None


async def test_a_test_result_is_a_change_only_when_it_is_news(database: SqliteDatabase, vault: Vault) -> None:
    await add(database, vault, account())
    before = await version(database)

    async def mark(status: str, at_ms: int) -> bool:
        return await database.write(
            lambda c: accounts.mark_tested(c, "a1", status=status, error=None, at_ms=at_ms)
        )

    results = [await mark("active", 1), await mark("active", 2), await mark("error", 3)]

    assert results == [True, False, True]
    assert await version(database) == before + 2
    tested = await database.read(lambda c: accounts.find(c, vault, "a1"))
    assert tested is not None
    assert (tested.test_status, tested.last_tested_ms) == ("error", 3)


async def test_every_write_counts_as_one_change(database: SqliteDatabase, vault: Vault) -> None:
    before = await version(database)
    await add(database, vault, account())
    await database.write(lambda c: accounts.update(c, vault, account(name="new", updated_at_ms=NOON_MS + 1)))
    await database.write(lambda c: accounts.delete(c, "a1"))

    assert await version(database) == before + 3


async def test_no_error_shows_a_bound_value(database: SqliteDatabase, vault: Vault) -> None:
    await add(database, vault, account())
    with pytest.raises(StoreError) as caught:
        await database.write(
            lambda c: c.execute(
                text("UPDATE provider_connections SET secret = :s, priority = NULL"), {"s": "sk-shown"}
            )
        )

    causes = [caught.value, caught.value.__cause__]
    assert not any("sk-shown" in str(cause) for cause in causes)
    assert "NOT NULL constraint failed" in str(caught.value)
