"""The new name of a combo or an account, wherever the old one stood."""

from dataclasses import replace

import sqlalchemy as sa

from omniroute.errors import Refused
from omniroute.records import Account, Combo, Snapshot
from omniroute.routing.resolve import lookup
from omniroute.store import aliases, combos, keys, settings
from omniroute.store.key_value import JSON

_WILDCARDS = "wildcardAliases"


def rename_combo(connection: sa.Connection, old: str, new: str) -> None:
    """Other combos, aliases and keys mean the same combo as before."""
    for row in combos.rows(connection):
        models = tuple(_renamed_model(model, old, new) for model in row.models)
        if models != row.models:
            combos.update(connection, replace(row, models=models))
    for alias, target in aliases.listing(connection).items():
        if target == old:
            aliases.put(connection, alias, new)
    for key in keys.listing(connection):
        if old in key.allowed_models:
            allowed = tuple(new if name == old else name for name in key.allowed_models)
            keys.update(connection, replace(key, allowed_models=allowed))
    wildcards = settings.get(connection, _WILDCARDS)
    if isinstance(wildcards, list):
        renamed = [_renamed_target(one, old, new) for one in wildcards]
        if renamed != wildcards:
            settings.put(connection, _WILDCARDS, renamed)


def rename_account(connection: sa.Connection, snapshot: Snapshot, before: Account, new: str) -> None:
    """Combos that hold a model to some accounts mean the same account as before."""
    for row in combos.rows(connection):
        models = tuple(_with_account(snapshot, model, before, new) for model in row.models)
        if models != row.models:
            combos.update(connection, replace(row, models=models))


def _with_account(snapshot: Snapshot, model: JSON, before: Account, new: str) -> JSON:
    names = model.get("accounts") if isinstance(model, dict) else None
    if not isinstance(model, dict) or not isinstance(names, list) or before.name not in names:
        return model
    try:
        target = lookup(snapshot, str(model.get("model")))
    except Refused:
        return model
    if isinstance(target, Combo) or target.provider.id != before.provider_id:
        return model
    return {**model, "accounts": [new if name == before.name else name for name in names]}


def _renamed_model(model: JSON, old: str, new: str) -> JSON:
    if isinstance(model, dict):
        return {**model, "model": new} if model.get("model") == old else model
    return new if model == old else model


def _renamed_target(alias: JSON, old: str, new: str) -> JSON:
    if isinstance(alias, dict) and alias.get("target") == old:
        return {**alias, "target": new}
    return alias
