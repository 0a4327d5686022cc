"""Connections over the real server and the real client."""

from typing import Any

import msgspec
import pytest

from omniroute.api.providers import ConnectionChange, NewConnection
from omniroute.client import providers
from omniroute.client.http import ApiRefused
from omniroute.store.tables import provider_connections
from tests.server.manage.place import Place, names
from tests.server.manage.vendor import KEY, Vendor, at


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
