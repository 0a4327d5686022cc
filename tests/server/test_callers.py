"""Who may call the data plane: by host, origin, key, token and peer."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from aiohttp.test_utils import make_mocked_request

from omniroute.errors import ErrorKind, Refused
from omniroute.records import Outcome, Scope
from omniroute.server.guard import Guard
from omniroute.settings import load_settings
from tests.running_gateway import (
    CHAT,
    CONVERSATIONS,
    EMBEDDINGS,
    MASTER_KEY,
    MESSAGES,
    TOKEN,
    RunningGateway,
    asking,
    running_gateway,
)

ORIGIN = "https://app.example"
WRONG = "sk-omr-0123456789012345678901234567890123456789012"


@pytest.fixture
async def strict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RunningGateway]:
    """A gateway that wants a key from everybody, and lets any web page call that has one."""
    monkeypatch.setenv("OMNIROUTE_MASTER_KEY", MASTER_KEY)
    async with running_gateway(tmp_path, require_api_key=True, cors_origins=("*",)) as running:
        yield running


@pytest.fixture
async def open_to_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RunningGateway]:
    """A gateway that one web page may call."""
    monkeypatch.setenv("OMNIROUTE_MASTER_KEY", MASTER_KEY)
    async with running_gateway(tmp_path, cors_origins=(ORIGIN,)) as running:
        yield running


def demo(path: str = CHAT, **members: Any) -> dict[str, Any]:
    return asking(path, "demo/embed" if path == EMBEDDINGS else "demo/echo", **members)


@pytest.mark.parametrize("path", [*CONVERSATIONS, EMBEDDINGS])
async def test_a_program_of_this_machine_needs_no_key(running: RunningGateway, path: str) -> None:
    assert (await running.ask(path, demo(path))).status == 200


@pytest.mark.parametrize("path", [*CONVERSATIONS, EMBEDDINGS])
@pytest.mark.parametrize("header", ["Authorization", "x-api-key", "x-goog-api-key"])
async def test_a_wrong_key_is_refused_even_where_none_is_needed(
    running: RunningGateway, path: str, header: str
) -> None:
    value = f"Bearer {WRONG}" if header == "Authorization" else WRONG
    got = await running.ask(path, demo(path), {header: value})
    assert got.status == 401
    assert got.headers["x-should-retry"] == "false"
    assert WRONG not in got.body.decode()
    assert got.json.get("type") == ("error" if path == MESSAGES else None)
    assert got.error["type"] == "authentication_error"
    row = await running.row()
    assert (row.outcome, row.status, row.path) == (Outcome.ERROR, 401, path)
    assert WRONG not in repr(row)


@pytest.mark.parametrize(
    "present",
    [
        lambda key: ({"Authorization": f"Bearer {key}"}, ""),
        lambda key: ({"Authorization": f"bearer  {key}"}, ""),
        lambda key: ({"x-api-key": key}, ""),
        lambda key: ({"x-goog-api-key": key}, ""),
        lambda key: ({}, f"?key={key}"),
        lambda key: ({"Authorization": f"Bearer {WRONG}", "x-api-key": key}, ""),
        lambda key: ({"Authorization": f"Bearer {key}", "x-api-key": WRONG}, ""),
    ],
)
async def test_a_key_is_found_wherever_a_client_puts_it(strict: RunningGateway, present: Any) -> None:
    headers, query = present(await strict.add_key())
    assert (await strict.ask(CHAT + query, demo(), headers)).status == 200
    assert (await strict.row()).api_key_name == "laptop"


@pytest.mark.parametrize(
    ("members", "status"),
    [
        ({}, 200),
        ({"is_active": False}, 401),
        ({"expires_at_ms": 1}, 401),
        ({"expires_at_ms": 10**14}, 200),
        ({"scopes": (Scope.SYNC,)}, 403),
        ({"scopes": ()}, 403),
        ({"scopes": (Scope.MANAGE,)}, 200),
        ({"allowed_models": ("other/*",)}, 403),
        ({"allowed_models": ("demo/*",)}, 200),
        ({"allowed_models": ("x", "demo/echo")}, 200),
    ],
)
@pytest.mark.parametrize("path", CONVERSATIONS)
async def test_a_key_opens_what_it_is_for(
    running: RunningGateway, path: str, members: dict[str, Any], status: int
) -> None:
    key = await running.add_key(**members)
    got = await running.ask(path, demo(path), {"Authorization": f"Bearer {key}"})
    assert got.status == status, got.body
    if status == 403:
        assert got.error["type"] == "permission_error"
        assert "'laptop'" in got.error["message"]
        assert got.headers["x-should-retry"] == "false"


async def test_a_model_a_key_may_not_use_leaves_a_row(running: RunningGateway) -> None:
    key = await running.add_key(allowed_models=("other/*",))
    await running.ask(CHAT, demo(), {"Authorization": f"Bearer {key}"})
    row = await running.row()
    assert (row.outcome, row.status, row.api_key_name) == (Outcome.ERROR, 403, "laptop")


async def test_a_required_key_is_required(strict: RunningGateway) -> None:
    got = await strict.ask(CHAT, demo())
    assert got.status == 401
    assert "omniroute keys create" in got.error["message"]
    assert (await strict.ask(CHAT, demo(), {"X-OmniRoute-Token": TOKEN})).status == 200
    assert (await strict.ask(CHAT, demo(), {"Authorization": f"Bearer {TOKEN}"})).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:20128", "127.0.0.1.evil.example", "[::2]", "x@localhost"]
)
async def test_a_name_that_is_not_ours_is_not_answered(running: RunningGateway, host: str) -> None:
    for path in (CHAT, "/", "/api/init"):
        got = await running.send("GET" if path != CHAT else "POST", path, b"{}", {"Host": host})
        assert got.status == 421
    assert await running.rows() == []


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:20128", "::1"])
async def test_a_name_of_this_machine_is_answered(running: RunningGateway, host: str) -> None:
    assert (await running.send("GET", "/", None, {"Host": host})).status == 200


async def test_further_names_are_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNIROUTE_MASTER_KEY", MASTER_KEY)
    async with running_gateway(tmp_path, allowed_hosts=("gateway.example",)) as running:
        assert (await running.send("GET", "/", None, {"Host": "gateway.example"})).status == 200


async def test_a_web_page_may_not_call_without_a_key(running: RunningGateway) -> None:
    got = await running.ask(CHAT, demo(), {"Origin": ORIGIN})
    assert got.status == 403
    assert ORIGIN in got.error["message"]
    assert "Access-Control-Allow-Origin" not in got.headers


async def test_a_web_page_with_a_key_is_answered_but_its_browser_shows_it_nothing(
    running: RunningGateway,
) -> None:
    key = await running.add_key()
    got = await running.ask(CHAT, demo(), {"Origin": ORIGIN, "Authorization": f"Bearer {key}"})
    assert got.status == 200
    assert "Access-Control-Allow-Origin" not in got.headers


@pytest.mark.parametrize("stream", [False, True])
async def test_a_web_page_that_is_allowed_may_read_answers(open_to_app: RunningGateway, stream: bool) -> None:
    got = await open_to_app.ask(CHAT, demo(stream=stream), {"Origin": ORIGIN})
    assert got.status == 200
    assert got.headers["Access-Control-Allow-Origin"] == ORIGIN


async def test_a_web_page_that_is_allowed_may_read_errors_and_lists(open_to_app: RunningGateway) -> None:
    origin = {"Origin": ORIGIN}
    answers = [
        await open_to_app.ask(CHAT, b"{", origin),
        await open_to_app.ask(CHAT, demo(), origin | {"x-api-key": WRONG}),
        await open_to_app.send("GET", "/v1/models", None, origin),
        await open_to_app.send("GET", "/v1/nowhere", None, origin),
    ]
    assert [answer.status for answer in answers] == [400, 401, 200, 404]
    assert [answer.headers.get("Access-Control-Allow-Origin") for answer in answers] == [ORIGIN] * 4


async def test_another_web_page_may_not(open_to_app: RunningGateway) -> None:
    got = await open_to_app.ask(CHAT, demo(), {"Origin": "https://evil.example"})
    assert got.status == 403
    assert "Access-Control-Allow-Origin" not in got.headers


async def test_any_web_page_may_call_where_a_key_is_required(strict: RunningGateway) -> None:
    key = await strict.add_key()
    got = await strict.ask(CHAT, demo(), {"Origin": ORIGIN, "Authorization": f"Bearer {key}"})
    assert (got.status, got.headers["Access-Control-Allow-Origin"]) == (200, ORIGIN)
    assert (await strict.ask(CHAT, demo(), {"Origin": ORIGIN})).status == 401


async def test_any_web_page_is_none_where_no_key_is_required(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNIROUTE_MASTER_KEY", MASTER_KEY)
    async with running_gateway(tmp_path, cors_origins=("*",)) as running:
        assert (await running.ask(CHAT, demo(), {"Origin": ORIGIN})).status == 403


async def test_a_preflight_is_answered_for_an_allowed_page_only(open_to_app: RunningGateway) -> None:
    asked = {"Access-Control-Request-Headers": "authorization, x-stainless-os"}
    allowed = await open_to_app.send("OPTIONS", CHAT, None, asked | {"Origin": ORIGIN})
    other = await open_to_app.send("OPTIONS", CHAT, None, asked | {"Origin": "https://evil.example"})
    assert [allowed.status, other.status] == [204, 204]
    assert allowed.headers["Access-Control-Allow-Headers"] == asked["Access-Control-Request-Headers"]
    assert allowed.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "POST" in allowed.headers["Access-Control-Allow-Methods"]
    assert not any(name.lower().startswith("access-control") for name in other.headers)


def request_from(peer: str, headers: dict[str, str] | None = None) -> Any:
    """A request as the guard sees it, from an address that no test could call from."""
    transport = Mock()
    transport.get_extra_info.side_effect = lambda name, default=None: {
        "peername": (peer, 1),
        "sockname": ("192.168.0.9", 20128),
    }.get(name, default)
    return make_mocked_request(
        "POST", CHAT, headers={"Host": "192.168.0.9", **(headers or {})}, transport=transport
    )


@pytest.mark.parametrize("peer", ["192.168.0.7", "10.0.0.1", "2001:db8::1", "", "::ffff:192.168.0.7"])
async def test_another_machine_needs_a_key_and_has_no_use_for_the_token(
    running: RunningGateway, tmp_path: Path, peer: str
) -> None:
    guard = Guard(load_settings(tmp_path / "none.toml"), TOKEN)
    key = await running.add_key()
    snapshot, now_ms = running.gateway.snapshot, running.gateway.clock.now_ms()
    request = request_from(peer)
    stranger = guard.caller(request, snapshot, now_ms=now_ms)
    assert not stranger.is_local
    with pytest.raises(Refused) as refused:
        guard.check_proxy(request, stranger)
    assert refused.value.kind is ErrorKind.INVALID_KEY
    with pytest.raises(Refused):
        guard.caller(request_from(peer, {"X-OmniRoute-Token": TOKEN}), snapshot, now_ms=now_ms)
    known = guard.caller(request_from(peer, {"x-api-key": key}), snapshot, now_ms=now_ms)
    guard.check_proxy(request, known)
    assert known.key is not None
    guard.check_host(request)


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "127.9.9.9"])
async def test_an_address_of_this_machine_is_local(
    running: RunningGateway, tmp_path: Path, peer: str
) -> None:
    guard = Guard(load_settings(tmp_path / "none.toml"), TOKEN)
    caller = guard.caller(request_from(peer), running.gateway.snapshot, now_ms=0)
    assert caller.is_local
    guard.check_proxy(request_from(peer), caller)


async def test_draining_refuses_with_a_time_to_come_back(running: RunningGateway) -> None:
    running.app.draining = True
    got = await running.ask(MESSAGES, demo(MESSAGES))
    assert (got.status, got.headers["Retry-After"], got.error["type"]) == (503, "5", "overloaded_error")
    assert got.headers["Connection"] == "close"
    assert "x-should-retry" not in got.headers
