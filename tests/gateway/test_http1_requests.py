"""What goes over the wire for a request."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.errors import FailureKind
from omniroute.gateway.http1.head import encode_head
from omniroute.gateway.http1.target import parse_target
from omniroute.gateway.upstream import HttpRequest
from tests.gateway.wire_server import failure_of, fetch, http1, keep_answering, serving

TARGETS = {
    "https://api.example.com/v1/chat": ("https", "api.example.com", 443, "api.example.com", "/v1/chat"),
    "http://Example.COM:8080": ("http", "example.com", 8080, "example.com:8080", "/"),
    "http://[::1]:11434/api/chat": ("http", "::1", 11434, "[::1]:11434", "/api/chat"),
    "https://[2001:db8::1]/": ("https", "2001:db8::1", 443, "[2001:db8::1]", "/"),
    "https://a.example/v1/models/org%2Fname:gen?alt=sse": (
        "https", "a.example", 443, "a.example", "/v1/models/org%2Fname:gen?alt=sse",
    ),
    "https://a.example/ä b\x7f": ("https", "a.example", 443, "a.example", "/%C3%A4%20b%7F"),
    "https://bücher.example/x#part": ("https", "xn--bcher-kva.example", 443, "xn--bcher-kva.example", "/x"),
}  # fmt: skip


@pytest.mark.parametrize(("url", "parts"), TARGETS.items(), ids=TARGETS)
def test_a_url_is_taken_apart(url: str, parts: tuple[str, str, int, str, str]) -> None:
    target = parse_target(url, allow_private=False)

    origin = target.origin
    assert (origin.scheme, origin.host, origin.port, target.place, target.path) == parts


@pytest.mark.parametrize(
    "url", ["ftp://a/", "http:///x", "/v1", "http://a:0/", "http://a:99999/", "http://a b/", "http://[::1"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_target(url, allow_private=True)


@given(url=st.text(max_size=40))
def test_no_url_gets_anything_but_printable_ascii_onto_the_wire(url: str) -> None:
    try:
        target = parse_target("http://host/" + url, allow_private=True)
    except ValueError:
        return  # half a surrogate pair

    assert all("!" <= letter <= "~" for letter in target.path)


@given(name=st.text(max_size=12), value=st.text(max_size=12))
def test_a_header_is_one_line_or_refused(name: str, value: str) -> None:
    target = parse_target("http://host/", allow_private=True)
    try:
        head = encode_head("POST", target, {name: value}, b"")
    except ValueError:
        return

    assert head.count(b"\r") == head.count(b"\n") == head.count(b"\r\n")
    assert head.count(b"\r\n") in (4, 5)
    assert b"\0" not in head


BAD_HEADERS = [
    {"X-A": "a\r\nX-B: b"},
    {"X-A": "a\nX-B: b"},
    {"X-A": "a\rb"},
    {"X-A": "a\0b"},
    {"X A": "a"},
    {"X-A:": "a"},
    {"X\n": "a"},
    {"": "a"},
    {"X-A": "\udfff\ud800"},
]


@pytest.mark.parametrize("headers", BAD_HEADERS, ids=repr)
async def test_a_header_that_could_be_more_than_itself_is_not_sent(headers: dict[str, str]) -> None:
    async with serving(keep_answering) as wire, http1() as upstream:
        failure = await failure_of(upstream, wire.ask(headers=headers))

    assert failure.kind is FailureKind.BAD_REQUEST
    assert wire.connections == 0


async def test_a_request_is_its_line_its_headers_and_its_body() -> None:
    headers = {"X-Text": "grüße", "Host": "evil", "content-length": "9", "Connection": "close"}
    async with serving(keep_answering) as wire, http1() as upstream:
        await fetch(upstream, wire.ask("/a%2Fb?c=d", headers=headers, body=b"body"))
        await fetch(upstream, wire.ask("/", method="GET", body=None))
        await fetch(upstream, wire.ask("/", body=None))

    host = b"Host: 127.0.0.1:%d\r\n" % wire.port
    assert wire.requests == [
        b"POST /a%2Fb?c=d HTTP/1.1\r\n" + host
        + "X-Text: grüße\r\n".encode() + b"Content-Length: 4\r\n\r\nbody",
        b"GET / HTTP/1.1\r\n" + host + b"\r\n",
        b"POST / HTTP/1.1\r\n" + host + b"Content-Length: 0\r\n\r\n",
    ]  # fmt: skip


@pytest.mark.parametrize("size", [1, 65_535, 65_536, 5_000_000])
async def test_a_body_of_any_size_arrives_whole(size: int) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    async with serving(keep_answering) as wire, http1() as upstream:
        assert await fetch(upstream, wire.ask(body=body)) == (200, b"ok")

    assert wire.requests[0].endswith(b"\r\n\r\n" + body)


async def test_a_url_that_is_none_is_a_failure() -> None:
    request = HttpRequest(method="GET", url="http://", headers={}, first_byte_s=1)
    async with http1() as upstream:
        failure = await failure_of(upstream, request)

    assert failure.kind is FailureKind.CONNECT
