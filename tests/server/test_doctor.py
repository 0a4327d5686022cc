"""Checks of a machine."""

import sqlite3
from contextlib import closing

import pytest

from omniroute.server.doctor import Finding, Level, examine
from tests.server.installation import MASTER_KEY, Installation

PROXIES = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNIROUTE_MASTER_KEY", MASTER_KEY)
    monkeypatch.setenv("OMNIROUTE_PORT", "0")
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)


def found(installation: Installation, name: str) -> Finding:
    return next(finding for finding in examine(installation.paths) if finding.name == name)


def test_a_fresh_machine_is_in_order_and_nothing_is_made(installation: Installation) -> None:
    assert not [finding for finding in examine(installation.paths) if finding.level is Level.FAIL]
    assert not installation.paths.data_dir.exists()


def test_a_running_gateway_is_in_order(installation: Installation) -> None:
    server = installation.serve()
    findings = {finding.name: finding for finding in examine(installation.paths)}
    assert {finding.level for finding in findings.values()} == {Level.OK}
    assert server.url in findings["server"].message
    assert server.url in findings["port"].message
    assert "environment" in findings["master key"].message


def test_a_file_in_the_way_of_the_directory_fails(installation: Installation) -> None:
    installation.paths.data_dir.write_text("in the way")
    assert found(installation, "data directory").level is Level.FAIL


def test_settings_that_cannot_be_used_fail_and_the_rest_is_still_checked(installation: Installation) -> None:
    installation.paths.data_dir.mkdir(mode=0o700)
    installation.paths.config_file.write_text("log_level = 'loud'")
    findings = {finding.name: finding.level for finding in examine(installation.paths)}
    assert findings["settings"] is Level.FAIL
    assert findings["coding tools"] is Level.OK


def test_a_database_of_a_newer_version_fails(installation: Installation) -> None:
    installation.paths.data_dir.mkdir()
    with closing(sqlite3.connect(installation.paths.database)) as connection, connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
    assert found(installation, "database").level is Level.FAIL


def test_files_open_to_others_are_warned_of(installation: Installation) -> None:
    installation.paths.data_dir.mkdir()
    installation.paths.data_dir.chmod(0o755)
    installation.paths.token.write_text("x" * 43)
    installation.paths.token.chmod(0o644)
    assert found(installation, "data directory").level is Level.WARN
    assert found(installation, "local token").level is Level.WARN
    assert installation.paths.token.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("excepted", "level"), [("", Level.WARN), ("example.com", Level.WARN), ("a, 127.0.0.1", Level.OK)]
)
def test_a_proxy_that_takes_loopback_is_warned_of(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, excepted: str, level: Level
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", excepted)
    assert found(installation, "proxy").level is level


def test_the_command_fails_when_a_check_does(installation: Installation) -> None:
    assert installation.run("doctor").returncode == 0
    refused = installation.run("doctor", "--json", OMNIROUTE_PORT="many")
    assert refused.returncode == 1
    assert '"ok": false' in refused.stdout


def test_a_provider_file_of_ones_own_that_cannot_be_used_fails(installation: Installation) -> None:
    own = installation.paths.catalogue_overrides
    own.mkdir(parents=True)
    (own / "broken.toml").write_text("formats = 3\n")
    finding = found(installation, "catalogue")
    assert finding.level is Level.FAIL
    assert "broken.toml" in finding.message


@pytest.mark.parametrize("is_running", [True, False])
def test_an_account_that_is_signed_out_is_warned_of(installation: Installation, *, is_running: bool) -> None:
    installation.serve()
    installation.run("stop")
    with closing(sqlite3.connect(installation.paths.database)) as connection, connection:
        connection.execute(
            "INSERT INTO provider_connections (id, provider_id, name, priority, is_active, allow_private,"
            " variables, test_status, created_at_ms, updated_at_ms)"
            " VALUES ('hf-1', 'huggingface', 'main', 1, 0, 0, '{}', 'expired', 1, 1)"
        )
    if is_running:
        installation.serve()
    finding = found(installation, "accounts")

    assert finding.level is Level.WARN
    assert finding.message == (
        "1 account signed out: huggingface/main, sign in again with omniroute providers login huggingface"
    )
    if is_running:
        told = installation.run("status")
        assert (told.returncode, finding.message in told.stderr) == (0, True)
