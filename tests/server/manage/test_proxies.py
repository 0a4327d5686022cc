"""Outbound proxies over the real server and the real client."""

from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from omniroute.api.providers import NewConnection
from omniroute.api.proxies import ProxyBody, ProxyChange, ProxyTest
from omniroute.client import providers, proxies
from omniroute.client.http import ApiRefused
from omniroute.records.proxies import ProxyLevel, ProxyType
from omniroute.store.tables import proxies as table
from tests.gateway.proxy_servers import proxying
from tests.gateway.wire_server import keep_answering, serving
from tests.server.manage.place import Place, open_place

PATH = "/api/settings/proxy"
SECRET = "a proxy's own secret"
ONE = ProxyBody(type="socks5", host="Proxy.example", port=1080, username="me", password=SECRET)


async def connected(place: Place) -> str:
    """Id of a connection to groq."""
    new = NewConnection(provider="groq", api_key="gsk_0123456789abcdef", name="main")
    return (await place.call(providers.add, new)).id


async def test_a_password_goes_in_and_never_comes_out(place: Place) -> None:
    shown = await place.call(proxies.change_proxies, ProxyChange(level="global", proxy=ONE))

    assert shown.all is not None
    assert (shown.all.host, shown.all.username, shown.all.password) == ("Proxy.example", "me", "****")
    for path in (PATH, f"{PATH}?level=global", "/api/compliance/audit-log", "/api/settings"):
        _, body, _ = await place.raw("GET", path)
        assert SECRET not in msgspec.json.encode(body).decode()
    kept = await place.gateway.database.read(lambda c: c.execute(sa.select(table.c.secret)).scalar_one())
    assert SECRET not in kept
    assert place.gateway.snapshot.proxies[ProxyLevel.GLOBAL, ""].password == SECRET


async def test_the_mask_keeps_the_password(place: Place) -> None:
    await place.call(proxies.change_proxies, ProxyChange(level="global", proxy=ONE))
    masked = msgspec.structs.replace(ONE, port="3128", password="****")
    await place.call(proxies.change_proxies, ProxyChange(level="global", proxy=masked))

    proxy = place.gateway.snapshot.proxies[ProxyLevel.GLOBAL, ""]
    assert (proxy.port, proxy.password) == (3128, SECRET)
    without = msgspec.structs.replace(ONE, username=None, password=None)
    await place.call(proxies.change_proxies, ProxyChange(level="global", proxy=without))
    assert place.gateway.snapshot.proxies[ProxyLevel.GLOBAL, ""].password is None


async def test_the_narrowest_counts(place: Place) -> None:
    account = await connected(place)
    plain = ProxyBody(host="p", port=1)
    change = ProxyChange(all=plain, providers={"groq": plain}, keys={account: plain})
    shown = await place.call(proxies.change_proxies, change)
    assert (set(shown.providers), set(shown.keys)) == ({"groq"}, {account})

    for level, subject in (("key", account), ("provider", "groq"), ("global", None)):
        resolved = await place.call(proxies.resolved_proxy, account)
        assert (resolved.level, resolved.level_id) == (level, subject)
        await place.call(proxies.remove_proxy, level, subject)
    resolved = await place.call(proxies.resolved_proxy, account)
    assert (resolved.level, resolved.proxy) == (None, None)


async def test_null_removes(place: Place) -> None:
    await place.call(proxies.change_proxies, ProxyChange(all=ONE, providers={"groq": ONE}))
    shown = await place.call(proxies.change_proxies, ProxyChange(all=None, providers={"groq": None}))
    assert (shown.all, shown.providers) == (None, {})
    _, body, _ = await place.raw("GET", "/api/compliance/audit-log?action=proxy.*")
    assert [entry["action"] for entry in body["entries"]].count("proxy.delete") == 2


async def test_proxies_are_there_after_a_restart(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNIROUTE_MASTER_KEY", "0" * 64)
    async with open_place(tmp_path) as before:
        await before.call(proxies.change_proxies, ProxyChange(level="global", proxy=ONE))
    async with open_place(tmp_path) as after:
        assert after.gateway.snapshot.proxies[ProxyLevel.GLOBAL, ""].password == SECRET


async def test_a_test_tells_whether_a_provider_is_reached(place: Place) -> None:
    node = {
        "type": "openai-compatible",
        "name": "Far",
        "prefix": "far",
        "baseUrl": "http://far.example:8080/v1",
    }
    assert (await place.raw("POST", "/api/provider-nodes", body=node))[0] == 201
    async with serving(keep_answering) as wire, proxying(ProxyType.SOCKS5, wire.port) as server:
        body = ProxyBody(type="socks5", host="127.0.0.1", port=server.port)
        found = await place.call(proxies.test_proxy, ProxyTest(proxy=body, provider="far"))
        assert (found.success, found.error, found.public_ip) == (True, None, None)
        assert (found.reached, server.asked) == ("far.example:8080", ["far.example:8080"])
        await place.call(proxies.change_proxies, ProxyChange(level="global", proxy=body))
        stored = await place.call(proxies.test_proxy, ProxyTest(level="global", provider="far"))
        assert stored.success
        assert stored.proxy_url == f"socks5://127.0.0.1:{server.port}"
    gone = ProxyBody(type="socks5", host="127.0.0.1", port=1)
    failed = await place.call(proxies.test_proxy, ProxyTest(proxy=gone, provider="far"))
    assert not failed.success
    assert failed.error is not None
    assert "through the proxy 127.0.0.1:1" in failed.error


async def test_a_provider_is_asked_for_its_models_through_its_proxy(place: Place) -> None:
    node = {
        "type": "openai-compatible",
        "name": "Far",
        "prefix": "far",
        "baseUrl": "http://far.example:8080/v1",
    }
    await place.raw("POST", "/api/provider-nodes", body=node)
    async with serving(keep_answering) as wire, proxying(ProxyType.SOCKS5, wire.port) as server:
        body = ProxyBody(type="socks5", host="127.0.0.1", port=server.port)
        await place.call(proxies.change_proxies, ProxyChange(level="provider", id="far", proxy=body))
        validate = {"provider": "far", "apiKey": "sk-0123456789"}
        await place.raw("POST", "/api/providers/validate", body=validate)
    assert server.asked
    assert set(server.asked) == {"far.example:8080"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"level": "global"}, "proxy"),
        ({"level": "planet", "proxy": None}, "level"),
        ({"level": "provider", "proxy": None}, "id"),
        ({"global": {"host": " ", "port": 1}}, "proxy.host"),
        ({"global": {"host": "a/b", "port": 1}}, "proxy.host"),
        ({"global": {"host": "h", "port": "70000"}}, "proxy.port"),
        ({"global": {"host": "h", "port": 0}}, "global.port"),
        ({"global": {"host": "h", "port": 1, "type": "socks4"}}, "global.type"),
        ({"global": {"host": "h", "port": 1, "password": "x"}}, "proxy.username"),
        ({"global": {"host": "h", "port": 1, "username": "a:b", "password": "x"}}, "proxy.username"),
        ({"global": {"host": "h", "port": 1, "username": "a\r\nX: y", "password": "x"}}, "proxy.username"),
    ],
)
async def test_a_proxy_that_makes_no_sense_is_refused(place: Place, body: dict[str, Any], field: str) -> None:
    status, answer, _ = await place.raw("PUT", PATH, body=body)
    assert (status, answer["error"]["details"][0]["field"]) == (400, field)
    assert place.gateway.snapshot.proxies == {}


async def test_what_a_proxy_is_for_must_be_there(place: Place) -> None:
    for level in ("provider", "combo", "key"):
        with pytest.raises(ApiRefused) as refused:
            await place.call(proxies.change_proxies, ProxyChange(level=level, id="nobody", proxy=ONE))
        assert refused.value.status == 404
    assert (await place.raw("DELETE", PATH))[0] == 400
    assert (await place.raw("POST", f"{PATH}/test", body={"level": "global"}))[0] == 404
