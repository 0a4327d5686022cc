"""The gateway inside a command, for its length: no second way to the store exists."""

import asyncio
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from omniroute import __version__
from omniroute.api.system import ServerFile
from omniroute.client.http import Client
from omniroute.clock import SystemClock
from omniroute.paths import Paths
from omniroute.server.app import App
from omniroute.server.build import build_gateway, close_gateway, secrets_in_use, write_out
from omniroute.server.listener import Listener
from omniroute.server.lock import locked
from omniroute.server.logs import Redactor, log_path, logging_to_file
from omniroute.server.manage.call import ApiError
from omniroute.server.sockets import bind, url_of
from omniroute.server.token import ensure_token, rotate_token
from omniroute.settings import Settings, load_settings

LOOPBACK = "127.0.0.1"
ANSWER_S = 60.0
"""A call may ask a provider, which takes its time."""


@contextmanager
def in_process(paths: Paths, settings: Settings | None = None) -> Iterator[Client]:
    """Talks to a gateway on a free loopback port, in a thread, with the lock; nothing runs in the background.

    Raises what a server's start raises: `AlreadyRunning` also when one runs that does not answer.
    """
    settings = settings or load_settings(paths.config_file)
    redactor = Redactor()
    path = log_path(paths, settings)
    with locked(paths), logging_to_file(path, settings, redactor, to_stderr=False):
        gateway = _Short(paths, settings, redactor)
        thread = threading.Thread(target=gateway.run, name="gateway", daemon=True)
        thread.start()
        try:
            yield gateway.reachable.result()
        finally:
            gateway.end()
            thread.join()


class _Short:
    """One gateway for one command."""

    def __init__(self, paths: Paths, settings: Settings, redactor: Redactor) -> None:
        self._paths = paths
        self._settings = settings
        self._redactor = redactor
        self._loop: asyncio.AbstractEventLoop | None = None
        self._done = asyncio.Event()
        self._app: App | None = None
        self._file = ServerFile(url="", pid=os.getpid(), version=__version__, started_at_ms=0)
        self.reachable: Future[Client] = Future()
        """Where it answers, or why it does not."""

    def run(self) -> None:
        """The thread: ends when `end` is called, or with the start's failure in `reachable`."""
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # the command's own thread raises it
            if self.reachable.done():
                raise
            self.reachable.set_exception(error)

    def end(self) -> None:
        """No further request comes."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._done.set)

    async def _serve(self) -> None:
        gateway = await build_gateway(self._paths, self._settings, SystemClock())
        try:
            token = ensure_token(self._paths)
            sockets = bind(LOOPBACK, 0)
            self._file = ServerFile(
                url=url_of(sockets), pid=os.getpid(), version=__version__, started_at_ms=gateway.started_at_ms
            )
            self._app = app = App(gateway, self, token)
            self._redactor.follow(
                lambda: (gateway.snapshot, app.guard.token), lambda: secrets_in_use(gateway, app.guard.token)
            )
            listener = Listener(self._app.dispatch, self._app.make_request)
            await listener.open(sockets)
            try:
                self._loop = asyncio.get_running_loop()
                async with asyncio.TaskGroup() as group:
                    renewing = group.create_task(gateway.tokens.run(), name="access tokens")
                    self.reachable.set_result(Client(self._file.url, token, timeout_s=ANSWER_S))
                    await self._done.wait()
                    await gateway.tokens.settle()
                    renewing.cancel()
            finally:
                await listener.stop_accepting()
                await listener.close()
            await write_out(gateway)
        finally:
            await close_gateway(gateway)

    def restart(self) -> None:
        """There is no server to restart."""
        raise ApiError(409, "NOT_RUNNING", "no gateway is running; start one with: omniroute serve")

    def shutdown(self) -> None:
        """There is no server to stop."""
        self.restart()

    def rotate_token(self) -> None:
        """Make a new local token."""
        token = rotate_token(self._paths)
        if self._app is not None:
            self._app.guard.token = token

    def server_file(self) -> ServerFile:
        """Where this command's gateway listens."""
        return self._file
