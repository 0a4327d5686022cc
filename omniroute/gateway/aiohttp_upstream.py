"""Upstream over aiohttp's client: pooled connections, addresses checked when they are resolved."""

import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver

from omniroute.errors import Failure, FailureKind
from omniroute.gateway.upstream import HttpRequest, UpstreamAnswer, UpstreamFailed
from omniroute.providers.wire import is_private_address, is_refused_address

_KEEPALIVE_S = 30.0


class _CheckedResolver(AbstractResolver):
    """Names whose addresses may not be asked are refused, however the name got them."""

    def __init__(self, is_refused: Callable[[str], bool]) -> None:
        self._system = DefaultResolver()
        self._is_refused = is_refused

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        """The host's addresses that may be asked; OSError when it has none."""
        found = await self._system.resolve(host, port, family)
        allowed = [result for result in found if not self._is_refused(result["host"])]
        if found and not allowed:
            raise OSError(None, f"{host} leads to an address of this network; `--allow-private` permits it")
        return allowed

    async def close(self) -> None:
        """Nothing is kept open."""
        await self._system.close()


class AiohttpUpstream:
    """Two sessions: one that only reaches public addresses, one for connections that ask for private ones."""

    def __init__(self, *, connect_s: float) -> None:
        self._connect_s = connect_s
        self._tls: ssl.SSLContext | None = None
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        self._proxies: dict[str, str | None] = {}

    @asynccontextmanager
    async def open(self, request: HttpRequest) -> AsyncIterator[UpstreamAnswer]:
        """Send, and wait for the head of the answer. Raises `UpstreamFailed`."""
        session = self._sessions.get(request.allow_private) or self._make_session(request.allow_private)
        limits = aiohttp.ClientTimeout(
            total=None, sock_connect=self._connect_s, sock_read=request.first_byte_s
        )
        try:
            response = await session.request(
                request.method,
                request.url,
                data=request.body,
                headers=request.headers,
                timeout=limits,
                allow_redirects=False,
                proxy=self._proxy_for(request.url),
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UpstreamFailed(_before_an_answer(error, request)) from None
        try:
            connection = response.connection
            if request.idle_s is not None and connection is not None and connection.protocol is not None:
                connection.protocol.read_timeout = request.idle_s or None
            yield _Answer(response)
        finally:
            if response.content.at_eof():
                response.release()
            else:
                response.close()  # what was not read is not wanted: closing cancels it upstream

    async def close(self) -> None:
        """Close every connection."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    def _make_session(self, allow_private: bool) -> aiohttp.ClientSession:  # noqa: FBT001 - a dictionary's key
        if self._tls is None:
            import truststore

            self._tls = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        connector = aiohttp.TCPConnector(
            limit=0,
            ssl=self._tls,
            keepalive_timeout=_KEEPALIVE_S,
            resolver=_CheckedResolver(is_refused_address if allow_private else is_private_address),
        )
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
            max_line_size=64 * 1024,
            max_field_size=64 * 1024,
            read_bufsize=256 * 1024,
        )
        self._sessions[allow_private] = session
        return session

    def _proxy_for(self, url: str) -> str | None:
        """The environment's proxy for a host; asked once per host, loopback never goes through one."""
        parts = urlsplit(url)
        key = f"{parts.scheme}://{parts.netloc}"
        if key not in self._proxies:
            host = parts.hostname or ""
            direct = host in ("localhost", "127.0.0.1", "::1") or bool(proxy_bypass(host))
            known = getproxies()
            self._proxies[key] = None if direct else known.get(parts.scheme) or known.get("all")
        return self._proxies[key]


class _Answer:
    """An aiohttp response as the gateway wants it."""

    __slots__ = ("_response", "headers", "status")

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes."""
        content = self._response.content
        try:
            while chunk := await content.readany():
                yield chunk
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UpstreamFailed(_inside_an_answer(error)) from None

    async def read(self, limit: int) -> bytes:
        """The whole body, or its first `limit` bytes."""
        parts: list[bytes] = []
        size = 0
        async for chunk in self.chunks():
            parts.append(chunk)
            size += len(chunk)
            if size >= limit:
                return b"".join(parts)[:limit]
        return parts[0] if len(parts) == 1 else b"".join(parts)


_BEFORE: tuple[tuple[type[Exception], FailureKind, str], ...] = (
    (aiohttp.ConnectionTimeoutError, FailureKind.CONNECT, "no connection to {host} in time"),
    (TimeoutError, FailureKind.SLOW, "{host} sent nothing within {wait:g} s"),
    (aiohttp.ClientConnectorDNSError, FailureKind.CONNECT, "the name {host} cannot be resolved: {reason}"),
    (aiohttp.ClientConnectorCertificateError, FailureKind.CONNECT, "{host} shows an untrusted certificate"),
    (aiohttp.ClientConnectorSSLError, FailureKind.CONNECT, "no TLS connection to {host}"),
    (aiohttp.ClientConnectorError, FailureKind.CONNECT, "no connection to {host}: {reason}"),
    (aiohttp.ClientOSError, FailureKind.CONNECT, "{host} closed the connection without an answer"),
    (aiohttp.ServerDisconnectedError, FailureKind.CONNECT, "{host} closed the connection without an answer"),
    (aiohttp.ClientResponseError, FailureKind.PROTOCOL, "{host} did not answer in HTTP"),
    (aiohttp.InvalidURL, FailureKind.CONNECT, "{host} is not an address that can be asked"),
)
"""What the client raises before the head of an answer, narrowest first."""


def _before_an_answer(error: Exception, request: HttpRequest) -> Failure:
    """Why no answer came, in words that name the host and never the path or the key."""
    host = urlsplit(request.url).netloc
    reason = ""
    if isinstance(error, aiohttp.ClientConnectorError):
        reason = error.os_error.strerror or str(error.os_error)
    for kind_of_error, kind, text in _BEFORE:
        if isinstance(error, kind_of_error):
            message = text.format(host=host, wait=request.first_byte_s, reason=reason)
            return Failure(kind=kind, message=message)
    return Failure(kind=FailureKind.CONNECT, message=f"{host}: {type(error).__name__}")


def _inside_an_answer(error: Exception) -> Failure:
    """Why an answer ended before its end."""
    if isinstance(error, TimeoutError):
        return Failure(kind=FailureKind.SILENT, message="the upstream fell silent inside its answer")
    if isinstance(error, aiohttp.ClientPayloadError) and "decod" in str(error).lower():
        return Failure(kind=FailureKind.PROTOCOL, message="the upstream's answer cannot be decompressed")
    return Failure(kind=FailureKind.CUT, message="the upstream broke off in the middle of its answer")
