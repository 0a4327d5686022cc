"""Which addresses are connected to, and through which proxy."""

import asyncio
import socket
from collections.abc import Callable

import pytest

from omniroute.errors import FailureKind
from omniroute.gateway.http1.proxies import Proxies, UnusableProxy
from omniroute.gateway.http1.target import Origin
from omniroute.gateway.upstream import HttpRequest
from tests.gateway.wire_server import failure_of, fetch, http1, keep_answering, serving

Row = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[str, int] | tuple[str, int, int, int]]
Resolve = Callable[[dict[str, list[str]]], list[str]]


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """Names lead where the test says; the list returned grows with each name looked up."""

    def set_up(names: dict[str, list[str]]) -> list[str]:
        asked: list[str] = []

        async def getaddrinfo(self: object, host: str, port: int, **_: object) -> list[Row]:
            asked.append(host)
            if host not in names:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return [
                (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (ip, port, 0, 0))
                if ":" in ip
                else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port))
                for ip in names[host]
            ]

        monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
        return asked

    return set_up


def asking(url: str, *, allow_private: bool = False) -> HttpRequest:
    return HttpRequest(method="GET", url=url, headers={}, allow_private=allow_private, first_byte_s=20)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/",
        "http://[::1]:9/",
        "http://10.0.0.1/",
        "http://[::ffff:192.168.1.1]/",
        "http://0.0.0.0/",
    ],
)
async def test_a_private_address_is_not_asked_unless_it_is_meant(url: str) -> None:
    async with http1() as upstream:
        failure = await failure_of(upstream, asking(url))

    assert failure.kind is FailureKind.CONNECT
    assert failure.message.endswith("leads to an address of this network; `--allow-private` permits it")


@pytest.mark.parametrize("url", ["http://169.254.169.254/", "http://[fe80::1]/", "http://[fd00:ec2::254]/"])
async def test_a_metadata_address_is_never_asked(url: str) -> None:
    async with http1() as upstream:
        failure = await failure_of(upstream, asking(url, allow_private=True))

    assert failure.message.endswith("is a link-local or metadata address, which nothing may reach")


async def test_a_name_is_refused_by_where_it_leads(resolve: Resolve) -> None:
    resolve({"inside.example": ["127.0.0.1", "10.1.1.1"], "cloud.example": ["169.254.169.254"]})
    async with http1() as upstream:
        inside = await failure_of(upstream, asking("http://inside.example/"))
        cloud = await failure_of(upstream, asking("http://cloud.example/", allow_private=True))

    assert "inside.example leads to an address of this network" in inside.message
    assert "cloud.example is a link-local or metadata address" in cloud.message


async def test_the_address_that_was_checked_is_the_one_connected_to(resolve: Resolve) -> None:
    names = {"api.example": ["127.0.0.1"]}
    asked = resolve(names)
    async with serving(keep_answering) as wire, http1() as upstream:
        await fetch(upstream, wire.ask(host="api.example"))
        names["api.example"] = ["169.254.169.254"]
        await asyncio.gather(*(fetch(upstream, wire.ask(host="api.example")) for _ in range(3)))

    assert asked == ["api.example"]
    assert wire.connections == 3
    assert b"Host: api.example:%d\r\n" % wire.port in wire.requests[0]


async def test_a_private_connection_is_not_lent_to_a_request_that_may_not_have_it() -> None:
    async with serving(keep_answering) as wire, http1() as upstream:
        await fetch(upstream, wire.ask())
        failure = await failure_of(upstream, asking(f"http://127.0.0.1:{wire.port}/"))

    assert failure.kind is FailureKind.CONNECT
    assert len(wire.requests) == 1


async def test_the_next_address_is_tried_and_the_good_one_remembered(
    resolve: Resolve, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve({"api.example": ["127.0.0.2", "127.0.0.1"]})
    tried: list[str] = []
    connect = asyncio.get_running_loop().sock_connect

    async def noting(sock: socket.socket, place: tuple[str, int]) -> None:
        tried.append(place[0])
        await connect(sock, place)

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", noting)
    async with serving(keep_answering) as wire, http1() as upstream:
        await asyncio.gather(*(fetch(upstream, wire.ask(host="api.example")) for _ in range(1)))
        await asyncio.gather(*(fetch(upstream, wire.ask(host="api.example")) for _ in range(2)))

    assert tried == ["127.0.0.2", "127.0.0.1", "127.0.0.1"]


async def test_a_connection_that_does_not_come_about_has_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(sock: socket.socket, place: tuple[str, int]) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", never)
    async with http1(connect_s=0.05) as upstream:
        failure = await failure_of(upstream, asking("http://127.0.0.1:9/", allow_private=True))

    assert (failure.kind, failure.message) == (FailureKind.CONNECT, "no connection to 127.0.0.1:9 in time")


async def test_a_name_nobody_knows_is_said_so(resolve: Resolve) -> None:
    resolve({})
    async with http1() as upstream:
        failure = await failure_of(upstream, asking("http://nowhere.example/secret"))

    assert failure.kind is FailureKind.CONNECT
    assert failure.message == "the name nowhere.example cannot be resolved: Name or service not known"


CHOICES = [
    ({"HTTPS_PROXY": "http://p:1"}, "https://a.example", "p:1"),
    ({"https_proxy": "http://q:2", "HTTPS_PROXY": "http://p:1"}, "https://a.example", "q:2"),
    ({"HTTPS_PROXY": "http://p:1"}, "http://a.example", None),
    ({"ALL_PROXY": "p:1"}, "http://a.example", "p:1"),
    ({"ALL_PROXY": "http://p"}, "http://a.example", "p:80"),
    ({"ALL_PROXY": "https://p"}, "http://a.example", "p:443"),
    ({"ALL_PROXY": "socks5h://p"}, "http://a.example", "p:1080"),
    ({"ALL_PROXY": "http://p:1"}, "http://localhost", None),
    ({"ALL_PROXY": "http://p:1"}, "http://127.0.0.5", None),
    ({"ALL_PROXY": "http://p:1"}, "http://127.1", None),
    ({"ALL_PROXY": "http://p:1"}, "http://0x7f000001", None),
    ({"ALL_PROXY": "http://p:1"}, "http://2130706433.", None),
    ({"ALL_PROXY": "http://p:1"}, "http://::1", None),
    ({"ALL_PROXY": "http://p:1", "NO_PROXY": "*"}, "https://a.example", None),
    ({"ALL_PROXY": "http://p:1", "NO_PROXY": "b.org, example"}, "https://a.example", None),
    ({"ALL_PROXY": "http://p:1", "NO_PROXY": ".example"}, "https://a.example", None),
    ({"ALL_PROXY": "http://p:1", "NO_PROXY": "*.example"}, "https://a.example", None),
    ({"ALL_PROXY": "http://p:1", "NO_PROXY": "xample"}, "https://a.example", "p:1"),
    ({"ALL_PROXY": "http://p:1", "NO_PROXY": "a.example:443"}, "https://a.example", None),
    ({"ALL_PROXY": "http://p:1", "NO_PROXY": "a.example:80"}, "https://a.example", "p:1"),
    ({"ALL_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, "http://10.2.3.4", None),
    ({"ALL_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, "http://11.2.3.4", "p:1"),
    ({}, "https://a.example", None),
]


@pytest.mark.parametrize(("environment", "url", "place"), CHOICES, ids=repr)
def test_the_environment_names_the_proxy(environment: dict[str, str], url: str, place: str | None) -> None:
    scheme, _, host = url.partition("://")
    origin = Origin(scheme, host, 443 if scheme == "https" else 80, allow_private=False)

    proxy = Proxies(environment).proxy_for(origin)

    assert (proxy and proxy.place) == place


@pytest.mark.parametrize(
    "url", ["socks4://me:secret@p:1", "ftp://me:secret@p", "http://me:secret@:1", "http://p:x"]
)
def test_a_proxy_that_cannot_be_used_is_refused_without_its_credentials(url: str) -> None:
    origin = Origin("https", "a.example", 443, allow_private=False)

    with pytest.raises(UnusableProxy) as caught:
        Proxies({"ALL_PROXY": url}).proxy_for(origin)

    assert "secret" not in str(caught.value)


def test_a_proxys_credentials_are_not_shown() -> None:
    proxy = Proxies({"ALL_PROXY": "http://me:p%40ss@p:1"}).proxy_for(
        Origin("http", "a", 80, allow_private=False)
    )

    assert proxy is not None
    assert proxy.authorization == "Proxy-Authorization: Basic bWU6cEBzcw==\r\n"
    assert "p@ss" not in repr(proxy)
