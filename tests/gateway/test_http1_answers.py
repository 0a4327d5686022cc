"""What an answer is read as, whatever the pieces it comes in."""

import asyncio
import gzip
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType

import brotli  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.errors import FailureKind
from omniroute.gateway.http1.connection import MAX_HEAD_BYTES, Connection
from omniroute.gateway.upstream import UpstreamFailed
from tests.gateway.wire_server import Talk, failure_of, fetch, http1, saying, serving

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TEXT = b'data: {"text": "the quick brown fox"}\n\n' * 40
RAW_DEFLATE = zlib.compressobj(wbits=-zlib.MAX_WBITS)
PACK: Mapping[str, Callable[[bytes], bytes]] = MappingProxyType(
    {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "br": lambda plain: bytes(brotli.compress(plain, quality=3)),
        "zstd": zstd.compress,
    }
)
CODED = {name: pack(TEXT) for name, pack in PACK.items()}


def with_length(body: bytes, *lines: str, length: int | None = None) -> bytes:
    head = ["HTTP/1.1 200 OK", f"Content-Length: {len(body) if length is None else length}", *lines]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def chunked(*parts: bytes, head: bytes = b"", end: bytes = b"0\r\n\r\n") -> bytes:
    framed = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + head + b"\r\n" + framed + end


WHOLE = {
    "length": (with_length(b"hello"), b"hello"),
    "empty": (with_length(b""), b""),
    "chunked": (chunked(b"he", b"l" * 20, b"o"), b"he" + b"l" * 20 + b"o"),
    "chunk extension and trailer": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n",
        b"hi",
    ),
    "spaces after a chunk's size": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2  \r\nhi\r\n0\r\n\r\n",
        b"hi",
    ),
    "until close": (b"HTTP/1.1 200 OK\r\nX-A: b\r\n\r\nall of it", b"all of it"),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\n\r\nold", b"old"),
    "after interim answers": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + with_length(b"final"),
        b"final",
    ),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    "not modified": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", b""),
    "surplus": (with_length(b"hello") + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"hello"),
    "garbage behind": (with_length(b"hello") + b"\x00\xffwhat", b"hello"),
    "data after close": (with_length(b"hello", "Connection: close") + b"more", b"hello"),
    "gzip in chunks": (chunked(CODED["gzip"], head=b"Content-Encoding: gzip\r\n"), TEXT),
    "two gzip members": (
        with_length(gzip.compress(b"one") + gzip.compress(b"two"), "Content-Encoding: gzip"),
        b"onetwo",
    ),
    "empty but called gzip": (with_length(b"", "Content-Encoding: gzip"), b""),
    "deflate without wrapper": (
        with_length(RAW_DEFLATE.compress(TEXT) + RAW_DEFLATE.flush(), "Content-Encoding: deflate"),
        TEXT,
    ),
    **{name: (with_length(body, f"Content-Encoding: {name}"), TEXT) for name, body in CODED.items()},
}

BROKEN = {
    "short body": (with_length(b"hello", length=9), FailureKind.CUT),
    "chunks without an end": (chunked(b"hello", end=b""), FailureKind.CUT),
    "inside a chunk": (chunked(b"hello", end=b"5\r\nhe"), FailureKind.CUT),
    "nothing": (b"", FailureKind.CONNECT),
    "half a head": (b"HTTP/1.1 200 OK\r\nContent-Le", FailureKind.CONNECT),
    "not HTTP": (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", FailureKind.PROTOCOL),
    "HTTP/2": (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80", FailureKind.PROTOCOL),
    "two lengths": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        FailureKind.PROTOCOL,
    ),
    "negative length": (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", FailureKind.PROTOCOL),
    "another protocol": (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        FailureKind.PROTOCOL,
    ),
    "chunk size": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", FailureKind.PROTOCOL),
    "head too long": (b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 10_000, FailureKind.PROTOCOL),
    "header too long": (b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * MAX_HEAD_BYTES, FailureKind.PROTOCOL),
    "unknown encoding": (with_length(b"hello", "Content-Encoding: rot13"), FailureKind.PROTOCOL),
    **{
        f"{name} cut": (with_length(body[:-3], f"Content-Encoding: {name}"), FailureKind.PROTOCOL)
        for name, body in CODED.items()
    },
    **{
        f"{name} broken": (
            with_length(b"\x07" + body[1:30], f"Content-Encoding: {name}"),
            FailureKind.PROTOCOL,
        )
        for name, body in CODED.items()
    },
}
del BROKEN["deflate broken"]  # any first byte begins some deflate stream


class Wire(asyncio.Transport):
    """A transport to nowhere."""

    def write(self, data: object) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 0

    def abort(self) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


def read(
    pieces: Sequence[bytes], method: str = "POST"
) -> tuple[int, dict[str, str], bytes, FailureKind | None]:
    """What a connection makes of these pieces followed by its end."""

    async def run() -> tuple[int, dict[str, str], bytes, FailureKind | None]:
        connection = Connection(asyncio.get_running_loop(), "example.com")
        connection.connection_made(Wire())
        answer = connection.send(method, b"", None, first_byte_s=10, idle_s=0)
        for piece in pieces:
            if piece and not connection.is_closed:
                connection.data_received(piece)
        connection.eof_received()
        connection.connection_lost(None)
        body, failure = b"", None
        try:
            async for chunk in answer.chunks():
                body += chunk
        except UpstreamFailed as failed:
            failure = failed.failure.kind
        return answer.status, dict(answer.headers), body, failure

    return asyncio.run(run())


def split(wire: bytes, cuts: Sequence[int]) -> list[bytes]:
    ends = [0, *sorted(min(cut, len(wire)) for cut in cuts), len(wire)]
    return [wire[start:end] for start, end in pairwise(ends)]


@pytest.mark.parametrize(("wire", "body"), WHOLE.values(), ids=WHOLE)
def test_a_whole_answer_is_read_whole(wire: bytes, body: bytes) -> None:
    _, _, got, failure = read([wire])

    assert (got, failure) == (body, None)


@pytest.mark.parametrize(("wire", "kind"), BROKEN.values(), ids=BROKEN)
def test_a_broken_answer_is_a_failure_of_its_kind(wire: bytes, kind: FailureKind) -> None:
    assert read([wire])[3] is kind


@pytest.mark.parametrize("name", [name for name, (wire, _) in (WHOLE | BROKEN).items() if len(wire) < 400])
def test_an_answer_is_the_same_in_two_pieces_wherever_it_is_cut(name: str) -> None:
    wire, _ = (WHOLE | BROKEN)[name]
    expected = read([wire])

    for cut in range(1, len(wire)):
        assert read([wire[:cut], wire[cut:]]) == expected, f"cut at {cut}"


@given(name=st.sampled_from(sorted(WHOLE | BROKEN)), cuts=st.lists(st.integers(0, 2000), max_size=30))
def test_an_answer_does_not_depend_on_how_its_bytes_arrive(name: str, cuts: list[int]) -> None:
    wire, _ = (WHOLE | BROKEN)[name]

    assert read(split(wire, cuts)) == read([wire])


@given(wire=st.binary(max_size=300))
def test_no_bytes_break_anything_but_their_answer(wire: bytes) -> None:
    read([wire])
    read([with_length(b"hello") + wire])
    read([b"HTTP/1.1 200 OK\r\n" + wire])


def test_headers_are_found_in_any_case_and_equal_ones_are_joined() -> None:
    wire = b"HTTP/1.1 429 Slow\r\nRetry-After:  7 \r\nX-A: one\r\nx-a: two\r\nContent-Length: 0\r\n\r\n"

    status, headers, _, _ = read([wire])

    assert status == 429
    assert headers == {"retry-after": "7", "x-a": "one, two", "content-length": "0"}


def test_an_interim_answer_leaves_no_headers() -> None:
    wire, _ = WHOLE["after interim answers"]

    assert set(read([wire])[1]) == {"content-length"}


def test_an_answer_to_head_has_no_body_whatever_it_announces() -> None:
    assert read([with_length(b"", length=500)], method="HEAD")[2:] == (b"", None)


def test_what_came_before_a_cut_is_given_first() -> None:
    wire, _ = BROKEN["short body"]

    assert read([wire])[2] == b"hello"


def test_a_head_of_the_permitted_length_passes_with_any_body() -> None:
    start, end = b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\nX-A: ", b"\r\n\r\n"
    wire = start + b"b" * (MAX_HEAD_BYTES - len(start) - len(end)) + end + b"c" * 90_000

    assert read([wire])[2:] == (b"c" * 90_000, None)
    assert read([wire.replace(b"X-A", b"X-AB")])[3] is FailureKind.PROTOCOL


@pytest.mark.parametrize("encoding", PACK)
async def test_a_bomb_is_unpacked_only_as_far_as_it_is_read(encoding: str) -> None:
    plain = bytes(64 * 1024 * 1024)
    packed = PACK[encoding](plain)
    async with (
        serving(saying(with_length(packed, f"Content-Encoding: {encoding}"))) as wire,
        http1() as upstream,
        upstream.open(wire.ask()) as answer,
    ):
        first = await answer.read(1000)
        sizes = [len(await anext(answer.chunks())) for _ in range(3)]

    assert first == bytes(1000)
    assert max(sizes) < 1024 * 1024


@pytest.mark.parametrize("encoding", PACK)
async def test_a_large_packed_answer_comes_out_whole(encoding: str) -> None:
    plain = b"".join(b"%d," % number for number in range(400_000))
    packed = PACK[encoding](plain)
    async with (
        serving(saying(with_length(packed, f"Content-Encoding: {encoding}"))) as wire,
        http1() as upstream,
    ):
        assert await fetch(upstream, wire.ask()) == (200, plain)


async def test_chunks_come_as_they_are_sent() -> None:
    heard = asyncio.Event()

    async def script(talk: Talk) -> None:
        await talk.request()
        talk.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        await heard.wait()
        talk.say(b"3\r\ntwo\r\n0\r\n\r\n")

    async with serving(script) as wire, http1() as upstream, upstream.open(wire.ask()) as answer:
        chunks = answer.chunks()
        first = await anext(chunks)
        heard.set()

        assert [first, *[chunk async for chunk in chunks]] == [b"one", b"two"]


async def test_a_slow_reader_holds_the_upstream_back() -> None:
    sent = 0

    async def script(talk: Talk) -> None:
        nonlocal sent
        await talk.request()
        talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 64000000\r\n\r\n")
        talk.writer.transport.set_write_buffer_limits(high=0)
        for _ in range(640):
            talk.say(b"x" * 100_000)
            await talk.writer.drain()
            sent += 100_000

    async with serving(script) as wire, http1() as upstream, upstream.open(wire.ask()) as answer:
        size, before = len(await anext(answer.chunks())), -1
        while sent != before:  # the server goes on until its socket is full
            before = sent
            for _ in range(200):
                await asyncio.sleep(0)
        held_back_at = sent
        async for chunk in answer.chunks():
            size += len(chunk)

    assert held_back_at < 32_000_000
    assert size == 64_000_000


async def test_a_failure_names_the_host_and_nothing_secret() -> None:
    secret = {"Authorization": "Bearer sk-very-secret"}
    async with serving(saying(b"nonsense\r\n\r\n")) as wire, http1() as upstream:
        failure = await failure_of(upstream, wire.ask("/secret/path?key=abc", headers=secret))

    assert failure.kind is FailureKind.PROTOCOL
    assert failure.message == f"127.0.0.1:{wire.port} did not answer in HTTP"
