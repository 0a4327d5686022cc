"""A client that has its whole answer may hang up before the upstream does."""

import asyncio
import json
from dataclasses import replace

import pytest

from omniroute.records import Outcome
from tests import scripted_upstream as script
from tests.running_gateway import CONVERSATIONS, NODE_TYPES, RunningGateway, asking
from tests.scripted_upstream import Ending, ScriptedUpstream

LAST_EVENT = {
    "/v1/chat/completions": b"data: [DONE]",
    "/v1/messages": b"event: message_stop",
    "/v1/responses": b"event: response.completed",
}


@pytest.mark.parametrize("path", CONVERSATIONS)
async def test_a_stream_whose_closing_event_arrived_is_no_cancelled_one(
    running: RunningGateway, upstream: ScriptedUpstream, path: str
) -> None:
    """Codex leaves at `response.completed`; the upstream's body may still be open then."""
    await running.add_node(upstream.url, type=NODE_TYPES[path])
    upstream.script(replace(script.answer(), ending=Ending.STALL))
    host, _, port = running.url.removeprefix("http://").partition(":")
    content = json.dumps(asking(path, stream=True)).encode()
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\n".encode())
    writer.write(f"Content-Length: {len(content)}\r\n\r\n".encode() + content)
    async with asyncio.timeout(10):
        await reader.readuntil(LAST_EVENT[path])
    writer.close()
    await writer.wait_closed()
    await upstream.until(lambda up: up.cancelled == 1)
    row = await running.row()
    assert (row.outcome, row.status, row.error) == (Outcome.OK, 200, None)
    assert row.usage.prompt == 100
    assert not row.usage.estimated
    assert [attempt.failure for attempt in row.attempts] == [None]
