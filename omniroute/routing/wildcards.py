"""Names that the user lets stand for others: aliases, and patterns with `*` and `?`."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from omniroute.records.preferences import WildcardAlias

MAX_ALIAS_HOPS = 3


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    words = (".*" if char == "*" else "." if char == "?" else re.escape(char) for char in pattern)
    return re.compile("".join(words), re.IGNORECASE | re.DOTALL)


def matches(pattern: str, name: str) -> bool:
    """The whole name fits; a pattern without a slash is only for names without one."""
    if "/" in name and "/" not in pattern:
        return False
    return _compiled(pattern).fullmatch(name) is not None


def covers(pattern: str, name: str) -> bool:
    """The whole name fits; here `*` stands for slashes too."""
    return _compiled(pattern).fullmatch(name) is not None


def specificity(pattern: str) -> int:
    """How much a pattern says; the greater wins."""
    stars, marks = pattern.count("*"), pattern.count("?")
    return 10 * (len(pattern) - stars - marks) - 50 * stars - 5 * marks + len(pattern)


def best(aliases: Sequence[WildcardAlias], name: str) -> WildcardAlias | None:
    """The most specific alias that fits, the earlier of equals; `None` when none does."""
    fitting = [alias for alias in aliases if matches(alias.pattern, name)]
    return max(fitting, key=lambda alias: specificity(alias.pattern), default=None)


def alias_of(aliases: Mapping[str, str], patterns: Sequence[WildcardAlias], name: str) -> str | None:
    """What the user lets a name stand for; `None`: it is no alias."""
    target = aliases.get(name)
    if target is None and (pattern := best(patterns, name)) is not None:
        target = pattern.target
    return None if target == name else target
