"""Settings that are changed while the gateway runs; those of the process are in `omniroute.settings`."""

from sqlalchemy import Connection

from omniroute.store import key_value
from omniroute.store.key_value import JSON

_NAMESPACE = "settings"


def get(connection: Connection, name: str) -> JSON:
    """The value, or `None` when it was never set."""
    return key_value.get(connection, _NAMESPACE, name)


def listing(connection: Connection) -> dict[str, JSON]:
    """All that were set."""
    return key_value.listing(connection, _NAMESPACE)


def put(connection: Connection, name: str, value: JSON) -> None:
    """Set or replace one."""
    key_value.put(connection, _NAMESPACE, name, value)
    key_value.bump_config_version(connection)


def delete(connection: Connection, name: str) -> bool:
    """Whether there was one to remove."""
    removed = key_value.delete(connection, _NAMESPACE, name)
    if removed:
        key_value.bump_config_version(connection)
    return removed
