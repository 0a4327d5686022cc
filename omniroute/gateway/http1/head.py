"""The head of a request, and the headers of an answer."""

import re
from collections.abc import ItemsView, Iterator, Mapping
from functools import lru_cache

from omniroute.gateway.http1.target import Target

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection"})
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def encode_head(
    method: str, target: Target, headers: Mapping[str, str], body: bytes | None, *, through: str | None = None
) -> bytes:
    """Request line and headers. `through`: the line a proxy wants, which then gets the whole URL.

    Raises ValueError when a header could be read as more than itself.
    """
    goal = target.path if through is None else f"http://{target.place}{target.path}"
    lines = [f"{method} {goal} HTTP/1.1\r\nHost: {target.place}\r\n"]
    ends = 3
    if through:
        lines.append(through)
        ends += 1
    for name, value in headers.items():
        if start := _line_start(name):
            lines.append(f"{start}{value}\r\n")
            ends += 1
    if body or method not in _BODILESS:
        lines.append(f"Content-Length: {len(body) if body else 0}\r\n")
        ends += 1
    lines.append("\r\n")
    head = "".join(lines)
    # Each line end is one of ours, so no value holds one: three scans instead of three for each header.
    if head.count("\r") != ends or head.count("\n") != ends or "\0" in head:
        raise ValueError("a header of the request holds a line end")
    return head.encode("utf-8", "surrogateescape")


@lru_cache(maxsize=512)
def _line_start(name: str) -> str:
    """`Name: `; empty for the headers the connection sets itself."""
    if not _TOKEN.fullmatch(name):
        raise ValueError("a header of the request has a name that is none")
    return "" if name.lower() in _OURS else f"{name}: "


class Headers(Mapping[str, str]):
    """An answer's headers, looked up without regard to case; several of one name are joined."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def add(self, name: bytes, value: bytes) -> None:
        """One line of the head, as it came."""
        key, text = name.decode("latin-1").lower(), value.decode("latin-1").strip()
        known = self._values.get(key)
        self._values[key] = text if known is None else f"{known}, {text}"

    def clear(self) -> None:
        """Forget all of them: they were those of an interim answer."""
        self._values.clear()

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def items(self) -> ItemsView[str, str]:
        """Names in lower case, and values."""
        return self._values.items()
