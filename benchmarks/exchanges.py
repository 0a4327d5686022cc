"""Recorded exchanges with providers: JSON Lines, one exchange a line, one file a dialect or several."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from omniroute.records import FormatName

_MODEL_IN_PATH = re.compile(r"/(?:models?|deployments)/([^/:?]+)[:/]")
UNNAMED = "unnamed"
"""The model of an exchange that does not tell it."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what the provider answered."""

    id: str
    dialect: FormatName
    model: str
    """As the request or, where the dialect has it there, its path names it."""
    stream: bool
    status: int
    request: bytes | None
    """`None`: it was not recorded."""
    answer: bytes
    """The body: JSON, or the stream's own bytes."""


def exchanges_in(directory: Path) -> list[Exchange]:
    """Every exchange of a conversation in the directory's files, in the order of their names."""
    return [exchange for path in sorted(directory.glob("*.jsonl")) for exchange in _read(path)]


def _read(path: Path) -> Iterator[Exchange]:
    names = {name.value: name for name in FormatName}
    with path.open(encoding="utf-8", newline="\n") as lines:  # other line ends may stand inside the text
        for line in lines:
            row = json.loads(line)
            dialect = names.get(row["wire"])
            if dialect is not None:
                yield _exchange(row, dialect)


def _exchange(row: dict[str, object], dialect: FormatName) -> Exchange:
    request, raw = row["request"], row["response_raw"]
    in_path = _MODEL_IN_PATH.search(str(row["endpoint"]))
    model = request.get("model") if isinstance(request, dict) else None
    return Exchange(
        id=str(row["id"]),
        dialect=dialect,
        model=str(model or (in_path and in_path[1]) or UNNAMED),
        stream=bool(row["stream"]),
        status=int(str(row["status"])),
        request=None if request is None else _json(request),
        answer=raw.encode() if isinstance(raw, str) else _json(row["response"]),
    )


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
