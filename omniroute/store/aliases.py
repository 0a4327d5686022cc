"""The user's own names for models."""

import sqlalchemy as sa
from sqlalchemy import Connection

from omniroute.store.key_value import bump_config_version
from omniroute.store.tables import model_aliases as table


def put(connection: Connection, alias: str, target: str) -> None:
    """Let `alias` mean `target`, whatever it meant before."""
    if not connection.execute(sa.update(table).where(table.c.alias == alias).values(target=target)).rowcount:
        connection.execute(sa.insert(table).values(alias=alias, target=target))
    bump_config_version(connection)


def delete(connection: Connection, alias: str) -> bool:
    """Whether there was such an alias."""
    removed = bool(connection.execute(sa.delete(table).where(table.c.alias == alias)).rowcount)
    if removed:
        bump_config_version(connection)
    return removed


def listing(connection: Connection) -> dict[str, str]:
    """Alias to target, in order of alias."""
    return {row.alias: row.target for row in connection.execute(sa.select(table).order_by(table.c.alias))}
