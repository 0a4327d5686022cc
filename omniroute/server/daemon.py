"""The gateway in the background, stopped and restarted from a shell."""

import os
import signal
import time
from contextlib import suppress

from omniroute.api.system import Accepted, ServerFile
from omniroute.client.connect import connect, find_server
from omniroute.client.http import ApiRefused, Unreachable
from omniroute.errors import OmniRouteError
from omniroute.exit_codes import ExitCode
from omniroute.paths import Paths
from omniroute.server.lock import is_alive, is_locked, read_server_file
from omniroute.server.start import check_answer

RESTART_S = 75.0
_ANSWER_S = 5.0
_LOOK_EVERY_S = 0.05
_KILLED_S = 5.0


class NotRunning(OmniRouteError):
    """There is no gateway to talk to."""

    exit_code = ExitCode.NOT_RUNNING


class StillRunning(OmniRouteError):
    """It was told to stop, and has not yet."""


class RestartFailed(OmniRouteError):
    """No successor came up; the gateway goes on as it is."""


def stop(paths: Paths, *, timeout_s: float, at_once: bool = False) -> ServerFile:
    """Who has stopped. Raises `NotRunning`, or `StillRunning` after so long."""
    server = _running(paths)
    _ask_to_stop(paths, server)
    if at_once:
        _signal(server, signal.SIGTERM)
    if not _has_ended(paths, server, timeout_s):
        raise StillRunning(
            f"the gateway (pid {server.pid}) was told to stop and still waits for running requests; "
            "omniroute stop --now cuts them"
        )
    return server


def _ask_to_stop(paths: Paths, server: ServerFile) -> None:
    try:
        connect(paths, timeout_s=_ANSWER_S).post("/api/shutdown", Accepted)
    except (Unreachable, ApiRefused):
        _signal(server, signal.SIGTERM)  # it answers nobody, or drains already


def kill(paths: Paths) -> ServerFile:
    """End a gateway that heeds nothing else; up to 250 ms of usage rows are lost. Raises `NotRunning`."""
    server = _running(paths)
    with suppress(ProcessLookupError):
        os.kill(server.pid, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    if not _has_ended(paths, server, _KILLED_S):
        raise StillRunning(f"the gateway (pid {server.pid}) cannot be ended")
    return server


def restart(paths: Paths) -> ServerFile:
    """The successor. Raises `NotRunning`, or `RestartFailed` with the successor's own reason."""
    before = find_server(paths)
    if before is None:
        raise NotRunning("no gateway answers; start one with: omniroute serve")
    connect(paths, timeout_s=_ANSWER_S).post("/api/restart", Accepted)
    deadline_s = time.monotonic() + RESTART_S
    while time.monotonic() < deadline_s:
        now = read_server_file(paths)
        if now is not None and now.pid != before.pid:
            check_answer(now.url)
            return now
        if now is not None and now.failed_restarts > before.failed_restarts:
            raise RestartFailed(f"the gateway goes on as it was, no new one came up: {now.restart_failure}")
        if not is_alive(before):
            raise NotRunning("the gateway ended instead of restarting; its log says why: omniroute logs")
        time.sleep(_LOOK_EVERY_S)
    raise RestartFailed(f"no new gateway within {RESTART_S:g} s; see: omniroute logs")


def _running(paths: Paths) -> ServerFile:
    server = read_server_file(paths)
    if server is None or not is_alive(server) or not is_locked(paths):
        raise NotRunning("no gateway is running")
    return server


def _has_ended(paths: Paths, server: ServerFile, timeout_s: float) -> bool:
    deadline_s = time.monotonic() + timeout_s
    while is_alive(server) or is_locked(paths):
        if time.monotonic() > deadline_s:
            return False
        time.sleep(_LOOK_EVERY_S)
    return True


def _signal(server: ServerFile, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(server.pid, number)
