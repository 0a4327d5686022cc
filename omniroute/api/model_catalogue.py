"""All models there are, by provider."""

import msgspec


class ModelPrice(msgspec.Struct, frozen=True, kw_only=True):
    """USD per million tokens; `null`: not known."""

    input: float | None
    output: float | None


class CatalogueModel(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One model as the catalogue has it."""

    id: str
    """As a client asks for it, `provider/model`."""
    name: str | None
    type: str
    """`chat`, `embedding`, `image`, `stt`, `tts`, `moderation`, `rerank`"""
    custom: bool
    context_length: int | None
    max_output: int | None
    capabilities: list[str]
    """Of `tools`, `vision`, `reasoning`, those that it is known to have."""
    pricing: ModelPrice | None
    available: bool
    """An account can be asked for it now."""


class CatalogueGroup(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The models of one provider."""

    provider: str
    provider_id: str
    active: bool
    """It has an account that is switched on."""
    models: list[CatalogueModel]


class ModelCatalogue(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `GET /api/models/catalog`: by the prefix of the models' names."""

    catalog: dict[str, CatalogueGroup]


class ListedModel(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One model in a flat list."""

    provider: str
    model: str
    name: str | None
    full_model: str
    alias: str | None
    """One of the user's own names for it."""
    available: bool


class ListedModels(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `GET /api/models`."""

    models: list[ListedModel]
