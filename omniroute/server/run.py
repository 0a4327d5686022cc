"""The life of one gateway: starting, running, draining, final write, stopped."""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from omniroute import __version__
from omniroute.api.system import ServerFile
from omniroute.clock import SystemClock
from omniroute.errors import OmniRouteError, StoreError
from omniroute.gateway.budgets import keeping as budget_keeping
from omniroute.gateway.gateway import Gateway
from omniroute.gateway.health import keeping
from omniroute.paths import Paths
from omniroute.server.app import App
from omniroute.server.build import build_gateway, catch_up, close_gateway, secrets_in_use, write_out
from omniroute.server.follow import STOP_SIGNALS, hold_back_signals
from omniroute.server.handover import NoSuccessor, start_successor
from omniroute.server.launch import Launch
from omniroute.server.listener import IDLE_CONNECTIONS_S, Listener
from omniroute.server.lock import Lock, locked, read_server_file
from omniroute.server.logs import Redactor, log_path, logging_to_file
from omniroute.server.loops import keep_running, watch_configuration
from omniroute.server.sockets import (
    LOCK_FD,
    check_exposure,
    inherited_fds,
    listening_sockets,
    port_taken,
    url_of,
)
from omniroute.server.token import ensure_token, rotate_token, write_private
from omniroute.settings import Settings, environment

FINAL_WRITE_TRIES = 5
FINAL_WRITE_PAUSE_S = 1.0

_log = logging.getLogger(__name__)


class Life(StrEnum):
    """Where a server is in its life; it never goes back."""

    STARTING = "starting"
    RUNNING = "running"
    DRAINING = "draining"
    FINAL_WRITE = "final_write"
    STOPPED = "stopped"


class Order(StrEnum):
    """What a running server can be told."""

    STOP = "stop"
    RESTART = "restart"


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What one server is started with."""

    paths: Paths
    settings: Settings
    options: Mapping[str, str | int]
    """As given on the command line, for a successor."""
    foreground: bool
    on_ready: Callable[[ServerFile], None]


def run(start: Start) -> int | None:
    """Serve until told to stop. The pid of the successor when one took over, else `None`.

    Raises an `OmniRouteError` whose class names the exit code when the gateway cannot start.
    """
    redactor = Redactor()
    variables = environment()
    lock_fds = inherited_fds(variables, LOCK_FD)
    path = log_path(start.paths, start.settings)
    with (
        locked(start.paths, lock_fds[0] if lock_fds else None) as lock,
        logging_to_file(path, start.settings, redactor, to_stderr=start.foreground),
    ):
        try:
            sockets = listening_sockets(variables, start.settings.host, start.settings.port)
            server = Server(start, lock, sockets, redactor)
            with asyncio.Runner(loop_factory=loop_factory()) as runner:
                runner.run(server.serve())
        except OmniRouteError as error:
            _log.error("stopped: %s", error)
            raise
        return server.successor_pid


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The fastest loop that is installed."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


class Server:
    """One gateway process from start to stop, and what its management calls may do to it."""

    def __init__(self, start: Start, lock: Lock, sockets: list[socket.socket], redactor: Redactor) -> None:
        self._start = start
        self._lock = lock
        self._sockets = sockets
        self._redactor = redactor
        self._clock = SystemClock()
        self._orders: asyncio.Queue[Order] = asyncio.Queue()  # bounded by `_order`
        self._file = ServerFile(url="", pid=os.getpid(), version=__version__, started_at_ms=0)
        self._predecessor_ended = asyncio.Event()
        self.life = Life.STARTING
        self.successor_pid: int | None = None

    async def serve(self) -> None:
        """From start to stop."""
        gateway = await build_gateway(self._start.paths, self._start.settings, self._clock)
        try:
            await self._live(gateway)
        finally:
            try:
                if (
                    self.life is not Life.FINAL_WRITE
                ):  # a loop or the start failed: the usual end was not reached
                    self.life = Life.FINAL_WRITE
                    await _write_last_rows(gateway)
            finally:
                await close_gateway(gateway)
                self._tell_successor()
                self._remove_file()
                self.life = Life.STOPPED
                _log.info("stopped")
                if self.successor_pid is not None and self._start.foreground:
                    hold_back_signals()

    async def _live(self, gateway: Gateway) -> None:
        check_exposure(self._sockets, has_manage_key=gateway.snapshot.has_manage_key)
        self._app = App(gateway, self, ensure_token(self._start.paths))
        self._redactor.follow(
            lambda: (gateway.snapshot, self._app.guard.token),
            lambda: secrets_in_use(gateway, self._app.guard.token),
        )
        self._listener = Listener(self._app.dispatch, self._app.make_request)
        try:
            async with asyncio.TaskGroup() as group:
                writer = group.create_task(gateway.usage_log.run(), name="usage writer")
                others = [
                    group.create_task(keep_running(name, work), name=name)
                    for name, work in (
                        ("live state", gateway.live.run),
                        ("keep-alive", gateway.keepalive.run),
                        ("response cache", gateway.cache.run),
                        ("budgets", lambda: budget_keeping.run(gateway.budgets, gateway.database)),
                        ("idempotency", gateway.idempotency.run),
                        ("health", lambda: keeping.run(gateway.health, gateway.database, gateway.clock)),
                        ("access tokens", gateway.tokens.run),
                        ("tokens that end soon", gateway.tokens.look_ahead),
                        ("configuration watch", lambda: watch_configuration(gateway)),
                        ("hand-over", lambda: self._follow_predecessor(gateway)),
                    )
                ]
                await self._open(gateway)
                await self._obey(gateway)
                await self._drain(gateway)
                await gateway.tokens.settle()
                for task in others:
                    task.cancel()
                self.life = Life.FINAL_WRITE
                # First everything is written, so that the writer is not cancelled between a
                # transaction and its own note of it.
                await _write_last_rows(gateway)
                writer.cancel()
        except ExceptionGroup as failed:
            raise _reason(failed) from None
        finally:
            await self._listener.close()

    async def _open(self, gateway: Gateway) -> None:
        self._watch_signals()
        try:
            await self._listener.open(self._sockets)
        except OSError:
            raise port_taken(self._start.settings.host, self._start.settings.port) from None
        self._file = msgspec.structs.replace(
            self._file, url=url_of(self._sockets), started_at_ms=gateway.started_at_ms
        )
        self._write_file()
        self.life = Life.RUNNING
        _log.info("omniroute %s answers at %s (pid %d)", __version__, self._file.url, self._file.pid)
        _settle_memory()
        self._start.on_ready(self._file)

    async def _obey(self, gateway: Gateway) -> None:
        """Until it is time to drain."""
        while await self._orders.get() is Order.RESTART:
            if await self._hand_over() and not self._stop_asked():
                return
        if self.successor_pid is not None:
            # Told to stop while the successor came up: it is the gateway now, so it must stop too.
            with suppress(ProcessLookupError):
                os.kill(self.successor_pid, signal.SIGTERM)

    def _stop_asked(self) -> bool:
        return not self._orders.empty() and self._orders.get_nowait() is Order.STOP

    async def _hand_over(self) -> bool:
        """Whether a successor answers now; else why not is in the log and in `server.json`."""
        _log.info("starting a successor")
        launch = Launch(
            data_dir=str(self._start.paths.data_dir),
            config_file=str(self._start.paths.config_file),
            options=dict(self._start.options),
            foreground=self._start.foreground,
        )
        try:
            successor = await asyncio.to_thread(start_successor, launch, self._sockets, self._lock)
        except NoSuccessor as error:
            _log.error("no restart, this gateway goes on: %s", error)
            self._file = msgspec.structs.replace(
                self._file, failed_restarts=self._file.failed_restarts + 1, restart_failure=str(error)
            )
            self._write_file()
            return False
        self.successor_pid = successor.pid
        _log.info("pid %d took over", successor.pid)
        return True

    async def _follow_predecessor(self, gateway: Gateway) -> None:
        """Count what the gateway before this one has written since this one began, once it has ended."""
        while True:
            await self._predecessor_ended.wait()
            await catch_up(gateway)
            self._predecessor_ended.clear()

    def _tell_successor(self) -> None:
        """Everything is written."""
        if self.successor_pid is not None and sys.platform != "win32":
            with suppress(ProcessLookupError):
                os.kill(self.successor_pid, signal.SIGUSR1)

    async def _drain(self, gateway: Gateway) -> None:
        self.life = Life.DRAINING
        gateway.live.draining = True
        limit_s = self._start.settings.shutdown_timeout_ms / 1000
        # Draining refuses new work; after a hand-over the few requests that still come are served.
        self._app.draining = self.successor_pid is None
        self._app.handing_over = self.successor_pid is not None
        await self._listener.stop_accepting()
        if self.successor_pid is not None:
            await self._listener.wait_for_connections(min(IDLE_CONNECTIONS_S, limit_s))
        elif self._listener.running:
            _log.info("stopping: %d requests may end within %g s", self._listener.running, limit_s)
        if not await self._listener.wait_for_requests(limit_s):
            _log.warning("%d requests did not end in time and are cut", self._listener.running)
        await self._listener.close()

    def _watch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            if signal.getsignal(number) is signal.SIG_IGN:
                continue  # `nohup` means it
            if sys.platform == "win32":
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(self.shutdown))
            else:
                loop.add_signal_handler(number, self.shutdown)
        if sys.platform != "win32":
            loop.add_signal_handler(signal.SIGUSR1, self._predecessor_ended.set)

    def restart(self) -> None:
        """Start a successor on the same socket, then drain and end."""
        if self.life is Life.RUNNING:
            self._order(Order.RESTART)

    def shutdown(self) -> None:
        """Drain and end; told again, end at once."""
        if self.life is Life.DRAINING:
            _log.warning("told to stop again: ending at once")
            self._listener.end_at_once()
        else:
            self._order(Order.STOP)

    def _order(self, order: Order) -> None:
        if self._orders.qsize() < len(Order):
            self._orders.put_nowait(order)

    def rotate_token(self) -> None:
        """Make a new local token; the old one ends at once."""
        self._app.guard.token = rotate_token(self._start.paths)

    def server_file(self) -> ServerFile:
        """Where this server listens."""
        return self._file

    def _write_file(self) -> None:
        write_private(self._start.paths.server_file, msgspec.json.encode(self._file).decode())

    def _remove_file(self) -> None:
        written = read_server_file(self._start.paths)
        if written is not None and written.pid == self._file.pid:
            self._start.paths.server_file.unlink(missing_ok=True)


def _settle_memory() -> None:
    """What was made at start stays: the collector need not look at it with every few hundred requests.

    Measured: 7 % less CPU a small request.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


async def _write_last_rows(gateway: Gateway) -> None:
    for attempt in range(1, FINAL_WRITE_TRIES + 1):
        try:
            await write_out(gateway)
        except StoreError:
            if attempt == FINAL_WRITE_TRIES:
                raise
            await asyncio.sleep(FINAL_WRITE_PAUSE_S)
        else:
            return


def _reason(failed: ExceptionGroup[Exception]) -> OmniRouteError:
    """Why the gateway ends, for whoever started it; what nobody foresaw is in the log."""
    expected = failed.subgroup(OmniRouteError)
    if expected is None:
        _log.error("a part of the gateway failed", exc_info=failed)
        return OmniRouteError("the gateway failed; its log says more")
    first = expected.exceptions[0]
    return first if isinstance(first, OmniRouteError) else _reason(first)
