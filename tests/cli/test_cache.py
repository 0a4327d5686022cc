"""The cache from the shell."""

import json

from tests.cli.shell import Run


def test_an_empty_cache_is_shown_and_cleared(run: Run) -> None:
    assert "hit rate" in run("cache", "stats").stdout
    assert json.loads(run("cache", "stats", "--json").stdout)["size"] == 0
    assert json.loads(run("cache", "clear", "--model", "a/b", "--json").stdout)["ok"] is True
    assert run("cache", "clear").exit_code == 0
    assert json.loads(run("cache", "report", "--json").stdout)["mode"] == "off"
    assert run("cache", "report").stdout == ""
