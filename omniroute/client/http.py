"""One synchronous caller of the management API."""

import http.client
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Lock
from typing import TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from omniroute.api.problem import Detail, ProblemBody
from omniroute.errors import OmniRouteError, ProtocolError
from omniroute.exit_codes import ExitCode

T = TypeVar("T")
Query = Mapping[str, str | int | bool | None]

STREAM_CHUNK_BYTES = 65_536


class Unreachable(OmniRouteError):
    """No gateway answers."""

    exit_code = ExitCode.UNREACHABLE

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"gateway not reachable at {url}: {reason}" if url else reason)
        self.url = url
        """Empty when nothing tells where a gateway would be."""
        self.reason = reason


class ApiRefused(OmniRouteError):
    """The gateway answered with an error."""

    exit_code = ExitCode.REFUSED

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: tuple[Detail, ...] = (),
        correlation_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.correlation_id = correlation_id
        """Finds the call in the gateway's log."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the data plane while it arrives."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    chunks: Iterator[bytes]
    """The body as it comes; raises as `Client` does."""


class Client:
    """Calls one gateway; every call has its own connection, so threads may share a client.

    Calls raise `Unreachable` when nobody answers, `ApiRefused` when the answer is an error and
    `ProtocolError` when it cannot be understood.
    """

    def __init__(
        self, url: str, token: str | None, *, user_agent: str = "omniroute-cli", timeout_s: float = 10.0
    ) -> None:
        self.url = url.rstrip("/")
        self._token = token
        self._user_agent = user_agent
        self._timeout_s = timeout_s
        self._streams: set[socket.socket] = set()
        self._streams_lock = Lock()

    def waiting(self, timeout_s: float) -> "Client":
        """A client of the same gateway that waits so long."""
        return Client(self.url, self._token, user_agent=self._user_agent, timeout_s=timeout_s)

    def get(self, path: str, type_: type[T], query: Query | None = None) -> T:
        """The answer to GET; `None` values are left out of the query."""
        return self._call("GET", _with_query(path, query), type_, None)

    def post(self, path: str, type_: type[T], body: msgspec.Struct | None = None) -> T:
        """The answer to POST."""
        return self._call("POST", path, type_, body)

    def put(self, path: str, type_: type[T], body: msgspec.Struct | None = None) -> T:
        """The answer to PUT."""
        return self._call("PUT", path, type_, body)

    def patch(
        self, path: str, type_: type[T], body: msgspec.Struct | Mapping[str, object] | None = None
    ) -> T:
        """The answer to PATCH."""
        return self._call("PATCH", path, type_, body)

    def delete(self, path: str, type_: type[T], body: msgspec.Struct | None = None) -> T:
        """The answer to DELETE."""
        return self._call("DELETE", path, type_, body)

    def stream(self, path: str) -> Iterator[bytes]:
        """Bytes of an event stream as they arrive, until the gateway or `close` ends it.

        Silence longer than the timeout is `Unreachable`.
        """
        connection = self._open()
        with self._named_failures():
            connection.connect()
        # `getresponse` forgets the socket when the answer ends with the connection, so it is kept here.
        stream = connection.sock
        with self._streams_lock:
            self._streams.add(stream)
        try:
            with self._named_failures():
                connection.request("GET", self._target(path), headers=self._headers("text/event-stream"))
                answer = connection.getresponse()
                if answer.status != http.client.OK:
                    raise refusal(answer.status, answer.read())
            yield from self._chunks(answer)
        finally:
            with self._streams_lock:
                self._streams.discard(stream)
            connection.close()

    @contextmanager
    def ask(self, path: str, body: bytes, *, key: str | None = None) -> Iterator[Answer]:
        """What the data plane answers to POST, whatever its status; read inside the `with`.

        `key` goes in place of the local token.
        """
        connection = self._open()
        headers = self._headers("*/*") | {"content-type": "application/json"}
        if key is not None:
            headers["authorization"] = f"Bearer {key}"
        try:
            with self._named_failures():
                connection.request("POST", self._target(path), body=body, headers=headers)
                answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            yield Answer(answer.status, named, self._chunks(answer))
        finally:
            connection.close()

    def close(self) -> None:
        """End every running stream, from any thread."""
        with self._streams_lock:
            for stream in self._streams:
                with suppress(OSError):  # the peer was faster
                    stream.shutdown(socket.SHUT_RDWR)

    def _call(
        self, method: str, path: str, type_: type[T], body: msgspec.Struct | Mapping[str, object] | None
    ) -> T:
        connection = self._open()
        headers = self._headers("application/json")
        content = None
        if body is not None:
            content = msgspec.json.encode(body)
            headers["content-type"] = "application/json"
        try:
            with self._named_failures():
                connection.request(method, self._target(path), body=content, headers=headers)
                answer = connection.getresponse()
                answer_body = answer.read()
        finally:
            connection.close()
        if answer.status // 100 != http.client.OK // 100:
            raise refusal(answer.status, answer_body)
        try:
            return msgspec.json.decode(answer_body or b"null", type=type_)
        except msgspec.DecodeError as error:
            raise ProtocolError(
                f"the answer to {method} {path.partition('?')[0]} is not understood ({error}); "
                "is the gateway another version than this program?"
            ) from None

    def _open(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        return kind(parts.hostname or "127.0.0.1", parts.port, timeout=self._timeout_s)

    def _target(self, path: str) -> str:
        return urlsplit(self.url).path + path

    def _headers(self, accept: str) -> dict[str, str]:
        headers = {"accept": accept, "user-agent": self._user_agent}
        if self._token:
            headers["authorization"] = f"Bearer {self._token}"
        return headers

    def _chunks(self, answer: http.client.HTTPResponse) -> Iterator[bytes]:
        while chunk := self._read_some(answer):
            yield chunk

    def _read_some(self, answer: http.client.HTTPResponse) -> bytes:
        with self._named_failures():
            return answer.read1(STREAM_CHUNK_BYTES)

    @contextmanager
    def _named_failures(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            raise Unreachable(self.url, f"no answer within {self._timeout_s:g} s") from None
        except ConnectionRefusedError:
            raise Unreachable(self.url, "connection refused") from None
        except (http.client.IncompleteRead, http.client.RemoteDisconnected, ConnectionResetError):
            raise Unreachable(self.url, "connection cut") from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise Unreachable(self.url, " ".join(reason.lower().split())) from None


def segment(name: str) -> str:
    """A name as one part of a path. Raises `ApiRefused` when it is empty: then the path would be another."""
    if not name.strip():
        raise ApiRefused(404, "NOT_FOUND", "an empty name means nothing here")
    return quote(name, safe="")


def _with_query(path: str, query: Query | None) -> str:
    pairs = {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in (query or {}).items()
        if value is not None
    }
    return f"{path}?{urlencode(pairs)}" if pairs else path


def refusal(status: int, body: bytes) -> ApiRefused:
    """What an answer that is an error says."""
    try:
        problem = msgspec.json.decode(body, type=ProblemBody).error
    except msgspec.DecodeError:
        reason = http.client.responses.get(status, "unknown status")
        return ApiRefused(status, f"HTTP_{status}", f"the gateway answered {status} {reason}")
    return ApiRefused(
        status,
        problem.code,
        " ".join(problem.message.split()),
        details=tuple(problem.details),
        correlation_id=problem.correlation_id,
    )
