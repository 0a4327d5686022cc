"""Models the user added to providers."""

from collections.abc import Mapping

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from omniroute.records import ModelFacts
from omniroute.store.key_value import bump_config_version
from omniroute.store.tables import custom_models as table


def put(connection: Connection, provider_id: str, model: ModelFacts) -> bool:
    """Add or replace one; whether it is new."""
    replaced = _delete(connection, provider_id, model.id)
    facts = msgspec.json.encode(model).decode()
    connection.execute(sa.insert(table).values(provider_id=provider_id, model_id=model.id, facts=facts))
    bump_config_version(connection)
    return not replaced


def delete(connection: Connection, provider_id: str, model_id: str) -> bool:
    """Whether there was one to remove."""
    removed = _delete(connection, provider_id, model_id)
    if removed:
        bump_config_version(connection)
    return removed


def delete_of_provider(connection: Connection, provider_id: str) -> None:
    """Forget a provider's custom models, as when it goes itself."""
    if connection.execute(sa.delete(table).where(table.c.provider_id == provider_id)).rowcount:
        bump_config_version(connection)


def listing(connection: Connection) -> Mapping[str, tuple[ModelFacts, ...]]:
    """Provider id to its custom models, in order of id."""
    models: dict[str, tuple[ModelFacts, ...]] = {}
    for row in connection.execute(sa.select(table).order_by(table.c.provider_id, table.c.model_id)):
        facts = msgspec.json.decode(row.facts, type=ModelFacts)
        models[row.provider_id] = (*models.get(row.provider_id, ()), facts)
    return models


def _delete(connection: Connection, provider_id: str, model_id: str) -> bool:
    at = (table.c.provider_id == provider_id) & (table.c.model_id == model_id)
    return bool(connection.execute(sa.delete(table).where(at)).rowcount)
