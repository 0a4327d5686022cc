"""Accounts at providers, their secrets sealed, their priorities dense."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, func

from omniroute.errors import SecretsError
from omniroute.records import Account, of_account
from omniroute.records.logins import Login
from omniroute.store import budgets, logins
from omniroute.store.backups import open_read_only
from omniroute.store.failures import Duplicate, NotFound, store_error
from omniroute.store.key_value import bump_config_version
from omniroute.store.secrets import Vault
from omniroute.store.tables import provider_connections as table

UNREADABLE = "Its key cannot be decrypted with the present master key. Set the key again."


def create(connection: Connection, vault: Vault, account: Account) -> Account:
    """The account as it is stored. Its `priority` is its place in line, 0 the last; others move down.

    Duplicate: the provider has an account of that name.
    """
    _refuse_duplicate(connection, account)
    line = _line(connection, account.provider_id)
    place = len(line) if account.priority < 1 else min(account.priority - 1, len(line))
    line.insert(place, account.id)
    stored = replace(account, priority=place + 1)
    values = {**_columns(stored), "id": account.id, "secret": _seal(vault, account)}
    connection.execute(sa.insert(table).values(values))
    stored = replace(stored, login=_put_login(connection, vault, stored))
    _renumber(connection, line)
    bump_config_version(connection)
    return stored


def update(connection: Connection, vault: Vault, account: Account) -> Account:
    """The account as it is stored now: all but its provider and its instant of creation may change.

    A `secret` of `None` keeps the one there is and its login, so that what cannot be read now is not lost.
    NotFound; Duplicate: the provider has another account of that name.
    """
    row = connection.execute(sa.select(table.c.provider_id).where(table.c.id == account.id)).first()
    if row is None:
        raise NotFound(f"there is no account {account.id}; it may have been removed meanwhile")
    account = replace(account, provider_id=row.provider_id)
    _refuse_duplicate(connection, account)
    line = _line(connection, account.provider_id)
    line.remove(account.id)
    place = len(line) if account.priority < 1 else min(account.priority - 1, len(line))
    line.insert(place, account.id)
    stored = replace(account, priority=place + 1)
    values = _columns(stored)
    del values["created_at_ms"]
    if account.secret is not None:
        values["secret"] = _seal(vault, account)
        stored = replace(stored, login=_put_login(connection, vault, stored))
    connection.execute(sa.update(table).where(table.c.id == account.id).values(values))
    _renumber(connection, line)
    bump_config_version(connection)
    return stored


def delete(connection: Connection, account_id: str) -> bool:
    """Whether there was such an account; its budget and login go with it, those behind it move up."""
    row = connection.execute(sa.select(table.c.provider_id).where(table.c.id == account_id)).first()
    if row is None:
        return False
    connection.execute(sa.delete(table).where(table.c.id == account_id))
    budgets.delete(connection, of_account(account_id))
    logins.delete(connection, account_id)
    _renumber(connection, _line(connection, row.provider_id))
    bump_config_version(connection)
    return True


def delete_of_provider(connection: Connection, provider_id: str) -> int:
    """How many accounts were removed with their provider."""
    for account_id in _line(connection, provider_id):
        budgets.delete(connection, of_account(account_id))
        logins.delete(connection, account_id)
    removed = connection.execute(sa.delete(table).where(table.c.provider_id == provider_id)).rowcount
    if removed:
        bump_config_version(connection)
    return removed


def listing(connection: Connection, vault: Vault) -> tuple[Account, ...]:
    """All accounts by provider and priority.

    One whose secret does not open is there without it, inactive, and `last_error` says so.
    """
    query = sa.select(table).order_by(table.c.provider_id, table.c.priority)
    known = logins.listing(connection, vault)
    return tuple(_account(row._asdict(), vault, known.get(row.id)) for row in connection.execute(query))


def find(connection: Connection, vault: Vault, account_id: str) -> Account | None:
    """One account as `listing` shows it."""
    row = connection.execute(sa.select(table).where(table.c.id == account_id)).first()
    if row is None:
        return None
    return _account(row._asdict(), vault, logins.find(connection, vault, account_id))


def count(connection: Connection) -> int:
    """How many accounts there are, inactive ones included."""
    return int(connection.execute(sa.select(func.count()).select_from(table)).scalar_one())


def mark_tested(
    connection: Connection, account_id: str, *, status: str, error: str | None, at_ms: int
) -> bool:
    """Note what a test found. Whether that is news, so that the configuration counts as changed."""
    columns = (table.c.test_status, table.c.last_error)
    before = connection.execute(sa.select(*columns).where(table.c.id == account_id)).first()
    if before is None:
        return False  # removed while it was tested
    if before.test_status == "expired" and status == "error":
        status = before.test_status  # which says more
    values = {"test_status": status, "last_error": error, "last_tested_ms": at_ms}
    connection.execute(sa.update(table).where(table.c.id == account_id).values(values))
    news = (before.test_status, before.last_error) != (status, error)
    if news:
        bump_config_version(connection)
    return news


def signed_out(path: Path) -> list[tuple[str, str]]:
    """Provider id and name of those that have to sign in again, read without changing a byte."""
    try:
        with closing(open_read_only(path)) as connection:
            query = "SELECT provider_id, name FROM provider_connections WHERE test_status = 'expired'"
            return connection.execute(f"{query} ORDER BY provider_id, priority").fetchall()
    except sqlite3.Error as error:
        raise store_error(error, path) from error


def put_secret(connection: Connection, vault: Vault, account_id: str, secret: str) -> None:
    """The account's new access token; what went wrong with the one before is forgotten."""
    sealed = vault.seal(secret, table=table.name, column="secret", row_id=account_id)
    is_it = table.c.id == account_id
    connection.execute(sa.update(table).where(is_it).values(secret=sealed))
    failed = is_it & (table.c.test_status == "error")
    connection.execute(sa.update(table).where(failed).values(test_status="unknown", last_error=None))
    bump_config_version(connection)


def note_failure(connection: Connection, account_id: str, *, error: str, is_final: bool) -> None:
    """What people are shown of a token that could not be renewed; after a final failure nobody asks it."""
    values: dict[str, object] = {"test_status": "expired" if is_final else "error", "last_error": error}
    if is_final:
        values["is_active"] = False
    connection.execute(sa.update(table).where(table.c.id == account_id).values(values))
    bump_config_version(connection)


def _put_login(connection: Connection, vault: Vault, account: Account) -> Login | None:
    """The login as it is stored now. What an account says that was read and written back changes nothing."""
    before = logins.find(connection, vault, account.id)
    if account.login == before:
        return before
    if account.login is None:
        logins.delete(connection, account.id)
        return None
    return logins.put(connection, vault, account.id, account.login, at_ms=account.updated_at_ms)


def _refuse_duplicate(connection: Connection, account: Account) -> None:
    same_name = (table.c.provider_id == account.provider_id) & (table.c.name == account.name)
    query = sa.select(table.c.id).where(same_name & (table.c.id != account.id))
    if connection.execute(query).first() is not None:
        raise Duplicate(
            f"{account.provider_id} has an account named {account.name!r} already; choose another name"
        )


def _line(connection: Connection, provider_id: str) -> list[str]:
    """Ids of the provider's accounts, the one asked first in front."""
    query = sa.select(table.c.id).where(table.c.provider_id == provider_id)
    return list(
        connection.execute(query.order_by(table.c.priority, table.c.created_at_ms, table.c.id)).scalars()
    )


def _renumber(connection: Connection, line: list[str]) -> None:
    for priority, account_id in enumerate(line, 1):
        moved = (table.c.id == account_id) & (table.c.priority != priority)
        connection.execute(sa.update(table).where(moved).values(priority=priority))


def _columns(account: Account) -> dict[str, object]:
    return {
        "provider_id": account.provider_id,
        "name": account.name,
        "priority": account.priority,
        "is_active": account.is_active,
        "base_url": account.base_url,
        "allow_private": account.allow_private,
        "variables": msgspec.json.encode(dict(account.variables)).decode(),
        "default_model": account.default_model,
        "test_status": account.test_status,
        "last_error": account.last_error,
        "last_tested_ms": account.last_tested_ms,
        "created_at_ms": account.created_at_ms,
        "updated_at_ms": account.updated_at_ms,
    }


def _seal(vault: Vault, account: Account) -> str | None:
    if account.secret is None:
        return None
    return vault.seal(account.secret, table=table.name, column="secret", row_id=account.id)


def _account(
    row: dict[str, Any],  # SQLAlchemy types no column
    vault: Vault,
    login: Login | None,
) -> Account:
    variables = msgspec.json.decode(row["variables"], type=dict[str, str])
    members = {**row, "variables": variables, "login": login}
    if row["secret"] is not None:
        try:
            members["secret"] = vault.open(row["secret"], table=table.name, column="secret", row_id=row["id"])
        except SecretsError:
            members.update(secret=None, is_active=False, test_status="error", last_error=UNREADABLE)
    return Account(**members)
