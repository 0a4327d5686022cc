"""Connections are kept, replaced and closed as the other side must see it; waiting has its limits."""

import asyncio
from collections.abc import AsyncIterator
from types import MappingProxyType

import pytest

from omniroute.errors import FailureKind
from omniroute.gateway.http1 import pool
from omniroute.gateway.http1.upstream import Http1Upstream
from omniroute.gateway.upstream import UpstreamFailed
from tests.gateway.wire_server import (
    OK,
    Script,
    Talk,
    failure_of,
    fetch,
    http1,
    keep_answering,
    saying,
    serving,
)

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

NOT_KEPT = MappingProxyType(
    {
        "asked to close": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.0": b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "surplus bytes": OK + b"HTTP/1.1 200 OK\r\n",
        "garbage behind": OK + b"\x00\x00",
    }
)


@pytest.fixture
async def upstream() -> AsyncIterator[Http1Upstream]:
    async with http1() as made:
        yield made


async def test_requests_in_turn_share_one_connection(upstream: Http1Upstream) -> None:
    async with serving(keep_answering) as wire:
        for _ in range(5):
            assert await fetch(upstream, wire.ask()) == (200, b"ok")

    assert (wire.connections, len(wire.requests)) == (1, 5)


async def test_requests_at_the_same_time_have_each_its_own(upstream: Http1Upstream) -> None:
    async with serving(keep_answering) as wire:
        for _ in range(3):
            await asyncio.gather(*(fetch(upstream, wire.ask()) for _ in range(4)))

    assert wire.connections == 4


async def test_an_answer_without_a_body_leaves_the_connection_usable(upstream: Http1Upstream) -> None:
    async with serving(saying(b"HTTP/1.1 204 No Content\r\n\r\n", OK)) as wire:
        assert await fetch(upstream, wire.ask()) == (204, b"")
        assert await fetch(upstream, wire.ask()) == (200, b"ok")

    assert wire.connections == 1


@pytest.mark.parametrize("answer", NOT_KEPT.values(), ids=NOT_KEPT)
async def test_a_connection_that_cannot_be_trusted_is_not_used_again(
    upstream: Http1Upstream, answer: bytes
) -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        talk.say(answer)
        await talk.wait_for_close()

    async with serving(script) as wire:
        for number in (1, 2):
            assert await fetch(upstream, wire.ask()) == (200, b"ok")
            await wire.closed.wait()
            assert wire.connections == number


async def test_bytes_nobody_asked_for_end_a_waiting_connection(upstream: Http1Upstream) -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        talk.say(OK)
        await asyncio.sleep(0)
        talk.say(OK)
        await talk.wait_for_close()

    async with serving(script) as wire:
        await fetch(upstream, wire.ask())
        await wire.closed.wait()
        assert await fetch(upstream, wire.ask()) == (200, b"ok")

    assert wire.connections == 2


async def test_an_answer_before_the_request_was_read_ends_the_connection(upstream: Http1Upstream) -> None:
    async def script(talk: Talk) -> None:
        await talk.reader.readuntil(b"\r\n\r\n")
        talk.say(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
        await wire.closed.wait()

    async def closing(talk: Talk) -> None:
        await (script if talk.number == 1 else keep_answering)(talk)

    async with serving(closing) as wire:
        assert await fetch(upstream, wire.ask(body=bytes(30_000_000))) == (413, b"")
        assert await fetch(upstream, wire.ask()) == (200, b"ok")
        wire.closed.set()

    assert wire.connections == 2


async def test_a_head_answer_does_not_spoil_the_next(upstream: Http1Upstream) -> None:
    async def script(talk: Talk) -> None:
        while (await talk.request()).startswith(b"HEAD"):
            talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
        talk.say(OK)

    async with serving(script) as wire:
        assert await fetch(upstream, wire.ask(method="HEAD", body=None)) == (200, b"")
        assert await fetch(upstream, wire.ask()) == (200, b"ok")


async def test_a_request_on_a_connection_closed_meanwhile_is_sent_again(upstream: Http1Upstream) -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        talk.say(OK)
        if talk.number == 1:
            await talk.request()  # read, and closed without a byte
        else:
            await keep_answering(talk)

    async with serving(script) as wire:
        await fetch(upstream, wire.ask())
        assert await fetch(upstream, wire.ask(body=b"again")) == (200, b"ok")

    assert wire.connections == 2
    assert [request[-5:] for request in wire.requests[1:]] == [b"again", b"again"]


async def test_it_is_sent_again_only_once(upstream: Http1Upstream) -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        if talk.number == 1:
            talk.say(OK)
            await talk.request()

    async with serving(script) as wire:
        await fetch(upstream, wire.ask())
        failure = await failure_of(upstream, wire.ask())

    assert failure.kind is FailureKind.CONNECT
    assert failure.message == f"127.0.0.1:{wire.port} closed the connection without an answer"
    assert len(wire.requests) == 3


async def test_a_request_on_a_new_connection_is_never_sent_again(upstream: Http1Upstream) -> None:
    async with serving(saying(b"")) as wire:
        assert (await failure_of(upstream, wire.ask())).kind is FailureKind.CONNECT

    assert len(wire.requests) == 1


async def test_a_request_is_not_sent_again_once_a_byte_of_an_answer_came(upstream: Http1Upstream) -> None:
    async with serving(saying(OK, b"HTTP/1.1 2")) as wire:
        await fetch(upstream, wire.ask())
        assert (await failure_of(upstream, wire.ask())).kind is FailureKind.CONNECT

    assert len(wire.requests) == 2


async def test_a_connection_the_other_side_closed_is_not_taken(upstream: Http1Upstream) -> None:
    async with serving(saying(OK)) as wire:
        await fetch(upstream, wire.ask())
        for _ in range(20):  # the end of the first connection arrives
            await asyncio.sleep(0.001)
        await fetch(upstream, wire.ask())

    assert (wire.connections, len(wire.requests)) == (2, 2)


async def test_waiting_connections_are_closed_in_time(
    upstream: Http1Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "KEPT_S", 0.01)
    monkeypatch.setattr(pool, "SWEEP_S", 0.02)

    async def script(talk: Talk) -> None:
        await talk.request()
        talk.say(OK)
        await talk.wait_for_close()

    async with serving(script) as wire:
        await fetch(upstream, wire.ask())
        await wire.closed.wait()


async def hang_inside(talk: Talk) -> None:
    await talk.request()
    talk.say(HEAD + b"3\r\none\r\n")
    await talk.wait_for_close()


async def hang_before(talk: Talk) -> None:
    await talk.request()
    await talk.wait_for_close()


async def test_leaving_early_closes_the_connection_at_once(upstream: Http1Upstream) -> None:
    async with serving(hang_inside) as wire:
        async with upstream.open(wire.ask()) as answer:
            assert await anext(answer.chunks()) == b"one"
        await wire.closed.wait()


async def test_an_error_in_the_readers_code_closes_the_connection(upstream: Http1Upstream) -> None:
    async with serving(hang_inside) as wire:
        with pytest.raises(RuntimeError, match="mine"):
            async with upstream.open(wire.ask()):
                raise RuntimeError("mine")
        await wire.closed.wait()


@pytest.mark.parametrize("script", [hang_before, hang_inside])
async def test_a_cancelled_request_closes_its_connection(upstream: Http1Upstream, script: Script) -> None:
    asked = asyncio.Event()

    async def noting(talk: Talk) -> None:
        asked.set()
        await script(talk)

    async with serving(noting) as wire, asyncio.TaskGroup() as group:
        task = group.create_task(fetch(upstream, wire.ask()))
        await asked.wait()
        for _ in range(20):
            await asyncio.sleep(0)
        task.cancel()
        await wire.closed.wait()


async def test_closing_the_upstream_closes_what_is_waiting_and_what_is_under_way() -> None:
    ended = 0

    async def script(talk: Talk) -> None:
        nonlocal ended
        await talk.request()
        talk.say(OK if talk.number == 1 else HEAD)
        await talk.wait_for_close()
        ended += 1

    async with serving(script) as wire, http1() as upstream:
        async with upstream.open(wire.ask()) as first, upstream.open(wire.ask()) as second:
            await first.read(10)
            await upstream.close()
            with pytest.raises(UpstreamFailed) as caught:
                await second.read(10)
        while ended < 2:
            wire.closed.clear()
            await wire.closed.wait()

    assert caught.value.failure.kind is FailureKind.CUT


async def test_no_head_in_time_is_slow(upstream: Http1Upstream) -> None:
    async with serving(hang_before) as wire:
        failure = await failure_of(upstream, wire.ask(first_byte_s=0.05))
        await wire.closed.wait()

    assert failure.kind is FailureKind.SLOW
    assert failure.message == f"127.0.0.1:{wire.port} sent nothing within 0.05 s"


async def test_a_head_that_trickles_is_slow_too(upstream: Http1Upstream) -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        while not talk.writer.is_closing():
            talk.say(b"HTTP/1.1 100 Continue\r\n\r\n")
            await talk.writer.drain()
            await asyncio.sleep(0.002)

    async with serving(script) as wire:
        assert (await failure_of(upstream, wire.ask(first_byte_s=0.05))).kind is FailureKind.SLOW


@pytest.mark.parametrize(("first_byte_s", "idle_s"), [(20, 0.05), (0.05, None)])
async def test_silence_inside_an_answer_has_its_own_limit(
    upstream: Http1Upstream, first_byte_s: float, idle_s: float | None
) -> None:
    async with serving(hang_inside) as wire:
        failure = await failure_of(upstream, wire.ask(first_byte_s=first_byte_s, idle_s=idle_s))
        await wire.closed.wait()

    assert failure.kind is FailureKind.SILENT


async def test_bytes_that_keep_coming_are_no_silence(upstream: Http1Upstream) -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        talk.say(HEAD)
        for _ in range(20):
            await asyncio.sleep(0.02)
            talk.say(b"1\r\nx\r\n")
        talk.say(b"0\r\n\r\n")

    async with serving(script) as wire:
        assert await fetch(upstream, wire.ask(idle_s=0.2)) == (200, b"x" * 20)


async def test_without_a_limit_silence_lasts_as_long_as_it_likes(upstream: Http1Upstream) -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        talk.say(HEAD)
        await asyncio.sleep(0.15)
        talk.say(b"1\r\nx\r\n0\r\n\r\n")

    async with serving(script) as wire:
        assert await fetch(upstream, wire.ask(first_byte_s=0.05, idle_s=0)) == (200, b"x")


async def test_a_limit_does_not_outlive_its_request(upstream: Http1Upstream) -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        talk.say(OK)
        await talk.request()
        await asyncio.sleep(0.15)
        talk.say(OK)

    async with serving(script) as wire:
        await fetch(upstream, wire.ask(first_byte_s=0.05))
        assert await fetch(upstream, wire.ask(first_byte_s=20)) == (200, b"ok")

    assert wire.connections == 1


async def test_a_reader_that_takes_its_time_is_no_silence(upstream: Http1Upstream) -> None:
    script = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 8000000\r\n\r\n" + bytes(8_000_000))
    async with serving(script) as wire, upstream.open(wire.ask(idle_s=0.05)) as answer:
        await asyncio.sleep(0.15)
        assert len(await answer.read(8_000_000)) == 8_000_000


async def test_a_refused_connection_says_so(upstream: Http1Upstream) -> None:
    async with serving(keep_answering) as wire:
        pass  # nobody listens there any more

    failure = await failure_of(upstream, wire.ask("/secret"))

    assert failure.kind is FailureKind.CONNECT
    assert failure.message == f"no connection to 127.0.0.1:{wire.port}: Connection refused"
