"""The book of health as the management API shows it."""

from collections.abc import Iterator

from omniroute.api import resilience as api
from omniroute.clock import iso
from omniroute.gateway.gateway import Gateway
from omniroute.gateway.health.limits import Limit
from omniroute.providers.pricing import DEMO
from omniroute.records import Account, Provider
from omniroute.records.logins import Login
from omniroute.routing.health import CLOSED, FOREVER, Cooldown

_ANY_MODEL = ""


def connected(gateway: Gateway) -> Iterator[tuple[Provider, Account]]:
    """Every account of the user's, by provider and priority."""
    snapshot = gateway.snapshot
    for provider_id, accounts in snapshot.accounts.items():
        for account in accounts:
            if provider_id != DEMO:
                yield snapshot.providers[provider_id], account


def shown_account(gateway: Gateway, provider: Provider, account: Account) -> api.AccountHealth:
    """One account, and what holds it up."""
    book = gateway.health
    now_s, load = book.now_s, book.load(account)
    cooldown = book.cooldowns.get(account.id)
    locks = {
        model: shown_held(lock, now_s) for (owner, model), lock in book.locks.items() if owner == account.id
    }
    limit = book.limits.get(account.id)
    state, until_s = _state(gateway, provider, account)
    return api.AccountHealth(
        id=account.id,
        provider=provider.label,
        provider_id=provider.id,
        name=account.name,
        priority=account.priority,
        is_active=account.is_active,
        state=state,
        until=shown_at(until_s),
        remaining_ms=remaining_ms(until_s, now_s),
        breaker=shown_breaker(gateway, provider.id),
        cooldown=None if cooldown is None else shown_held(cooldown, now_s),
        locks=locks,
        limit=None if limit is None else _limit(limit),
        running=load.in_flight,
        queued=load.queued,
        backoff_level=load.backoff_level,
        uses_last_hour=load.uses_last_hour,
        last_used_at=shown_at(load.last_used_s),
        test_status=account.test_status,
        last_error=account.last_error,
        login=None if account.login is None else _signed_in(account.login, gateway.clock.now_ms()),
    )


def _signed_in(login: Login, now_ms: int) -> api.SignedIn:
    ends_ms = login.expires_at_ms
    return api.SignedIn(
        identity=login.identity,
        expires_at=None if ends_ms is None else iso(ends_ms),
        remaining_ms=None if ends_ms is None else max(ends_ms - now_ms, 0),
        is_renewed=login.refresh_token is not None,
    )


_STATES = {
    "breaker": "broken",
    "account": "cooling",
    "limit": "limited",
    "model": "locked",
    "budget": "limited",
}


def _state(gateway: Gateway, provider: Provider, account: Account) -> tuple[str, float | None]:
    """In a word, and until when."""
    if not account.is_active:
        return "disabled", None
    obstacle = gateway.health.obstacle(provider, account, _ANY_MODEL)
    if obstacle is not None:
        return _STATES[obstacle.scope.value], obstacle.until_s
    now_s = gateway.health.now_s
    locks = [lock for (owner, _), lock in gateway.health.locks.items() if owner == account.id]
    ends = [lock.until_s for lock in locks if lock.until_s > now_s]
    return ("locked", max(ends)) if ends else ("ready", None)


def shown_breaker(gateway: Gateway, provider_id: str) -> api.Breaker:
    """One provider's switch, under the name its models are prefixed with."""
    book = gateway.health
    breaker = book.breakers.get(provider_id, CLOSED)
    provider = gateway.snapshot.providers.get(provider_id)
    return api.Breaker(
        name=provider_id if provider is None else provider.label,
        state=breaker.state(book.now_s).value,
        failure_count=breaker.failures,
        last_failure_time=shown_at(breaker.last_failure_s),
        retry_after_ms=remaining_ms(breaker.until_s, book.now_s) or 0,
    )


def shown_held(cooldown: Cooldown, now_s: float) -> api.Held:
    """One cooldown or lock."""
    return api.Held(
        reason=cooldown.reason,
        since=iso(round(cooldown.since_s * 1000)),
        until=shown_at(cooldown.until_s),
        remaining_ms=remaining_ms(cooldown.until_s, now_s),
        level=cooldown.level,
        status=cooldown.status,
        message=cooldown.message,
    )


def _limit(limit: Limit) -> api.Limit:
    return api.Limit(
        requests=limit.requests,
        requests_left=limit.requests_left,
        requests_reset=shown_at(limit.requests_reset_s),
        tokens=limit.tokens,
        tokens_left=limit.tokens_left,
        tokens_reset=shown_at(limit.tokens_reset_s),
    )


def shown_at(at_s: float | None) -> str | None:
    """An instant of the book in ISO 8601; `None`: there is none, or it never comes."""
    return None if at_s is None or at_s == FOREVER else iso(round(at_s * 1000))


def remaining_ms(until_s: float | None, now_s: float) -> int | None:
    """Milliseconds from `now_s` on, 0 when it is past; `None`: it never ends by itself."""
    if until_s is None or until_s == FOREVER:
        return None
    return max(round((until_s - now_s) * 1000), 0)
