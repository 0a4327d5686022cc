"""The gateway itself over the real server and the real client."""

import os

import pytest

from omniroute.api.keys import NewKey
from omniroute.api.providers import NewConnection
from omniroute.client import keys, providers, system
from omniroute.client.http import ApiRefused, Client
from omniroute.errors import StoreError
from omniroute.routing.health import Breaker
from omniroute.server.manage import health
from omniroute.store.accounts import UNREADABLE
from omniroute.store.tables import provider_connections
from tests.server.manage.place import Place


async def test_anybody_may_ask_whether_something_is_set_up(place: Place) -> None:
    stranger = Client(place.url, None)
    before = await place.call(lambda _: system.init(stranger))
    await place.call(providers.add, NewConnection(provider="groq", name="g", api_key="gsk_1"))
    after = await place.call(lambda _: system.init(stranger))

    assert (before.initialized, before.demo_model, after.initialized) == (False, "demo/echo", True)


async def test_health_is_terse_to_strangers(place: Place) -> None:
    status, body, _ = await place.raw("GET", "/api/monitoring/health", key=None)
    assert (status, set(body), body["status"]) == (200, {"status", "timestamp", "version"}, "healthy")


async def test_health_tells_the_rest_to_the_owner(place: Place) -> None:
    await place.call(providers.add, NewConnection(provider="groq", name="g", api_key="gsk_1"))
    found = await place.call(system.health)

    assert (found.status, found.setup_complete, found.error) == ("healthy", True, None)
    assert (found.system.pid, found.system.active_requests) == (os.getpid(), 0)
    assert found.system.memory_usage.rss is None or found.system.memory_usage.rss > 1_000_000
    assert found.checks["secretStore"].source == "environment"
    assert (found.provider_health["groq"].state, found.provider_health["groq"].failures) == ("CLOSED", 0)


async def test_an_open_breaker_degrades_the_gateway(place: Place) -> None:
    await place.call(providers.add, NewConnection(provider="groq", name="g", api_key="gsk_1"))
    book = place.gateway.health
    book.breakers["groq"] = Breaker(failures=5, until_s=book.now_s + 60, last_failure_s=book.now_s)
    found = await place.call(system.health)

    assert (found.status, found.provider_health["groq"].state) == ("degraded", "OPEN")
    assert found.checks["breakers"].message == "1 breaker open: groq, see omniroute resilience show"
    [provider] = place.gateway.live.stats().providers
    assert provider.state == "off"
    assert found.provider_health["groq"].last_failure is not None


async def test_a_key_that_does_not_open_degrades_the_gateway(place: Place) -> None:
    made = await place.call(providers.add, NewConnection(provider="groq", name="g", api_key="gsk_1"))
    broken = provider_connections.update().values(secret="enc:other:AAAA:AAAA:AAAA")
    await place.gateway.database.write(lambda c: c.execute(broken))
    await place.gateway.reload()

    found = await place.call(system.health)
    assert (found.status, found.checks["secretStore"].ok) == ("degraded", False)
    assert (await place.call(providers.connection, made.id)).last_error == UNREADABLE


async def test_a_full_disk_degrades_the_gateway(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "LOW_DISK_BYTES", 1 << 60)
    found = await place.call(system.health)
    assert (found.status, found.checks["disk"].ok) == ("degraded", False)


async def test_a_store_that_is_gone_is_unhealthy_and_says_why(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: object) -> None:
        raise StoreError("The file is damaged.")

    monkeypatch.setattr(place.gateway.database, "read", fail)
    status, _, _ = await place.raw("GET", "/api/monitoring/health", key=None)
    with pytest.raises(ApiRefused, match=r"database: The file is damaged\."):
        await place.call(system.health)
    assert status == 503


async def test_life_is_asked_of_the_process_and_noted(place: Place) -> None:
    restarted = await place.call(system.restart)
    await place.call(system.rotate_token)
    stopped = await place.call(system.shutdown)

    assert place.control.asked == ["restart", "rotate_token", "shutdown"]
    assert (restarted.success, stopped.success, stopped.pid) == (True, True, os.getpid())
    log = await place.call(system.audit_log)
    assert [entry.action for entry in log.entries] == [
        "server.shutdown",
        "localToken.rotate",
        "server.restart",
    ]


@pytest.mark.parametrize("path", ["/api/shutdown", "/api/token/rotate"])
async def test_no_api_key_may_stop_the_gateway_or_change_its_token(place: Place, path: str) -> None:
    made = await place.call(keys.create_key, NewKey(name="manage", scopes=["manage"]))
    status, body, _ = await place.raw("POST", path, key=made.key)
    assert (status, body["error"]["code"], place.control.asked) == (403, "FORBIDDEN", [])


async def test_the_audit_log_is_paged_and_filtered(place: Place) -> None:
    made = [await place.call(keys.create_key, NewKey(name=name)) for name in ("a", "b", "c")]
    await place.call(keys.revoke_key, made[0].id)

    page = await place.call(system.audit_log, action="apiKey.create", limit=2, offset=1)
    about = await place.call(system.audit_log, target=made[0].id)
    begun = await place.call(system.audit_log, action="apiKey.*")

    assert ([entry.details["name"] for entry in page.entries], page.total) == (["b", "a"], 3)
    assert [entry.action for entry in about.entries] == ["apiKey.delete", "apiKey.create"]
    assert (begun.total, begun.entries[0].ip_address) == (4, "127.0.0.1")
    assert (await place.call(system.audit_log, action="key*")).total == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/providers"),
        ("POST", "/api/providers/detect"),
        ("GET", "/api/usage/history"),
        ("POST", "/api/shutdown"),
        ("GET", "/api/compliance/audit-log"),
    ],
)
async def test_without_a_credential_nothing_private_is_answered(place: Place, method: str, path: str) -> None:
    status, body, _ = await place.raw(method, path, key=None)
    assert (status, body["error"]["code"], place.control.asked) == (401, "AUTH_001", [])
