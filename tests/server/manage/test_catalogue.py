"""The providers and models there are to ask, shipped, added and found, over the real server and client."""

from dataclasses import replace
from types import MappingProxyType

import pytest

from omniroute.api.providers import ConnectionChange, NewConnection, NewModel, NewNode
from omniroute.client import providers
from omniroute.client.http import ApiRefused
from tests.server.manage.place import Place
from tests.server.manage.vendor import MODELS, Vendor, at


async def test_the_list_of_models_is_kept_for_ten_minutes(place: Place, vendor: Vendor) -> None:
    made = await place.call(providers.add, at(vendor))
    first = await place.call(providers.models, made.id)
    again = await place.call(providers.models, made.id)
    assert [model.id for model in first.models] == list(MODELS)
    assert (first.source, again.fetched_at) == ("remote", first.fetched_at)
    assert vendor.paths == ["GET /v1/models"]

    vendor.models = ("gpt-new",)
    refreshed = await place.call(providers.models, made.id, refresh=True)
    assert [model.id for model in refreshed.models] == ["gpt-new"]

    place.clock.ahead_ms = 601_000
    await place.call(providers.models, made.id)
    assert len(vendor.asked) == 3


async def test_models_the_user_added_are_listed_with_those_of_the_provider(
    place: Place, vendor: Vendor
) -> None:
    made = await place.call(providers.add, at(vendor))
    await place.call(providers.add_model, NewModel(provider="openai", model_id="mine"))
    found = await place.call(providers.models, made.id)
    shown = await place.call(providers.catalogue_entry, "openai")

    assert [(model.id, model.custom) for model in found.models] == [
        *((model, False) for model in MODELS),
        ("mine", True),
    ]
    assert {model.id for model in shown.models if model.custom} == {"mine"}


async def test_models_that_were_found_can_be_asked_for(place: Place, vendor: Vendor) -> None:
    made = await place.call(providers.add, at(vendor))
    await place.call(providers.models, made.id)
    assert "openai" in place.gateway.snapshot.owners["gpt-fast"]

    await place.call(providers.remove, made.id)
    assert "gpt-fast" not in place.gateway.snapshot.owners


async def test_a_list_that_fails_is_an_upstream_error(place: Place, vendor: Vendor) -> None:
    made = await place.call(providers.add, at(vendor))
    vendor.list_answer = (500, '{"error":"boom"}')
    with pytest.raises(ApiRefused, match="answered 500: boom") as caught:
        await place.call(providers.models, made.id)
    assert (caught.value.status, caught.value.code) == (502, "UPSTREAM_ERROR")


async def test_without_a_list_of_its_own_the_shipped_one_is_shown(place: Place) -> None:
    made = await place.call(providers.add, NewConnection(provider="voyage-ai", name="v", api_key="pa-1"))
    found = await place.call(providers.models, made.id)
    assert found.source == "registry"
    assert "embedding" in {model.kind for model in found.models}


async def test_a_node_lives_with_its_connections_and_models(place: Place, vendor: Vendor) -> None:
    vendor.key = None
    node = await place.call(providers.add_node, NewNode(name="Lab", prefix="lab", base_url=vendor.url))
    made = await place.call(providers.add, NewConnection(provider="lab", name="default"))
    await place.call(providers.add_model, NewModel(provider="lab", model_id="mine"))

    assert (made.provider, made.prefix, made.has_api_key) == (node.id, "lab", False)
    assert {model.id for model in place.gateway.snapshot.providers[node.id].models} == {*MODELS, "mine"}

    removed = await place.call(providers.remove_node, node.id)
    assert "1 connection" in removed.message
    assert await place.call(providers.connections) == []
    assert await place.call(providers.nodes) == []
    assert node.id not in place.gateway.snapshot.providers
    assert "gpt-fast" not in place.gateway.snapshot.owners
    assert await place.call(providers.custom_models) == {}


@pytest.mark.parametrize("prefix", ["openai", "oai", "lab", "demo"])
async def test_a_prefix_that_means_something_is_a_conflict(place: Place, vendor: Vendor, prefix: str) -> None:
    await place.call(providers.add_node, NewNode(name="Lab", prefix="lab", base_url=vendor.url))
    with pytest.raises(ApiRefused) as caught:
        await place.call(providers.add_node, NewNode(name="Other", prefix=prefix, base_url=vendor.url))
    assert (caught.value.status, caught.value.code) == (409, "CONFLICT")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "n", "prefix": "a b", "baseUrl": "http://h/v1"}, "prefix"),
        ({"name": "n", "prefix": "ab", "baseUrl": "http://169.254.169.254/"}, "baseUrl"),
        ({"name": "n", "prefix": "ab", "baseUrl": "http://h/v1", "type": "soap"}, "type"),
        ({"name": "n", "prefix": "ab", "baseUrl": "http://h/v1", "apiType": "soap"}, "apiType"),
        ({"name": "n", "baseUrl": "http://h/v1"}, "prefix"),
    ],
)
async def test_a_node_that_cannot_be_used_is_refused(place: Place, body: dict[str, str], field: str) -> None:
    status, answer, _ = await place.raw("POST", "/api/provider-nodes", body=body)
    assert (status, answer["error"]["details"][0]["field"]) == (400, field)


async def test_old_clients_name_a_responses_node_by_its_api_type(place: Place) -> None:
    body = {"name": "n", "prefix": "ab", "baseUrl": "http://h:1/v1/responses", "apiType": "responses"}
    status, answer, _ = await place.raw("POST", "/api/provider-nodes", body=body)
    node = answer["node"]
    assert (status, node["type"], node["baseUrl"]) == (201, "responses-compatible", "http://h:1/v1")


async def test_an_unreachable_server_is_added_all_the_same(place: Place) -> None:
    node = NewNode(name="Off", prefix="off", base_url="http://127.0.0.1:9/v1")
    await place.call(providers.add_node, node)
    made = await place.call(providers.add, NewConnection(provider="off", name="default"))
    assert made.prefix == "off"


async def test_the_catalogue_lists_everything_and_shows_one(place: Place, vendor: Vendor) -> None:
    await place.call(providers.add_node, NewNode(name="Lab", prefix="lab", base_url=vendor.url))
    await place.call(providers.add, NewConnection(provider="openai", name="o", api_key="sk-1"))
    listed = {entry.id: entry for entry in await place.call(providers.catalogue)}
    one = await place.call(providers.catalogue_entry, "oai")

    assert {"openai", "anthropic", "cursor", "ollama"} <= set(listed)
    assert "demo" not in listed
    assert (listed["cursor"].status, listed["ollama"].needs_key) == ("private-api", False)
    assert (listed["openai"].connections, listed["openai"].models) == (1, [])
    assert (one.id, len(one.models)) == ("openai", one.model_count)
    assert any(model.price_input for model in one.models)


async def test_servers_on_this_machine_are_found(place: Place, vendor: Vendor) -> None:
    vendor.key = None
    ollama = place.gateway.catalogue["ollama"]
    origin = vendor.url.removesuffix("/v1")
    endpoints = {name: f"{origin}/api/tags/models" for name in ollama.endpoints}
    place.gateway.catalogue = {
        "ollama": replace(ollama, base_url=origin, endpoints=MappingProxyType(endpoints)),
        "lm-studio": replace(place.gateway.catalogue["lm-studio"], base_url="http://127.0.0.1:9/v1"),
    }
    vendor.call_answer = (200, '{"version":"0.9.1"}')

    (found,) = await place.call(providers.detect)

    assert (found.provider, found.base_url, found.connected) == ("ollama", origin, False)
    assert found.models == list(MODELS)


async def test_custom_models_are_added_and_removed(place: Place) -> None:
    new = NewModel(provider="oai", model_id="gpt-secret", model_name="Secret", context_length=1000)
    known = await place.call(providers.add_model, new)
    assert [(model.id, model.custom) for model in known["openai"]] == [("gpt-secret", True)]
    assert "openai" in place.gateway.snapshot.owners["gpt-secret"]

    assert await place.call(providers.remove_model, "openai", "gpt-secret") is True
    assert await place.call(providers.remove_model, "openai", "gpt-secret") is False
    assert await place.call(providers.custom_models) == {}


async def test_a_node_that_moves_is_asked_for_its_models_again(place: Place, vendor: Vendor) -> None:
    vendor.key = None
    await place.call(providers.add_node, NewNode(name="Lab", prefix="lab", base_url="http://127.0.0.1:9/v1"))
    made = await place.call(providers.add, NewConnection(provider="lab", name="default"))
    assert "gpt-fast" not in place.gateway.snapshot.owners

    await place.call(providers.change, made.id, ConnectionChange(base_url=vendor.url))
    assert "gpt-fast" in place.gateway.snapshot.owners
