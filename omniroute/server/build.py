"""A gateway with all its parts, from what is on disk."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, tzinfo
from functools import partial
from random import SystemRandom
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from omniroute.clock import Clock
from omniroute.conversation.usage import Usage
from omniroute.errors import ConfigError
from omniroute.gateway.accounting import finish
from omniroute.gateway.addresses import Addresses
from omniroute.gateway.budgets import keeping
from omniroute.gateway.budgets.book import Budgets
from omniroute.gateway.cache.cache import ResponseCache
from omniroute.gateway.combo_uses import ComboUses
from omniroute.gateway.counted import Counts
from omniroute.gateway.demo import DEMO_PROVIDER, DemoUpstream
from omniroute.gateway.embedding import embed
from omniroute.gateway.gateway import Gateway
from omniroute.gateway.health import keeping as health_keeping
from omniroute.gateway.health.book import HealthBook
from omniroute.gateway.http1.upstream import Http1Upstream
from omniroute.gateway.idempotency import Idempotency
from omniroute.gateway.keepalive import KeepAlive
from omniroute.gateway.live import Live
from omniroute.gateway.replay import Replay
from omniroute.gateway.sessions import Sessions
from omniroute.gateway.sign_ins import SignIns
from omniroute.gateway.snapshot import build_snapshot
from omniroute.gateway.tokens.renewal import Renewal
from omniroute.gateway.tokens.tokens import Tokens
from omniroute.gateway.turns import Turns
from omniroute.gateway.usage_log import UsageLog
from omniroute.gateway.window import Sums
from omniroute.paths import Paths
from omniroute.providers.load import load_catalogue
from omniroute.providers.pricing import Prices, cost_nano_usd
from omniroute.records import RequestRow
from omniroute.routing.health import CLOSED, BreakerState
from omniroute.settings import Settings, environment
from omniroute.store import combo_hours, requests, usage
from omniroute.store import health as kept_health
from omniroute.store.configuration import load_configuration
from omniroute.store.database import open_database
from omniroute.store.master_key import load_master_key
from omniroute.store.secrets import Vault


async def build_gateway(paths: Paths, settings: Settings, clock: Clock) -> Gateway:
    """The gateway, ready for requests; `close_gateway` gives everything back.

    Raises `StoreError`, `SecretsError` or `ConfigError`, each one clear sentence.
    """
    zone = time_zone(settings.timezone)
    master_key = await asyncio.to_thread(load_master_key, paths, environment())
    vault = Vault(master_key.key, master_key.id)
    catalogue = await asyncio.to_thread(load_catalogue, paths.catalogue_overrides)
    database = await open_database(paths, clock)
    try:
        configuration = await database.read(partial(load_configuration, vault=vault))
        today = await database.read(
            partial(usage.totals, chosen=usage.Filter(since_ms=_midnight_ms(clock, zone)))
        )
        prices = Prices(catalogue)
        usage_log = UsageLog(database, clock, partial(finish, prices=prices))
        live = Live(clock, zone, usage_log.running)
        rng = SystemRandom()
        upstream = Http1Upstream(
            connect_s=settings.connect_timeout_ms / 1000, proxy_environment=environment()
        )
        health = HealthBook(
            clock,
            preferences=lambda: gateway.snapshot.preferences,
            price=lambda provider, model: prices.at_hand(provider.label, model),
            rng=rng,
        )
        health_keeping.restore(health, await database.read(kept_health.listing), now_s=health.now_s)
        gateway = Gateway(
            settings=settings,
            clock=clock,
            database=database,
            vault=vault,
            master_key_source=master_key.source,
            catalogue=dict(catalogue),
            snapshot=build_snapshot(catalogue, configuration),
            upstream=upstream,
            demo=DemoUpstream(),
            keepalive=KeepAlive(clock, every_s=settings.keepalive_ms / 1000),
            prices=prices,
            usage_log=usage_log,
            health=health,
            turns=Turns(),
            combo_uses=ComboUses(clock),
            rng=rng,
            addresses=Addresses(),
            replay=Replay(clock),
            budgets=Budgets(clock, zone, snapshot=lambda: gateway.snapshot, price=prices.at_hand),
            cache=ResponseCache(
                database,
                clock,
                zone=zone,
                cost=partial(_cost, prices),
                wait_s=settings.whole_timeout_ms / 1000,
            ),
            idempotency=Idempotency(clock, wait_s=settings.whole_timeout_ms / 1000),
            sessions=Sessions(clock),
            sign_ins=SignIns(clock),
            zone=zone,
            tokens=Tokens(
                Renewal(
                    database=database,
                    vault=vault,
                    clock=clock,
                    upstream=upstream,
                    snapshot=lambda: gateway.snapshot,
                ),
                clock,
                snapshot=lambda: gateway.snapshot,
                follow=lambda: gateway.follow(),
            ),
            counts=Counts(clock),
            live=live,
            data_dir=str(paths.data_dir),
            started_at_ms=clock.now_ms(),
        )
        await keeping.load(gateway.budgets, database, clock)
        await _restore_counts(gateway)
    except BaseException:
        await database.close()
        raise
    gateway.cache.likeness.embed = partial(embed, gateway)
    health.budget_obstacle = gateway.budgets.obstacle
    health.counts = gateway.combo_uses.counts
    health.accounts_of = lambda provider_id: [
        account.id for account in gateway.snapshot.accounts.get(provider_id, ()) if account.is_active
    ]

    def observe(rows: Sequence[RequestRow]) -> None:
        live.observe(rows)
        gateway.budgets.observe(rows)
        gateway.sessions.observe(rows)

    usage_log.on_rows = observe
    live.start_day_with(
        Sums(
            requests=today.requests,
            errors=today.errors,
            tokens_in=today.prompt,
            tokens_out=today.completion,
            cache_read=today.cache_read,
            cost_nano_usd=today.cost_nano_usd,
            unpriced=today.unpriced,
        )
    )
    live.accounts = lambda: {
        gateway.snapshot.providers[provider_id].label: accounts
        for provider_id, accounts in gateway.snapshot.accounts.items()
        if provider_id != DEMO_PROVIDER.id
    }
    live.is_off = partial(_is_off, gateway)
    return gateway


def _is_off(gateway: Gateway, provider: str) -> bool:
    breaker = gateway.health.breakers.get(gateway.snapshot.names.get(provider, provider), CLOSED)
    return breaker.state(gateway.health.now_s) is BreakerState.OPEN


async def _restore_counts(gateway: Gateway) -> None:
    """Go on counting where the gateway before left off: whose turn it is, and who was used how often."""
    day_ms, hour_ms = gateway.combo_uses.since_ms, gateway.clock.now_ms() - combo_hours.HOUR_MS
    asked, by_hour, calls = await gateway.database.read(
        lambda connection: (
            combo_hours.requests(connection),
            combo_hours.by_hour(connection, since_ms=day_ms),
            requests.calls(connection, since_ms=hour_ms),
        )
    )
    gateway.turns.restore(asked)
    gateway.combo_uses.restore(by_hour)
    names, health = gateway.snapshot.names, gateway.health
    health.uses.restore(
        ((names.get(call.provider, ""), call.account_id, at_ms / 1000) for at_ms, call in calls),
        now_s=health.now_s,
    )


def _cost(prices: Prices, provider: str, model: str, told: Usage) -> int | None:
    price = prices.at_hand(provider, model)
    return cost_nano_usd(told, price) if price is not None else None


async def write_out(gateway: Gateway) -> None:
    """Whatever waits in memory to be written is in the store when this returns.

    Raises `StoreError` with nothing lost.
    """
    await gateway.usage_log.flush()
    await health_keeping.flush(gateway.health, gateway.database, gateway.clock)
    await gateway.cache.flush()
    await keeping.flush(gateway.budgets, gateway.database)


async def catch_up(gateway: Gateway) -> None:
    """Count what another process, the one before this at a restart, has written meanwhile."""
    await keeping.load(gateway.budgets, gateway.database, gateway.clock)
    await health_keeping.catch_up(gateway.health, gateway.database, gateway.clock)


async def close_gateway(gateway: Gateway) -> None:
    """Every upstream connection and the store are closed; rows must be written by now."""
    gateway.sign_ins.close()
    await gateway.upstream.close()
    await gateway.database.close()


def secrets_in_use(gateway: Gateway, token: str) -> list[str]:
    """What must never be written anywhere."""
    accounts = [account for rows in gateway.snapshot.accounts.values() for account in rows]
    logins = (account.login for account in accounts if account.login is not None)
    renewing = (secret for login in logins for secret in (login.refresh_token, login.client_secret) if secret)
    proxies = (proxy.password for proxy in gateway.snapshot.proxies.values() if proxy.password)
    return [token, *(account.secret for account in accounts if account.secret), *renewing, *proxies]


def _midnight_ms(clock: Clock, zone: tzinfo | None) -> int:
    """The start of the day it is, in the gateway's zone."""
    now = datetime.fromtimestamp(clock.now_ms() / 1000, zone)
    return int(now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000)


def time_zone(name: str) -> tzinfo | None:
    """The zone of that IANA name; `None`, which means the machine's own, for `system`."""
    if name == "system":
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(f"timezone {name!r} is not known; use a name such as Europe/Berlin") from None
