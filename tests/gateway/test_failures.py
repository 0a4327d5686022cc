"""What a client is told of failures, beside what the failure table holds."""

import pytest

from omniroute.records import Outcome
from tests import scripted_upstream as script
from tests.running_gateway import (
    CHAT,
    CONVERSATIONS,
    EMBEDDINGS,
    NODE_TYPES,
    RunningGateway,
    asking,
)
from tests.scripted_upstream import ScriptedUpstream

SECRET = "sk-of-first-0123456789"


async def test_a_private_address_is_refused_unless_it_is_meant(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url.replace("127.0.0.1", "localhost"), allow_private=False)
    got = await running.ask(CHAT, asking(CHAT))
    assert got.status == 502
    assert "--allow-private" in got.error["message"]
    assert upstream.requests == []


@pytest.mark.parametrize("path", CONVERSATIONS)
async def test_the_upstreams_own_error_body_is_passed_on_as_it_came(
    running: RunningGateway, upstream: ScriptedUpstream, path: str
) -> None:
    await running.add_node(upstream.url, type=NODE_TYPES[path])
    upstream.script(script.error(400, "field x is odd", kind="very_special"))
    got = await running.ask(path, asking(path))
    assert got.error["type"] == "very_special"
    assert got.error["message"] == "field x is odd"


@pytest.mark.parametrize("where", ["message", "page"])
async def test_a_key_that_the_upstream_repeats_is_not_shown_to_anybody(
    running: RunningGateway, upstream: ScriptedUpstream, where: str
) -> None:
    await running.add_node(upstream.url)
    said = f"no such key: {SECRET}"
    page = script.body(said.encode(), status=400, content_type="text/plain")
    upstream.script(script.error(400, said) if where == "message" else page)
    got = await running.ask(CHAT, asking(CHAT))
    row = await running.row()
    assert "no such key" in got.error["message"]
    assert SECRET not in got.body.decode() + repr(row)


async def test_an_embedding_fails_in_the_openai_dialect(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    upstream.script(script.error(429, "slow down", headers={"Retry-After": "11"}))
    got = await running.ask(EMBEDDINGS, asking(EMBEDDINGS))
    assert (got.status, got.headers["Retry-After"]) == (429, "11")
    assert "slow down" in got.error["message"]
    assert (await running.row()).client_format == "openai-embeddings"


async def test_a_response_that_failed_is_no_answer(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url, type=NODE_TYPES["/v1/responses"])
    failed = {"status": "failed", "error": {"code": "server_error", "message": "fell over"}}
    upstream.otherwise = script.changed(script.answer(), failed)
    got = await running.ask("/v1/responses", asking("/v1/responses"))
    assert got.status == 503
    assert "fell over" in got.error["message"]
    assert (await running.row()).outcome is Outcome.ERROR
