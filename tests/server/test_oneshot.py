"""The gateway inside a command."""

import sqlite3
from contextlib import closing

import msgspec
import pytest

from omniroute.api.system import Accepted, Health, RotatedToken
from omniroute.client.http import ApiRefused
from omniroute.errors import NewerDatabase
from omniroute.server.lock import is_locked
from omniroute.server.oneshot import in_process
from omniroute.server.start_errors import AlreadyRunning
from tests.server.installation import MASTER_KEY, Installation


class Chat(msgspec.Struct):
    """What of an answer is looked at."""

    model: str


class Question(msgspec.Struct):
    """A request to the built-in model."""

    model: str = "demo/echo"
    messages: list[dict[str, str]] = msgspec.field(
        default_factory=lambda: [{"role": "user", "content": "hello"}]
    )


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNIROUTE_MASTER_KEY", MASTER_KEY)


def test_a_command_has_the_whole_api_and_holds_the_lock(installation: Installation) -> None:
    with in_process(installation.paths) as client:
        assert client.get("/api/monitoring/health", Health).status == "healthy"
        assert is_locked(installation.paths)
    assert not is_locked(installation.paths)
    assert not installation.paths.server_file.exists()


def test_requests_of_a_command_leave_their_rows(installation: Installation) -> None:
    with in_process(installation.paths) as client:
        client.post("/v1/chat/completions", Chat, Question())
    with closing(sqlite3.connect(installation.paths.database)) as connection:
        assert connection.execute("SELECT count(*) FROM usage").fetchone() == (1,)


def test_there_is_no_server_to_stop(installation: Installation) -> None:
    with in_process(installation.paths) as client, pytest.raises(ApiRefused, match="no gateway is running"):
        client.post("/api/shutdown", Accepted)


def test_the_token_can_be_rotated(installation: Installation) -> None:
    with in_process(installation.paths) as client:
        before = installation.paths.token.read_text()
        client.post("/api/token/rotate", RotatedToken)
        assert installation.paths.token.read_text() != before
        with pytest.raises(ApiRefused):
            client.get("/api/compliance/audit-log", Health)


def test_a_running_gateway_keeps_a_command_out(installation: Installation) -> None:
    installation.serve()
    with pytest.raises(AlreadyRunning), in_process(installation.paths):
        pass


def test_a_failure_to_start_is_the_commands_own(installation: Installation) -> None:
    installation.paths.data_dir.mkdir()
    with closing(sqlite3.connect(installation.paths.database)) as connection, connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
    with pytest.raises(NewerDatabase), in_process(installation.paths):
        pass
    assert not is_locked(installation.paths)
