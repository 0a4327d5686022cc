"""Finding the thing that a person named by id, by the start of its id, or by name."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from omniroute.cli.failures import Ambiguous, NotFound

T = TypeVar("T")

_SHORTEST_ID_PREFIX = 4

Reading = Callable[[T, str], bool]
"""Whether a thing may be meant, by one way of naming things."""


def pick(
    things: Sequence[T], wanted: str, readings: Sequence[Reading[T]], *, what: str, label: Callable[[T], str]
) -> T:
    """The one thing that is meant: the first reading that fits anything decides.

    Raises `NotFound`, or `Ambiguous` with the candidates.
    """
    for fits in readings:
        found = [thing for thing in things if fits(thing, wanted)]
        if len(found) == 1:
            return found[0]
        if found:
            listed = "".join(f"\n  {label(thing)}" for thing in found)
            raise Ambiguous(f"{wanted!r} may mean {len(found)} {what}s; name one of them by its id:{listed}")
    raise NotFound(f"there is no {what} {wanted!r}")


def is_id_prefix(id_: str, wanted: str) -> bool:
    """Whether `wanted` is the start of the id, long enough not to be a slip; ULIDs ignore case."""
    return len(wanted) >= _SHORTEST_ID_PREFIX and id_.lower().startswith(wanted.lower())
