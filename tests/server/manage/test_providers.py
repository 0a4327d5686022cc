"""Connections over the real server and the real client."""

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import msgspec
import pytest

from omniroute.api.providers import ConnectionChange, NewConnection, NewModel, NewNode
from omniroute.client import providers
from omniroute.client.http import ApiRefused
from omniroute.store.tables import provider_connections
from tests.server.manage.place import Place, names
from tests.server.manage.vendor import KEY, MODELS, Vendor


def at(vendor: Vendor, name: str = "work", **members: Any) -> NewConnection:
    """A connection to that vendor, as OpenAI behind a company's proxy."""
    known: dict[str, Any] = {
        "provider": "openai",
        "name": name,
        "api_key": KEY,
        "base_url": vendor.url,
        "allow_private": True,
    }
    return NewConnection(**{**known, **members})


async def test_a_new_connection_counts_for_the_next_request(place: Place) -> None:
    made = await place.call(providers.add, NewConnection(provider="oai", name="work", api_key=KEY))

    assert (made.provider, made.name, made.priority, made.is_active) == ("openai", "work", 1, True)
    assert place.gateway.snapshot.accounts["openai"][0].secret == KEY
    assert await place.call(providers.connections) == [made]
    assert await place.call(providers.connection, made.id) == made


async def test_no_answer_and_no_audit_row_holds_the_key(place: Place, vendor: Vendor) -> None:
    made = await place.call(providers.add, at(vendor))
    await place.call(providers.change, made.id, ConnectionChange(api_key=f"{KEY}-2"))
    await place.call(providers.test, made.id, model=None)
    for path in (
        "/api/providers",
        f"/api/providers/{made.id}",
        "/api/compliance/audit-log",
        "/api/monitoring/health",
    ):
        _, body, _ = await place.raw("GET", path)
        assert KEY not in msgspec.json.encode(body).decode()
    assert made.masked_api_key == "sk-v****cdef"


async def test_the_same_provider_and_name_is_replaced(place: Place, vendor: Vendor) -> None:
    body = {"provider": "openai", "name": "work", "apiKey": "sk-first-0000"}
    first_status, first, _ = await place.raw("POST", "/api/providers", body=body)
    body["apiKey"] = "sk-second-1111"
    second_status, second, _ = await place.raw("POST", "/api/providers", body=body)

    assert (first_status, second_status) == (201, 200)
    assert first["connection"]["id"] == second["connection"]["id"]
    assert [account.secret for account in place.gateway.snapshot.accounts["openai"]] == ["sk-second-1111"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"provider": "opnai", "name": "x", "apiKey": "k"}, 404, "did you mean openai"),
        ({"provider": "demo", "name": "x", "apiKey": "k"}, 404, "demo"),
        ({"provider": "cursor", "name": "x", "apiKey": "k"}, 400, "no public model API"),
        ({"provider": "openai", "name": "x"}, 400, "apiKey: OpenAI needs a key"),
        ({"provider": "openai", "name": "  ", "apiKey": "k"}, 400, "name"),
        ({"provider": "openai", "name": "x", "apiKey": "a b"}, 400, "apiKey"),
        ({"provider": "openai", "name": "x", "apiKey": "k", "colour": 1}, 400, "colour"),
        ({"provider": "openai", "name": "x", "apiKey": "k", "priority": 0}, 400, "priority"),
        ({"provider": "openai", "name": "x", "apiKey": "k", "baseUrl": "http://10.0.0.1"}, 400, "baseUrl"),
        ({"provider": "openai", "name": "x", "apiKey": "k", "baseUrl": "ftp://example.com"}, 400, "baseUrl"),
        ({"provider": "azure-openai", "name": "x", "apiKey": "k"}, 400, "variables.resource"),
        (
            {"provider": "azure-openai", "name": "x", "apiKey": "k", "variables": {"resource": "a/b"}},
            400,
            "variables",
        ),
        ({"provider": "openai", "name": "x", "apiKey": "k", "variables": {"region": "r"}}, 400, "region"),
    ],
)
async def test_what_cannot_be_used_is_refused_naming_the_field(
    place: Place, body: dict[str, Any], status: int, words: str
) -> None:
    found, answer, _ = await place.raw("POST", "/api/providers", body=body)

    assert (found, words in answer["error"]["message"]) == (status, True), answer
    assert await place.call(providers.connections) == []


async def test_a_placeholder_is_taken_from_the_variables(place: Place) -> None:
    new = NewConnection(
        provider="azure-openai", name="x", api_key="k-1", variables={"resource": "our-resource"}
    )
    made = await place.call(providers.add, new)
    assert made.variables == {"resource": "our-resource"}


async def test_a_key_the_provider_refuses_is_not_stored_when_asked_to_validate(
    place: Place, vendor: Vendor
) -> None:
    with pytest.raises(ApiRefused, match="apiKey: OpenAI refuses it"):
        await place.call(providers.add, at(vendor, api_key="sk-wrong-0000", validate=True))
    assert await place.call(providers.connections) == []

    made = await place.call(providers.add, at(vendor, validate=True))
    assert (made.test_status, made.last_error) == ("active", None)


async def test_a_change_leaves_the_rest_and_forgets_the_last_test(place: Place, vendor: Vendor) -> None:
    made = await place.call(providers.add, at(vendor, validate=True))
    renamed = await place.call(
        providers.change, made.id, ConnectionChange(name="home", default_model="gpt-fast")
    )
    assert (renamed.name, renamed.default_model, renamed.test_status) == ("home", "gpt-fast", "active")

    moved = await place.call(providers.change, made.id, ConnectionChange(base_url=None))
    assert (moved.base_url, moved.test_status, moved.name) == (None, "unknown", "home")
    assert place.gateway.snapshot.accounts["openai"][0].secret == KEY


async def test_priorities_stay_dense_when_one_moves_or_goes(place: Place) -> None:
    made = [
        await place.call(providers.add, NewConnection(provider="groq", name=name, api_key="gsk_1234"))
        for name in ("a", "b", "c")
    ]
    await place.call(providers.change, made[2].id, ConnectionChange(priority=1))
    assert names(await place.call(providers.connections, provider="groq")) == ["c", "a", "b"]

    await place.call(providers.remove, made[0].id)
    left = await place.call(providers.connections, provider="groq")
    assert [(one.name, one.priority) for one in left] == [("c", 1), ("b", 2)]


async def test_connections_are_filtered(place: Place) -> None:
    groq = await place.call(providers.add, NewConnection(provider="groq", name="g", api_key="gsk_1"))
    await place.call(providers.add, NewConnection(provider="openai", name="o", api_key="sk-1"))
    await place.call(providers.change, groq.id, ConnectionChange(is_active=False))

    assert names(await place.call(providers.connections, active=False)) == ["g"]
    assert names(await place.call(providers.connections, active=True)) == ["o"]
    assert names(await place.call(providers.connections, provider="oai")) == ["o"]


async def test_a_name_that_is_taken_is_a_conflict(place: Place) -> None:
    for name in ("a", "b"):
        last = await place.call(providers.add, NewConnection(provider="groq", name=name, api_key="gsk_1"))
    with pytest.raises(ApiRefused) as caught:
        await place.call(providers.change, last.id, ConnectionChange(name="a"))
    assert (caught.value.status, caught.value.code) == (409, "CONFLICT")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_an_unknown_connection_is_not_found(place: Place, method: str) -> None:
    status, body, _ = await place.raw(method, "/api/providers/none", body={} if method == "PUT" else None)
    assert (status, body["error"]["code"]) == (404, "NOT_FOUND")


async def test_a_good_key_is_told_from_a_bad_one(place: Place, vendor: Vendor) -> None:
    made = await place.call(providers.add, at(vendor))
    good = await place.call(providers.test, made.id, model=None)
    vendor.key = "sk-another"
    bad = await place.call(providers.test, made.id, model=None)

    assert (good.valid, good.diagnosis.type, good.error) == (True, "ok", None)
    assert (bad.valid, bad.diagnosis.type, bad.status_code) == (False, "upstream_auth_error", 401)
    assert bad.error == "Incorrect API key provided: ****"
    kept = await place.call(providers.connection, made.id)
    assert (kept.test_status, kept.last_error) == ("error", "Incorrect API key provided: ****")


async def test_a_list_that_anybody_gets_does_not_prove_a_key(place: Place, vendor: Vendor) -> None:
    vendor.list_is_public = True
    made = await place.call(providers.add, at(vendor, api_key="sk-wrong-0000", default_model="gpt-fast"))
    result = await place.call(providers.test, made.id, model=None)

    assert (result.valid, result.diagnosis.type) == (False, "upstream_auth_error")
    assert vendor.paths[-1] == "POST /v1/chat/completions"


async def test_a_test_with_a_model_makes_a_call_of_one_token(place: Place, vendor: Vendor) -> None:
    made = await place.call(providers.add, at(vendor))
    result = await place.call(providers.test, made.id, model="gpt-large")

    _, path, _, body = vendor.asked[-1]
    assert (path, body["model"], body["max_tokens"]) == ("/v1/chat/completions", "gpt-large", 1)
    assert result.valid is True


async def test_a_model_that_names_its_limit_otherwise_is_asked_again(place: Place, vendor: Vendor) -> None:
    vendor.call_answer = (400, '{"error":{"message":"Use \'max_completion_tokens\' instead."}}')
    made = await place.call(providers.add, at(vendor))
    result = await place.call(providers.test, made.id, model="gpt-large")

    assert [body.get("max_completion_tokens") for *_, body in vendor.asked[-2:]] == [None, 64]
    assert (result.valid, result.diagnosis.type) == (False, "upstream_error")
    assert result.error is not None
    assert "gpt-large" in result.error


@pytest.mark.parametrize(
    ("answer", "valid", "found"),
    [
        ((429, "{}"), True, "upstream_rate_limited"),
        ((503, "<html>down</html>"), False, "upstream_unavailable"),
        ((200, "<html>a web page</html>"), False, "upstream_error"),
        ((302, ""), False, "upstream_error"),
        ((403, '{"detail":"not from here"}'), False, "upstream_auth_error"),
    ],
)
async def test_what_the_list_of_models_says_of_a_key(
    place: Place, vendor: Vendor, answer: tuple[int, str], valid: bool, found: str
) -> None:
    vendor.list_answer = answer
    made = await place.call(providers.add, at(vendor))
    result = await place.call(providers.test, made.id, model=None)
    assert (result.valid, result.diagnosis.type) == (valid, found)


async def test_a_host_that_is_not_there_is_a_network_error(place: Place, vendor: Vendor) -> None:
    made = await place.call(providers.add, at(vendor, base_url="http://127.0.0.1:9/v1"))
    result = await place.call(providers.test, made.id, model=None)

    assert (result.valid, result.diagnosis.type) == (False, "network_error")
    assert result.error is not None
    assert "127.0.0.1:9" in result.error


async def test_a_limit_says_nothing_new_of_an_account(place: Place, vendor: Vendor) -> None:
    made = await place.call(providers.add, at(vendor, validate=True))
    vendor.list_answer = (429, "{}")
    await place.call(providers.test, made.id, model=None)
    assert (await place.call(providers.connection, made.id)).test_status == "active"


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


async def test_every_change_is_in_the_audit_log_once(place: Place, vendor: Vendor) -> None:
    made = await place.call(providers.add, at(vendor))
    await place.call(providers.change, made.id, ConnectionChange(is_active=False))
    await place.call(providers.test, made.id, model=None)
    await place.call(providers.remove, made.id)
    with pytest.raises(ApiRefused):
        await place.call(providers.remove, made.id)

    _, body, _ = await place.raw("GET", "/api/compliance/audit-log")
    assert [entry["action"] for entry in body["entries"]] == [
        "provider.delete",
        "provider.test",
        "provider.update",
        "provider.create",
    ]
    assert body["entries"][2]["details"] == {"provider": "openai", "fields": "is_active"}
    assert {entry["actor"] for entry in body["entries"]} == {"cli"}


async def test_a_new_key_wakes_an_account_whose_key_did_not_open(place: Place) -> None:
    made = await place.call(providers.add, NewConnection(provider="groq", name="g", api_key="gsk_1"))
    broken = provider_connections.update().values(secret="enc:other:AAAA:AAAA:AAAA")
    await place.gateway.database.write(lambda c: c.execute(broken))
    assert (await place.call(providers.connection, made.id)).is_active is False

    woken = await place.call(providers.change, made.id, ConnectionChange(api_key="gsk_2"))
    assert (woken.is_active, woken.last_error, woken.test_status) == (True, None, "unknown")


async def test_a_node_that_moves_is_asked_for_its_models_again(place: Place, vendor: Vendor) -> None:
    vendor.key = None
    await place.call(providers.add_node, NewNode(name="Lab", prefix="lab", base_url="http://127.0.0.1:9/v1"))
    made = await place.call(providers.add, NewConnection(provider="lab", name="default"))
    assert "gpt-fast" not in place.gateway.snapshot.owners

    await place.call(providers.change, made.id, ConnectionChange(base_url=vendor.url))
    assert "gpt-fast" in place.gateway.snapshot.owners
