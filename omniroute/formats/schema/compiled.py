"""A JSON Schema as a dialect takes it, remembered: the same tools come with every request."""

from functools import lru_cache

import msgspec

EMPTY = msgspec.Raw(b'{"type":"object","properties":{}}')
"""What stands for no schema at all."""


class Compiled(msgspec.Struct, frozen=True):
    """A schema that its dialect takes, and what had to be left out of it or said in words."""

    schema: msgspec.Raw
    losses: tuple[str, ...] = ()


def compiled(schema: msgspec.Raw | None, dialect: str, *, strict: bool = False) -> Compiled:
    """The schema as `dialect` takes it; the same bytes where nothing has to change."""
    if schema is None:
        return _NONE
    return _compiled(bytes(schema), dialect, strict)


_NONE = Compiled(EMPTY)


@lru_cache(maxsize=2048)
def _compiled(schema: bytes, dialect: str, strict: bool) -> Compiled:  # noqa: FBT001 - the cache wants it plain
    return Compiled(msgspec.Raw(schema))
