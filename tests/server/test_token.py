"""The local token."""

import os
import re
from pathlib import Path

import pytest

from omniroute.paths import Paths
from omniroute.server.token import ensure_token, read_token, rotate_token


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path, tmp_path / "config.toml")


def test_the_token_is_made_once_and_private(paths: Paths) -> None:
    token = ensure_token(paths)
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)
    assert ensure_token(paths) == read_token(paths) == token
    assert os.name != "posix" or paths.token.stat().st_mode & 0o777 == 0o600


def test_a_new_token_replaces_the_old_one(paths: Paths) -> None:
    old = ensure_token(paths)
    new = rotate_token(paths)
    assert new != old
    assert read_token(paths) == new
    assert [path.name for path in paths.data_dir.iterdir()] == ["local_token"]


def test_a_token_too_short_to_be_one_is_not_used(paths: Paths) -> None:
    paths.token.write_text("")
    paths.token.chmod(0o600)
    assert read_token(paths) is None
    assert len(ensure_token(paths)) == 43


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_a_token_others_could_have_read_is_closed_to_them(paths: Paths) -> None:
    token = ensure_token(paths)
    paths.token.chmod(0o644)
    assert read_token(paths) == token
    assert paths.token.stat().st_mode & 0o777 == 0o600
