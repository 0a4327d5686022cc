"""The only outgoing socket: one request to one upstream."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from omniroute.errors import Failure
from omniroute.records.proxies import Proxy


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent, and how long each phase may take."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None
    allow_private: bool = False
    """Loopback and private addresses are meant."""
    proxy: Proxy | None = None
    """The way there; `None`: what the environment says. Loopback is never reached through one."""
    first_byte_s: float
    idle_s: float | None = None
    """Longest silence between bytes; `None`: `first_byte_s` holds there too; 0: no limit."""


class UpstreamAnswer(Protocol):
    """An answer whose body is still to come."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Looked up without regard to case."""

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes, decompressed. Raises `UpstreamFailed`."""

    async def read(self, limit: int) -> bytes:
        """The whole body, or its first `limit` bytes. Raises `UpstreamFailed`."""


class UpstreamFailed(Exception):
    """No answer, or not all of it."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Upstream(Protocol):
    """Sends requests; `gateway.http1` is the one that does so over the network."""

    def open(self, request: HttpRequest) -> AbstractAsyncContextManager[UpstreamAnswer]:
        """Send, and wait for the head of the answer. Raises `UpstreamFailed`; leaving early cancels it."""

    async def close(self) -> None:
        """Close every connection."""
