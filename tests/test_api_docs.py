"""The API's documentation names every path and method that is served, and nothing else."""

import re
from pathlib import Path

from omniroute.server import callback, live, proxy
from omniroute.server.manage.table import ROUTES

PAGE = Path(__file__).parent.parent / "docs" / "api.md"
ROW = re.compile(r"^\| ([A-Z, ]+) \| `([^`]+)` \|", re.MULTILINE)


def served() -> set[tuple[str, str]]:
    rows = [(method, path) for method, path, _ in (*proxy.ROUTES, *live.ROUTES, *callback.ROUTES)]
    return {*rows, *((route.method, route.path) for route in ROUTES)}


def documented() -> set[tuple[str, str]]:
    rows = ROW.findall(PAGE.read_text("utf-8"))
    return {(method, path) for methods, path in rows for method in methods.split(", ")}


def test_every_path_that_is_served_is_documented() -> None:
    assert served() - documented() == set()


def test_no_path_is_documented_that_is_not_served() -> None:
    assert documented() - served() == set()
