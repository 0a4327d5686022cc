"""`/api/models`, `/api/models/catalog`: all models there are, and whether they can be asked now."""

from collections.abc import Iterator

from omniroute.api.model_catalogue import (
    CatalogueGroup,
    CatalogueModel,
    ListedModel,
    ListedModels,
    ModelCatalogue,
    ModelPrice,
)
from omniroute.gateway.gateway import Gateway
from omniroute.providers.pricing import DEMO
from omniroute.records import ModelFacts, ModelKind, Provider
from omniroute.server.manage.call import ManageCall, invalid
from omniroute.server.manage.views import shown_model

_KINDS = tuple(kind.value for kind in ModelKind)


async def list_models(call: ManageCall) -> ListedModels:
    """`GET /api/models`: of connected providers; with `?all=true` of all."""
    gateway, everything = call.gateway, call.flag("all")
    own_names = {target: alias for alias, target in sorted(gateway.snapshot.aliases.items(), reverse=True)}
    return ListedModels(
        models=[
            ListedModel(
                provider=provider.label,
                model=model.id,
                name=model.name,
                full_model=f"{provider.label}/{model.id}",
                alias=own_names.get(f"{provider.label}/{model.id}"),
                available=_is_available(gateway, provider, model),
            )
            for provider in _providers(gateway)
            if everything or _is_active(gateway, provider)
            for model in provider.models
        ]
    )


async def show_catalogue(call: ManageCall) -> ModelCatalogue:
    """`GET /api/models/catalog`: `?active=` and `?type=` narrow it."""
    gateway, kind = call.gateway, call.query.get("type")
    if kind is not None and kind not in _KINDS:
        raise invalid("type", f"must be one of {', '.join(_KINDS)}")
    groups = {}
    for provider in _providers(gateway):
        is_active = _is_active(gateway, provider)
        models = [one for one in provider.models if kind in (None, one.kind.value)]
        if models and ("active" not in call.query or call.flag("active") is is_active):
            groups[provider.label] = CatalogueGroup(
                provider=provider.name,
                provider_id=provider.id,
                active=is_active,
                models=[_shown(gateway, provider, one) for one in models],
            )
    return ModelCatalogue(catalog=groups)


def _providers(gateway: Gateway) -> Iterator[Provider]:
    return (one for one in gateway.snapshot.providers.values() if one.id != DEMO)


def _is_active(gateway: Gateway, provider: Provider) -> bool:
    return any(account.is_active for account in gateway.snapshot.accounts.get(provider.id, ()))


def _is_available(gateway: Gateway, provider: Provider, model: ModelFacts) -> bool:
    accounts = [one for one in gateway.snapshot.accounts.get(provider.id, ()) if one.is_active]
    return any(gateway.health.obstacle(provider, one, model.id) is None for one in accounts)


def _shown(gateway: Gateway, provider: Provider, model: ModelFacts) -> CatalogueModel:
    entry = shown_model(model, custom=model.custom)
    abilities = {"tools": model.tools, "vision": "image" in model.inputs, "reasoning": model.reasoning}
    price = None
    if entry.price_input is not None or entry.price_output is not None:
        price = ModelPrice(input=entry.price_input, output=entry.price_output)
    return CatalogueModel(
        id=f"{provider.label}/{model.id}",
        name=model.name,
        type=model.kind.value,
        custom=model.custom,
        context_length=model.context_tokens,
        max_output=model.max_output_tokens,
        capabilities=[name for name, has in abilities.items() if has],
        pricing=price,
        available=_is_available(gateway, provider, model),
    )
