"""The account that a sign-in makes, or renews."""

from collections.abc import Mapping
from dataclasses import replace

import sqlalchemy as sa

from omniroute.gateway.sign_ins import SignIn
from omniroute.providers.token_wire import Tokens
from omniroute.records import Account, Provider
from omniroute.records.logins import Login
from omniroute.server.manage.call import ManageCall
from omniroute.server.manage.connection_rules import checked_account, forgive
from omniroute.server.manage.discovery import discover_if_unknown
from omniroute.server.manage.rows import commit, note
from omniroute.server.manage.sign_in.starting import usual_variables
from omniroute.store import accounts, discovered
from omniroute.ulid import new_ulid


async def connect(
    call: ManageCall, provider: Provider, sign_in: SignIn, tokens: Tokens
) -> tuple[Account, bool]:
    """The account as it is stored, and whether it is new: whoever signs in again renews the account there is.

    Raises `ApiError`.
    """
    login = _login(call, provider, sign_in, tokens)

    def store(connection: sa.Connection) -> tuple[Account, bool]:
        known = [
            row for row in accounts.listing(connection, call.gateway.vault) if row.provider_id == provider.id
        ]
        before = _same(known, sign_in.name, tokens.identity)
        variables = sign_in.variables or (before.variables if before else usual_variables(call, provider))
        fresh = _account(call, provider, tokens, login, variables)
        if before is None:
            name = sign_in.name or tokens.identity or _free_name(known)
            stored = accounts.create(connection, call.gateway.vault, replace(fresh, name=name))
        else:
            renewed = replace(
                before,
                name=sign_in.name or before.name,
                secret=fresh.secret,
                login=login,
                variables=fresh.variables,
                is_active=True,
                test_status="unknown",
                last_error=None,
                last_tested_ms=None,
                updated_at_ms=fresh.updated_at_ms,
            )
            stored = accounts.update(connection, call.gateway.vault, renewed)
            discovered.forget(connection, stored.id)
        said = {"provider": provider.label, "name": stored.name, "flow": sign_in.kind.value}
        note(call, connection, "oauth.connect", stored.id, **said)
        return stored, before is None

    stored, is_new = await commit(call, store)
    forgive(call, stored.id)
    await discover_if_unknown(call.gateway, provider, stored)
    return stored, is_new


def _login(call: ManageCall, provider: Provider, sign_in: SignIn, tokens: Tokens) -> Login | None:
    """How the token is renewed; `None`: it is a permanent key like any other."""
    terms = provider.oauth
    if terms is None or terms.token_url is None or sign_in.kind.brings_key:
        return None
    now_ms = call.gateway.clock.now_ms()
    return Login(
        refresh_token=tokens.refresh_token,
        expires_at_ms=None if tokens.expires_in_s is None else now_ms + tokens.expires_in_s * 1000,
        token_url=terms.token_url,
        client_id=sign_in.registration.client_id,
        client_secret=sign_in.registration.client_secret,
        style=terms.style,
        scope=tokens.scope,
        identity=tokens.identity,
    )


def _account(
    call: ManageCall, provider: Provider, tokens: Tokens, login: Login | None, variables: Mapping[str, str]
) -> Account:
    now_ms = call.gateway.clock.now_ms()
    account = Account(
        id=new_ulid(now_ms),
        provider_id=provider.id,
        name="",
        priority=0,
        secret=tokens.access_token,
        login=login,
        variables=variables,
        created_at_ms=now_ms,
        updated_at_ms=now_ms,
    )
    return checked_account(provider, account)


def _same(known: list[Account], name: str | None, identity: str | None) -> Account | None:
    """The account of whoever signs in, else the one of the name that was asked for."""
    if identity is not None:
        for account in known:
            if account.login is not None and account.login.identity == identity:
                return account
    wanted = name or identity
    return next((account for account in known if account.name == wanted), None)


def _free_name(known: list[Account]) -> str:
    taken = {account.name for account in known}
    return next(name for number in range(1, len(known) + 2) if (name := f"Account {number}") not in taken)
