"""Requests through proxies that were chosen for them."""

import asyncio
import ssl
from dataclasses import replace

import msgspec
import pytest

from omniroute.errors import FailureKind
from omniroute.gateway.upstream import HttpRequest
from omniroute.records.proxies import Proxy, ProxyType
from tests.gateway.proxy_servers import REFUSED, proxying
from tests.gateway.test_http1_tls import LOOPS, run_on
from tests.gateway.wire_server import WireServer, failure_of, fetch, http1, keep_answering, serving

SOCKS5, HTTP, HTTPS = ProxyType.SOCKS5, ProxyType.HTTP, ProxyType.HTTPS
LOGIN = ("me", "a secret")


def through(request: HttpRequest, proxy: Proxy) -> HttpRequest:
    return msgspec.structs.replace(request, proxy=proxy)


@pytest.mark.parametrize("type_", [SOCKS5, HTTP])
@pytest.mark.parametrize("login", [None, LOGIN])
async def test_https_goes_through_the_proxy_that_was_chosen_and_the_proxy_resolves_the_name(
    type_: ProxyType, login: tuple[str, str] | None, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with (
        serving(keep_answering, server_tls) as wire,
        proxying(type_, wire.port, login=login) as server,
        http1(tls=client_tls) as upstream,
    ):
        ask = through(wire.ask(scheme="https", host="api.example"), server.proxy())
        for _ in range(3):
            assert await fetch(upstream, ask) == (200, b"ok")

    assert server.asked == [f"api.example:{wire.port}"]
    assert (wire.connections, len(wire.requests)) == (1, 3)


async def test_plain_http_goes_through_socks5_as_it_is() -> None:
    async with serving(keep_answering) as wire, proxying(SOCKS5, wire.port) as server, http1() as upstream:
        ask = through(wire.ask("/v1/x", host="api.example"), server.proxy())
        assert await fetch(upstream, ask) == (200, b"ok")

    assert wire.requests[0].startswith(b"POST /v1/x HTTP/1.1\r\nHost: api.example:")
    assert server.asked == [f"api.example:{wire.port}"]


async def test_a_proxy_may_be_behind_tls_itself(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with (
        serving(keep_answering, server_tls) as proxy,
        http1(tls=client_tls) as upstream,
    ):
        way = Proxy(type=HTTPS, host="127.0.0.1", port=proxy.port, username="me", password="x")
        ask = WireServer(keep_answering, port=8080).ask("/a", host="api.example")
        assert await fetch(upstream, through(ask, way)) == (200, b"ok")

    assert proxy.requests[0].startswith(b"POST http://api.example:8080/a HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic bWU6eA==\r\n" in proxy.requests[0]


@pytest.mark.parametrize("loop", LOOPS, ids=["asyncio", "uvloop"][: len(LOOPS)])
@pytest.mark.parametrize("type_", [SOCKS5, HTTP, HTTPS])
def test_every_loop_goes_through_every_kind(
    loop: object, type_: ProxyType, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async def ask_twice() -> None:
        async with (
            serving(keep_answering, server_tls) as wire,
            proxying(type_, wire.port) as server,
            http1(tls=client_tls) as upstream,
        ):
            if type_ is HTTPS:
                listening = await asyncio.start_server(server.talk, "127.0.0.1", 0, ssl=server_tls)
                server.port = listening.sockets[0].getsockname()[1]
            ask = through(wire.ask(scheme="https", host="api.example"), server.proxy())
            assert await fetch(upstream, ask) == (200, b"ok")
            assert await fetch(upstream, ask) == (200, b"ok")
            assert server.connections == 1
            if type_ is HTTPS:
                listening.close()

    run_on(loop, ask_twice())  # type: ignore[arg-type]  # pytest keeps no types of parameters


@pytest.mark.parametrize(
    ("known", "given", "refusal", "reason"),
    [
        (LOGIN, ("me", "wrong"), 0, "it does not accept the user name and password"),
        (LOGIN, None, 0, "it asks for a user name and password"),
        (None, LOGIN, 0, "it does not take a user name and password"),
        (None, None, REFUSED, "the host refuses connections"),
        (None, None, 77, "it answered 77"),
        (LOGIN, ("me", "x" * 300), 0, "its user name or password is too long for it"),
    ],
)
async def test_a_proxy_that_refuses_says_why_without_the_credentials(
    known: tuple[str, str] | None, given: tuple[str, str] | None, refusal: int, reason: str
) -> None:
    async with (
        serving(keep_answering) as wire,
        proxying(SOCKS5, wire.port, login=known, refusal=refusal) as server,
        http1() as upstream,
    ):
        way = replace(server.proxy(), username=None, password=None)
        if given is not None:
            way = replace(way, username=given[0], password=given[1])
        failure = await failure_of(upstream, through(wire.ask(host="api.example"), way))

    assert failure.kind is FailureKind.CONNECT
    place = f"api.example:{wire.port} through the proxy 127.0.0.1:{server.port}"
    assert failure.message == f"no connection to {place}: {reason}"


@pytest.mark.parametrize(
    "said", [b"", b"\x04", b"HTTP/1.1 400 Bad\r\n\r\n", b"\x05\x07", b"\x05\x00\x04\x00\x00\x01"]
)
async def test_what_is_no_socks5_is_told_so(said: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(3)
        writer.write(said)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with http1() as upstream:
        way = Proxy(type=SOCKS5, host="127.0.0.1", port=server.sockets[0].getsockname()[1])
        ask = WireServer(keep_answering, port=80).ask(host="api.example")
        failure = await failure_of(upstream, through(ask, way))
    server.close()

    assert failure.kind is FailureKind.CONNECT
    assert failure.message.startswith("no connection to api.example")


async def test_a_proxy_that_hangs_has_the_limit_of_connecting() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with http1(connect_s=0.1) as upstream:
        way = Proxy(type=SOCKS5, host="127.0.0.1", port=server.sockets[0].getsockname()[1])
        ask = WireServer(keep_answering, port=80).ask(host="api.example")
        failure = await failure_of(upstream, through(ask, way))
    server.close()

    assert failure.message.endswith("in time")


@pytest.mark.parametrize("host", ["169.254.169.254", "10.0.0.1", "192.168.1.1", "0xA9FEA9FE", "167772161"])
@pytest.mark.parametrize("type_", [SOCKS5, HTTP])
async def test_a_proxy_leads_to_no_private_address(type_: ProxyType, host: str) -> None:
    async with serving(keep_answering) as wire, proxying(type_, wire.port) as server, http1() as upstream:
        ask = msgspec.structs.replace(wire.ask(host=host), allow_private=False, proxy=server.proxy())
        assert (await failure_of(upstream, ask)).kind is FailureKind.CONNECT

    assert server.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1"])
async def test_no_proxy_leads_to_this_machine(host: str) -> None:
    async with serving(keep_answering) as wire, proxying(SOCKS5, wire.port) as server, http1() as upstream:
        assert await fetch(upstream, through(wire.ask(host=host), server.proxy())) == (200, b"ok")

    assert server.connections == 0


async def test_a_chosen_proxy_counts_before_the_environments() -> None:
    async with (
        serving(keep_answering) as wire,
        proxying(SOCKS5, wire.port) as chosen,
        proxying(SOCKS5, wire.port) as usual,
        http1(proxies={"ALL_PROXY": f"socks5://127.0.0.1:{usual.port}"}) as upstream,
    ):
        ask = wire.ask(host="api.example")
        assert await fetch(upstream, ask) == (200, b"ok")
        assert await fetch(upstream, through(ask, chosen.proxy())) == (200, b"ok")
        assert await fetch(upstream, ask) == (200, b"ok")

    assert (usual.connections, chosen.connections) == (1, 1)


async def test_what_waits_at_a_proxy_that_is_no_more_is_closed_and_what_runs_there_ends() -> None:
    async with (
        serving(keep_answering) as wire,
        proxying(SOCKS5, wire.port) as old,
        proxying(SOCKS5, wire.port) as new,
        http1() as upstream,
    ):
        ask = wire.ask(host="api.example")
        for server in (old, new):
            assert await fetch(upstream, through(ask, server.proxy())) == (200, b"ok")
        async with upstream.open(through(ask, old.proxy())) as answer:
            upstream.keep_proxies([new.proxy()])
            assert await answer.read(10) == b"ok"
        async with asyncio.timeout(10):
            await old.closed.wait()
        assert await fetch(upstream, through(ask, new.proxy())) == (200, b"ok")

    assert (old.connections, new.connections) == (1, 1)


def test_a_proxy_is_shown_without_its_password() -> None:
    proxy = Proxy(type=SOCKS5, host="::1", port=1080, username="me", password="a secret")
    assert "a secret" not in repr(proxy)
    assert (proxy.place, proxy.url) == ("[::1]:1080", "socks5://[::1]:1080")
