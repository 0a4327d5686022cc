"""The upstream socket: one request to one upstream, over connections that are kept."""

import asyncio
import ssl
from collections.abc import Collection, Mapping
from contextlib import AbstractAsyncContextManager
from types import MappingProxyType, TracebackType

from omniroute.errors import Failure, FailureKind
from omniroute.gateway.http1.answer import Answer
from omniroute.gateway.http1.connect import Connector
from omniroute.gateway.http1.connection import Connection
from omniroute.gateway.http1.head import encode_head
from omniroute.gateway.http1.pool import Pool, Route
from omniroute.gateway.http1.proxies import Proxies, UnusableProxy
from omniroute.gateway.http1.target import parse_target
from omniroute.gateway.upstream import HttpRequest, UpstreamAnswer, UpstreamFailed
from omniroute.records.proxies import Proxy


class Http1Upstream:
    """Sends requests. `proxy_environment` holds `HTTPS_PROXY` and so on; `tls` replaces the system's trust.

    Belongs to the event loop that runs at its first request.
    """

    def __init__(
        self,
        *,
        connect_s: float,
        proxy_environment: Mapping[str, str] = MappingProxyType({}),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._connect_s = connect_s
        self._proxies = Proxies(proxy_environment)
        self._tls = tls
        self._pool: Pool | None = None

    def open(self, request: HttpRequest) -> AbstractAsyncContextManager[UpstreamAnswer]:
        """Send, and wait for the head of the answer. Raises `UpstreamFailed`; leaving early cancels it."""
        return _Exchange(self._pool or self._make_pool(), request)

    def keep_proxies(self, chosen: Collection[Proxy]) -> None:
        """Close what waits at proxies that are configured no more; what is under way there may end."""
        if self._pool is not None:
            self._pool.keep_proxies(chosen)

    async def close(self) -> None:
        """Close every connection."""
        if self._pool is not None:
            self._pool.close()
            await asyncio.sleep(0)  # the transports let go of their sockets in the loop's next turn

    def _make_pool(self) -> Pool:
        loop = asyncio.get_running_loop()
        connector = Connector(loop, connect_s=self._connect_s, tls=self._tls)
        self._pool = Pool(loop, connector, self._proxies)
        return self._pool


class _Exchange:
    """One request and its answer."""

    __slots__ = ("_connection", "_pool", "_request", "_route")

    def __init__(self, pool: Pool, request: HttpRequest) -> None:
        self._pool = pool
        self._request = request
        self._route: Route | None = None
        self._connection: Connection | None = None

    async def __aenter__(self) -> Answer:
        request = self._request
        try:
            target = parse_target(request.url, allow_private=request.allow_private)
            route = self._route = self._pool.route(target.origin, request.proxy)
        except ValueError as error:
            raise UpstreamFailed(_unaskable(error)) from None
        try:
            head = encode_head(request.method, target, request.headers, request.body, through=route.through)
        except ValueError as error:
            raise UpstreamFailed(_unsendable(error)) from None
        connection = route.take() or await self._pool.connect(route)
        answer = await self._send(connection, head)
        if _was_closed_meanwhile(connection, answer):
            answer = await self._send(await self._pool.connect(route), head)
        if not answer.has_head:
            assert answer.failure is not None  # noqa: S101 - else it would have a head
            raise UpstreamFailed(answer.failure)
        return answer

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._connection is not None and self._route is not None:
            self._pool.give_back(self._route, self._connection)

    async def _send(self, connection: Connection, head: bytes) -> Answer:
        request = self._request
        self._connection = connection
        answer = connection.send(
            request.method, head, request.body, first_byte_s=request.first_byte_s, idle_s=request.idle_s
        )
        try:
            await answer.head()
        except BaseException:  # cancelled: the upstream is to see it at once
            connection.close()
            raise
        if not answer.has_head:
            connection.close()
        return answer


def _was_closed_meanwhile(connection: Connection, answer: Answer) -> bool:
    """True when a waiting connection was closed just as the request went out: nobody has read it."""
    failure = answer.failure
    return (
        failure is not None
        and failure.kind is FailureKind.CONNECT
        and connection.was_used
        and not connection.is_answered
    )


def _unaskable(error: ValueError) -> Failure:
    known = isinstance(error, UnusableProxy)  # other texts may repeat the URL
    message = str(error) if known else "the upstream's address is not one that can be asked"
    return Failure(kind=FailureKind.CONNECT, message=message)


def _unsendable(error: ValueError) -> Failure:
    text = (
        "the request holds characters that cannot be sent" if isinstance(error, UnicodeError) else str(error)
    )
    return Failure(kind=FailureKind.BAD_REQUEST, message=text)
