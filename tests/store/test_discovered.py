"""Models that providers listed themselves."""

from omniroute.records import ModelFacts, Price, Rates
from omniroute.store import discovered, key_value, models
from omniroute.store.configuration import load_configuration
from omniroute.store.database import SqliteDatabase
from omniroute.store.discovered import Discovered
from omniroute.store.secrets import Vault


def found(*ids: str, provider_id: str = "lab", at_ms: int = 1) -> Discovered:
    """A list of models."""
    facts = tuple(ModelFacts(id=model_id, custom=True) for model_id in ids)
    return Discovered(provider_id=provider_id, fetched_at_ms=at_ms, models=facts)


async def test_what_was_found_comes_back_whole(database: SqliteDatabase) -> None:
    price = Price(rates=Rates(input=1), above=((1000, Rates(input=2)),), source="test")
    facts = ModelFacts(id="m", inputs=("text", "image"), price=price, custom=True)
    kept = Discovered(provider_id="lab", fetched_at_ms=5, models=(facts,))

    await database.write(lambda c: discovered.put(c, "a-1", kept))

    assert await database.read(lambda c: discovered.find(c, "a-1")) == kept
    assert await database.read(lambda c: discovered.find(c, "a-2")) is None


async def test_a_provider_has_the_models_of_all_its_accounts(database: SqliteDatabase) -> None:
    await database.write(lambda c: discovered.put(c, "a-1", found("x", "y")))
    await database.write(lambda c: discovered.put(c, "a-2", found("y", "z")))
    await database.write(lambda c: discovered.put(c, "a-3", found("x", provider_id="other")))

    listed = await database.read(discovered.listing)
    assert {name: [model.id for model in known] for name, known in listed.items()} == {
        "lab": ["x", "y", "z"],
        "other": ["x"],
    }

    await database.write(lambda c: discovered.forget(c, "a-1"))
    assert [model.id for model in (await database.read(discovered.listing))["lab"]] == ["y", "z"]


async def test_only_another_list_is_a_change_of_configuration(database: SqliteDatabase) -> None:
    versions = []
    for kept in (found("x"), found("x", at_ms=9), found("y", at_ms=10)):
        await database.write(lambda c, kept=kept: discovered.put(c, "a-1", kept))  # type: ignore[misc]
        versions.append(await database.read(key_value.config_version))
    assert versions == [1, 1, 2]


async def test_what_the_user_says_of_a_model_counts(database: SqliteDatabase, vault: Vault) -> None:
    mine = ModelFacts(id="x", context_tokens=77, custom=True)
    await database.write(lambda c: models.put(c, "lab", mine))
    await database.write(lambda c: discovered.put(c, "a-1", found("x", "y")))

    configuration = await database.read(lambda c: load_configuration(c, vault))
    known = configuration.custom_models["lab"]
    assert [(model.id, model.context_tokens) for model in known] == [("x", 77), ("y", None)]
