"""One name in a list of models."""

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass

from omniroute.records import ModelFacts, Provider


@dataclass(frozen=True, slots=True)
class Listed:
    """One name a client may ask for."""

    id: str
    provider: Provider
    model: ModelFacts
    parent: str | None
    """The id under the provider's own name, when this is the one under its alias."""


def may_see(model_id: str, patterns: Iterable[str]) -> bool:
    """Whether a key of these patterns may use the name."""
    return any(fnmatch.fnmatchcase(model_id, pattern) for pattern in patterns)
