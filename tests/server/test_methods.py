"""Paths and methods nobody serves, and those that every path answers."""

import asyncio

import pytest

from omniroute.server import proxy
from tests.running_gateway import (
    CHAT,
    CONVERSATIONS,
    EMBEDDINGS,
    MESSAGES,
    RESPONSES,
    TOKEN,
    RunningGateway,
    asking,
)

PATHS = sorted(
    {path.replace("{provider}", "demo").replace("{...id}", "demo/echo") for _, path, _ in proxy.ROUTES}
    | {"/api/live", "/api/init", "/api/monitoring/health"}
)
AUTHORISED = {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize("path", PATHS)
async def test_a_head_is_answered_everywhere_without_a_body(running: RunningGateway, path: str) -> None:
    async with asyncio.timeout(5):
        got = await running.send("HEAD", path, None, AUTHORISED)
    assert (got.status, got.body) == (200, b"")


@pytest.mark.parametrize("path", [*PATHS, "/nowhere", "/v1/nowhere"])
async def test_options_are_answered_everywhere(running: RunningGateway, path: str) -> None:
    got = await running.send("OPTIONS", path)
    assert (got.status, got.body) == (204, b"")
    assert "POST" in got.headers["Allow"]
    assert got.headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", CHAT, "POST"),
        ("GET", MESSAGES, "POST"),
        ("PUT", EMBEDDINGS, "GET, POST"),
        ("DELETE", "/v1/models", "GET"),
        ("POST", "/api/live", "GET"),
        ("PATCH", "/v1/providers/demo/messages", "POST"),
        ("GET", RESPONSES, "GET, POST"),
    ],
)
async def test_a_method_a_path_does_not_take_is_answered_with_those_it_does(
    running: RunningGateway, method: str, path: str, allow: str
) -> None:
    got = await running.send(method, path, None, AUTHORISED)
    assert got.status == 405
    assert got.headers["Allow"] == allow
    assert got.headers["x-should-retry"] == "false"
    assert path in got.error["message"]


@pytest.mark.parametrize(
    ("path", "member", "value"),
    [
        ("/v1/nowhere", "code", "not_found"),
        ("/nowhere", "code", "not_found"),
        ("/v1/messages/nowhere", "type", "not_found_error"),
        ("/api/nowhere", "code", "NOT_FOUND"),
        ("/v1/providers/demo/nowhere", "code", "not_found"),
    ],
)
async def test_a_path_nobody_serves_is_told_in_its_dialect(
    running: RunningGateway, path: str, member: str, value: str
) -> None:
    for method in ("GET", "POST"):
        got = await running.send(method, path, None)
        assert (got.status, got.error[member]) == (404, value)
        assert path in got.error["message"]


async def test_a_path_of_one_provider_fails_in_the_dialect_of_its_end(running: RunningGateway) -> None:
    wrong = {"x-api-key": "wrong"}
    messages = await running.ask("/v1/providers/demo/messages", asking(MESSAGES), wrong)
    chat = await running.ask("/v1/providers/demo/chat/completions", asking(CHAT), wrong)
    assert (messages.status, messages.json.get("type")) == (401, "error")
    assert (chat.status, chat.error["code"]) == (401, "invalid_api_key")


async def test_a_websocket_is_asked_to_come_back_over_http(running: RunningGateway) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    for path in (RESPONSES, "/responses", "/codex/responses"):
        got = await running.send("GET", path, None, upgrade)
        assert got.status == 426


@pytest.mark.parametrize(
    "path", ["//v1/chat/completions", "/v1/v1/chat/completions/", "/chat/completions?api-version=1&beta=true"]
)
async def test_a_path_spelled_otherwise_is_served(running: RunningGateway, path: str) -> None:
    assert (await running.ask(path, asking(CHAT, "demo/echo"))).status == 200


@pytest.mark.parametrize("path", CONVERSATIONS)
async def test_every_answer_has_a_request_id(running: RunningGateway, path: str) -> None:
    given = {"X-Request-Id": "mine.1:2-3_4"}
    answers = [
        await running.ask(path, asking(path, "demo/echo"), given),
        await running.ask(path, b"{", given),
        await running.send("GET", "/v1/nowhere", None, given),
        await running.send("OPTIONS", path, None, given),
        await running.send("HEAD", path, None, given),
        await running.send("GET", "/", None, given),
    ]
    assert {answer.headers["X-Request-Id"] for answer in answers} == {"mine.1:2-3_4"}
    own = await running.ask(path, asking(path, "demo/echo"), {"X-Request-Id": "not <valid>"})
    assert own.headers["X-Request-Id"] != "not <valid>"


async def test_a_probe_is_told_that_somebody_is_there(running: RunningGateway) -> None:
    got = await running.send("GET", "/")
    assert (got.status, got.body) == (200, b"OmniRoute is running\nTo clients of Ollama: Ollama is running\n")
