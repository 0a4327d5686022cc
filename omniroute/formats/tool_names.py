"""Names of tools as each dialect allows them."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

Key: TypeAlias = tuple[str | None, str]
"""Namespace and name of a tool, as the client or as the upstream has them."""

_HASH = 8
"""Digits of the hash that a changed name ends in."""


@dataclass(frozen=True, slots=True)
class _Allowed:
    legal: re.Pattern[str]
    letters: re.Pattern[str]
    """What may not stand anywhere in a name."""
    longest: int


_OPENAI = _Allowed(re.compile(r"[a-zA-Z0-9_-]{1,64}"), re.compile(r"[^a-zA-Z0-9_-]"), 64)

_ALLOWED: Mapping[str, _Allowed] = MappingProxyType(
    {
        # "does not match '^[a-zA-Z0-9_-]{1,64}$' - 'functions.0.name'", OpenAI's refusal (read 2026-11-23).
        "openai-chat": _OPENAI,
        "openai-responses": _OPENAI,
        # "String should match pattern '^[a-zA-Z0-9_-]{1,128}$'", Anthropic's refusal (read 2026-11-23).
        "anthropic": _Allowed(re.compile(r"[a-zA-Z0-9_-]{1,128}"), re.compile(r"[^a-zA-Z0-9_-]"), 128),
        # github.com/google-gemini/gemini-cli/issues/2966 (read 2026-11-23); newer models take colons too.
        "gemini": _Allowed(re.compile(r"[a-zA-Z_][a-zA-Z0-9_.-]{0,63}"), re.compile(r"[^a-zA-Z0-9_.-]"), 64),
        # Nothing is checked; templates of models put names into their own markup.
        "ollama": _Allowed(re.compile(r"[^\s<>\"'{}]{1,128}"), re.compile(r"[\s<>\"'{}]"), 128),
    }
)


class ToolNames:
    """The names of one request's tools in one dialect, and back.

    A name that is allowed stays. Another one is cut and ends in a hash of the whole, so that it is the same
    in every request.
    """

    def __init__(self, dialect: str, declared: Iterable[Key]) -> None:
        self._allowed = _ALLOWED[dialect]
        self._keeps_namespaces = dialect == "openai-responses"
        self._upstream: dict[Key, Key] = {}
        self._client: dict[Key, Key] = {}
        self._plain = True
        # A tool outside of all groups that is called like one in a group keeps its name.
        grouped: list[Key] = []
        for key in declared:
            if key[0] is None:
                self.upstream(key)
            else:
                grouped.append(key)
        for key in sorted(grouped, key=repr):
            self.upstream(key)

    def upstream(self, key: Key) -> Key:
        """What the upstream is to call the tool."""
        known = self._upstream.get(key)
        if known is not None:
            return known
        namespace, name = key
        group = namespace if self._keeps_namespaces else None
        whole = name if namespace is None or self._keeps_namespaces else f"{namespace}__{name}"
        wire = (group, whole)
        if not self._allowed.legal.fullmatch(whole) or wire in self._client:
            wire = (group, self._changed(whole, key))
        if wire != key:
            self._plain = False
        self._upstream[key] = wire
        self._client[wire] = key
        return wire

    def client(self, wire: Key) -> Key:
        """What the client calls the tool; a name the upstream made up stays."""
        return self._client.get(wire, wire)

    def is_plain(self) -> bool:
        """Whether every tool is called what the client calls it."""
        return self._plain

    def _changed(self, whole: str, key: Key) -> str:
        digest = hashlib.sha256(repr(key).encode("utf-8", "surrogatepass")).hexdigest()[:_HASH]
        letters = self._allowed.letters.sub("_", whole)[: self._allowed.longest - _HASH - 2]
        if not letters or not self._allowed.legal.fullmatch(letters):
            letters = f"_{letters}"
        return f"{letters}_{digest}"
