"""Everything configured, read at once; and the table groups that are only configuration."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import Connection

from omniroute.records import Account, FormatName, ModelFacts, ModelKind, Price, Rates, Scope
from omniroute.store import accounts, aliases, audit, key_value, keys, models, nodes, settings
from omniroute.store.configuration import load_configuration
from omniroute.store.database import SqliteDatabase
from omniroute.store.failures import Duplicate, NotFound
from omniroute.store.secrets import Vault
from tests.store.samples import NOON_MS, account, api_key, node

VAULT = Vault(bytes(32), "k1")

MODEL = ModelFacts(
    id="my/model",
    name="Mine",
    kind=ModelKind.EMBEDDING,
    context_tokens=1000,
    inputs=("text", "image"),
    tools=True,
    formats=(FormatName.ANTHROPIC,),
    price=Price(rates=Rates(input=5), above=((1000, Rates(input=6)),), source="custom"),
    custom=True,
)


async def test_a_new_database_has_no_configuration(database: SqliteDatabase) -> None:
    configuration = await database.read(lambda c: load_configuration(c, VAULT))

    assert configuration.version == 0
    assert not any(
        (
            configuration.accounts,
            configuration.nodes,
            configuration.custom_models,
            configuration.keys,
            configuration.aliases,
        )
    )


async def test_the_configuration_is_what_was_stored(database: SqliteDatabase) -> None:
    key = api_key(scopes=(Scope.PROXY, Scope.MANAGE), allowed_models=("gpt-*",), expires_at_ms=5, no_log=True)

    def store(connection: Connection) -> list[Account]:
        nodes.create(connection, node())
        models.put(connection, "openai", MODEL)
        keys.create(connection, key)
        aliases.put(connection, "fast", "openai/gpt-small")
        rows = (account("a1"), account("a2", priority=1), account("a3", provider_id="n1"))
        return [accounts.create(connection, VAULT, row) for row in rows]

    await database.write(store)
    configuration = await database.read(lambda c: load_configuration(c, VAULT))

    assert {name: [row.id for row in rows] for name, rows in configuration.accounts.items()} == {
        "openai": ["a2", "a1"],
        "n1": ["a3"],
    }
    assert configuration.nodes == (node(),)
    assert configuration.custom_models == {"openai": (MODEL,)}
    assert configuration.keys == {key.digest: key}
    assert configuration.aliases == {"fast": "openai/gpt-small"}
    assert configuration.version > 0


CHANGES: dict[str, Callable[[Connection], object]] = {
    "node": lambda c: nodes.create(c, node("n2")),
    "node changed": lambda c: nodes.update(c, node(name="new")),
    "node gone": lambda c: nodes.delete(c, "n1"),
    "model": lambda c: models.put(c, "openai", MODEL),
    "model gone": lambda c: models.delete(c, "n1", "my/model"),
    "key": lambda c: keys.create(c, api_key("k2")),
    "key changed": lambda c: keys.update(c, api_key(is_active=False)),
    "key gone": lambda c: keys.delete(c, "k1"),
    "alias": lambda c: aliases.put(c, "fast", "other"),
    "alias gone": lambda c: aliases.delete(c, "fast"),
    "setting": lambda c: settings.put(c, "require_login", True),
    "setting gone": lambda c: settings.delete(c, "theme"),
}
NOTHING: dict[str, Callable[[Connection], object]] = {
    "no such node": lambda c: nodes.delete(c, "n9"),
    "no such model": lambda c: models.delete(c, "n1", "m9"),
    "no such key": lambda c: keys.delete(c, "k9"),
    "no such alias": lambda c: aliases.delete(c, "slow"),
    "no such setting": lambda c: settings.delete(c, "nothing"),
    "own note": lambda c: key_value.put(c, "notes", "n", 1),
    "key used": lambda c: keys.touch(c, {"k1": 5}),
}


def _some(connection: Connection) -> None:
    nodes.create(connection, node())
    models.put(connection, "n1", MODEL)
    keys.create(connection, api_key())
    aliases.put(connection, "fast", "openai/gpt-small")
    settings.put(connection, "theme", "dark")


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_a_change_raises_the_version(
    database: SqliteDatabase, change: Callable[[Connection], object]
) -> None:
    await database.write(_some)
    before = await database.read(key_value.config_version)
    await database.write(change)

    assert await database.read(key_value.config_version) > before


@pytest.mark.parametrize("change", NOTHING.values(), ids=NOTHING)
async def test_what_changes_no_configuration_leaves_the_version(
    database: SqliteDatabase, change: Callable[[Connection], object]
) -> None:
    await database.write(_some)
    before = await database.read(key_value.config_version)
    await database.write(change)

    assert await database.read(key_value.config_version) == before


async def test_a_node_takes_its_accounts_and_models_along(database: SqliteDatabase) -> None:
    await database.write(_some)
    rows = (account("a1", provider_id="n1"), account("a2", provider_id="n1"), account("a3"))
    await database.write(lambda c: [accounts.create(c, VAULT, row) for row in rows])

    assert await database.write(lambda c: nodes.delete(c, "n1")) == 2
    configuration = await database.read(lambda c: load_configuration(c, VAULT))
    assert list(configuration.accounts) == ["openai"]
    assert configuration.custom_models == {}
    assert await database.write(lambda c: nodes.delete(c, "n1")) is None


async def test_two_nodes_have_two_prefixes(database: SqliteDatabase) -> None:
    await database.write(lambda c: nodes.create(c, node("n1", prefix="lab")))
    await database.write(lambda c: nodes.create(c, node("n2")))

    with pytest.raises(Duplicate, match="lab"):
        await database.write(lambda c: nodes.create(c, node("n3", prefix="lab")))
    with pytest.raises(Duplicate):
        await database.write(lambda c: nodes.update(c, node("n2", prefix="lab")))
    with pytest.raises(NotFound):
        await database.write(lambda c: nodes.update(c, node("n9")))


async def test_a_custom_model_is_new_once(database: SqliteDatabase) -> None:
    assert await database.write(lambda c: models.put(c, "openai", MODEL))
    assert not await database.write(lambda c: models.put(c, "openai", replace(MODEL, name="Other")))

    stored = await database.read(models.listing)
    assert [model.name for model in stored["openai"]] == ["Other"]


async def test_a_key_keeps_its_digest_when_its_rights_change(database: SqliteDatabase) -> None:
    await database.write(lambda c: keys.create(c, api_key()))
    await database.write(lambda c: keys.update(c, api_key(name="new", digest=b"x", masked="y")))

    (stored,) = await database.read(keys.listing)
    assert (stored.name, stored.digest) == ("new", api_key().digest)


async def test_two_keys_have_two_names(database: SqliteDatabase) -> None:
    await database.write(lambda c: keys.create(c, api_key("k1", name="laptop")))

    with pytest.raises(Duplicate, match="laptop"):
        await database.write(lambda c: keys.create(c, api_key("k2", name="laptop")))
    with pytest.raises(NotFound):
        await database.write(lambda c: keys.update(c, api_key("k9")))


def test_minted_keys_are_long_differ_and_are_shown_in_part() -> None:
    first, second = keys.mint_key(), keys.mint_key()

    assert first != second
    assert first.startswith("sk-omr-")
    assert len(first) == len("sk-omr-") + 43
    assert first[7:].isalnum()
    assert first[7:].isascii()
    assert len(keys.digest(first)) == 32
    assert keys.digest(first) != keys.digest(second)
    assert keys.masked(first) == f"{first[:11]}****{first[-4:]}"


def test_any_text_has_a_digest() -> None:
    assert keys.digest("\udcff") != keys.digest("ü")


async def test_the_last_use_of_a_key_never_goes_back(database: SqliteDatabase) -> None:
    await database.write(lambda c: keys.create(c, api_key("k1")))
    for used in ({"k1": 10, "gone": 10}, {"k1": 30}, {"k1": 20}):
        await database.write(partial(keys.touch, used_at_ms=used))

    (stored,) = await database.read(keys.listing)
    assert stored.last_used_at_ms == 30


async def test_settings_are_json(database: SqliteDatabase) -> None:
    await database.write(lambda c: settings.put(c, "a", {"b": [1, None, "ü"]}))
    await database.write(lambda c: settings.put(c, "a", {"b": [2, None, "ü"]}))

    assert await database.read(lambda c: settings.get(c, "a")) == {"b": [2, None, "ü"]}
    assert await database.read(lambda c: settings.get(c, "other")) is None
    assert await database.read(settings.listing) == {"a": {"b": [2, None, "ü"]}}


async def test_the_audit_log_lists_the_newest_first(database: SqliteDatabase) -> None:
    rows = [
        audit.AuditRow(
            id=str(number),
            at_ms=NOON_MS + number,
            action="provider.create",
            actor="cli",
            target="a1",
            details={"name": "work"},
            ip_address="127.0.0.1",
            request_id="r",
        )
        for number in range(5)
    ]
    for row in rows:
        await database.write(partial(audit.append, row=row))

    assert await database.read(lambda c: audit.listing(c, limit=2, offset=1)) == ([rows[3], rows[2]], 5)
