"""Settings of patience: what failures do to accounts, and how much is asked at once."""

from functools import partial

from omniroute.records import Strategy
from omniroute.store.key_value import JSON
from tests import scripted_upstream as script
from tests.gateway.every_setting.stage import Case, Stage

LONG_MS, RESET_MS = 60_000, 600_000
QUICK: dict[str, JSON] = {"comboDefaults.maxRetries": 0}
ONE_PLACE: dict[str, JSON] = {
    "rateLimitDefaults.enabled": True,
    "rateLimitDefaults.minTimeBetweenRequests": 0,
    "rateLimitDefaults.concurrentRequests": 1,
}
LIMITED: dict[str, JSON] = {
    "rateLimitDefaults.enabled": True,
    "rateLimitDefaults.minTimeBetweenRequests": 0,
}


async def is_held_long(stage: Stage, provider: str, status: int) -> bool:
    stage.upstream.by_model["m-1"] = script.error(status)
    await stage.ask(f"{provider}/m-1")
    left_ms: int = (await stage.held(provider))["remainingMs"]
    return left_ms > LONG_MS / 2


async def level_after_three(stage: Stage, provider: str) -> int:
    """How far the steps have grown that an account is left alone for."""
    stage.upstream.by_model["m-1"] = script.error(500)
    for _ in range(3):
        stage.clock.ahead_ms += LONG_MS + LONG_MS // 2
        await stage.ask(f"{provider}/m-1")
    level: int = (await stage.held(provider))["level"]
    return level


async def breaker_after_one(stage: Stage, provider: str) -> str:
    stage.upstream.by_model["m-1"] = script.error(500)
    await stage.running.add_combo("far", f"{provider}/m-1")
    await stage.ask("far")
    state: str = (await stage.breaker(provider))["state"]
    return state


async def breaker_stays_long(stage: Stage, provider: str) -> bool:
    assert await breaker_after_one(stage, provider) == "OPEN"
    left_ms: int = (await stage.breaker(provider))["retryAfterMs"]
    return left_ms > RESET_MS / 2


def profile(name: str, provider: str) -> tuple[Case, ...]:
    """One class of providers."""

    def of(member: str) -> str:
        return f"providerProfiles.{name}.{member}"

    return (
        Case(
            name=of("transientCooldown"),
            value=LONG_MS,
            look=partial(is_held_long, provider=provider, status=500),
            before=False,
            after=True,
        ),
        Case(
            name=of("rateLimitCooldown"),
            value=LONG_MS,
            also={of("rateLimitCooldown"): 1000},
            look=partial(is_held_long, provider=provider, status=429),
            before=False,
            after=True,
        ),
        Case(
            name=of("maxBackoffLevel"),
            value=1,
            also={of("circuitBreakerThreshold"): 100, of("transientCooldown"): LONG_MS},
            look=partial(level_after_three, provider=provider),
            before=2,
            after=1,
        ),
        Case(
            name=of("circuitBreakerThreshold"),
            value=1,
            also=QUICK,
            look=partial(breaker_after_one, provider=provider),
            before="CLOSED",
            after="OPEN",
        ),
        Case(
            name=of("circuitBreakerReset"),
            value=RESET_MS,
            also=QUICK | {of("circuitBreakerThreshold"): 1},
            look=partial(breaker_stays_long, provider=provider),
            before=False,
            after=True,
        ),
    )


async def second_waits(stage: Stage) -> bool:
    stage.upstream.otherwise = script.slow_first_byte()
    return await stage.second_waits("two/m-1")


async def second_is_sent(stage: Stage) -> bool:
    """In a combo by turns, while its only member still answers the first."""
    await stage.running.add_combo("far", "two/m-1", strategy=Strategy.ROUND_ROBIN)
    stage.upstream.otherwise = script.slow_first_byte()
    return await stage.second_is_sent("far", within_s=0.2)


async def status_of_the_second(stage: Stage) -> int:
    await stage.running.add_combo("far", "two/m-1", strategy=Strategy.ROUND_ROBIN)
    stage.upstream.otherwise = script.slow_first_byte()
    return await stage.status_of_the_second("far", patience_s=0.2)


async def waits_after_one(stage: Stage) -> bool:
    assert (await stage.ask("two/m-1")).status == 200
    return not await stage.is_sent_at_once("two/m-1")


CASES = (
    *profile("apikey", "two"),
    *profile("oauth", "oauth"),
    Case(
        name="rateLimitDefaults.enabled",
        value=True,
        also=ONE_PLACE | {"rateLimitDefaults.enabled": False},
        look=second_waits,
        before=False,
        after=True,
    ),
    Case(
        name="rateLimitDefaults.concurrentRequests",
        value=1,
        also=LIMITED,
        look=second_waits,
        before=False,
        after=True,
    ),
    Case(
        name="rateLimitDefaults.requestsPerMinute",
        value=1,
        also=LIMITED,
        look=waits_after_one,
        before=False,
        after=True,
    ),
    Case(
        name="rateLimitDefaults.minTimeBetweenRequests",
        value=20_000,
        also=LIMITED,
        look=waits_after_one,
        before=False,
        after=True,
    ),
    Case(
        name="rateLimitProtection",
        value={"two/first": True},
        also=ONE_PLACE | {"rateLimitDefaults.enabled": False},
        look=second_waits,
        before=False,
        after=True,
    ),
    Case(
        name="comboDefaults.concurrencyPerModel",
        value=1,
        look=second_is_sent,
        before=True,
        after=False,
    ),
    Case(
        name="comboDefaults.queueTimeoutMs",
        value=1,
        also={"comboDefaults.concurrencyPerModel": 1},
        look=status_of_the_second,
        before=200,
        after=504,
    ),
)
