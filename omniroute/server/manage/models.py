"""`/api/provider-models`: models that the user added to providers."""

import sqlalchemy as sa

from omniroute.api.providers import ModelsByProvider, NewModel, Removed
from omniroute.records import ModelFacts, Provider
from omniroute.server.manage.call import Answer, ManageCall, invalid
from omniroute.server.manage.named import provider_named
from omniroute.server.manage.rows import commit, note, read
from omniroute.server.manage.views import shown_model
from omniroute.store import models


async def list_models(call: ManageCall) -> ModelsByProvider:
    """`GET /api/provider-models`: by provider id, of one provider when the query names it."""
    name = call.query.get("provider")
    wanted = None if name is None else provider_named(call.gateway.snapshot, name).id
    known = await read(call, models.listing)
    return ModelsByProvider(
        models={
            provider_id: [shown_model(model, custom=True) for model in added]
            for provider_id, added in known.items()
            if wanted in (None, provider_id)
        }
    )


async def added_models(call: ManageCall, provider: Provider) -> dict[str, ModelFacts]:
    """Id to the models that the user added to this provider. Raises `ApiError`."""
    known = await read(call, models.listing)
    return {model.id: model for model in known.get(provider.id, ())}


async def add_model(call: ManageCall) -> Answer:
    """`POST /api/provider-models`: 201, or 200 when it replaces one of the same id."""
    new = call.read(NewModel)
    provider = provider_named(call.gateway.snapshot, new.provider)
    model_id = new.model_id.strip()
    if not model_id.isprintable() or not model_id:
        raise invalid("modelId", "must hold letters or digits")
    model = ModelFacts(
        id=model_id,
        name=new.model_name,
        context_tokens=new.context_length,
        max_output_tokens=new.max_output,
        custom=True,
    )

    def put(connection: sa.Connection) -> tuple[bool, tuple[ModelFacts, ...]]:
        is_new = models.put(connection, provider.id, model)
        note(call, connection, "customModel.add", provider.id, model=model.id)
        return is_new, models.listing(connection)[provider.id]

    is_new, known = await commit(call, put)
    body = ModelsByProvider(models={provider.id: [shown_model(model, custom=True) for model in known]})
    return Answer(body, 201 if is_new else 200)


async def remove_model(call: ManageCall) -> Removed:
    """`DELETE /api/provider-models?provider=&model=`"""
    for name in ("provider", "model"):
        if not call.query.get(name):
            raise invalid(name, "is missing in the query")
    provider = provider_named(call.gateway.snapshot, call.query["provider"])
    model_id = call.query["model"]

    def delete(connection: sa.Connection) -> bool:
        removed = models.delete(connection, provider.id, model_id)
        if removed:
            note(call, connection, "customModel.remove", provider.id, model=model_id)
        return removed

    return Removed(removed=await commit(call, delete))
