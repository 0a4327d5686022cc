"""`/api/providers/catalog`: what the gateway knows of providers."""

import msgspec

from omniroute.api.providers import Catalogue, CatalogueEntry
from omniroute.providers.pricing import DEMO
from omniroute.records import Category
from omniroute.server.manage.call import ManageCall
from omniroute.server.manage.models import added_models
from omniroute.server.manage.named import provider_named
from omniroute.server.manage.views import shown_model, shown_provider


async def list_catalogue(call: ManageCall) -> Catalogue:
    """`GET /api/providers/catalog`: by id, the user's nodes last."""
    snapshot = call.gateway.snapshot
    providers = [provider for provider in snapshot.providers.values() if provider.id != DEMO]
    providers.sort(key=lambda provider: (provider.category is Category.NODE, provider.label))
    return Catalogue(providers=[shown_provider(provider, snapshot) for provider in providers])


async def show_provider(call: ManageCall) -> CatalogueEntry:
    """`GET /api/providers/catalog/{id}`: with its models."""
    provider = provider_named(call.gateway.snapshot, call.params["id"])
    entry = shown_provider(provider, call.gateway.snapshot)
    added = await added_models(call, provider)
    models = [shown_model(model, custom=model.id in added) for model in provider.models]
    return msgspec.structs.replace(entry, models=models)
