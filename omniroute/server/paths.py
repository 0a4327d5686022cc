"""Which route a request's path means, however the client spelled it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import unquote

T = TypeVar("T")

_BARE = frozenset(
    {
        "/chat/completions",
        "/responses",
        "/responses/input_tokens",
        "/messages",
        "/messages/count_tokens",
        "/models",
        "/embeddings",
    }
)
_TUNED = re.compile(r"^/(v1|v1beta|v1alpha)/tunedModels/")
"""How Gemini's clients name models of their own: they stand where the others do."""


def canonical_path(path: str) -> str:
    """The path as it is served: prefixes that clients double or forget are put right."""
    if "//" in path:
        path = "/" + "/".join(part for part in path.split("/") if part)
    if len(path) > 1 and path.endswith("/"):
        path = path.rstrip("/") or "/"
    if path.startswith(("/api/v1/", "/api/v1beta/")) or path == "/api/v1":
        path = path[4:]
    while path.startswith("/v1/v1/") or path == "/v1/v1":
        path = path[3:]
    path = _TUNED.sub(r"/\1/models/", path, count=1) if "/tunedModels/" in path else path
    if path.startswith(("/v1alpha/", "/v1beta/")):
        return f"/v1beta/{path.partition('/')[2].partition('/')[2]}"
    if path.startswith("/v1/api/"):
        return canonical_path(path[3:])  # Ollama's paths below a base URL that ends in /v1
    if path in _BARE:
        return f"/v1{path}"
    if path == "/codex" or path.startswith("/codex/"):
        return "/v1/responses"
    return path


@dataclass(frozen=True, slots=True)
class Match(Generic[T]):
    """What a path leads to."""

    routes: Mapping[str, T]
    """By method."""
    params: Mapping[str, str]


class Table(Generic[T]):
    """Routes by method and path. A fixed segment wins over a parameter; `{...name}` takes the rest."""

    def __init__(self, routes: Sequence[tuple[str, str, T]]) -> None:
        self._fixed: dict[str, dict[str, T]] = {}
        self._patterns: dict[tuple[str, ...], dict[str, T]] = {}
        for method, path, route in routes:
            if "{" in path:
                known = self._patterns.setdefault(tuple(path.split("/")), {})
            else:
                known = self._fixed.setdefault(path, {})
            known[method] = route

    def find(self, path: str) -> Match[T] | None:
        """The routes of a canonical path, still quoted; `None` when there are none."""
        if (routes := self._fixed.get(path)) is not None:
            return Match(routes, {})
        parts = path.split("/")
        for pattern, routes in self._patterns.items():
            params = _params(pattern, parts)
            if params is not None:
                return Match(routes, params)
        return None


def _params(pattern: Sequence[str], parts: Sequence[str]) -> dict[str, str] | None:
    """The values of a pattern's names, or `None` when the path is another."""
    params: dict[str, str] = {}
    for place, wanted in enumerate(pattern):
        if wanted.startswith("{..."):
            rest = "/".join(parts[place:])
            if not rest:
                return None
            params[wanted[4:-1]] = unquote(rest)
            return params
        if place >= len(parts):
            return None
        if wanted.startswith("{"):
            if not parts[place]:
                return None
            params[wanted[1:-1]] = unquote(parts[place])
        elif wanted != parts[place]:
            return None
    return params if len(parts) == len(pattern) else None
