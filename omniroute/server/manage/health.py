"""`/api/monitoring/health`: whether the gateway can do its work."""

import asyncio
import os
import platform
import shutil
import sys

import sqlalchemy as sa

from omniroute import __version__
from omniroute.api.problem import Problem
from omniroute.api.system import Check, Health, Memory, ProviderHealth, System, TerseHealth
from omniroute.clock import iso
from omniroute.errors import StoreError
from omniroute.gateway.gateway import Gateway
from omniroute.providers.pricing import DEMO
from omniroute.routing.health import BreakerState
from omniroute.server.attention import InTrouble, of_accounts, of_breakers
from omniroute.server.manage.call import Answer, ManageCall
from omniroute.server.manage.health_views import connected, shown_breaker
from omniroute.server.manage.memory import resident_bytes
from omniroute.store.accounts import UNREADABLE

LOW_DISK_BYTES = 200 * 1024 * 1024
_HEALTHY, _DEGRADED, _UNHEALTHY = "healthy", "degraded", "unhealthy"


async def show_health(call: ManageCall) -> Answer:
    """`GET /api/monitoring/health`: 503 when the gateway cannot work; details only with a credential."""
    gateway = call.gateway
    checks = {
        "database": await _database(gateway),
        "disk": await asyncio.to_thread(_disk, gateway.data_dir),
        "secretStore": _secret_store(gateway),
        "accounts": _told(of_accounts(_in_trouble(gateway))),
    }
    providers = _providers(gateway)
    checks["breakers"] = _told(
        of_breakers([name for name, one in providers.items() if one.state == BreakerState.OPEN])
    )
    status = _status(checks, providers)
    code = 503 if status == _UNHEALTHY else 200
    now = iso(gateway.clock.now_ms())
    if not call.authorised:
        return Answer(TerseHealth(status=status, timestamp=now, version=__version__), code)
    accounts = gateway.snapshot.accounts
    health = Health(
        status=status,
        timestamp=now,
        version=__version__,
        setup_complete=any(rows for name, rows in accounts.items() if name != DEMO),
        system=_system(gateway),
        provider_health=providers,
        checks=checks,
        error=_problem(checks, call.request_id) if status == _UNHEALTHY else None,
    )
    return Answer(health, code)


async def _database(gateway: Gateway) -> Check:
    started_s = gateway.clock.monotonic_s()
    try:
        await gateway.database.read(lambda connection: connection.execute(sa.text("SELECT 1")))
    except StoreError as error:
        return Check(ok=False, message=str(error))
    return Check(ok=True, latency_ms=round((gateway.clock.monotonic_s() - started_s) * 1000))


def _disk(directory: str) -> Check:
    try:
        free = shutil.disk_usage(directory).free
    except OSError as error:
        return Check(ok=False, message=f"{directory}: {error.strerror}")
    message = None if free >= LOW_DISK_BYTES else "the disk is nearly full; requests are counted on it"
    return Check(ok=free >= LOW_DISK_BYTES, free_bytes=free, message=message)


def _secret_store(gateway: Gateway) -> Check:
    rows = [account for accounts in gateway.snapshot.accounts.values() for account in accounts]
    unreadable = [account.name for account in rows if account.last_error == UNREADABLE]
    message = f"keys that cannot be decrypted: {', '.join(unreadable)}" if unreadable else None
    return Check(ok=not unreadable, source=gateway.master_key_source, message=message)


def _in_trouble(gateway: Gateway) -> list[InTrouble]:
    """Accounts that were signed in and cannot go on by themselves."""
    found = []
    for provider, account in connected(gateway):
        if account.test_status == "expired":
            found.append(InTrouble(provider.label, account.name, None))
        elif account.login is not None and account.test_status == "error" and account.is_active:
            found.append(InTrouble(provider.label, account.name, account.last_error or "no reason given"))
    return found


def _told(message: str | None) -> Check:
    return Check(ok=message is None, message=message)


def _providers(gateway: Gateway) -> dict[str, ProviderHealth]:
    """Those with an account."""
    names = gateway.snapshot.names
    found = {}
    for one in gateway.live.stats().providers:
        breaker = shown_breaker(gateway, names.get(one.provider, one.provider))
        found[one.provider] = ProviderHealth(
            state=breaker.state, failures=one.errors, last_failure=breaker.last_failure_time
        )
    return found


def _status(checks: dict[str, Check], providers: dict[str, ProviderHealth]) -> str:
    """One account whose key is lost does not keep the others from working, so it only degrades."""
    if not checks["database"].ok:
        return _UNHEALTHY
    open_breakers = any(one.state != "CLOSED" for one in providers.values())
    return _DEGRADED if open_breakers or not all(check.ok for check in checks.values()) else _HEALTHY


def _problem(checks: dict[str, Check], request_id: str) -> Problem:
    """The same as an error, as every answer of the API has it that is not a success."""
    broken = "; ".join(f"{name}: {check.message}" for name, check in checks.items() if not check.ok)
    return Problem(code="SERVICE_UNAVAILABLE", message=broken, correlation_id=request_id)


def _system(gateway: Gateway) -> System:
    return System(
        version=__version__,
        python_version=platform.python_version(),
        uptime=(gateway.clock.now_ms() - gateway.started_at_ms) / 1000,
        memory_usage=Memory(rss=resident_bytes()),
        pid=os.getpid(),
        platform=sys.platform,
        active_requests=len(gateway.live.running()),
        draining=gateway.live.draining,
        data_dir=gateway.data_dir,
    )
