"""Our own keys over the real server and the real client."""

from typing import Any

import msgspec
import pytest

from omniroute.api.keys import KeyChange, NewKey
from omniroute.client import keys
from omniroute.client.http import ApiRefused
from tests.server.manage.place import Place, request_row


async def test_a_key_is_shown_once_and_masked_ever_after(place: Place) -> None:
    made = await place.call(keys.create_key, NewKey(name="laptop"))

    assert made.key.startswith("sk-omr-")
    assert len(made.key) == 50
    (listed,) = await place.call(keys.list_keys)
    assert listed.key == f"{made.key[:11]}****{made.key[-4:]}"
    assert (listed.scopes, listed.is_active, listed.expires_at) == (["proxy"], True, None)
    for path in ("/api/keys", f"/api/keys/{made.id}", "/api/compliance/audit-log"):
        _, body, _ = await place.raw("GET", path)
        assert made.key not in msgspec.json.encode(body).decode()


async def test_scopes_decide_who_may_manage(place: Place) -> None:
    proxy = await place.call(keys.create_key, NewKey(name="proxy"))
    manage = await place.call(keys.create_key, NewKey(name="manage", scopes=["manage"]))

    statuses = {key.name: (await place.raw("GET", "/api/keys", key=key.key))[0] for key in (proxy, manage)}
    assert statuses["proxy"] in (401, 403)
    assert statuses["manage"] == 200
    assert (await place.raw("GET", "/api/keys", key=None))[0] == 401


async def test_what_a_key_did_is_noted_under_its_id(place: Place) -> None:
    made = await place.call(keys.create_key, NewKey(name="manage", scopes=["manage"]))
    await place.raw("POST", "/api/keys", key=made.key, body={"name": "by key"})
    _, body, _ = await place.raw("GET", f"/api/compliance/audit-log?actor=key:{made.id}")
    assert [(entry["action"], entry["details"]["name"]) for entry in body["entries"]] == [
        ("apiKey.create", "by key")
    ]


async def test_a_revoked_key_is_refused_at_once_and_its_usage_stays(place: Place) -> None:
    made = await place.call(keys.create_key, NewKey(name="laptop", scopes=["manage"]))
    now_ms = place.clock.now_ms()
    await place.log(request_row(now_ms, api_key_id=made.id, api_key_name="laptop"))
    shown = await place.call(keys.show_key, made.id)
    assert (shown.usage.requests, shown.usage.cost_usd) == (1, 0.002)
    assert shown.key.last_used_at == shown.usage.last_used_at is not None

    await place.call(keys.revoke_key, made.id)

    assert (await place.raw("GET", "/api/keys", key=made.key))[0] == 401
    _, history, _ = await place.raw("GET", "/api/usage/history")
    assert list(history["byApiKey"]) == [f"laptop ({made.id})"]


async def test_a_change_leaves_the_rest(place: Place) -> None:
    made = await place.call(keys.create_key, NewKey(name="laptop", expires_at="2099-01-01T00:00:00Z"))
    changed = await place.call(
        keys.change_key, made.id, KeyChange(allowed_models=["groq/*"], is_active=False)
    )
    assert (changed.name, changed.allowed_models, changed.is_active) == ("laptop", ["groq/*"], False)
    assert changed.expires_at == "2099-01-01T00:00:00.000Z"

    freed = await place.call(keys.change_key, made.id, KeyChange(expires_at=None))
    assert freed.expires_at is None


async def test_names_are_unique(place: Place) -> None:
    first = await place.call(keys.create_key, NewKey(name="laptop"))
    other = await place.call(keys.create_key, NewKey(name="phone"))
    with pytest.raises(ApiRefused) as made:
        await place.call(keys.create_key, NewKey(name="laptop"))
    with pytest.raises(ApiRefused) as renamed:
        await place.call(keys.change_key, other.id, KeyChange(name="laptop"))
    assert (made.value.status, renamed.value.status) == (409, 409)
    assert {key.id for key in await place.call(keys.list_keys)} == {first.id, other.id}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x", "scopes": ["root"]}, "scopes[0]"),
        ({"name": "x", "expiresAt": "tomorrow"}, "expiresAt"),
        ({"name": "x", "expiresAt": "2001-01-01T00:00:00Z"}, "expiresAt"),
        ({"name": "x", "allowedModels": [""]}, "allowedModels"),
        ({"name": 5}, "name"),
    ],
)
async def test_a_key_that_makes_no_sense_is_refused(place: Place, body: dict[str, Any], field: str) -> None:
    status, answer, _ = await place.raw("POST", "/api/keys", body=body)
    assert (status, answer["error"]["details"][0]["field"]) == (400, field)
    assert await place.call(keys.list_keys) == []


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_an_unknown_key_is_not_found(place: Place, method: str) -> None:
    status, body, _ = await place.raw(method, "/api/keys/none", body={} if method == "PATCH" else None)
    assert (status, body["error"]["code"]) == (404, "NOT_FOUND")
