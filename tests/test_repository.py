"""The files of the repository: locks that pin every byte, nothing of one machine, a small top level."""

import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("runtime", "test")

TOP_LEVEL = {
    ".ci",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "benchmarks",
    "completions",
    "dev.py",
    "docs",
    "omniroute",
    "pyproject.toml",
    "requirements",
    "tests",
}

# Written so that neither matches itself.
REGISTRY_HOST = re.compile(r"pypi\.org|pythonhosted\.[a-z]|registry\.npmjs|deb\.debian\.[a-z]")
MACHINE_PATH = re.compile(r"(?<![\w.~*-])/(?:work|root|farm|home/\w+|Users/\w+)/|\.\./shared\b")


def ignored(name: str) -> bool:
    patterns = (ROOT / ".gitignore").read_text().split()
    return name == ".git" or any(fnmatch(name, pattern.rstrip("/")) for pattern in patterns)


def files(directory: Path = ROOT) -> Iterator[Path]:
    for path in sorted(directory.iterdir()):
        if ignored(path.name):
            continue
        if path.is_dir():
            yield from files(path)
        else:
            yield path


def requirements(kind: str) -> dict[str, tuple[str, ...]]:
    """Each pinned requirement of that lock file, and the options that follow it."""
    pinned: dict[str, tuple[str, ...]] = {}
    for line in (ROOT / "requirements" / f"{kind}.lock").read_text().replace("\\\n", "").splitlines():
        requirement, *options = line.split(" --")
        pinned[requirement.strip()] = tuple(option.strip() for option in options)
    return pinned


def names(kind: str) -> set[str]:
    return {requirement.partition("==")[0] for requirement in requirements(kind)}


@pytest.mark.parametrize("kind", LOCKS)
def test_every_locked_requirement_is_one_version_with_its_hashes(kind: str) -> None:
    for requirement, options in requirements(kind).items():
        assert re.fullmatch(r"[a-z0-9-]+==[0-9][\w.!+]*( ; .+)?", requirement)
        assert options
        assert all(re.fullmatch(r"hash=sha256:[0-9a-f]{64}", option) for option in options)


def test_the_lock_files_hold_what_the_project_file_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())

    def asked(lines: list[str]) -> set[str]:
        return {re.split(r"[^\w.-]", line)[0] for line in lines}

    extras = project["project"]["optional-dependencies"]
    runtime = project["project"]["dependencies"] + extras["speed"] + project["dependency-groups"]["build"]
    assert asked(runtime) <= names("runtime")
    assert asked(extras["test"]) <= names("test")


def test_the_tests_run_with_the_versions_that_are_served() -> None:
    def versions(kind: str) -> set[str]:
        return {requirement.partition(" ;")[0] for requirement in requirements(kind)}

    assert versions("runtime") <= versions("test")


@pytest.mark.parametrize("pattern", [REGISTRY_HOST, MACHINE_PATH], ids=["registry host", "machine path"])
def test_no_file_names_a_place_that_others_do_not_have(pattern: re.Pattern[str]) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}"
        for path in files()
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if (match := pattern.search(line))
    ]

    assert found == []


@pytest.mark.parametrize("place", ["root/x", "home/jo/.config", "work/main", "Users/jo/Desktop"])
def test_a_machine_path_is_recognised(place: str) -> None:
    assert MACHINE_PATH.search(f"path = '/{place}'")
    assert not MACHINE_PATH.search(f"https://example.com/{place}")


def test_the_top_level_is_what_it_should_be() -> None:
    assert {path.name for path in ROOT.iterdir() if not ignored(path.name)} == TOP_LEVEL
