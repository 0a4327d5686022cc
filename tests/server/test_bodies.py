"""Bodies as clients send them: compressed, cut in pieces, too large."""

import asyncio
import gzip
import json
import sys
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import brotli  # type: ignore[import-untyped]  # it comes without types
import pytest

from tests.running_gateway import (
    CHAT,
    CONVERSATIONS,
    MASTER_KEY,
    MESSAGES,
    TOKEN,
    RunningGateway,
    asking,
    running_gateway,
)
from tests.scripted_upstream import ScriptedUpstream

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstd.compress,
}
KB = 1024


@pytest.fixture
async def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RunningGateway]:
    """A gateway that takes bodies of 64 KiB."""
    monkeypatch.setenv("OMNIROUTE_MASTER_KEY", MASTER_KEY)
    async with running_gateway(tmp_path, max_body_size_bytes=64 * KB) as running:
        yield running


@pytest.mark.parametrize("encoding", [*PACKED, "GZIP", "identity", ""])
async def test_a_packed_body_is_unpacked(
    running: RunningGateway, upstream: ScriptedUpstream, encoding: str
) -> None:
    await running.add_node(upstream.url)
    body = json.dumps(asking(CHAT, x="caf\u00e9 " * 1000)).encode()
    packed = PACKED.get(encoding.lower(), bytes)(body)
    got = await running.ask(CHAT, packed, {"Content-Encoding": encoding})
    assert got.status == 200, got.body
    assert upstream.requests[0].body == body.replace(b'"up/m-1"', b'"m-1"')
    assert "content-encoding" not in upstream.requests[0].headers


@pytest.mark.parametrize("encoding", ["compress", "gzip, br", "x-unheard-of"])
async def test_an_encoding_nobody_knows_is_refused(running: RunningGateway, encoding: str) -> None:
    got = await running.ask(MESSAGES, b"xxxx", {"Content-Encoding": encoding})
    assert (got.status, got.json["type"]) == (415, "error")
    assert encoding in got.error["message"]
    assert got.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("encoding", PACKED)
@pytest.mark.parametrize("broken", ["not packed", "cut short"])
async def test_a_body_that_cannot_be_unpacked_is_refused(
    running: RunningGateway, encoding: str, broken: str
) -> None:
    packed = PACKED[encoding](json.dumps(asking(CHAT, x="caf\u00e9 " * 1000)).encode())
    body = b'{"model": "this is not packed at all"}' if broken == "not packed" else packed[:-20]
    got = await running.ask(CHAT, body, {"Content-Encoding": encoding})
    assert got.status == 400, got.body
    if (encoding, broken) != ("deflate", "cut short"):  # that is seen before there is a request
        assert got.error["message"]
    assert (await running.ask(CHAT, asking(CHAT, "demo/echo"))).status == 200


@pytest.mark.parametrize("path", CONVERSATIONS)
@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_over_the_limit_is_refused(small: RunningGateway, path: str, declared: bool) -> None:
    body = json.dumps(asking(path, "demo/echo", x="x" * 100 * KB)).encode()

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 10 * KB):
            yield body[start : start + 10 * KB]

    sent = body if declared else pieces()
    async with small.http.post(small.url + path, data=sent) as answer:
        shown = json.loads(await answer.read())
    assert answer.status == 413
    assert answer.headers["x-should-retry"] == "false"
    if path == MESSAGES:
        assert shown["error"]["type"] == "request_too_large"
    else:
        assert shown["error"]["code"] == "payload_too_large"


async def test_a_body_just_below_the_limit_is_taken(small: RunningGateway) -> None:
    empty = len(json.dumps(asking(CHAT, "demo/echo", x="")))
    body = asking(CHAT, "demo/echo", x="x" * (64 * KB - empty - 1))
    assert (await small.ask(CHAT, body)).status == 200


async def test_a_hundred_mebibytes_are_refused_and_not_kept(running: RunningGateway) -> None:
    piece = b"x" * (1024 * KB)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield piece

    async with running.http.post(running.url + CHAT, data=pieces()) as answer:
        assert answer.status == 413
        assert json.loads(await answer.read())["error"]["code"] == "payload_too_large"
    assert (await running.ask(CHAT, asking(CHAT, "demo/echo"))).status == 200


@pytest.mark.parametrize("encoding", PACKED)
async def test_a_bomb_is_refused_before_it_is_unpacked_whole(small: RunningGateway, encoding: str) -> None:
    bomb = PACKED[encoding](bytes(64 * KB * KB))
    async with asyncio.timeout(20):
        got = await small.ask(CHAT, bomb, {"Content-Encoding": encoding})
    assert got.status in (400, 413)
    assert got.error["message"]
    assert (await small.ask(CHAT, asking(CHAT, "demo/echo"))).status == 200


async def test_the_management_api_has_a_limit_of_its_own(running: RunningGateway) -> None:
    got = await running.ask(
        "/api/providers", b'{"x": "' + b"x" * (3 * KB * KB) + b'"}', {"Authorization": f"Bearer {TOKEN}"}
    )
    assert (got.status, got.error["code"]) == (413, "PAYLOAD_TOO_LARGE")


async def test_a_body_shorter_than_it_was_said_to_be_is_no_request(running: RunningGateway) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(running.url.rpartition(":")[2]))
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{")
    writer.write_eof()
    await reader.read()
    writer.close()
    await writer.wait_closed()
    assert await running.rows() == []
    assert (await running.ask(CHAT, asking(CHAT, "demo/echo"))).status == 200
