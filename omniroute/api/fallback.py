"""Fallback chains: the providers that are asked for a model when its own have failed."""

from typing import Annotated

import msgspec
from msgspec import Meta

MOST_STEPS = 20
ModelName = Annotated[str, Meta(min_length=1, max_length=256)]


class Step(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, omit_defaults=False
):
    """One provider of a chain."""

    provider: Annotated[str, Meta(min_length=1, max_length=100)]
    priority: Annotated[int, Meta(ge=0, le=1000)] = 0
    """Lower is asked first."""
    enabled: bool = True
    model: ModelName | None = None
    """What the provider is asked for; `null`: the same model."""


Chains = dict[str, list[Step]]
"""Answer of `GET /api/fallback/chains`: model to its steps in order."""


class NewChain(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Body of `POST /api/fallback/chains`: replaces the model's chain."""

    model: ModelName
    chain: Annotated[list[Step], Meta(min_length=1, max_length=MOST_STEPS)]


class ChainBody(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `POST /api/fallback/chains`."""

    success: bool
    model: str
    chain: list[Step]


class ChainRemoval(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Body of `DELETE /api/fallback/chains`, where the query does not say it."""

    model: str = ""
