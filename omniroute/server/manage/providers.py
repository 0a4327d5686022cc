"""`/api/providers`: connections."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import sqlalchemy as sa
from msgspec import UNSET

from omniroute.api.providers import (
    ConnectionBody,
    ConnectionChange,
    Connections,
    Deleted,
    NewConnection,
    TestResult,
)
from omniroute.gateway.probe import test_account
from omniroute.providers.pricing import DEMO
from omniroute.records import Account, Provider
from omniroute.server.manage.call import Answer, ApiError, ManageCall, invalid, not_found
from omniroute.server.manage.connection_rules import check_status, checked_account, forgive
from omniroute.server.manage.discovery import discover_if_unknown
from omniroute.server.manage.named import account_of, provider_named
from omniroute.server.manage.renaming import rename_account
from omniroute.server.manage.rows import commit, note, read
from omniroute.server.manage.views import shown_connection
from omniroute.store import accounts, discovered
from omniroute.ulid import new_ulid

_REFUSED = frozenset({"upstream_auth_error", "auth_missing"})


async def list_connections(call: ManageCall) -> Connections:
    """`GET /api/providers`: by provider and priority."""
    rows = await read(call, lambda c: accounts.listing(c, call.gateway.vault))
    if (name := call.query.get("provider")) is not None:
        wanted = provider_named(call.gateway.snapshot, name).id
        rows = tuple(row for row in rows if row.provider_id == wanted)
    if "isActive" in call.query:
        rows = tuple(row for row in rows if row.is_active == call.flag("isActive"))
    providers = call.gateway.snapshot.providers
    return Connections(connections=[shown_connection(row, providers.get(row.provider_id)) for row in rows])


async def show_connection(call: ManageCall) -> ConnectionBody:
    """`GET /api/providers/{id}`"""
    return _body(call, await read(call, lambda c: account_of(c, call.gateway.vault, call.params["id"])))


async def add_connection(call: ManageCall) -> Answer:
    """`POST /api/providers`: 201, or 200 when one of that provider and name was there and is replaced."""
    new = call.read(NewConnection)
    provider = provider_named(call.gateway.snapshot, new.provider)
    check_status(provider)
    account = checked_account(provider, _new_account(call, provider, new))
    tested = await test_account(call.gateway, provider, account, model=None) if new.validate else None
    if tested is not None:
        if tested.diagnosis.type in _REFUSED:
            raise invalid("apiKey", f"{provider.name} refuses it: {tested.error}")
        account = _tested(account, tested, call.gateway.clock.now_ms())
    stored, is_new = await commit(call, lambda c: _store(call, c, account))
    forgive(call, stored.id)
    await discover_if_unknown(call.gateway, provider, stored)
    return Answer(_body(call, stored), 201 if is_new else 200)


async def change_connection(call: ManageCall) -> ConnectionBody:
    """`PUT /api/providers/{id}`: what is absent stays."""
    change = call.read(ConnectionChange)

    def update(connection: sa.Connection) -> tuple[Account, bool]:
        before = account_of(connection, call.gateway.vault, call.params["id"])
        provider = call.gateway.snapshot.providers.get(before.provider_id)
        if provider is None:
            raise ApiError(409, "INVALID_STATE", f"the catalogue has no provider {before.provider_id!r}")
        after = _changed(before, change, call.gateway.clock.now_ms())
        if not _only_switched_off(change):
            after = checked_account(provider, after)
        stored = accounts.update(connection, call.gateway.vault, after)
        if after.name != before.name:
            rename_account(connection, call.gateway.snapshot, before, after.name)
        is_elsewhere = (before.base_url, before.secret) != (after.base_url, after.secret)
        if is_elsewhere:
            discovered.forget(connection, before.id)
        fields = ", ".join(name for name in change.__struct_fields__ if getattr(change, name) is not UNSET)
        note(call, connection, "provider.update", before.id, provider=provider.label, fields=fields)
        return stored, is_elsewhere

    stored, is_elsewhere = await commit(call, update)
    if is_elsewhere:
        forgive(call, stored.id)
        provider = call.gateway.snapshot.providers[stored.provider_id]
        await discover_if_unknown(call.gateway, provider, stored)
    return _body(call, stored)


async def remove_connection(call: ManageCall) -> Deleted:
    """`DELETE /api/providers/{id}`: its usage stays."""
    account_id = call.params["id"]

    def delete(connection: sa.Connection) -> None:
        before = accounts.find(connection, call.gateway.vault, account_id)
        if before is None:
            raise not_found("connection", account_id)
        accounts.delete(connection, account_id)
        discovered.forget(connection, account_id)
        note(call, connection, "provider.delete", account_id, provider=before.provider_id, name=before.name)

    await commit(call, delete)
    return Deleted(message="deleted", id=account_id)


def _new_account(call: ManageCall, provider: Provider, new: NewConnection) -> Account:
    now_ms = call.gateway.clock.now_ms()
    if provider.id == DEMO:
        raise invalid("provider", "the built-in model needs no connection")
    return Account(
        id=new_ulid(now_ms),
        provider_id=provider.id,
        name=account_name(new.name),
        priority=new.priority or 0,
        secret=None if new.api_key is None else new.api_key.strip() or None,
        base_url=new.base_url,
        allow_private=new.allow_private,
        variables=_variables(new.variables),
        default_model=new.default_model,
        created_at_ms=now_ms,
        updated_at_ms=now_ms,
    )


def _store(call: ManageCall, connection: sa.Connection, account: Account) -> tuple[Account, bool]:
    """The account as it is stored, and whether it is new."""
    vault = call.gateway.vault
    known = accounts.listing(connection, vault)
    same = (account.provider_id, account.name)
    before = next((row for row in known if (row.provider_id, row.name) == same), None)
    if before is None:
        stored = accounts.create(connection, vault, account)
    else:
        place = account.priority or before.priority
        kept = replace(account, id=before.id, created_at_ms=before.created_at_ms, priority=place)
        stored = accounts.update(connection, vault, kept)
        discovered.forget(connection, before.id)
    action = "provider.create" if before is None else "provider.update"
    note(call, connection, action, stored.id, provider=account.provider_id, name=account.name)
    return stored, before is None


def _changed(before: Account, change: ConnectionChange, now_ms: int) -> Account:
    key = None if change.api_key is UNSET else change.api_key.strip() or None
    after = replace(
        before,
        name=before.name if change.name is UNSET else account_name(change.name),
        secret=key or before.secret,
        login=before.login if key is None else None,
        priority=before.priority if change.priority is UNSET else change.priority,
        is_active=before.is_active if change.is_active is UNSET else change.is_active,
        default_model=before.default_model if change.default_model is UNSET else change.default_model,
        base_url=before.base_url if change.base_url is UNSET else change.base_url,
        allow_private=before.allow_private if change.allow_private is UNSET else change.allow_private,
        updated_at_ms=now_ms,
    )
    if change.variables is not UNSET:
        after = replace(after, variables=_variables(change.variables))
    was_lost = before.last_error == accounts.UNREADABLE or before.test_status == "expired"
    if was_lost and key is not None and change.is_active is UNSET:
        after = replace(after, is_active=True)  # it was off only for want of a credential
    tested = ("secret", "base_url", "variables")
    if any(getattr(before, name) != getattr(after, name) for name in tested):
        after = replace(after, test_status="unknown", last_error=None, last_tested_ms=None)
    return after


def _variables(given: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType({name: value.strip() for name, value in given.items()})


def _only_switched_off(change: ConnectionChange) -> bool:
    """What is not used need not be complete: an account that lost its key can still be switched off."""
    return change == ConnectionChange(is_active=False)


def _tested(account: Account, tested: TestResult, now_ms: int) -> Account:
    status = "active" if tested.valid else "unknown" if tested.valid is None else "error"
    return replace(account, test_status=status, last_error=tested.error, last_tested_ms=now_ms)


def account_name(text: str) -> str:
    """The name as it is kept. Raises `ApiError` 400."""
    name = " ".join(text.split())
    if not name or not name.isprintable():
        raise invalid("name", "must hold letters or digits")
    return name


def _body(call: ManageCall, account: Account) -> ConnectionBody:
    provider = call.gateway.snapshot.providers.get(account.provider_id)
    return ConnectionBody(connection=shown_connection(account, provider))
