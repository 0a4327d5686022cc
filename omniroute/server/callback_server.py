"""A listener for one browser to come back to, on a port of its own."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

HOST = "127.0.0.1"
OPEN_S = 300.0

Serve = Callable[[web.BaseRequest], Awaitable[web.Response]]


class PortInUse(Exception):
    """Another program listens there."""


class CallbackListener:
    """Serves one path until it was asked for once, or for five minutes."""

    def __init__(self, path: str, serve: Serve) -> None:
        self._path = path
        self._serve = serve
        self._server: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def open(self, port: int) -> int:
        """The port it listens on; 0 takes a free one. Raises `PortInUse`."""
        loop = asyncio.get_running_loop()
        protocols = web.Server(self._answer, access_log=None)
        try:
            self._server = await loop.create_server(protocols, HOST, port)
        except OSError:
            raise PortInUse from None
        self._timer = loop.call_later(OPEN_S, self.close)
        chosen: int = self._server.sockets[0].getsockname()[1]
        return chosen

    def close(self) -> None:
        """Nobody is listened to any more; what is being answered is answered."""
        if self._timer is not None:
            self._timer.cancel()
        if self._server is not None:
            self._server.close()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method != "GET" or request.path != self._path:
            answer = web.Response(status=404)
        else:
            self.close()
            answer = await self._serve(request)
        answer.force_close()
        return answer
