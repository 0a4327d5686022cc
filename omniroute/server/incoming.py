"""One request that has passed the guards, and the route that serves it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import msgspec
from aiohttp import web

from omniroute.errors import ErrorKind, Refused
from omniroute.gateway.gateway import Gateway
from omniroute.server.guard import Caller
from omniroute.server.manage.call import Control


class Plane(StrEnum):
    """Which rules a path is under."""

    OPEN = "open"
    """No credential is needed."""
    PROXY = "proxy"
    """A key, or a loopback caller while none is required."""
    MANAGE = "manage"
    """The local token, or a key with scope `manage`."""


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """One request with all that serving it takes."""

    http: web.BaseRequest
    gateway: Gateway
    control: Control
    path: str
    """As it is served, whatever the client wrote."""
    params: Mapping[str, str]
    caller: Caller
    request_id: str
    origin: str | None = None
    """The web page that calls, when it may read the answer."""

    async def body(self) -> bytes:
        """The whole body, decompressed. Raises `Refused` when it is too large or not what it says."""
        try:
            return await self.http.read()
        except web.HTTPRequestEntityTooLarge as error:
            raise Refused(ErrorKind.TOO_LARGE, f"the request body is too large: {error.text}") from None
        except web.RequestPayloadError:
            raise Refused(
                ErrorKind.BAD_REQUEST, "the request body is not what its Content-Encoding or length says"
            ) from None


@dataclass(frozen=True, slots=True)
class Route:
    """What serves a path."""

    plane: Plane
    serve: Callable[[Incoming], Awaitable[web.StreamResponse]]
    leaves_row: bool = True
    """A request that is refused at the door is on record all the same."""


RouteRow = tuple[str, str, Route]
"""Method, path, route."""
