"""The user's own compatible servers."""

import sqlalchemy as sa
from sqlalchemy import Connection

from omniroute.records import Node, NodeType
from omniroute.store import accounts, models
from omniroute.store.failures import Duplicate, NotFound
from omniroute.store.key_value import bump_config_version
from omniroute.store.tables import provider_nodes as table


def create(connection: Connection, node: Node) -> None:
    """Add one. Duplicate: another node has its prefix."""
    _refuse_duplicate(connection, node)
    connection.execute(
        sa.insert(table).values(id=node.id, created_at_ms=node.created_at_ms, **_columns(node))
    )
    bump_config_version(connection)


def update(connection: Connection, node: Node) -> None:
    """Store all but the instant of creation. NotFound; Duplicate: another node has its prefix."""
    _refuse_duplicate(connection, node)
    if not connection.execute(
        sa.update(table).where(table.c.id == node.id).values(**_columns(node))
    ).rowcount:
        raise NotFound(f"there is no node {node.id}; it may have been removed meanwhile")
    bump_config_version(connection)


def delete(connection: Connection, node_id: str) -> int | None:
    """How many accounts went with it, its custom models too; `None`: there is no such node."""
    if not connection.execute(sa.delete(table).where(table.c.id == node_id)).rowcount:
        return None
    models.delete_of_provider(connection, node_id)
    removed = accounts.delete_of_provider(connection, node_id)
    bump_config_version(connection)
    return removed


def listing(connection: Connection) -> tuple[Node, ...]:
    """All nodes in order of prefix."""
    rows = connection.execute(sa.select(table).order_by(table.c.prefix))
    return tuple(Node(**{**row._mapping, "type": NodeType(row.type)}) for row in rows)


def _refuse_duplicate(connection: Connection, node: Node) -> None:
    query = sa.select(table.c.name).where((table.c.prefix == node.prefix) & (table.c.id != node.id))
    if (other := connection.execute(query).scalar()) is not None:
        raise Duplicate(f"the node {other!r} has the prefix {node.prefix!r} already; choose another prefix")


def _columns(node: Node) -> dict[str, object]:
    return {
        "type": node.type.value,
        "name": node.name,
        "prefix": node.prefix,
        "base_url": node.base_url,
        "updated_at_ms": node.updated_at_ms,
    }
