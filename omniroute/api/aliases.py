"""The user's own names for models."""

from typing import Annotated

import msgspec
from msgspec import Meta

from omniroute.records.preferences import WildcardAlias

AliasName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=100,
        pattern=r"^[A-Za-z0-9._:/*?-]+$",
        description="1 to 100 letters, digits and characters of . _ : / * ? -",
    ),
]


class Aliases(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `GET /api/models/alias`."""

    aliases: dict[str, str]
    """Alias to what it stands for."""
    wildcards: list[WildcardAlias]
    """The most specific one that fits a name decides."""


class AliasChange(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Body of `PUT /api/models/alias`: a name with `*` or `?` is a pattern."""

    alias: AliasName
    model: Annotated[str, Meta(min_length=1, max_length=256)]


class AliasSet(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `PUT /api/models/alias`."""

    success: bool
    alias: str
    model: str
    warnings: list[str]
    """Why it cannot be asked yet, when it cannot."""


class AliasRemoval(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Body of `DELETE /api/models/alias`, where the query does not say it."""

    alias: str = ""


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """Whether there was something to remove."""

    success: bool
    removed: bool
