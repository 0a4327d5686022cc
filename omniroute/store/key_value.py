"""JSON values under a namespace and a key, the version of the configuration among them."""

import msgspec
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from omniroute.store.tables import key_value

JSON = None | bool | int | float | str | list["JSON"] | dict[str, "JSON"]

STORE = "store"
"""Namespace of the store's own notes."""
_VERSION = "config_version"


def get(connection: Connection, namespace: str, key: str) -> JSON:
    """The value, or `None` when there is none."""
    row = connection.execute(sa.select(key_value.c.value).where(_at(namespace, key))).first()
    return None if row is None else _decode(row.value)


def listing(connection: Connection, namespace: str) -> dict[str, JSON]:
    """All values of a namespace, in order of key."""
    query = sa.select(key_value.c.key, key_value.c.value).where(key_value.c.namespace == namespace)
    return {row.key: _decode(row.value) for row in connection.execute(query.order_by(key_value.c.key))}


def put(connection: Connection, namespace: str, key: str, value: JSON) -> None:
    """Set or replace one value."""
    text = msgspec.json.encode(value).decode()
    changed = connection.execute(sa.update(key_value).where(_at(namespace, key)).values(value=text))
    if not changed.rowcount:
        connection.execute(sa.insert(key_value).values(namespace=namespace, key=key, value=text))


def delete(connection: Connection, namespace: str, key: str) -> bool:
    """Whether there was a value to remove."""
    return bool(connection.execute(sa.delete(key_value).where(_at(namespace, key))).rowcount)


def config_version(connection: Connection) -> int:
    """How often the configuration was changed."""
    version = get(connection, STORE, _VERSION)
    return version if isinstance(version, int) else 0


def bump_config_version(connection: Connection) -> None:
    """Count one change; every write of configuration calls this in its own transaction."""
    put(connection, STORE, _VERSION, config_version(connection) + 1)


def _at(namespace: str, key: str) -> ColumnElement[bool]:
    return (key_value.c.namespace == namespace) & (key_value.c.key == key)


def _decode(text: str) -> JSON:
    value: JSON = msgspec.json.decode(text)
    return value
