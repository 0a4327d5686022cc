"""Proxies the user configured, their passwords sealed."""

import logging
from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from omniroute.errors import SecretsError
from omniroute.records.proxies import Proxy, ProxyLevel, ProxyType
from omniroute.store.key_value import bump_config_version
from omniroute.store.secrets import Vault
from omniroute.store.tables import proxies as table

_log = logging.getLogger(__name__)


def put(connection: Connection, vault: Vault, level: ProxyLevel, subject: str, proxy: Proxy) -> None:
    """Set or replace the proxy of an account, combo or provider by its id; the global one has an empty id."""
    connection.execute(sa.delete(table).where(_at(level, subject)))
    values = {
        "level": level.value,
        "subject": subject,
        "type": proxy.type.value,
        "host": proxy.host,
        "port": proxy.port,
        "username": proxy.username,
        "secret": None if proxy.password is None else vault.seal(proxy.password, **_place(level, subject)),
    }
    connection.execute(sa.insert(table).values(values))
    bump_config_version(connection)


def delete(connection: Connection, level: ProxyLevel, subject: str) -> bool:
    """Whether there was one."""
    removed = bool(connection.execute(sa.delete(table).where(_at(level, subject))).rowcount)
    if removed:
        bump_config_version(connection)
    return removed


def listing(connection: Connection, vault: Vault) -> Mapping[tuple[ProxyLevel, str], Proxy]:
    """All of them. One whose password does not open is there without it, so that it refuses us, and no
    request takes another way than was meant."""
    found = {}
    for row in connection.execute(sa.select(table).order_by(table.c.level, table.c.subject)):
        level = ProxyLevel(row.level)
        password = None
        if row.secret is not None:
            try:
                password = vault.open(row.secret, **_place(level, row.subject))
            except SecretsError as error:
                _log.warning("the proxy of %s %s has no password: %s", level, row.subject, error)
        found[level, row.subject] = Proxy(
            type=ProxyType(row.type), host=row.host, port=row.port, username=row.username, password=password
        )
    return found


def _at(level: ProxyLevel, subject: str) -> ColumnElement[bool]:
    return (table.c.level == level.value) & (table.c.subject == subject)


def _place(level: ProxyLevel, subject: str) -> dict[str, str]:
    return {"table": table.name, "column": "secret", "row_id": f"{level.value}:{subject}"}
