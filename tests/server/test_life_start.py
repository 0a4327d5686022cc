"""Starting a gateway, and every reason not to."""

import os
import signal
import socket
import sqlite3

import pytest

from omniroute.exit_codes import ExitCode
from omniroute.server.lock import is_alive, is_locked
from tests.server.installation import Installation, eventually


def test_serve_returns_when_the_gateway_answers_and_stop_ends_it(installation: Installation) -> None:
    served = installation.run("serve")
    server = installation.server()
    assert (served.returncode, served.stderr.splitlines()[0][:6]) == (0, "try it")
    assert server.url in served.stdout
    assert installation.run("status").returncode == ExitCode.OK
    stopped = installation.run("stop")
    assert stopped.returncode == ExitCode.OK
    assert not is_alive(server)
    assert not is_locked(installation.paths)
    assert not installation.paths.server_file.exists()


def test_status_without_a_gateway_has_its_own_exit_code(installation: Installation) -> None:
    assert installation.run("status", "--json").returncode == ExitCode.NOT_RUNNING


def test_stop_without_a_gateway_is_no_error(installation: Installation) -> None:
    assert installation.run("stop").returncode == ExitCode.OK


def test_restart_without_a_gateway_says_so(installation: Installation) -> None:
    assert installation.run("restart").returncode == ExitCode.NOT_RUNNING


def test_a_second_gateway_for_the_same_directory_is_refused(installation: Installation) -> None:
    first = installation.serve()
    second = installation.run("serve")
    assert second.returncode == ExitCode.ALREADY_RUNNING
    assert f"pid {first.pid}" in second.stderr
    assert is_alive(first)


def test_a_port_of_another_program_is_named(installation: Installation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = installation.run("serve", "--port", str(port))
    assert refused.returncode == ExitCode.PORT_TAKEN
    assert refused.stderr.count("\n") == 1
    assert f"port {port} on 127.0.0.1 is taken by another program" in refused.stderr


def test_a_port_of_another_gateway_is_said_to_be_one(
    installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> None:
    url = installation.serve().url
    other = Installation(tmp_path_factory.mktemp("other"))
    refused = other.run("serve", "--port", url.rpartition(":")[2])
    assert refused.returncode == ExitCode.PORT_TAKEN
    assert "another OmniRoute" in refused.stderr


def test_a_data_directory_that_cannot_be_made_is_named(installation: Installation) -> None:
    installation.paths.data_dir.write_text("a file in the way")
    refused = installation.run("serve")
    assert refused.returncode == ExitCode.NOT_WRITABLE
    assert str(installation.paths.data_dir) in refused.stderr


def test_a_database_of_a_newer_version_is_left_alone(installation: Installation) -> None:
    installation.paths.data_dir.mkdir()
    with sqlite3.connect(installation.paths.database) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
    connection.close()
    before = installation.paths.database.read_bytes()
    refused = installation.run("serve")
    assert refused.returncode == ExitCode.NEWER_DATABASE
    assert "9999" in refused.stderr
    assert installation.paths.database.read_bytes() == before


def test_a_damaged_database_is_named(installation: Installation) -> None:
    installation.paths.data_dir.mkdir()
    installation.paths.database.write_bytes(b"no database at all" * 500)
    refused = installation.run("serve")
    assert refused.returncode == ExitCode.DATABASE
    assert str(installation.paths.database) in refused.stderr


@pytest.mark.parametrize(
    ("settings", "variables", "named"),
    [
        ("port = 'many'", {"OMNIROUTE_PORT": ""}, "port in"),
        ("port = ", {}, "is not TOML"),
        ("", {"FETCH_TIMEOUT_MS": "soon"}, "FETCH_TIMEOUT_MS"),
        ("", {"OMNIROUTE_TIMEZONE": "Mars/Olympus"}, "Mars/Olympus"),
        ("", {"OMNIROUTE_HOST": "no.such.host.invalid"}, "no.such.host.invalid"),
    ],
)
def test_settings_that_cannot_be_used_are_named(
    installation: Installation, settings: str, variables: dict[str, str], named: str
) -> None:
    installation.paths.data_dir.mkdir()
    installation.paths.config_file.write_text(settings)
    refused = installation.run("serve", **variables)
    assert refused.returncode == ExitCode.CONFIG
    assert named in refused.stderr


def test_another_master_key_than_the_first_is_refused(installation: Installation) -> None:
    installation.serve()
    installation.run("stop")
    refused = installation.run("serve", OMNIROUTE_MASTER_KEY="00" * 32)
    assert refused.returncode == ExitCode.SECRETS
    assert "00" * 32 not in refused.stderr


def test_an_address_others_can_reach_needs_a_key(installation: Installation) -> None:
    refused = installation.run("serve", "--host", "0.0.0.0")  # noqa: S104  # it is refused
    assert refused.returncode == ExitCode.BIND_REFUSED
    assert "keys create" in refused.stderr


def test_what_a_killed_gateway_leaves_does_not_stop_the_next(installation: Installation) -> None:
    first = installation.serve()
    os.kill(first.pid, signal.SIGKILL)
    eventually(lambda: not is_alive(first))
    assert installation.run("status").returncode == ExitCode.NOT_RUNNING
    assert installation.serve().pid != first.pid


def test_the_token_and_the_directory_are_private(installation: Installation) -> None:
    installation.serve()
    shown = installation.run("token", "show").stdout.strip()
    modes = {
        path.name: path.stat().st_mode & 0o777
        for path in (installation.paths.token, installation.paths.server_file, installation.paths.data_dir)
    }
    assert modes == {"local_token": 0o600, "server.json": 0o600, "data": 0o700}
    assert shown not in (installation.paths.log).read_text()


def test_the_log_is_shown(installation: Installation) -> None:
    url = installation.serve().url
    shown = installation.run("logs", "--lines", "1")
    assert shown.returncode == ExitCode.OK
    assert url in shown.stdout
    assert shown.stdout.count("\n") == 1
