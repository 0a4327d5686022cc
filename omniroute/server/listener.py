"""The gateway's sockets, and the connections on them until the last one ends."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

BACKLOG = 1024
IDLE_CONNECTIONS_S = 5.0
"""After a hand-over, how long idle connections of clients stay open for one last request."""
_WRITING_S = 1.0
"""For a finished answer's last bytes."""
_AT_ONCE_S = 0.05
_LOOK_EVERY_S = 0.05

Dispatch = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
RequestFactory = Callable[..., web.BaseRequest]


class Listener:
    """Accepts connections, counts running requests, and lets them end."""

    def __init__(self, dispatch: Dispatch, make_request: RequestFactory) -> None:
        self._dispatch = dispatch
        self._server = web.Server(
            self._counted, request_factory=make_request, access_log=None, handler_cancellation=True
        )
        self._accepting: list[asyncio.Server] = []
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._at_once = False
        self.running = 0

    async def open(self, sockets: Sequence[socket.socket]) -> None:
        """Accept connections from now on. Raises `OSError` when another program was faster."""
        loop = asyncio.get_running_loop()
        for bound in sockets:
            self._accepting.append(await loop.create_server(self._server, sock=bound, backlog=BACKLOG))

    async def stop_accepting(self) -> None:
        """New connections are nobody's, or a successor's; those accepted stay."""
        for accepting in self._accepting:
            accepting.close()
        self._accepting.clear()
        # Connections the system had handed over by now become known within this turn of the loop.
        await asyncio.sleep(0)

    async def wait_for_requests(self, timeout_s: float) -> bool:
        """Whether all running requests ended in time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._quiet.wait()
        except TimeoutError:
            return False
        return not self.running

    async def wait_for_connections(self, timeout_s: float) -> None:
        """Until every client has gone; the app asks each to go, with its next answer."""
        try:
            async with asyncio.timeout(timeout_s):
                while self._server.connections and not self._at_once:  # noqa: ASYNC110
                    await asyncio.sleep(_LOOK_EVERY_S)  # aiohttp tells nobody
        except TimeoutError:
            return

    def end_at_once(self) -> None:
        """Wait for nothing any more."""
        self._at_once = True
        self._quiet.set()

    async def close(self) -> None:
        """Cancel what still runs, close every connection; no request is left when this returns."""
        self._server.pre_shutdown()
        await self._server.shutdown(_AT_ONCE_S if self._at_once else _WRITING_S)
        self._at_once = False
        if self.running:
            self._quiet.clear()
            await self.wait_for_requests(_WRITING_S)

    async def _counted(self, request: web.BaseRequest) -> web.StreamResponse:
        self.running += 1
        if not self._at_once:
            self._quiet.clear()
        try:
            return await self._dispatch(request)
        finally:
            self.running -= 1
            if not self.running:
                self._quiet.set()
