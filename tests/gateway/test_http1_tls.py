"""TLS, proxies, and the same behaviour on every event loop."""

import asyncio
import importlib.util
import ssl
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from omniroute.errors import FailureKind
from tests.gateway.wire_server import (
    OK,
    Script,
    Talk,
    WireServer,
    failure_of,
    fetch,
    http1,
    keep_answering,
    serving,
)


async def test_an_untrusted_certificate_is_refused(server_tls: ssl.SSLContext) -> None:
    async with serving(keep_answering, server_tls) as wire, http1() as upstream:
        failure = await failure_of(upstream, wire.ask(scheme="https"))

    assert failure.kind is FailureKind.CONNECT
    assert failure.message.startswith(f"127.0.0.1:{wire.port} shows an untrusted certificate")
    assert wire.requests == []


async def test_a_certificate_named_by_ssl_cert_file_is_trusted(
    server_tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with serving(keep_answering, server_tls) as wire, http1() as upstream:
        for _ in range(3):
            assert await fetch(upstream, wire.ask(scheme="https")) == (200, b"ok")

    assert wire.connections == 1


async def test_the_server_is_told_the_name_and_the_protocol(
    server_tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    seen: list[object] = []
    server_tls.sni_callback = lambda _socket, name, _context: seen.append(name)

    async def script(talk: Talk) -> None:
        seen.append(talk.writer.get_extra_info("ssl_object").selected_alpn_protocol())
        await keep_answering(talk)

    async with serving(script, server_tls) as wire, http1() as upstream:
        await fetch(upstream, wire.ask(scheme="https", host="localhost"))

    assert seen == ["localhost", "http/1.1"]


async def test_a_server_without_tls_is_no_tls_connection(client_tls: ssl.SSLContext) -> None:
    async def script(talk: Talk) -> None:
        talk.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await talk.wait_for_close()

    async with serving(script) as wire, http1(tls=client_tls) as upstream:
        failure = await failure_of(upstream, wire.ask(scheme="https"))

    assert failure.kind is FailureKind.CONNECT
    assert failure.message == f"no TLS connection to 127.0.0.1:{wire.port}"


async def test_a_tls_handshake_that_hangs_has_the_limit_of_connecting(client_tls: ssl.SSLContext) -> None:
    async def script(talk: Talk) -> None:
        await talk.wait_for_close()

    async with serving(script) as wire, http1(tls=client_tls, connect_s=0.1) as upstream:
        failure = await failure_of(upstream, wire.ask(scheme="https"))
        await wire.closed.wait()

    assert failure.message == f"no connection to 127.0.0.1:{wire.port} in time"


def proxies(wire: WireServer, login: str = "") -> dict[str, str]:
    return {"ALL_PROXY": f"http://{login}127.0.0.1:{wire.port}"}


async def test_plain_http_goes_to_a_proxy_with_the_whole_url() -> None:
    async with serving(keep_answering) as proxy, http1(proxies=proxies(proxy, "me:secret@")) as upstream:
        request = WireServer(keep_answering, port=8080).ask("/v1?a=b", host="api.example")
        assert await fetch(upstream, request) == (200, b"ok")
        assert await fetch(upstream, request) == (200, b"ok")

    assert proxy.connections == 1
    assert proxy.requests[0] == (
        b"POST http://api.example:8080/v1?a=b HTTP/1.1\r\nHost: api.example:8080\r\n"
        b"Proxy-Authorization: Basic bWU6c2VjcmV0\r\nContent-Length: 2\r\n\r\n{}"
    )


async def tunnel_to(port: int, talk: Talk) -> None:
    """A proxy that grants every tunnel, to that port."""
    await talk.request()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    talk.say(b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n")

    async def copy(source: asyncio.StreamReader, goal: asyncio.StreamWriter) -> None:
        try:
            while chunk := await source.read(65536):
                goal.write(chunk)
        finally:
            goal.close()

    try:
        await asyncio.gather(copy(talk.reader, writer), copy(reader, talk.writer))
    finally:
        writer.close()


def tunnelling_to(wire: WireServer) -> Script:
    async def script(talk: Talk) -> None:
        await tunnel_to(wire.port, talk)

    return script


async def test_https_goes_through_a_tunnel(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    async with (
        serving(keep_answering, server_tls) as wire,
        serving(tunnelling_to(wire)) as proxy,
        http1(tls=client_tls, proxies=proxies(proxy, "me:secret@")) as upstream,
    ):
        for _ in range(3):
            assert await fetch(upstream, wire.ask(scheme="https", host="api.example")) == (200, b"ok")

    assert (proxy.connections, wire.connections, len(wire.requests)) == (1, 1, 3)
    place = b"api.example:%d" % wire.port
    login = b"Proxy-Authorization: Basic bWU6c2VjcmV0\r\n"
    assert proxy.requests == [
        b"CONNECT " + place + b" HTTP/1.1\r\nHost: " + place + b"\r\n" + login + b"\r\n"
    ]
    assert b"Proxy" not in wire.requests[0]


async def test_a_certificate_of_another_host_is_refused(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with (
        serving(keep_answering, server_tls) as wire,
        serving(tunnelling_to(wire)) as proxy,
        http1(tls=client_tls, proxies=proxies(proxy)) as upstream,
    ):
        failure = await failure_of(upstream, wire.ask(scheme="https", host="other.example"))

    assert failure.message.startswith(f"other.example:{wire.port} shows an untrusted certificate")
    assert wire.requests == []


REFUSALS = {
    b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n": "it asks for a user name and password (407)",
    b"HTTP/1.1 403 Forbidden\r\nX-A: b\r\n\r\n": "it answered 403",
    b"what?\r\n\r\n": "it did not answer in HTTP",
    b"": "it did not answer in HTTP",
    b"HTTP/1.1 200 OK\r\n\r\n\x16\x03\x01": "it sent more than an answer",
}


@pytest.mark.parametrize(("said", "reason"), REFUSALS.items(), ids=repr)
async def test_a_tunnel_that_is_refused_says_why_without_the_credentials(said: bytes, reason: str) -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        talk.say(said)

    async with serving(script) as proxy, http1(proxies=proxies(proxy, "me:secret@")) as upstream:
        request = WireServer(script, port=443).ask(scheme="https", host="api.example")
        failure = await failure_of(upstream, request)

    assert failure.kind is FailureKind.CONNECT
    assert (
        failure.message == f"no connection to api.example through the proxy 127.0.0.1:{proxy.port}: {reason}"
    )


async def test_a_proxy_does_not_lead_to_a_private_address_either() -> None:
    async with serving(keep_answering) as proxy, http1(proxies=proxies(proxy)) as upstream:
        request = WireServer(keep_answering, port=80).ask(host="169.254.169.254")
        assert (await failure_of(upstream, request)).kind is FailureKind.CONNECT

    assert proxy.connections == 0


LOOPS = [asyncio.new_event_loop]
if importlib.util.find_spec("uvloop"):
    import uvloop

    LOOPS.append(uvloop.new_event_loop)


@pytest.mark.parametrize("loop", LOOPS, ids=["asyncio", "uvloop"][: len(LOOPS)])
@pytest.mark.parametrize("scheme", ["http", "https", "tunnel"])
def test_every_loop_serves_reuses_and_cancels(
    loop: Callable[[], asyncio.AbstractEventLoop],
    scheme: str,
    server_tls: ssl.SSLContext,
    client_tls: ssl.SSLContext,
) -> None:
    big = b"x" * 3_000_000

    async def script(talk: Talk) -> None:
        await talk.request()
        talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n", big)
        await talk.request()
        talk.say(OK)
        await talk.request()
        talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart")
        await talk.wait_for_close()

    async def ask_thrice() -> None:
        async with serving(script, None if scheme == "http" else server_tls) as wire:
            async with serving(tunnelling_to(wire)) as proxy:
                through = proxies(proxy) if scheme == "tunnel" else {}
                async with http1(tls=client_tls, proxies=through) as upstream:
                    host = "api.example" if scheme == "tunnel" else "127.0.0.1"
                    ask = wire.ask(scheme="http" if scheme == "http" else "https", host=host, body=big)
                    assert await fetch(upstream, ask) == (200, big)
                    assert await fetch(upstream, ask) == (200, b"ok")
                    async with upstream.open(ask) as answer:
                        assert await anext(answer.chunks()) == b"part"
                    await wire.closed.wait()
            assert wire.connections == 1

    run_on(loop, ask_thrice())


def run_on(loop: Callable[[], asyncio.AbstractEventLoop], coroutine: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(coroutine)
