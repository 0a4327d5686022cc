"""The base client: what it sends, what it gives, and how it names what went wrong."""

import socket
from collections.abc import Callable, Iterator
from threading import Thread

import msgspec
import pytest

from omniroute.api.problem import Detail
from omniroute.client.http import ApiRefused, Client, Unreachable
from omniroute.errors import OmniRouteError, ProtocolError
from tests.live_gateway import TOKEN, LiveGateway


class Thing(msgspec.Struct):
    """Any answer."""

    name: str


class Wish(msgspec.Struct, rename="camel"):
    """Any body."""

    base_url: str


@pytest.fixture
def silent_url() -> Iterator[str]:
    """Accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_an_answer_is_decoded_and_members_it_does_not_know_are_ignored(gateway: LiveGateway) -> None:
    gateway.answers["/api/thing"] = (200, b'{"name": "one", "newer": [1, 2]}')

    assert Client(gateway.url, TOKEN).get("/api/thing", Thing) == Thing("one")


def test_a_call_carries_the_token_and_says_who_calls(gateway: LiveGateway) -> None:
    gateway.answers["/api/thing"] = (200, b'{"name": "one"}')

    Client(gateway.url, TOKEN, user_agent="omniroute-tui/1").get("/api/thing", Thing)

    method, _, headers, body = gateway.asked[-1]
    assert (method, body) == ("GET", b"")
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert headers["user-agent"] == "omniroute-tui/1"


def test_a_query_is_encoded_without_what_is_none(gateway: LiveGateway) -> None:
    gateway.answers["/api/thing?limit=5&all=true&model=a%2Fb"] = (200, b'{"name": "one"}')

    query = {"limit": 5, "all": True, "since": None, "model": "a/b"}

    assert Client(gateway.url, TOKEN).get("/api/thing", Thing, query) == Thing("one")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_body_is_sent_as_json(gateway: LiveGateway, method: str) -> None:
    gateway.answers["/api/thing"] = (201, b'{"name": "made"}')
    client = Client(gateway.url, TOKEN)
    call: Callable[..., Thing] = getattr(client, method.lower())

    assert call("/api/thing", Thing, Wish("http://127.0.0.1:1")) == Thing("made")

    sent, _, headers, body = gateway.asked[-1]
    assert (sent, headers["content-type"]) == (method, "application/json")
    assert body == b'{"baseUrl":"http://127.0.0.1:1"}'


def test_an_empty_answer_is_none(gateway: LiveGateway) -> None:
    gateway.answers["/api/thing"] = (204, b"")

    assert Client(gateway.url, TOKEN).delete("/api/thing", Thing | None) is None  # type: ignore[arg-type]


def test_a_refusal_keeps_all_that_the_gateway_said_in_one_line(gateway: LiveGateway) -> None:
    gateway.answers["/api/thing"] = (
        400,
        b'{"error": {"code": "VALIDATION_FAILED", "message": "name:\\n must not be empty",'
        b' "correlation_id": "req_1", "details": [{"field": "name", "message": "empty"}]}}',
    )

    with pytest.raises(ApiRefused) as raised:
        Client(gateway.url, TOKEN).get("/api/thing", Thing)

    refused = raised.value
    assert (refused.status, refused.code, refused.correlation_id) == (400, "VALIDATION_FAILED", "req_1")
    assert refused.details == (Detail("name", "empty"),)
    assert str(refused) == refused.message == "name: must not be empty"


def test_an_error_that_is_not_ours_is_named_by_its_status(gateway: LiveGateway) -> None:
    gateway.answers["/api/thing"] = (502, b"<html>bad gateway</html>")

    with pytest.raises(ApiRefused, match=r"^the gateway answered 502 Bad Gateway$") as raised:
        Client(gateway.url, TOKEN).get("/api/thing", Thing)

    assert raised.value.code == "HTTP_502"


@pytest.mark.parametrize("answer", [b'{"title": "one"}', b"<html>", b""])
def test_an_answer_of_another_shape_is_a_protocol_error_that_names_the_call(
    gateway: LiveGateway, answer: bytes
) -> None:
    gateway.answers["/api/thing?all=true"] = (200, answer)

    with pytest.raises(ProtocolError, match="the answer to GET /api/thing is not understood"):
        Client(gateway.url, TOKEN).get("/api/thing", Thing, {"all": True})


def test_nobody_listening_is_unreachable(free_url: str) -> None:
    with pytest.raises(Unreachable) as raised:
        Client(free_url, TOKEN).get("/api/thing", Thing)

    assert raised.value.url == free_url
    assert str(raised.value) == f"gateway not reachable at {free_url}: connection refused"


def test_silence_ends_a_call(silent_url: str) -> None:
    with pytest.raises(Unreachable, match=r"no answer within 0\.05 s"):
        Client(silent_url, TOKEN, timeout_s=0.05).get("/api/thing", Thing)


def test_silence_ends_a_stream(silent_url: str) -> None:
    with pytest.raises(Unreachable, match=r"no answer within 0\.05 s"):
        list(Client(silent_url, TOKEN, timeout_s=0.05).stream("/api/live"))


def test_a_stream_gives_bytes_as_they_arrive(gateway: LiveGateway) -> None:
    stream = Client(gateway.url, TOKEN).stream("/api/live")

    for said in (b"one", b"two"):
        gateway.say(said)
        assert next(stream) == said


def test_a_stream_cut_in_the_middle_is_unreachable_not_an_end(gateway: LiveGateway) -> None:
    stream = Client(gateway.url, TOKEN).stream("/api/live")
    gateway.say(b"one")
    next(stream)
    gateway.cut()

    with pytest.raises(Unreachable, match="connection cut"):
        next(stream)


def test_close_ends_a_stream_that_another_thread_waits_for(gateway: LiveGateway) -> None:
    client = Client(gateway.url, TOKEN, timeout_s=60)
    stream = client.stream("/api/live")
    gateway.say(b"one")
    next(stream)
    ends: list[OmniRouteError | None] = []

    def wait() -> None:
        try:
            next(stream, None)
        except Unreachable as error:
            ends.append(error)

    waiting = Thread(target=wait)
    waiting.start()
    client.close()
    waiting.join(10)

    assert len(ends) == 1


def test_a_stream_that_is_refused_raises_as_a_call_does(gateway: LiveGateway) -> None:
    with pytest.raises(ApiRefused, match="404"):
        list(Client(gateway.url, "another-token").stream("/api/live"))


def test_the_token_is_in_no_message(gateway: LiveGateway, free_url: str) -> None:
    for url in (gateway.url, free_url):
        client = Client(url, TOKEN)
        with pytest.raises(OmniRouteError) as raised:
            client.get("/api/thing", Thing)
        assert TOKEN not in f"{raised.value!r} {raised.value} {client!r}"
