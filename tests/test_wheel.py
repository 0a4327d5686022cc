"""What an installed OmniRoute consists of."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in a wheel of this checkout."""
    directory = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(directory)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (built,) = directory.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        return set(archive.namelist())


def below(directory: Path) -> set[Path]:
    """The files of a directory that are neither caches nor compiled."""
    return {path for path in directory.rglob("*") if path.is_file() and "__pycache__" not in path.parts}


def test_the_wheel_carries_the_whole_package(wheel: set[str]) -> None:
    assert {path.relative_to(ROOT).as_posix() for path in below(ROOT / "omniroute")} <= wheel
    assert "omniroute/py.typed" in wheel


def test_the_wheel_carries_the_completions_inside_the_package(wheel: set[str]) -> None:
    completions = below(ROOT / "completions")

    assert completions
    assert {f"omniroute/{path.relative_to(ROOT).as_posix()}" for path in completions} <= wheel


def test_the_wheel_puts_nothing_beside_the_package(wheel: set[str]) -> None:
    top = {name.partition("/")[0] for name in wheel}

    assert {name for name in top if not name.endswith(".dist-info")} == {"omniroute"}
