"""`/api/keys`: our own API keys. Only the answer to their creation holds a key."""

from dataclasses import replace
from datetime import UTC, datetime

import sqlalchemy as sa
from msgspec import UNSET

from omniroute.api.keys import (
    ChangedKey,
    CreatedKey,
    Key,
    KeyBody,
    KeyChange,
    Keys,
    KeyUsage,
    NewKey,
    ScopeName,
)
from omniroute.api.providers import Deleted
from omniroute.clock import iso
from omniroute.records import ApiKey, Scope
from omniroute.server.manage.call import Answer, ManageCall, invalid, not_found
from omniroute.server.manage.rows import commit, note, read
from omniroute.server.manage.usage import write_out
from omniroute.server.manage.views import NANO, shown_instant
from omniroute.store import keys, usage
from omniroute.ulid import new_ulid


async def list_keys(call: ManageCall) -> Keys:
    """`GET /api/keys`: the oldest first."""
    return Keys(keys=[_shown(key) for key in await read(call, keys.listing)])


async def show_key(call: ManageCall) -> KeyBody:
    """`GET /api/keys/{id}`: with what it was used for."""
    await write_out(call)

    def find(connection: sa.Connection) -> tuple[ApiKey, usage.Sums]:
        key = _key_of(connection, call.params["id"])
        return key, usage.totals(connection, usage.Filter(api_key_id=key.id))

    key, sums = await read(call, find)
    used = KeyUsage(
        requests=sums.requests,
        cost_usd=sums.cost_nano_usd / NANO,
        last_used_at=shown_instant(sums.last_used_ms),
    )
    return KeyBody(key=_shown(key), usage=used)


async def create_key(call: ManageCall) -> Answer:
    """`POST /api/keys`"""
    new = call.read(NewKey)
    now_ms = call.gateway.clock.now_ms()
    secret = keys.mint_key()
    key = ApiKey(
        id=new_ulid(now_ms),
        name=_name(new.name),
        digest=keys.digest(secret),
        masked=keys.masked(secret),
        scopes=_scopes(new.scopes),
        allowed_models=_patterns(new.allowed_models),
        expires_at_ms=None if new.expires_at is None else _expiry(new.expires_at, now_ms),
        no_log=new.no_log,
        created_at_ms=now_ms,
    )

    def create(connection: sa.Connection) -> None:
        keys.create(connection, key)
        note(call, connection, "apiKey.create", key.id, name=key.name, scopes=", ".join(key.scopes))

    await commit(call, create)
    return Answer(CreatedKey(id=key.id, key=secret, name=key.name, scopes=_scope_names(key)), 201)


async def change_key(call: ManageCall) -> ChangedKey:
    """`PATCH /api/keys/{id}`: what is absent stays."""
    change = call.read(KeyChange)
    now_ms = call.gateway.clock.now_ms()

    def update(connection: sa.Connection) -> ApiKey:
        key = _changed(_key_of(connection, call.params["id"]), change, now_ms)
        keys.update(connection, key)
        fields = ", ".join(name for name in change.__struct_fields__ if getattr(change, name) is not UNSET)
        note(call, connection, "apiKey.update", key.id, fields=fields)
        return key

    key = await commit(call, update)
    return ChangedKey(message="updated", allowed_models=list(key.allowed_models), key=_shown(key))


async def delete_key(call: ManageCall) -> Deleted:
    """`DELETE /api/keys/{id}`: refused from now on; its usage stays under its name."""

    def delete(connection: sa.Connection) -> str:
        key = _key_of(connection, call.params["id"])
        keys.delete(connection, key.id)
        note(call, connection, "apiKey.delete", key.id, name=key.name)
        return key.id

    return Deleted(message="deleted", id=await commit(call, delete))


def _key_of(connection: sa.Connection, key_id: str) -> ApiKey:
    key = next((key for key in keys.listing(connection) if key.id == key_id), None)
    if key is None:
        raise not_found("API key", key_id)
    return key


def _changed(key: ApiKey, change: KeyChange, now_ms: int) -> ApiKey:
    if change.name is not UNSET:
        key = replace(key, name=_name(change.name))
    if change.scopes is not UNSET:
        key = replace(key, scopes=_scopes(change.scopes))
    if change.allowed_models is not UNSET:
        key = replace(key, allowed_models=_patterns(change.allowed_models))
    if change.is_active is not UNSET:
        key = replace(key, is_active=change.is_active)
    if change.expires_at is not UNSET:
        expires_at_ms = None if change.expires_at is None else _expiry(change.expires_at, now_ms)
        key = replace(key, expires_at_ms=expires_at_ms)
    if change.no_log is not UNSET:
        key = replace(key, no_log=change.no_log)
    return key


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name or not name.isprintable():
        raise invalid("name", "must hold letters or digits")
    return name


def _scopes(names: list[ScopeName]) -> tuple[Scope, ...]:
    if not names:
        raise invalid("scopes", "must name at least one of proxy, manage, sync")
    return tuple(dict.fromkeys(map(Scope, names)))


def _patterns(patterns: list[str]) -> tuple[str, ...]:
    if not all(pattern.strip() for pattern in patterns):
        raise invalid("allowedModels", "must not hold an empty pattern")
    return tuple(pattern.strip() for pattern in patterns)


def _expiry(text: str, now_ms: int) -> int:
    """Milliseconds of an ISO instant in the future; without a zone it is in UTC."""
    try:
        instant = datetime.fromisoformat(text)
        at_ms = int((instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise invalid("expiresAt", "must be an ISO 8601 instant such as 2027-01-31T00:00:00Z") from None
    if at_ms <= now_ms:
        raise invalid("expiresAt", "must be in the future")
    return at_ms


def _shown(key: ApiKey) -> Key:
    return Key(
        id=key.id,
        name=key.name,
        key=key.masked,
        scopes=_scope_names(key),
        allowed_models=list(key.allowed_models),
        is_active=key.is_active,
        expires_at=shown_instant(key.expires_at_ms),
        no_log=key.no_log,
        last_used_at=shown_instant(key.last_used_at_ms),
        created_at=iso(key.created_at_ms),
    )


def _scope_names(key: ApiKey) -> list[ScopeName]:
    return [scope.value for scope in key.scopes]
