"""The models a client is shown, in the shape it expects."""

from dataclasses import replace

import pytest

from omniroute.records import ModelFacts, ModelKind
from omniroute.store import combos
from omniroute.store.combos import ComboRow
from tests.running_gateway import RunningGateway
from tests.scripted_upstream import refused_url

MODELS = "/v1/models"
ANTHROPIC = {"anthropic-version": "2023-06-01"}
GEMINI = {"x-goog-api-client": "genai/3"}
FACTS = [
    ModelFacts(id="big", name="Big One", context_tokens=1000, max_output_tokens=100, custom=True),
    ModelFacts(id="vec", kind=ModelKind.EMBEDDING, dimensions=64, custom=True),
    ModelFacts(id="vendor/small:free", custom=True),
]
AUTO = ["auto", "auto/fast", "auto/cheap", "auto/coding"]
"""Are there as soon as anything is connected."""
OWN = ["up/big", "up/vec", "up/vendor/small:free"]
NAMES = [*AUTO, *OWN]


@pytest.fixture
async def listing(running: RunningGateway) -> RunningGateway:
    """A gateway with one provider of three models."""
    await running.add_node(refused_url())
    for facts in FACTS:
        await running.add_model("node-up", facts)
    return running


async def test_without_a_provider_the_demo_is_listed(running: RunningGateway) -> None:
    got = await running.send("GET", MODELS)
    assert [model["id"] for model in got.json["data"]] == ["demo/echo", "demo/embed"]


async def test_the_openai_shape_is_the_usual_one(listing: RunningGateway) -> None:
    got = await listing.send("GET", MODELS)
    assert got.headers["Content-Type"] == "application/json"
    assert got.json["object"] == "list"
    assert [model["id"] for model in got.json["data"]] == NAMES
    big, vec, _ = got.json["data"][len(AUTO) :]
    assert (big["object"], big["owned_by"], big["root"]) == ("model", "up", "big")
    assert (big["context_length"], isinstance(big["created"], int)) == (1000, True)
    assert (vec["type"], vec["dimensions"]) == ("embedding", 64)
    assert got.json == (await listing.send("GET", "/v1")).json


async def test_the_anthropic_shape_is_for_those_who_name_its_version(listing: RunningGateway) -> None:
    got = await listing.send("GET", MODELS, None, ANTHROPIC)
    assert got.json.keys() == {"data", "has_more", "first_id", "last_id"}
    assert (got.json["has_more"], got.json["first_id"], got.json["last_id"]) == (False, NAMES[0], NAMES[-1])
    big = got.json["data"][len(AUTO)]
    assert (big["type"], big["id"], big["display_name"]) == ("model", "up/big", "Big One")
    assert big["created_at"].endswith("Z")


@pytest.mark.parametrize(
    ("query", "names", "more"),
    [
        ("limit=2", NAMES[:2], True),
        ("limit=1000", NAMES, False),
        ("limit=2&after_id=up/big", OWN[1:], False),
        ("limit=1&after_id=up%2Fbig", OWN[1:2], True),
        ("before_id=up/vec", [*AUTO, OWN[0]], False),
        ("after_id=up/vendor/small:free", [], False),
        ("after_id=unknown", NAMES, False),
        ("limit=0", NAMES[:1], True),
        ("limit=-1", NAMES, False),
        ("limit=x", NAMES, False),
        ("limit=" + "9" * 5000, NAMES, False),
        ("limit=", NAMES, False),
    ],
)
async def test_an_anthropic_list_has_pages(
    listing: RunningGateway, query: str, names: list[str], more: bool
) -> None:
    got = await listing.send("GET", f"{MODELS}?{query}", None, ANTHROPIC)
    assert got.status == 200, got.body
    assert [model["id"] for model in got.json["data"]] == names
    assert got.json["has_more"] is more
    assert got.json["first_id"] == (names[0] if names else None)
    assert got.json["last_id"] == (names[-1] if names else None)


async def test_pages_laid_together_are_the_list(listing: RunningGateway) -> None:
    seen: list[str] = []
    after = ""
    for _ in range(len(NAMES) + 1):
        page = (await listing.send("GET", f"{MODELS}?limit=1{after}", None, ANTHROPIC)).json
        seen += [model["id"] for model in page["data"]]
        after = f"&after_id={page['last_id']}"
        if not page["has_more"]:
            break
    assert seen == NAMES


async def test_the_gemini_shape_is_for_its_clients(listing: RunningGateway) -> None:
    got = await listing.send("GET", MODELS, None, GEMINI)
    assert got.json.keys() == {"models"}
    big, vec, _ = got.json["models"][len(AUTO) :]
    assert (big["name"], big["inputTokenLimit"], big["outputTokenLimit"]) == ("models/up/big", 1000, 100)
    assert "generateContent" in big["supportedGenerationMethods"]
    assert vec["supportedGenerationMethods"] == ["embedContent", "batchEmbedContents"]
    key = await listing.add_key()
    by_key = [
        await listing.send("GET", f"{MODELS}?key={key}"),
        await listing.send("GET", MODELS, None, {"x-goog-api-key": key}),
    ]
    assert [answer.json for answer in by_key] == [got.json, got.json]


@pytest.mark.parametrize("spelled", ["up/big", "up%2Fbig", "big", "models/up/big"])
async def test_one_model_is_found_by_its_names(listing: RunningGateway, spelled: str) -> None:
    openai = await listing.send("GET", f"{MODELS}/{spelled}")
    anthropic = await listing.send("GET", f"{MODELS}/{spelled}", None, ANTHROPIC)
    gemini = await listing.send("GET", f"{MODELS}/{spelled}", None, GEMINI)
    assert openai.json == (await listing.send("GET", MODELS)).json["data"][len(AUTO)]
    assert anthropic.json == (await listing.send("GET", MODELS, None, ANTHROPIC)).json["data"][len(AUTO)]
    assert gemini.json == (await listing.send("GET", MODELS, None, GEMINI)).json["models"][len(AUTO)]


async def test_an_id_with_slashes_and_colons_is_found(listing: RunningGateway) -> None:
    got = await listing.send("GET", f"{MODELS}/up/vendor/small:free")
    assert got.json["id"] == "up/vendor/small:free"


async def test_a_model_that_is_not_there_is_not_found(listing: RunningGateway) -> None:
    got = await listing.send("GET", f"{MODELS}/up/huge")
    assert (got.status, got.error["code"]) == (404, "model_not_found")
    assert "'up/huge'" in got.error["message"]


async def test_only_connected_providers_are_listed(listing: RunningGateway) -> None:
    await listing.add_account("openai", "off", is_active=False)
    assert [model["id"] for model in (await listing.send("GET", MODELS)).json["data"]] == NAMES
    await listing.add_account("openai", "on")
    data = (await listing.send("GET", MODELS)).json["data"]
    assert "openai/gpt-6-sol" in [model["id"] for model in data]
    [alias] = [model for model in data if model["id"] == "oai/gpt-6-sol"]
    assert alias["parent"] == "openai/gpt-6-sol"
    assert not any(model["id"].startswith(("anthropic/", "demo/")) for model in data)


async def test_a_key_sees_the_models_it_may_use(listing: RunningGateway) -> None:
    key = {"Authorization": f"Bearer {await listing.add_key(allowed_models=('up/v*',))}"}
    got = await listing.send("GET", MODELS, None, key)
    assert [model["id"] for model in got.json["data"]] == OWN[1:]
    assert (await listing.send("GET", f"{MODELS}/up/big", None, key)).status == 404


async def test_embeddings_have_a_list_of_their_own(listing: RunningGateway) -> None:
    for path in ("/v1/embeddings", f"{MODELS}?type=embedding"):
        assert [model["id"] for model in (await listing.send("GET", path)).json["data"]] == ["up/vec"]


async def test_a_list_is_not_for_a_wrong_key(listing: RunningGateway) -> None:
    got = await listing.send("GET", MODELS, None, {"x-api-key": "wrong"})
    assert got.status == 401


DAILY = ComboRow(id="c-1", name="daily/one", models=("up/big", {"model": "up/vendor/small:free"}))


async def combo_is_there(listing: RunningGateway, row: ComboRow = DAILY) -> None:
    await listing.gateway.database.write(lambda c: combos.create(c, row))
    await listing.gateway.reload()


async def test_combos_stand_first_in_every_shape(listing: RunningGateway) -> None:
    await combo_is_there(listing)

    openai = (await listing.send("GET", MODELS)).json["data"]
    gemini = (await listing.send("GET", "/v1beta/models")).json["models"]
    ollama = (await listing.send("GET", "/api/tags")).json["models"]

    assert [model["id"] for model in openai] == ["daily/one", *NAMES]
    assert (openai[0]["owned_by"], openai[0]["context_length"]) == ("combo", 1000)
    assert (gemini[0]["name"], gemini[0]["outputTokenLimit"]) == ("models/daily/one", 100)
    assert (ollama[0]["name"], ollama[0]["details"]["family"]) == ("daily/one", "combo")
    assert (await listing.send("GET", f"{MODELS}/daily/one")).json == openai[0]


@pytest.mark.parametrize(
    "row", [replace(DAILY, is_active=False), replace(DAILY, models=()), replace(DAILY, models=("groq/x",))]
)
async def test_a_combo_that_answers_nothing_is_not_listed(listing: RunningGateway, row: ComboRow) -> None:
    await combo_is_there(listing, row)
    assert [model["id"] for model in (await listing.send("GET", MODELS)).json["data"]] == NAMES


@pytest.mark.parametrize(
    ("pattern", "seen"),
    [("daily/*", ["daily/one"]), ("up/big", ["daily/one", *AUTO, "up/big"]), ("groq/*", [])],
)
async def test_a_key_sees_combos_it_may_use_or_some_member_of(
    listing: RunningGateway, pattern: str, seen: list[str]
) -> None:
    await combo_is_there(listing)
    key = {"Authorization": f"Bearer {await listing.add_key(allowed_models=(pattern,))}"}
    got = await listing.send("GET", MODELS, None, key)
    assert [model["id"] for model in got.json["data"]] == seen
