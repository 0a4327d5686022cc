"""Our own API keys: how they are made, and what is kept of them."""

import hashlib
import secrets
import string
from collections.abc import Mapping

import msgspec
import sqlalchemy as sa
from sqlalchemy import BindParameter, Connection, bindparam, or_

from omniroute.records import ApiKey, Scope
from omniroute.store import budgets
from omniroute.store.failures import Duplicate, NotFound
from omniroute.store.key_value import bump_config_version
from omniroute.store.tables import api_keys as table

PREFIX = "sk-omr-"
_ALPHABET = string.digits + string.ascii_letters
_LENGTH = 43  # 256 bits in base 62


def mint_key() -> str:
    """A new key, to be shown once."""
    return PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def digest(key: str) -> bytes:
    """What is kept of a key: its SHA-256. A slow hash gains nothing, keys are random throughout."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def masked(key: str) -> str:
    """What people are shown of a key: its first 11 and last 4 characters."""
    return f"{key[:11]}****{key[-4:]}"


def create(connection: Connection, key: ApiKey) -> None:
    """Add one. Duplicate: another key has its name."""
    _refuse_duplicate(connection, key)
    fixed = {"id": key.id, "digest": key.digest, "masked": key.masked, "created_at_ms": key.created_at_ms}
    connection.execute(sa.insert(table).values({**_columns(key), **fixed}))
    bump_config_version(connection)


def update(connection: Connection, key: ApiKey) -> None:
    """Store its name and rights. NotFound; Duplicate: another key has its name."""
    _refuse_duplicate(connection, key)
    if not connection.execute(sa.update(table).where(table.c.id == key.id).values(_columns(key))).rowcount:
        raise NotFound(f"there is no API key {key.id}; it may have been removed meanwhile")
    bump_config_version(connection)


def delete(connection: Connection, key_id: str) -> bool:
    """Whether there was such a key; its budget goes with it, its usage stays, under its name."""
    removed = bool(connection.execute(sa.delete(table).where(table.c.id == key_id)).rowcount)
    if removed:
        budgets.delete(connection, key_id)
        bump_config_version(connection)
    return removed


def listing(connection: Connection) -> tuple[ApiKey, ...]:
    """All keys, the oldest first."""
    rows = connection.execute(sa.select(table).order_by(table.c.created_at_ms, table.c.id))
    return tuple(
        ApiKey(
            **{
                **row._mapping,
                "scopes": tuple(map(Scope, msgspec.json.decode(row.scopes))),
                "allowed_models": tuple(msgspec.json.decode(row.allowed_models)),
            }
        )
        for row in rows
    )


def touch(connection: Connection, used_at_ms: Mapping[str, int]) -> None:
    """Note when keys, by id, were last used; an older instant than the one kept changes nothing."""
    if not used_at_ms:
        return
    at: BindParameter[int] = bindparam("used_at_ms")
    older = or_(table.c.last_used_at_ms.is_(None), table.c.last_used_at_ms < at)
    statement = sa.update(table).where((table.c.id == bindparam("key_id")) & older).values(last_used_at_ms=at)
    connection.execute(statement, [{"key_id": key, "used_at_ms": used} for key, used in used_at_ms.items()])


def _refuse_duplicate(connection: Connection, key: ApiKey) -> None:
    query = sa.select(table.c.id).where((table.c.name == key.name) & (table.c.id != key.id))
    if connection.execute(query).first() is not None:
        raise Duplicate(f"there is an API key named {key.name!r} already; choose another name")


def _columns(key: ApiKey) -> dict[str, object]:
    return {
        "name": key.name,
        "scopes": msgspec.json.encode(key.scopes).decode(),
        "allowed_models": msgspec.json.encode(key.allowed_models).decode(),
        "is_active": key.is_active,
        "expires_at_ms": key.expires_at_ms,
        "no_log": key.no_log,
    }
