"""`/api/rate-limits`, `/api/rate-limit`: how much accounts are asked."""

import msgspec
import sqlalchemy as sa
from msgspec import UNSET

from omniroute.api.rate_limits import (
    AccountLimits,
    Learned,
    Protected,
    Protection,
    RateLimit,
    RateLimitChange,
    RateLimits,
)
from omniroute.api.resilience import Queue
from omniroute.gateway.gateway import Gateway
from omniroute.gateway.health.limits import Limit
from omniroute.gateway.health.lines import LONGEST_QUEUE_S
from omniroute.records import Account, Provider
from omniroute.routing.outlook import Scope
from omniroute.server.manage.availability import shown_locks
from omniroute.server.manage.call import ManageCall, invalid, not_found
from omniroute.server.manage.health_views import connected, shown_at
from omniroute.server.manage.merging import said
from omniroute.server.manage.preferences import change_settings
from omniroute.server.manage.rows import commit, note

_ANY_MODEL = ""


async def show_limits(call: ManageCall) -> RateLimits:
    """`GET /api/rate-limits`: of every account."""
    gateway = call.gateway
    accounts = list(connected(gateway))
    return RateLimits(
        connections=[_limits(gateway, provider, account) for provider, account in accounts],
        overview={f"{provider.label}:{one.id}": _queue(gateway, one) for provider, one in accounts},
        lockouts=[lock for provider, one in accounts for lock in shown_locks(gateway, provider, [one])],
    )


async def protect(call: ManageCall) -> Protected:
    """`POST /api/rate-limits`: whether limits are kept for one account, from the next request on."""
    return await _protect(call, call.read(Protection))


async def _protect(call: ManageCall, wanted: Protection) -> Protected:
    if all(account.id != wanted.connection_id for _, account in connected(call.gateway)):
        raise not_found("connection", wanted.connection_id)
    patch = {"rateLimitProtection": {wanted.connection_id: wanted.enabled}}

    def update(connection: sa.Connection) -> None:
        change_settings(connection, call.gateway.snapshot, patch)
        enabled = "usual" if wanted.enabled is None else str(wanted.enabled).lower()
        note(call, connection, "rateLimit.update", wanted.connection_id, enabled=enabled)

    await commit(call, update)
    return Protected(success=True, connection_id=wanted.connection_id, enabled=wanted.enabled)


async def show_limit(call: ManageCall) -> RateLimit:
    """`GET /api/rate-limit`: what holds while providers tell nothing."""
    defaults = call.gateway.snapshot.preferences.rate_limit_defaults
    return RateLimit(
        **msgspec.structs.asdict(defaults), applies_to="all", max_queue_wait_ms=round(LONGEST_QUEUE_S * 1000)
    )


async def change_limit(call: ManageCall) -> RateLimit | Protected:
    """`PUT`, `POST /api/rate-limit`; with `connectionId` the same as `POST /api/rate-limits`."""
    change = call.read(RateLimitChange)
    if change.connection_id is not UNSET:
        if change.enabled is UNSET:
            raise invalid("enabled", "must be true, false or null")
        return await _protect(call, Protection(connection_id=change.connection_id, enabled=change.enabled))
    patch = {"rateLimitDefaults": msgspec.to_builtins(change)}

    def update(connection: sa.Connection) -> None:
        paths = {"rateLimitDefaults": "body"}
        change_settings(connection, call.gateway.snapshot, patch, paths=paths)
        note(call, connection, "rateLimit.update", None, keys=", ".join(said(change)))

    await commit(call, update)
    return await show_limit(call)


def _limits(gateway: Gateway, provider: Provider, account: Account) -> AccountLimits:
    preferences, book = gateway.snapshot.preferences, gateway.health
    chosen = preferences.rate_limit_protection.get(account.id)
    obstacle = book.obstacle(provider, account, _ANY_MODEL)
    is_limited = obstacle is not None and obstacle.scope is Scope.LIMIT
    load, known = book.load(account), book.limits.get(account.id)
    return AccountLimits(
        connection_id=account.id,
        provider=provider.label,
        name=account.name,
        rate_limit_protection=chosen,
        enabled=preferences.rate_limit_defaults.enabled if chosen is None else chosen,
        active=account.is_active,
        queued=load.queued,
        running=load.in_flight,
        executing=load.in_flight,
        uses_last_hour=load.uses_last_hour,
        rate_limited_until=shown_at(obstacle.until_s) if obstacle is not None and is_limited else None,
        learned=None if known is None else _learned(known),
    )


def _learned(limit: Limit) -> Learned:
    return Learned(
        requests_per_minute=limit.requests,
        remaining=limit.requests_left,
        reset_at=shown_at(limit.requests_reset_s),
        tokens_per_minute=limit.tokens,
        tokens_remaining=limit.tokens_left,
    )


def _queue(gateway: Gateway, account: Account) -> Queue:
    load = gateway.health.load(account)
    return Queue(queued=load.queued, running=load.in_flight, executing=load.in_flight)
