"""Finding the running gateway by its files."""

import subprocess
import sys
from pathlib import Path

import pytest

from omniroute.client.connect import TokenDamaged, connect, find_server
from omniroute.client.http import Unreachable
from tests.live_gateway import TOKEN, LiveGateway, live_gateway, paths_in

SLOW = {"aiohttp", "asyncio", "pydantic", "sqlalchemy", "textual", "typer"}


def test_without_a_file_there_is_no_server(tmp_path: Path) -> None:
    assert find_server(paths_in(tmp_path)) is None


@pytest.mark.parametrize("content", ["", "{", '{"pid": 1}', "[]"])
def test_a_broken_file_is_no_server(tmp_path: Path, content: str) -> None:
    paths = paths_in(tmp_path)
    paths.data_dir.mkdir()
    paths.server_file.write_text(content)

    assert find_server(paths) is None


def test_a_running_server_is_found(tmp_path: Path, gateway: LiveGateway) -> None:
    paths = paths_in(tmp_path)
    gateway.write_files(paths)

    server = find_server(paths)

    assert server is not None
    assert server.url == gateway.url


def test_the_file_of_a_server_that_is_gone_counts_as_none(tmp_path: Path) -> None:
    paths = paths_in(tmp_path)
    with live_gateway() as gone:
        gone.write_files(paths)

    assert find_server(paths) is None


@pytest.mark.parametrize("answer", [(404, b"<html>"), (200, b"<html>"), (200, b"{}")])
def test_another_program_on_the_port_is_not_taken_for_the_gateway(
    tmp_path: Path, gateway: LiveGateway, answer: tuple[int, bytes]
) -> None:
    paths = paths_in(tmp_path)
    gateway.write_files(paths)
    gateway.answers["/api/init"] = answer

    assert find_server(paths) is None


def test_the_token_is_sent_to_the_gateway_only_after_it_was_known_as_one(
    tmp_path: Path, gateway: LiveGateway
) -> None:
    paths = paths_in(tmp_path)
    gateway.write_files(paths)
    gateway.answers["/api/name"] = (200, b'"x"')

    assert connect(paths, user_agent="omniroute-tui/1").get("/api/name", str) == "x"

    probe, call = gateway.asked
    assert "authorization" not in probe[2]
    assert call[2]["authorization"] == f"Bearer {TOKEN}"
    assert call[2]["user-agent"] == "omniroute-tui/1"


def test_no_server_is_unreachable_with_the_command_that_starts_one(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"^no gateway is running; start one with: omniroute serve$"):
        connect(paths_in(tmp_path))


def test_a_token_that_is_missing_is_named(tmp_path: Path, gateway: LiveGateway) -> None:
    paths = paths_in(tmp_path)
    gateway.write_files(paths)
    paths.token.unlink()

    with pytest.raises(
        TokenDamaged, match=r"local_token cannot be used: No such file .*omniroute token rotate"
    ):
        connect(paths)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"one\ntwo", b"a\x00b"])
def test_a_token_that_is_damaged_is_named_and_not_sent(
    tmp_path: Path, gateway: LiveGateway, content: bytes
) -> None:
    paths = paths_in(tmp_path)
    gateway.write_files(paths)
    paths.token.write_bytes(content)

    with pytest.raises(
        TokenDamaged, match=r"local_token cannot be used: the file is damaged; make a new one"
    ):
        connect(paths)


def test_a_short_command_pays_for_nothing_slow() -> None:
    script = "import sys, omniroute.client.connect; print(*sys.modules, sep='\\n')"
    fresh = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)

    assert SLOW & set(fresh.stdout.split()) == set()
