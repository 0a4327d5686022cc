"""Logins of accounts, their secrets sealed, and the lease under which one process renews them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from omniroute.errors import SecretsError
from omniroute.records.logins import Login
from omniroute.records.oauth import TokenStyle
from omniroute.store.secrets import Vault
from omniroute.store.tables import logins as table

FIRST_PAUSE_MS = 30_000
LONGEST_PAUSE_MS = 15 * 60_000
"""Between two attempts to renew a token, the first of which has failed."""

_SEALED = ("refresh_token", "client_secret")
_KEPT = ("expires_at_ms", "token_url", "client_id", "scope", "identity", "obtained_at_ms", "generation")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the renewal of one login stands."""

    generation: int
    retry_from_ms: int | None
    """Nobody asks the vendor before that; `None`: nothing has failed."""


def put(connection: Connection, vault: Vault, account_id: str, login: Login, *, at_ms: int) -> Login:
    """The login as it is stored: a new one, whatever was renewed or tried before."""
    before = standing(connection, account_id)
    connection.execute(sa.delete(table).where(table.c.account_id == account_id))
    generation = 1 if before is None else before.generation + 1
    values = {
        **_columns(vault, account_id, login, generation=generation, at_ms=at_ms),
        "account_id": account_id,
    }
    connection.execute(sa.insert(table).values(values))
    stored = find(connection, vault, account_id)
    assert stored is not None  # noqa: S101 - it was just written
    return stored


def delete(connection: Connection, account_id: str) -> None:
    """The account, if it stays, has a key like any other from now on."""
    connection.execute(sa.delete(table).where(table.c.account_id == account_id))


def find(connection: Connection, vault: Vault, account_id: str) -> Login | None:
    """The account's login."""
    row = connection.execute(sa.select(table).where(table.c.account_id == account_id)).first()
    return None if row is None else _login(row._asdict(), vault)


def listing(connection: Connection, vault: Vault) -> Mapping[str, Login]:
    """All logins by account; a secret that does not open is missing."""
    rows = connection.execute(sa.select(table))
    return {row.account_id: _login(row._asdict(), vault) for row in rows}


def standing(connection: Connection, account_id: str) -> Standing | None:
    """Where its renewal stands; `None`: there is no such login."""
    columns = (table.c.generation, table.c.retry_from_ms)
    row = connection.execute(sa.select(*columns).where(table.c.account_id == account_id)).first()
    return None if row is None else Standing(row.generation, row.retry_from_ms)


def claim(
    connection: Connection, account_id: str, generation: int, *, owner: str, now_ms: int, lasting_ms: int
) -> bool:
    """Whether `owner` alone may renew that generation for so long; whoever has the claim may prolong it.

    One statement decides, so that it holds among processes on every database.
    """
    # A lease or a pause that ends later than any could was written before the clock was set back.
    lapsed = ~table.c.lease_until_ms.between(now_ms + 1, now_ms + lasting_ms)
    is_free = table.c.lease_owner.is_(None) | (table.c.lease_owner == owner) | lapsed
    paused = table.c.retry_from_ms.between(now_ms + 1, now_ms + LONGEST_PAUSE_MS)
    may_try = table.c.retry_from_ms.is_(None) | ~paused
    taken = connection.execute(
        sa.update(table)
        .where(_is_it(account_id, generation) & is_free & may_try)
        .values(lease_owner=owner, lease_until_ms=now_ms + lasting_ms)
    )
    return taken.rowcount == 1


def renew(
    connection: Connection, vault: Vault, account_id: str, generation: int, login: Login, *, at_ms: int
) -> bool:
    """Store what a renewal of that generation brought, and end its lease. False: another was quicker."""
    columns = _columns(vault, account_id, login, generation=generation + 1, at_ms=at_ms)
    changed = connection.execute(sa.update(table).where(_is_it(account_id, generation)).values(columns))
    return changed.rowcount == 1


def put_off(connection: Connection, account_id: str, generation: int, *, at_ms: int) -> int | None:
    """After a failure: nobody tries for that many milliseconds, longer each time. `None`: it is renewed."""
    row = connection.execute(sa.select(table.c.failures).where(_is_it(account_id, generation))).first()
    if row is None:
        return None
    pause_ms: int = min(FIRST_PAUSE_MS << min(row.failures, 10), LONGEST_PAUSE_MS)
    values = {**_NO_LEASE, "failures": row.failures + 1, "retry_from_ms": at_ms + pause_ms}
    connection.execute(sa.update(table).where(_is_it(account_id, generation)).values(values))
    return pause_ms


def end(connection: Connection, account_id: str, generation: int) -> bool:
    """After a final refusal: the refresh token is erased. False: it is renewed."""
    values = {**_NO_LEASE, "refresh_token": None, "generation": generation + 1}
    changed = connection.execute(sa.update(table).where(_is_it(account_id, generation)).values(values))
    return changed.rowcount == 1


_NO_LEASE = {"lease_owner": None, "lease_until_ms": None}


def _is_it(account_id: str, generation: int) -> ColumnElement[bool]:
    return (table.c.account_id == account_id) & (table.c.generation == generation)


def _columns(
    vault: Vault, account_id: str, login: Login, *, generation: int, at_ms: int
) -> dict[str, object]:
    return {
        **_NO_LEASE,
        "refresh_token": _seal(vault, account_id, "refresh_token", login.refresh_token),
        "client_secret": _seal(vault, account_id, "client_secret", login.client_secret),
        "client_id": login.client_id,
        "token_url": login.token_url,
        "style": login.style.value,
        "scope": login.scope,
        "identity": login.identity,
        "expires_at_ms": login.expires_at_ms,
        "obtained_at_ms": at_ms,
        "generation": generation,
        "failures": 0,
        "retry_from_ms": None,
    }


def _seal(vault: Vault, account_id: str, column: str, secret: str | None) -> str | None:
    if secret is None:
        return None
    return vault.seal(secret, table=table.name, column=column, row_id=account_id)


def _login(row: dict[str, Any], vault: Vault) -> Login:  # SQLAlchemy types no column
    members = {name: row[name] for name in _KEPT}
    for column in _SEALED:
        members[column] = _open(vault, row["account_id"], column, row[column])
    return Login(**members, style=TokenStyle(row["style"]))


def _open(vault: Vault, account_id: str, column: str, sealed: str | None) -> str | None:
    if sealed is None:
        return None
    try:
        return vault.open(sealed, table=table.name, column=column, row_id=account_id)
    except SecretsError:
        return None  # its account, sealed with the same key, says so
