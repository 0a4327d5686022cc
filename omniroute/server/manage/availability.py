"""`/api/models/availability`: which models can be asked now, and which have to wait."""

import sqlalchemy as sa

from omniroute.api.aliases import Removed
from omniroute.api.resilience import (
    Availability,
    AvailabilityCheck,
    AvailabilityRequest,
    Lock,
    ProviderAvailability,
    Target,
    Unavailable,
)
from omniroute.clock import iso
from omniroute.errors import Refused
from omniroute.gateway.gateway import Gateway
from omniroute.records import Account, Provider
from omniroute.routing.outlook import Obstacle, Scope
from omniroute.routing.resolve import route_of
from omniroute.server.manage.call import ManageCall, invalid
from omniroute.server.manage.health_views import connected, remaining_ms, shown_at, shown_breaker
from omniroute.server.manage.named import provider_named
from omniroute.server.manage.planning import NOT_NOW, refusal
from omniroute.server.manage.resilience import accounts_of, written_down
from omniroute.server.manage.rows import commit, note

_ANY_MODEL = ""


async def show_availability(call: ManageCall) -> Availability:
    """`GET /api/models/availability`: `?provider=` and `?model=` narrow."""
    gateway, snapshot = call.gateway, call.gateway.snapshot
    wanted, model = call.query.get("provider"), call.query.get("model")
    only = None if wanted is None else provider_named(snapshot, wanted).id
    by_provider: dict[str, list[Account]] = {}
    for provider, account in connected(gateway):
        if only in (None, provider.id):
            by_provider.setdefault(provider.id, []).append(account)
    unavailable = [
        one
        for provider_id, accounts in by_provider.items()
        for one in _unavailable(gateway, snapshot.providers[provider_id], accounts)
        if model in (None, one.model)
    ]
    return Availability(
        unavailable_count=len(unavailable),
        models=unavailable,
        providers={
            snapshot.providers[provider_id].label: _provider(
                gateway, snapshot.providers[provider_id], accounts
            )
            for provider_id, accounts in by_provider.items()
        },
        locks=[
            lock
            for provider_id, accounts in by_provider.items()
            for lock in shown_locks(gateway, snapshot.providers[provider_id], accounts)
            if model in (None, lock.model)
        ],
    )


async def ask_availability(call: ManageCall) -> AvailabilityCheck | Removed:
    """`POST /api/models/availability`: check a model, or clear what holds it up."""
    wanted = call.read(AvailabilityRequest)
    both = wanted.provider is not None and wanted.model is not None
    if (wanted.action or ("clear" if both else "check")) == "clear":
        return await _clear(call, wanted)
    if wanted.model is None:
        raise invalid("model", "is missing")
    return _check(call.gateway, wanted.model, wanted.provider)


def _check(gateway: Gateway, model: str, provider: str | None) -> AvailabilityCheck:
    snapshot = gateway.snapshot
    try:
        route = route_of(snapshot, model, only_provider=provider)
    except Refused as refused:
        if refused.kind not in NOT_NOW:
            raise refusal(refused) from None
        return AvailabilityCheck(
            model=model, available=False, resolved=[], type="model", reason=refused.message
        )
    resolved = [
        _target(gateway, one.provider, one.model, snapshot.accounts.get(one.provider.id, ()))
        for one in route.members
    ]
    return AvailabilityCheck(
        model=model,
        available=any(target.available for target in resolved),
        resolved=resolved,
        type="combo" if route.combo is not None else "model",
    )


async def _clear(call: ManageCall, wanted: AvailabilityRequest) -> Removed:
    if wanted.provider is None:
        raise invalid("provider", "is missing")
    provider_id = provider_named(call.gateway.snapshot, wanted.provider).id
    accounts = accounts_of(call, provider_id)
    if wanted.connection_id is not None:
        accounts = [account_id for account_id in accounts if account_id == wanted.connection_id]
    providers = [provider_id] if wanted.connection_id is None else []
    lifted = call.gateway.health.clear(providers=providers, accounts=accounts, model=wanted.model)
    await written_down(call)
    subject = wanted.provider if wanted.model is None else f"{wanted.provider}/{wanted.model}"

    def tell(connection: sa.Connection) -> None:
        note(call, connection, "availability.clear", subject)

    await commit(call, tell)
    return Removed(success=True, removed=any(lifted.values()))


def _target(gateway: Gateway, provider: Provider, model: str, accounts: tuple[Account, ...]) -> Target:
    active = [account for account in accounts if account.is_active]
    held = _obstacles(gateway, provider, model, active)
    first = min(held, key=lambda one: one.until_s, default=None)
    free = len(active) - len(held)
    return Target(
        provider=provider.label,
        model=model,
        available=free > 0,
        available_accounts=free,
        total_accounts=len(active),
        reason=None if free or first is None else first.reason,
        retry_after=None if free or first is None else shown_at(first.until_s),
    )


def _provider(gateway: Gateway, provider: Provider, accounts: list[Account]) -> ProviderAvailability:
    active = [account for account in accounts if account.is_active]
    held = _obstacles(gateway, provider, _ANY_MODEL, active)
    ends = [one.until_s for one in held]
    return ProviderAvailability(
        breaker=shown_breaker(gateway, provider.id).state,
        connections=len(accounts),
        available=len(active) - len(held),
        cooling=sum(one.scope in (Scope.ACCOUNT, Scope.LIMIT) for one in held),
        earliest_recovery=shown_at(min(ends)) if ends else None,
    )


def _unavailable(gateway: Gateway, provider: Provider, accounts: list[Account]) -> list[Unavailable]:
    """Locked models that no account of the provider can be asked for."""
    active = [account for account in accounts if account.is_active]
    ids = {account.id for account in active}
    locks = [(model, lock) for (owner, model), lock in gateway.health.locks.items() if owner in ids]
    found: list[Unavailable] = []
    for model in dict.fromkeys(model for model, _ in locks):
        held = _obstacles(gateway, provider, model, active)
        if len(held) < len(active):
            continue
        first = min(held, key=lambda one: one.until_s)
        found.append(
            Unavailable(
                provider=provider.label,
                model=model,
                reason=first.reason,
                remaining_ms=remaining_ms(first.until_s, gateway.health.now_s),
                unavailable_since=iso(
                    round(max(lock.since_s for name, lock in locks if name == model) * 1000)
                ),
            )
        )
    return found


def shown_locks(gateway: Gateway, provider: Provider, accounts: list[Account]) -> list[Lock]:
    """Models of these accounts that are left alone."""
    ids = {account.id for account in accounts}
    return [
        Lock(
            provider=provider.label,
            connection_id=owner,
            model=model,
            reason=lock.reason,
            remaining_ms=remaining_ms(lock.until_s, gateway.health.now_s),
        )
        for (owner, model), lock in gateway.health.locks.items()
        if owner in ids and lock.until_s > gateway.health.now_s
    ]


def _obstacles(gateway: Gateway, provider: Provider, model: str, accounts: list[Account]) -> list[Obstacle]:
    """What holds accounts up, one for each that is held."""
    found = (gateway.health.obstacle(provider, account, model) for account in accounts)
    return [one for one in found if one is not None]
