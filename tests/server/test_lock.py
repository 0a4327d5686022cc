"""The lock of a data directory."""

import os
import sys
from pathlib import Path

import msgspec
import pytest

from omniroute.api.system import ServerFile
from omniroute.paths import Paths
from omniroute.server import lock
from omniroute.server.start_errors import AlreadyRunning, NotWritable


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "data", tmp_path / "config.toml")


def test_a_held_lock_is_seen_and_a_released_one_is_free(paths: Paths) -> None:
    with lock.locked(paths):
        assert lock.is_locked(paths)
    assert not lock.is_locked(paths)


def test_who_holds_the_lock_is_named(paths: Paths) -> None:
    server = ServerFile(url="http://127.0.0.1:1", pid=os.getpid(), version="1", started_at_ms=2**50)
    with lock.locked(paths):
        paths.server_file.write_bytes(msgspec.json.encode(server))
        with pytest.raises(AlreadyRunning, match=f"pid {os.getpid()}"):
            lock.take_lock(paths)


def test_a_short_command_is_waited_for_but_not_for_ever(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "SHORT_COMMAND_S", 0.1)
    with lock.locked(paths), pytest.raises(AlreadyRunning, match="try again"):
        lock.take_lock(paths)


@pytest.mark.skipif(sys.platform == "win32", reason="locks are not inherited there")
def test_an_inherited_lock_stays_held_when_the_first_holder_lets_go(paths: Paths) -> None:
    first = lock.take_lock(paths)
    fd = first.fileno()
    assert fd is not None
    second = lock.take_lock(paths, inherited_fd=os.dup(fd))
    first.release()
    assert lock.is_locked(paths)
    second.release()
    assert not lock.is_locked(paths)


def test_a_descriptor_of_another_file_is_not_taken_for_the_lock(paths: Paths, tmp_path: Path) -> None:
    other = os.open(tmp_path / "other", os.O_RDWR | os.O_CREAT)
    held = lock.take_lock(paths, inherited_fd=other)
    assert held.fileno() != other
    assert lock.is_locked(paths)
    held.release()
    os.close(other)


def test_a_directory_that_cannot_be_made_is_named(paths: Paths) -> None:
    paths.data_dir.write_text("in the way")
    with pytest.raises(NotWritable, match=str(paths.data_dir)):
        lock.take_lock(paths)


@pytest.mark.parametrize(("started_at_ms", "alive"), [(2**50, True), (0, False)])
def test_a_later_owner_of_the_number_is_not_the_gateway(started_at_ms: int, alive: bool) -> None:
    server = ServerFile(url="", pid=os.getpid(), version="1", started_at_ms=started_at_ms)
    assert lock.is_alive(server) is alive
