"""The user's combos: named chains of models."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from omniroute.records import Combo, ComboConfig, ComboEntry, Strategy
from omniroute.records.preferences import ComboSettings
from omniroute.store import combo_hours
from omniroute.store.failures import Duplicate, NotFound
from omniroute.store.key_value import JSON, bump_config_version
from omniroute.store.tables import combos as table


@dataclass(frozen=True, slots=True, kw_only=True)
class ComboRow:
    """A combo as it is stored: what the user wrote, in the form it was written."""

    id: str
    name: str
    strategy: Strategy = Strategy.PRIORITY
    models: tuple[JSON, ...] = ()
    """Each a name, or an object with `model`, `weight` and `accounts`."""
    config: dict[str, JSON] = field(default_factory=dict)
    """Members of `ComboSettings`, in camelCase; only those that were set."""
    is_active: bool = True
    created_at_ms: int = 0
    updated_at_ms: int = 0


def create(connection: Connection, row: ComboRow) -> None:
    """Add one. Duplicate: another combo has its name."""
    _refuse_duplicate(connection, row)
    values = {**_columns(row), "id": row.id, "created_at_ms": row.created_at_ms}
    connection.execute(sa.insert(table).values(values))
    bump_config_version(connection)


def update(connection: Connection, row: ComboRow) -> None:
    """Store all but the instant of creation. NotFound; Duplicate: another combo has its name."""
    _refuse_duplicate(connection, row)
    if not connection.execute(sa.update(table).where(table.c.id == row.id).values(_columns(row))).rowcount:
        raise NotFound(f"there is no combo {row.id}; it may have been removed meanwhile")
    bump_config_version(connection)


def delete(connection: Connection, combo_id: str) -> bool:
    """Whether there was such a combo; its counts go with it."""
    removed = bool(connection.execute(sa.delete(table).where(table.c.id == combo_id)).rowcount)
    if removed:
        combo_hours.clear(connection, combo_id)
        bump_config_version(connection)
    return removed


def rows(connection: Connection) -> tuple[ComboRow, ...]:
    """All combos in order of name."""
    found = connection.execute(sa.select(table).order_by(table.c.name))
    return tuple(
        ComboRow(
            **{
                **row._mapping,
                "strategy": Strategy(row.strategy),
                "models": tuple(msgspec.json.decode(row.models)),
                "config": msgspec.json.decode(row.config),
            }
        )
        for row in found
    )


def listing(connection: Connection) -> tuple[Combo, ...]:
    """All combos as routing knows them, in order of name."""
    return tuple(combo_of(row) for row in rows(connection))


def combo_of(row: ComboRow) -> Combo:
    """The combo as routing knows it."""
    return Combo(
        id=row.id,
        name=row.name,
        strategy=row.strategy,
        entries=entries_of(row.models),
        config=_config(row.config),
        is_active=row.is_active,
        created_at_ms=row.created_at_ms,
        updated_at_ms=row.updated_at_ms,
    )


def entries_of(models: Sequence[JSON]) -> tuple[ComboEntry, ...]:
    """The steps as routing knows them."""
    return tuple(
        ComboEntry(model=model) if isinstance(model, str) else msgspec.convert(model, ComboEntry)
        for model in models
    )


def _config(stored: dict[str, JSON]) -> ComboConfig:
    return ComboConfig(**msgspec.structs.asdict(msgspec.convert(stored, ComboSettings)))


def _refuse_duplicate(connection: Connection, row: ComboRow) -> None:
    query = sa.select(table.c.id).where((table.c.name == row.name) & (table.c.id != row.id))
    if connection.execute(query).first() is not None:
        raise Duplicate(f"there is a combo named {row.name!r} already; choose another name")


def _columns(row: ComboRow) -> dict[str, object]:
    return {
        "name": row.name,
        "strategy": row.strategy.value,
        "models": msgspec.json.encode(row.models).decode(),
        "config": msgspec.json.encode(row.config).decode(),
        "is_active": row.is_active,
        "updated_at_ms": row.updated_at_ms,
    }
