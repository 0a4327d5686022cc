"""The models that providers listed themselves, per account, and when they did."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection

from omniroute.records import ModelFacts
from omniroute.store import key_value

_NAMESPACE = "discovered_models"


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered:
    """What one account was told."""

    provider_id: str
    fetched_at_ms: int
    models: tuple[ModelFacts, ...]


def put(connection: Connection, account_id: str, found: Discovered) -> None:
    """Replace what the account was told before; a list that says the same is no change of configuration."""
    before = find(connection, account_id)
    key_value.put(connection, _NAMESPACE, account_id, msgspec.to_builtins(found))
    if before is None or before.models != found.models:
        key_value.bump_config_version(connection)


def find(connection: Connection, account_id: str) -> Discovered | None:
    """What the account was told last, or `None` when it never asked."""
    value = key_value.get(connection, _NAMESPACE, account_id)
    return None if value is None else msgspec.convert(value, Discovered)


def forget(connection: Connection, account_id: str) -> None:
    """As when the account is removed, or means another server now."""
    if key_value.delete(connection, _NAMESPACE, account_id):
        key_value.bump_config_version(connection)


def listing(connection: Connection) -> Mapping[str, tuple[ModelFacts, ...]]:
    """Provider id to the models that any of its accounts was told of."""
    models: dict[str, dict[str, ModelFacts]] = {}
    for value in key_value.listing(connection, _NAMESPACE).values():
        found = msgspec.convert(value, Discovered)
        known = models.setdefault(found.provider_id, {})
        for model in found.models:
            known.setdefault(model.id, model)
    return {provider_id: tuple(known.values()) for provider_id, known in models.items()}
