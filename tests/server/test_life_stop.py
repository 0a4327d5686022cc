"""Ending a gateway: nothing that runs is lost, and nothing waits for ever."""

import http.client
import json
import os
import signal
import socket
import sqlite3
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from omniroute.api.system import ServerFile
from omniroute.exit_codes import ExitCode
from omniroute.server.lock import is_locked
from tests.server.installation import PATIENCE_S, Installation, eventually

BODY = json.dumps({"model": "demo/echo", "messages": [{"role": "user", "content": "hello"}]}).encode()


def connect(server: ServerFile) -> http.client.HTTPConnection:
    """A keep-alive connection."""
    parts = urlsplit(server.url)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE_S)


def begin(connection: http.client.HTTPConnection) -> None:
    """Half of a request: it runs until `finish` sends the rest."""
    connection.putrequest("POST", "/v1/chat/completions")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(len(BODY)))
    connection.endheaders(BODY[:10])


def wait_until_read(other: http.client.HTTPConnection) -> None:
    """What was sent on one connection has been read when a later request on another one is answered."""
    other.request("GET", "/api/init")
    assert other.getresponse().read()


def finish(connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
    """The answer to the request that was begun."""
    connection.send(BODY[10:])
    answer = connection.getresponse()
    answer.read()
    return answer


def refuses_connections(server: ServerFile) -> bool:
    parts = urlsplit(server.url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0)).close()
    except OSError:
        return True
    return False


def rows(installation: Installation) -> int:
    with closing(sqlite3.connect(installation.paths.database)) as connection:
        return int(connection.execute("SELECT count(*) FROM usage").fetchone()[0])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_gateway_ends_at_the_first_signal(installation: Installation, number: signal.Signals) -> None:
    with installation.foreground() as gateway:
        gateway.send_signal(number)
        assert gateway.wait(PATIENCE_S) == ExitCode.OK
    assert not installation.paths.server_file.exists()
    assert not is_locked(installation.paths)


def test_in_the_foreground_the_log_is_on_standard_error(installation: Installation) -> None:
    with installation.foreground() as gateway:
        url = installation.server().url
        gateway.terminate()
        out, err = gateway.communicate(timeout=PATIENCE_S)
    assert out == ""
    assert f"answers at {url}" in err
    assert "stopped" in err.splitlines()[-1]


def test_a_running_request_ends_and_new_ones_are_refused(installation: Installation) -> None:
    with installation.foreground() as gateway:
        server = installation.server()
        with closing(connect(server)) as running, closing(connect(server)) as idle:
            begin(running)
            wait_until_read(idle)
            gateway.terminate()
            eventually(lambda: refuses_connections(server))
            idle.request("GET", "/api/init")
            refused = idle.getresponse()
            refused.read()
            answer = finish(running)
        assert gateway.wait(PATIENCE_S) == ExitCode.OK
    assert (refused.status, refused.getheader("Retry-After")) == (503, "5")
    assert (answer.status, answer.getheader("Connection")) == (200, "close")
    assert rows(installation) == 1


def test_the_second_signal_does_not_wait(installation: Installation) -> None:
    with installation.foreground() as gateway:
        server = installation.server()
        with closing(connect(server)) as running, closing(connect(server)) as other:
            begin(running)
            wait_until_read(other)
            gateway.terminate()
            eventually(lambda: refuses_connections(server))
            assert gateway.poll() is None
            gateway.terminate()
            assert gateway.wait(PATIENCE_S) == ExitCode.OK
    assert not installation.paths.server_file.exists()


def test_a_request_that_does_not_end_is_cut_when_the_time_is_over(installation: Installation) -> None:
    with installation.foreground(SHUTDOWN_TIMEOUT_MS="200") as gateway:
        server = installation.server()
        with closing(connect(server)) as running, closing(connect(server)) as other:
            begin(running)
            wait_until_read(other)
            gateway.terminate()
            _, err = gateway.communicate(timeout=PATIENCE_S)
    assert gateway.returncode == ExitCode.OK
    assert "1 requests did not end in time" in err


def test_stop_now_cuts_running_requests(installation: Installation) -> None:
    server = installation.serve()
    with closing(connect(server)) as running, closing(connect(server)) as other:
        begin(running)
        wait_until_read(other)
        assert installation.run("stop", "--now").returncode == ExitCode.OK
    assert not is_locked(installation.paths)


def test_a_gateway_that_heeds_nothing_can_be_killed(installation: Installation) -> None:
    server = installation.serve()
    os.kill(server.pid, signal.SIGSTOP)
    assert installation.run("status").returncode == ExitCode.UNREACHABLE
    assert installation.run("stop", "--kill").returncode == ExitCode.OK
    assert not is_locked(installation.paths)
