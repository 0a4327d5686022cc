"""`/api/resilience`, `/api/accounts`: what holds providers and accounts up, and how it is lifted."""

from collections.abc import Collection, Mapping

import msgspec
import sqlalchemy as sa

from omniroute.api.resilience import (
    AccountHealth,
    Accounts,
    Queue,
    Reset,
    ResetDone,
    Resilience,
    ResilienceChange,
    ResilienceChanged,
)
from omniroute.errors import Failure, FailureKind, StoreError
from omniroute.gateway.health import keeping
from omniroute.gateway.health.book import CLEARABLE
from omniroute.records import Account, Provider
from omniroute.routing.outlook import Scope
from omniroute.server.manage.call import ApiError, ManageCall, invalid, not_found
from omniroute.server.manage.health_views import connected, shown_account, shown_breaker
from omniroute.server.manage.named import provider_named
from omniroute.server.manage.preferences import change_settings
from omniroute.server.manage.rows import commit, note

_KINDS: Mapping[str, Collection[Scope]] = {
    "all": CLEARABLE,
    "breakers": (Scope.BREAKER,),
    "cooldowns": (Scope.ACCOUNT,),
    "locks": (Scope.MODEL,),
    "limits": (Scope.LIMIT,),
}


async def show_resilience(call: ManageCall) -> Resilience:
    """`GET /api/resilience`"""
    gateway = call.gateway
    preferences = gateway.snapshot.preferences
    accounts = list(connected(gateway))
    loads = {f"{provider.label}:{account.id}": gateway.health.load(account) for provider, account in accounts}
    return Resilience(
        profiles=preferences.provider_profiles,
        defaults=preferences.rate_limit_defaults,
        circuit_breakers=[
            shown_breaker(gateway, provider_id)
            for provider_id in dict.fromkeys(provider.id for provider, _ in accounts)
        ],
        rate_limit_status={
            name: Queue(queued=load.queued, running=load.in_flight, executing=load.in_flight)
            for name, load in loads.items()
            if load.queued or load.in_flight
        },
    )


async def change_resilience(call: ManageCall) -> ResilienceChanged:
    """`PUT`, `PATCH /api/resilience`: breakers and cooldowns follow it from their next change on."""
    change = call.read(ResilienceChange)
    patch = {
        name: value
        for name, value in (("providerProfiles", change.profiles), ("rateLimitDefaults", change.defaults))
        if value is not None
    }
    if not patch:
        raise invalid("body", "must hold profiles or defaults")

    def update(connection: sa.Connection) -> None:
        changed = change_settings(connection, call.gateway.snapshot, patch, paths=_PATHS)
        note(call, connection, "resilience.update", None, keys=", ".join(changed))

    await commit(call, update)
    preferences = call.gateway.snapshot.preferences
    return ResilienceChanged(
        ok=True, profiles=preferences.provider_profiles, defaults=preferences.rate_limit_defaults
    )


_PATHS = {"providerProfiles": "profiles", "rateLimitDefaults": "defaults"}
"""What this call's fields are called, for its errors."""


async def reset(call: ManageCall) -> ResetDone:
    """`POST /api/resilience/reset`: forget what holds providers and accounts up, or some of them."""
    wanted = call.read(Reset)
    providers, accounts = _subjects(call, wanted)
    lifted = call.gateway.health.clear(_KINDS[wanted.scope], providers=providers, accounts=accounts)
    await written_down(call)
    said = {name: value for name, value in msgspec.to_builtins(wanted).items() if value is not None}

    def tell(connection: sa.Connection) -> None:
        note(call, connection, "resilience.reset", wanted.connection_id or wanted.provider, **said)

    await commit(call, tell)
    breakers, cooldowns, locks = lifted[Scope.BREAKER], lifted[Scope.ACCOUNT], lifted[Scope.MODEL]
    return ResetDone(
        ok=True,
        reset_count=breakers,
        cooldowns_cleared=cooldowns,
        locks_cleared=locks,
        limits_cleared=lifted[Scope.LIMIT],
        message=f"{_counted(breakers, 'breaker')} closed, "
        f"{_counted(cooldowns, 'cooldown')} and {_counted(locks, 'lock')} lifted",
    )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


async def list_accounts(call: ManageCall) -> Accounts:
    """`GET /api/accounts`: every account with what holds it up; `?provider=` narrows."""
    wanted = call.query.get("provider")
    only = None if wanted is None else provider_named(call.gateway.snapshot, wanted).id
    return Accounts(
        accounts=[
            shown_account(call.gateway, provider, account)
            for provider, account in connected(call.gateway)
            if only in (None, provider.id)
        ]
    )


async def show_account(call: ManageCall) -> AccountHealth:
    """`GET /api/accounts/{id}`"""
    return shown_account(call.gateway, *_account(call))


async def refresh_account(call: ManageCall) -> AccountHealth:
    """`POST /api/accounts/{id}/refresh`: a new access token for an account that was signed in."""
    provider, account = _account(call)
    if account.login is None:
        raise ApiError(
            409, "INVALID_STATE", f"{provider.label}/{account.name} was not signed in: no token ends"
        )
    renewed = await call.gateway.tokens.newer(provider, account)
    if isinstance(renewed, Failure):
        is_over = renewed.kind is FailureKind.AUTH
        status, code = (409, "INVALID_STATE") if is_over else (502, "UPSTREAM_ERROR")
        raise ApiError(status, code, f"{provider.label}/{account.name}: {renewed.message}")
    return shown_account(call.gateway, provider, renewed)


def _account(call: ManageCall) -> tuple[Provider, Account]:
    for provider, account in connected(call.gateway):
        if account.id == call.params["id"]:
            return provider, account
    raise not_found("connection", call.params["id"])


def _subjects(call: ManageCall, wanted: Reset) -> tuple[Collection[str] | None, Collection[str] | None]:
    """Ids of the providers and accounts that are meant; `None`: all."""
    gateway = call.gateway
    if wanted.connection_id is not None:
        if all(account.id != wanted.connection_id for _, account in connected(gateway)):
            raise not_found("connection", wanted.connection_id)
        return (), (wanted.connection_id,)
    if wanted.provider is not None:
        provider_id = provider_named(gateway.snapshot, wanted.provider).id
        return (provider_id,), accounts_of(call, provider_id)
    return None, None


def accounts_of(call: ManageCall, provider_id: str) -> list[str]:
    """Ids of a provider's accounts."""
    return [account.id for account in call.gateway.snapshot.accounts.get(provider_id, ())]


async def written_down(call: ManageCall) -> None:
    """What was changed in the book of health is on disk: a command's own gateway has no loop for it."""
    gateway = call.gateway
    try:
        await keeping.flush(gateway.health, gateway.database, gateway.clock)
    except StoreError as error:
        raise ApiError(503, "SERVICE_UNAVAILABLE", str(error)) from None
