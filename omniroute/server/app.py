"""Every request's way in: one straight function, the same for both planes."""

import logging
import re
from typing import Any

from aiohttp import web

from omniroute.errors import ErrorKind, Refused
from omniroute.gateway.exchange import record_refusal
from omniroute.gateway.gateway import Gateway
from omniroute.gateway.usage_log import UsageEntry
from omniroute.records import FormatName
from omniroute.server import callback, errors, ip_filter, live, manage_plane, proxy
from omniroute.server.guard import Caller, Guard
from omniroute.server.incoming import Incoming, Plane, Route
from omniroute.server.lockout import Lockouts
from omniroute.server.manage.call import Control
from omniroute.server.manage.table import ROUTES
from omniroute.server.paths import Match, Table, canonical_path
from omniroute.ulid import new_uuid

MANAGE_BODY_BYTES = 2 * 1024 * 1024
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_DECODED = frozenset({"", "identity", "gzip", "deflate", "br", "zstd"})

_log = logging.getLogger(__name__)


class _Request(web.BaseRequest):
    """Its answer says whether the connection may be used again, as things are when the answer begins."""

    gateway_app: "App"

    @property
    def keep_alive(self) -> bool:
        return super().keep_alive and not (self.gateway_app.draining or self.gateway_app.handing_over)


class App:
    """Answers every request of one gateway."""

    def __init__(self, gateway: Gateway, control: Control, token: str) -> None:
        self.gateway = gateway
        self.control = control
        self.lockouts = Lockouts(gateway.database, gateway.clock)
        self.guard = Guard(gateway.settings, token, self.lockouts)
        self.draining = False
        """New requests are refused."""
        self.handing_over = False
        """A successor listens: what still comes here is served, and sent to a new connection next time."""
        self._table: Table[Route] = Table(
            [*proxy.ROUTES, *live.ROUTES, *callback.ROUTES, *manage_plane.routes(ROUTES)]
        )

    def make_request(
        self, message: Any, payload: Any, protocol: Any, writer: Any, task: Any
    ) -> web.BaseRequest:
        """aiohttp's request, with the body limit of the plane it is for."""
        path = canonical_path(message.path.partition("?")[0])
        is_managed = path.startswith("/api/") and path not in errors.OLLAMA_PATHS
        limit = MANAGE_BODY_BYTES if is_managed else self.gateway.settings.max_body_size_bytes
        request = _Request(message, payload, protocol, writer, task, task.get_loop(), client_max_size=limit)
        request.gateway_app = self
        return request

    async def dispatch(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to one request, errors in the dialect of the path it came by."""
        request_id = _request_id(request)
        path = canonical_path(request.rel_url.raw_path)
        try:
            response = await self._serve(request, path, request_id)
        except Refused as refused:
            await self._record(request, path, request_id, refused)
            response = errors.refusal(path, refused, request_id, allow=self._allowed(path, refused))
            if request.content.exception() is not None:
                # Nobody knows where a broken body ends, so nothing more is read from its connection.
                request.content.feed_eof()
                response.force_close()
        except ConnectionError:
            raise  # the client is gone: aiohttp closes up
        except Exception:  # noqa: BLE001 - the boundary that answers 500
            _log.exception("request %s failed inside the gateway", request_id)
            internal = Refused(ErrorKind.INTERNAL, "the gateway failed; its log says more")
            response = errors.refusal(path, internal, request_id)
        if not response.prepared and (origin := self.guard.allowed_origin(request)) is not None:
            response.headers.update(errors.cors(origin))
        return response

    async def _serve(self, request: web.BaseRequest, path: str, request_id: str) -> web.StreamResponse:
        if self.draining:
            raise Refused(ErrorKind.UNAVAILABLE, "the gateway is shutting down", retry_after_s=5)
        await self._check_address(request)
        self.guard.check_host(request)
        origin = self.guard.allowed_origin(request)
        if request.method == "OPTIONS":
            return errors.options(request, origin, request_id)
        match = self._table.find(path)
        route = _route(match, request.method, path)
        if route is None or match is None:
            return web.Response(headers={"X-Request-Id": request_id})
        _check_encoding(request)
        incoming = Incoming(
            http=request,
            gateway=self.gateway,
            control=self.control,
            path=path,
            params=match.params,
            caller=await self._caller(request, route),
            request_id=request_id,
            origin=origin,
        )
        return await route.serve(incoming)

    async def _record(self, request: web.BaseRequest, path: str, request_id: str, refused: Refused) -> None:
        """A request for an answer leaves its row, also when it is refused at the door.

        One for another host is none of ours: a web page's, most likely. Blocked addresses leave none either:
        they could fill the disk.
        """
        if refused.kind in (ErrorKind.HOST_NOT_ALLOWED, ErrorKind.IP_BLOCKED):
            return
        match = self._table.find(path)
        route = match.routes.get(request.method) if match is not None else None
        if path.endswith(":countTokens"):
            return  # a verb of a route that answers others too
        if self.draining or route is None or route.plane is not Plane.PROXY or not route.leaves_row:
            return
        await record_refusal(
            self.gateway.usage_log,
            UsageEntry(
                request_id=request_id,
                method=request.method,
                path=path,
                operation="refused",
                client_format=errors.dialect_of(path) or FormatName.OPENAI_CHAT,
            ),
            refused,
        )

    async def _check_address(self, request: web.BaseRequest) -> None:
        """Raises `Refused` for an address the user does not want here."""
        snapshot = self.gateway.snapshot
        await self.lockouts.follow(snapshot)
        chosen, bans = snapshot.preferences.ip_filter, self.lockouts.bans
        if not (chosen.enabled or bans):
            return
        address = self.guard.address(request)
        reason = ip_filter.why_blocked(chosen, bans, address, now_ms=self.gateway.clock.now_ms())
        if reason is not None:
            raise Refused(ErrorKind.IP_BLOCKED, f"the address {address} may not use this gateway: {reason}")

    async def _caller(self, request: web.BaseRequest, route: Route) -> Caller:
        """Who calls, allowed on the route's plane. Raises `Refused`."""
        try:
            caller = self.guard.caller(request, self.gateway.snapshot, now_ms=self.gateway.clock.now_ms())
        except Refused as refused:
            if refused.kind is ErrorKind.INVALID_KEY:
                await self.lockouts.failed(self.guard.identifiers(request))
            if route.plane is not Plane.OPEN:
                raise
            return self.guard.stranger(request)  # open to all: a bad key makes nobody, not an error
        if caller.key is not None and not self.lockouts.is_quiet:
            await self.lockouts.succeeded(self.guard.identifiers(request))
        if route.plane is Plane.OPEN:
            return caller
        if route.plane is Plane.PROXY:
            self.guard.check_proxy(request, caller)
        elif not caller.may_manage:
            raise Refused(
                ErrorKind.INVALID_KEY, "this call needs the local token or a key with scope `manage`"
            )
        return caller

    def _allowed(self, path: str, refused: Refused) -> str | None:
        """The `Allow` header of a 405."""
        if refused.kind is not ErrorKind.METHOD_NOT_ALLOWED:
            return None
        match = self._table.find(path)
        return ", ".join(sorted(match.routes)) if match is not None else None


def _request_id(request: web.BaseRequest) -> str:
    given = request.headers.get("X-Request-Id", "")
    return given if _REQUEST_ID.fullmatch(given) else new_uuid()


def _route(match: Match[Route] | None, method: str, path: str) -> Route | None:
    """The route of a method; `None` for a HEAD to something that only takes POST, which is answered empty."""
    if match is None:
        raise Refused(ErrorKind.NOT_FOUND, f"nothing is served at {path[:200]!r}")
    if method == "HEAD":
        return match.routes.get("GET")
    route = match.routes.get(method)
    if route is None:
        raise Refused(ErrorKind.METHOD_NOT_ALLOWED, f"{path[:200]} does not take {method}")
    return route


def _check_encoding(request: web.BaseRequest) -> None:
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in _DECODED:
        raise Refused(ErrorKind.MEDIA_TYPE, f"the content encoding {encoding[:40]!r} is not understood")
