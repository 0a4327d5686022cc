"""Fallback chains: the providers that are asked for a model when its own have failed."""

from collections.abc import Mapping, Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from omniroute.records import ChainStep
from omniroute.store.key_value import bump_config_version
from omniroute.store.tables import fallback_chains as table


class ChainRow(msgspec.Struct, frozen=True, rename="camel"):
    """One step of a chain as it is stored."""

    provider: str
    """Its id."""
    priority: int = 0
    enabled: bool = True
    model: str | None = None


def put(connection: Connection, model: str, steps: Sequence[ChainRow]) -> None:
    """Replace the chain of a model; its steps are kept by priority, equals as given."""
    text = msgspec.json.encode(sorted(steps, key=lambda step: step.priority)).decode()
    changed = connection.execute(sa.update(table).where(table.c.model == model).values(steps=text))
    if not changed.rowcount:
        connection.execute(sa.insert(table).values(model=model, steps=text))
    bump_config_version(connection)


def delete(connection: Connection, model: str) -> bool:
    """Whether there was such a chain."""
    removed = bool(connection.execute(sa.delete(table).where(table.c.model == model)).rowcount)
    if removed:
        bump_config_version(connection)
    return removed


def rows(connection: Connection) -> Mapping[str, tuple[ChainRow, ...]]:
    """Model to its steps by priority, in order of model."""
    found = connection.execute(sa.select(table).order_by(table.c.model))
    return {row.model: msgspec.json.decode(row.steps, type=tuple[ChainRow, ...]) for row in found}


def listing(connection: Connection) -> Mapping[str, tuple[ChainStep, ...]]:
    """The chains as routing knows them."""
    return {
        model: tuple(
            ChainStep(provider_id=step.provider, model=step.model, is_enabled=step.enabled) for step in steps
        )
        for model, steps in rows(connection).items()
    }
