"""What the gateway counted, asked by its own commands."""

import json
from dataclasses import dataclass
from typing import Any

from tests.server.installation import Installation

JSONObject = dict[str, Any]  # what a command prints, of any shape
_SUMS = ("requests", "errors", "promptTokens", "completionTokens", "cacheReadTokens", "reasoningTokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """One row: what was asked, how it ended, and its tokens in disjoint buckets."""

    path: str
    model: str | None
    status: int
    stream: bool = False
    fresh: int | None = None
    """Input tokens that came from no cache."""
    cached: int | None = None
    out: int | None = None
    outcome: str = "ok"


class Ledger:
    """The rows and sums that come after this was made."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._seen = {row["id"] for row in self.rows()}

    def rows(self) -> list[JSONObject]:
        """Every row that is kept, the newest first."""
        rows: list[JSONObject] = self.printed("requests", "--json", "--limit", "1000")["requests"]
        return rows

    def new_rows(self) -> list[JSONObject]:
        """The rows that were not there, the oldest first; `usage` prints the sums of all of them."""
        rows = self.rows()
        assert self.sums() == _summed(rows)
        return [row for row in reversed(rows) if row["id"] not in self._seen]

    def counted(self) -> list[Counted]:
        """The new rows, to be compared."""
        return [counted(row) for row in self.new_rows()]

    def sums(self) -> JSONObject:
        """The groups of `usage` added up; its totals say the same."""
        usage = self.printed("usage", "--json")
        sums = {name: sum(group[name] for group in usage["groups"]) for name in _SUMS}
        assert usage["totalRequests"] == sums["requests"]
        assert usage["totalPromptTokens"] == sums["promptTokens"]
        assert usage["totalCompletionTokens"] == sums["completionTokens"]
        return sums

    def printed(self, *command: str) -> Any:
        """The document a command prints."""
        done = self._installation.run(*command)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def counted(row: JSONObject) -> Counted:
    """What is compared of a row."""
    tokens = row["tokens"]
    return Counted(
        path=row["path"],
        model=row["model"],
        status=row["status"],
        stream=row["stream"],
        fresh=tokens["in"],
        cached=tokens["cacheRead"],
        out=tokens["out"],
        outcome=row["outcome"],
    )


def _summed(rows: list[JSONObject]) -> JSONObject:
    """What `usage` says of these rows: its totals hold their parts, cached and reasoning tokens."""

    def tokens(name: str) -> int:
        return sum(row["tokens"][name] or 0 for row in rows)

    return {
        "requests": len(rows),
        "errors": sum(row["outcome"] in ("error", "cut") for row in rows),
        "promptTokens": tokens("in") + tokens("cacheRead") + tokens("cacheWrite"),
        "completionTokens": tokens("out") + tokens("reasoning"),
        "cacheReadTokens": tokens("cacheRead"),
        "reasoningTokens": tokens("reasoning"),
    }
