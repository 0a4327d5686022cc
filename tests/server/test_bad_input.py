"""What a client is told when its request cannot be answered, and what is kept of it."""

import pytest

from omniroute.records import Outcome
from tests.running_gateway import (
    CHAT,
    CONVERSATIONS,
    EMBEDDINGS,
    MESSAGES,
    NODE_TYPES,
    RunningGateway,
    asking,
)
from tests.scripted_upstream import ScriptedUpstream

EVERY_PATH = (*CONVERSATIONS, EMBEDDINGS)
UNREADABLE = {
    "empty": b"",
    "broken": b'{"model": "up/m-1", "messages": [',
    "not JSON": b"model=up/m-1",
    "not UTF-8": b'{"model": "\xff"}',
    "array": b'[{"model": "up/m-1"}]',
    "string": b'"up/m-1"',
    "null": b"null",
    "deep": b'{"model":"up/m-1","x":' + b"[" * 100_000,
    "deep and whole": b'{"model":"up/m-1","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}
UNNAMED = {
    "missing": b"{}",
    "null": b'{"model": null}',
    "number": b'{"model": 7}',
    "object": b'{"model": {"id": "up/m-1"}}',
    "blank": b'{"model": "  "}',
    "long": b'{"model": "' + b"x" * 300 + b'"}',
    "line feed": b'{"model": "up/m\\n1"}',
    "path": b'{"model": "up/../../etc"}',
    "half a character": b'{"model": "up/\\ud83d"}',
}


def check_error(path: str, status: int, got_error: dict[str, object]) -> None:
    """It is in the dialect of the path."""
    if path == MESSAGES:
        assert got_error["type"] in ("invalid_request_error", "not_found_error", "permission_error")
    else:
        assert got_error["code"]
        assert got_error["type"] in ("invalid_request_error", "permission_error")
    assert got_error["message"]
    assert 400 <= status < 500


@pytest.mark.parametrize("path", EVERY_PATH)
@pytest.mark.parametrize("name", UNREADABLE)
async def test_a_body_that_is_no_json_object_is_refused(
    running: RunningGateway, upstream: ScriptedUpstream, path: str, name: str
) -> None:
    await running.add_node(upstream.url, type=NODE_TYPES[path])
    got = await running.ask(path, UNREADABLE[name])
    assert got.status == 400, got.body
    check_error(path, got.status, got.error)
    assert got.headers["x-should-retry"] == "false"
    assert upstream.requests == []
    row = await running.row()
    assert (row.outcome, row.status, row.attempts) == (Outcome.ERROR, 400, ())


@pytest.mark.parametrize("path", EVERY_PATH)
@pytest.mark.parametrize("name", UNNAMED)
async def test_a_request_that_names_no_usable_model_is_refused(
    running: RunningGateway, upstream: ScriptedUpstream, path: str, name: str
) -> None:
    await running.add_node(upstream.url, type=NODE_TYPES[path])
    got = await running.ask(path, UNNAMED[name])
    assert got.status == 400, got.body
    check_error(path, got.status, got.error)
    assert "model" in got.error["message"]
    assert got.error.get("param") == (None if path == MESSAGES else "model")
    assert upstream.requests == []
    assert (await running.row()).status == 400


@pytest.mark.parametrize("path", EVERY_PATH)
async def test_an_unknown_model_is_answered_with_those_that_are_close(
    running: RunningGateway, upstream: ScriptedUpstream, path: str
) -> None:
    await running.add_account("openai", "first", base_url=f"{upstream.url}/v1")
    got = await running.ask(path, asking(path, "gpt-6-soll"))
    assert got.status == 404
    check_error(path, got.status, got.error)
    assert "'gpt-6-soll'" in got.error["message"]
    assert "openai/gpt-6-sol" in got.error["message"]
    assert got.headers["x-should-retry"] == "false"
    row = await running.row()
    assert (row.outcome, row.requested_model, row.provider) == (Outcome.ERROR, "gpt-6-soll", None)


async def test_a_provider_without_an_account_is_named_with_the_way_to_add_one(
    running: RunningGateway,
) -> None:
    got = await running.ask(CHAT, asking(CHAT, "openai/gpt-6-sol"))
    assert got.status == 404
    assert "omniroute providers add openai" in got.error["message"]


@pytest.mark.parametrize("path", EVERY_PATH)
async def test_half_a_surrogate_pair_in_a_prompt_is_let_through(
    running: RunningGateway, upstream: ScriptedUpstream, path: str
) -> None:
    await running.add_node(upstream.url, type=NODE_TYPES[path])
    got = await running.ask(path, b'{"model": "up/m-1", "input": "cut \\ud83d", "messages": []}')
    assert got.status == 200, got.body
    assert b'"cut \\ud83d"' in upstream.requests[0].body
    assert upstream.requests[0].json["model"] == "m-1"
    assert (await running.row()).outcome is Outcome.OK


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "x", ""])
async def test_a_body_is_json_whatever_its_type_says(
    running: RunningGateway, upstream: ScriptedUpstream, kind: str
) -> None:
    await running.add_node(upstream.url)
    got = await running.ask(CHAT, asking(CHAT), {"Content-Type": kind})
    assert got.status == 200
    assert upstream.requests[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "headers",
    [
        {"session_id": "\udcff"},
        {"X-Session-Id": "caf\u00e9"},
        {"anthropic-beta": "\udcff\udcfe"},
        {"X-Request-Id": "\udcff"},
        {"User-Agent": "\udcff"},
    ],
)
async def test_headers_of_odd_bytes_stop_nothing(
    running: RunningGateway, upstream: ScriptedUpstream, headers: dict[str, str]
) -> None:
    await running.add_node(upstream.url)
    raw = {name: value.encode("utf-8", "surrogateescape") for name, value in headers.items()}
    status, _ = await running.send_raw(CHAT, asking(CHAT), raw)
    assert status == 200
    assert len(upstream.requests) == 1
    assert (await running.row()).outcome is Outcome.OK


async def test_a_key_of_odd_bytes_is_a_wrong_key(running: RunningGateway) -> None:
    for name in ("Authorization", "x-api-key"):
        status, _ = await running.send_raw(CHAT, asking(CHAT), {name: b"Bearer \xff\xfe"})
        assert status == 401
