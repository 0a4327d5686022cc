"""Budgets, and what was spent toward them."""

from dataclasses import replace
from functools import partial

import pytest

from omniroute.records import EVERYTHING, Budget, of_account
from omniroute.store import accounts, budgets, keys, requests
from omniroute.store.budgets import Spent
from omniroute.store.configuration import load_configuration
from omniroute.store.database import SqliteDatabase
from omniroute.store.secrets import Vault
from tests.store.samples import NOON_MS, account, api_key, request_row

LAPTOP = Budget(subject="k1", daily_nano_usd=5, monthly_nano_usd=10**15, warning_threshold=0.5)


async def kept(database: SqliteDatabase) -> dict[str, Budget]:
    return dict(await database.read(budgets.listing))


async def test_a_budget_is_kept_replaced_and_removed(database: SqliteDatabase, vault: Vault) -> None:
    await database.write(partial(budgets.put, budget=LAPTOP))
    assert await kept(database) == {"k1": LAPTOP}

    weekly = replace(LAPTOP, daily_nano_usd=None, weekly_nano_usd=7)
    await database.write(partial(budgets.put, budget=weekly))
    configuration = await database.read(partial(load_configuration, vault=vault))
    assert configuration.budgets == {"k1": weekly}

    assert await database.write(lambda c: budgets.delete(c, "k1"))
    assert not await database.write(lambda c: budgets.delete(c, "k1"))
    assert await kept(database) == {}


async def test_a_budget_without_limits_is_none(database: SqliteDatabase) -> None:
    await database.write(partial(budgets.put, budget=LAPTOP))

    await database.write(partial(budgets.put, budget=Budget(subject="k1")))

    assert await kept(database) == {}


async def test_a_change_is_a_new_version_of_the_configuration(database: SqliteDatabase, vault: Vault) -> None:
    load = partial(load_configuration, vault=vault)
    versions = [(await database.read(load)).version]
    await database.write(partial(budgets.put, budget=LAPTOP))
    versions.append((await database.read(load)).version)
    await database.write(lambda c: budgets.delete(c, "k1"))
    versions.append((await database.read(load)).version)

    assert versions == sorted(set(versions))


async def test_a_budget_goes_with_its_key_and_its_account(database: SqliteDatabase, vault: Vault) -> None:
    await database.write(partial(keys.create, key=api_key("k1")))
    for name in ("a1", "a2"):
        await database.write(partial(accounts.create, vault=vault, account=account(name)))
    for subject in ("k1", of_account("a1"), of_account("a2"), EVERYTHING):
        await database.write(partial(budgets.put, budget=replace(LAPTOP, subject=subject)))

    await database.write(lambda c: keys.delete(c, "k1"))
    await database.write(lambda c: accounts.delete(c, "a1"))
    assert set(await kept(database)) == {of_account("a2"), EVERYTHING}

    await database.write(lambda c: accounts.delete_of_provider(c, "openai"))
    assert set(await kept(database)) == {EVERYTHING}


async def test_what_was_spent_is_summed_by_key_by_account_and_in_all(database: SqliteDatabase) -> None:
    rows = [
        request_row(1, cost_nano_usd=1),
        request_row(2, cost_nano_usd=10, api_key_id="k2"),
        request_row(3, cost_nano_usd=100, account_id="a2"),
        request_row(4, cost_nano_usd=1000, api_key_id=None),
        request_row(5, cost_nano_usd=None),
        request_row(6, cost_nano_usd=10_000, started_at_ms=NOON_MS - 1),
    ]
    await database.write(partial(requests.append, rows=rows))

    found = await database.read(partial(budgets.spent, since_ms=(NOON_MS, NOON_MS - 1), unbilled=()))

    assert found[NOON_MS] == {
        EVERYTHING: Spent(1111),
        "k1": Spent(101),
        "k2": Spent(10),
        of_account("a1"): Spent(1011),
        of_account("a2"): Spent(100),
    }
    assert found[NOON_MS - 1]["k1"] == Spent(10_101)


@pytest.mark.parametrize(("covered", "counted"), [(False, 1), (True, 11)])
async def test_what_nobody_bills_is_told_apart(
    database: SqliteDatabase, *, covered: bool, counted: int
) -> None:
    rows = [request_row(1, cost_nano_usd=1), request_row(2, cost_nano_usd=10, provider="codex")]
    await database.write(partial(requests.append, rows=rows))

    found = await database.read(partial(budgets.spent, since_ms=(NOON_MS,), unbilled=("codex", "local")))

    assert found[NOON_MS][EVERYTHING].counted(covered=covered) == counted
