"""Names with `*` and `?` that stand for models."""

import re
from collections.abc import Sequence
from functools import lru_cache

from omniroute.records.preferences import WildcardAlias


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
