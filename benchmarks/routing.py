"""What it costs to find the way of a request: `python -m benchmarks.routing`.

From a name to its attempts, with a real book of health, in microseconds of CPU. The configuration has over
100 accounts and combos of 20 steps; a tenth of the accounts cools down.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from random import Random
from types import MappingProxyType

from omniroute.clock import SystemClock
from omniroute.gateway.health.book import HealthBook
from omniroute.records import (
    Account,
    Category,
    Combo,
    ComboEntry,
    FormatName,
    ModelFacts,
    Preferences,
    Provider,
    ProviderStatus,
    Snapshot,
    Strategy,
)
from omniroute.routing.health import Cooldown
from omniroute.routing.plan import Plan, Terms, plan
from omniroute.routing.resolve import route_of

PROVIDERS, ACCOUNTS_EACH, STEPS = 10, 10, 20
ROUNDS, CALLS = 7, 300
_RNG = Random(1)  # noqa: S311 - keeps no secret


def configured() -> Snapshot:
    """100 accounts at 10 providers, and one combo of 20 steps for each strategy."""
    providers = {f"p{number}": _provider(f"p{number}") for number in range(PROVIDERS)}
    accounts = {
        provider_id: tuple(_account(provider_id, number) for number in range(ACCOUNTS_EACH))
        for provider_id in providers
    } | {"single": (_account("single", 0),)}
    providers["single"] = _provider("single")
    entries = tuple(
        ComboEntry(model=f"p{step % PROVIDERS}/m{step // PROVIDERS}", weight=1) for step in range(STEPS)
    )
    combos = {
        strategy.value: Combo(id=strategy.value, name=strategy.value, strategy=strategy, entries=entries)
        for strategy in Strategy
    }
    return Snapshot(
        version=1,
        providers=MappingProxyType(providers),
        names=MappingProxyType({name: name for name in providers}),
        accounts=MappingProxyType(accounts),
        keys=MappingProxyType({}),
        aliases=MappingProxyType({}),
        owners=MappingProxyType({}),
        combos=MappingProxyType(combos),
    )


def health_of(snapshot: Snapshot, *, away: int = 1) -> HealthBook:
    """A book in which so many of ten accounts have to be left alone."""
    book = HealthBook(SystemClock(), preferences=Preferences, price=lambda *_: None, rng=_RNG)
    accounts = [account for rows in snapshot.accounts.values() for account in rows]
    for account in [one for place, one in enumerate(accounts) if 1 <= place % 10 <= away]:
        book.cooldowns[account.id] = Cooldown(
            until_s=book.now_s + 3600, since_s=book.now_s, reason="server_error"
        )
    return book


def planned(snapshot: Snapshot, name: str, book: HealthBook, rng: Random) -> Plan:
    """Everything between a name and its attempts."""
    return plan(snapshot, route_of(snapshot, name), Terms(outlook=book, rng=rng, session=lambda: "session"))


def cpu_us(work: Callable[[], object]) -> float:
    """CPU of one call in microseconds: the least of several rounds."""
    took: list[float] = []
    for _ in range(ROUNDS):
        began_s = time.process_time()
        for _ in range(CALLS):
            work()
        took.append((time.process_time() - began_s) / CALLS * 1e6)
    return min(took)


def measured() -> Mapping[str, float]:
    """Microseconds by what was asked for; `new`: the first request after the configuration has changed."""
    snapshot, rng = configured(), _RNG
    book = health_of(snapshot)
    results = {
        "single/m0, 1 account": cpu_us(lambda: planned(snapshot, "single/m0", book, rng)),
        "p1/m0, 10 accounts": cpu_us(lambda: planned(snapshot, "p1/m0", book, rng)),
    }
    for strategy in Strategy:
        results[f"combo, {strategy.value}"] = cpu_us(partial(planned, snapshot, strategy.value, book, rng))
    tired = health_of(snapshot, away=9)
    results["combo, priority, nine of ten away"] = cpu_us(lambda: planned(snapshot, "priority", tired, rng))
    results["combo, priority, new"] = cpu_us(lambda: planned(replace(snapshot), "priority", book, rng))
    return results


def _provider(provider_id: str) -> Provider:
    return Provider(
        id=provider_id,
        name=provider_id,
        aliases=(),
        category=Category.API_KEY,
        status=ProviderStatus.ACTIVE,
        models=tuple(ModelFacts(id=f"m{number}", context_tokens=200_000) for number in range(STEPS)),
        formats={FormatName.OPENAI_CHAT: f"https://{provider_id}.example/v1/chat/completions"},
    )


def _account(provider_id: str, number: int) -> Account:
    return Account(
        id=f"{provider_id}-{number}", provider_id=provider_id, name=f"{provider_id}-{number}", priority=1
    )


if __name__ == "__main__":
    for name, us in measured().items():
        print(f"{name:36} {us:8.1f} us")  # noqa: T201
