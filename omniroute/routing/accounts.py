"""In which order a provider's accounts are asked: one pure function for each strategy."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from types import MappingProxyType

from omniroute.records import Account, AccountStrategy
from omniroute.routing.outlook import Load

Loads = Callable[[Account], Load]
"""How busy an account is."""


@dataclass(frozen=True, slots=True)
class Pick:
    """What an order may depend on besides the accounts."""

    load: Loads
    rng: Random
    sticky_limit: int = 3
    """Requests in a row that one account gets of a round-robin."""


Order = Callable[[Sequence[Account], Pick], Sequence[Account]]


def fill_first(accounts: Sequence[Account], pick: Pick) -> Sequence[Account]:
    """By priority."""
    del pick
    return accounts


def round_robin(accounts: Sequence[Account], pick: Pick) -> Sequence[Account]:
    """The one used last until its run is over, then the one unused the longest."""
    loads = {account.id: pick.load(account) for account in accounts}
    by_age = sorted(accounts, key=lambda account: _last_used(loads[account.id]))
    if not by_age:
        return by_age
    newest = by_age[-1]
    load = loads[newest.id]
    if load.last_used_s is not None and load.consecutive_uses < max(pick.sticky_limit, 1):
        return [newest, *by_age[:-1]]
    return by_age


def power_of_two(accounts: Sequence[Account], pick: Pick) -> Sequence[Account]:
    """The less busy of two drawn at random, then the other, then the rest by priority."""
    if len(accounts) < 2:
        return accounts
    drawn = pick.rng.sample(range(len(accounts)), 2)
    first, second = sorted(drawn, key=lambda place: _business(pick.load(accounts[place])))
    rest = [account for place, account in enumerate(accounts) if place not in drawn]
    return [accounts[first], accounts[second], *rest]


def at_random(accounts: Sequence[Account], pick: Pick) -> Sequence[Account]:
    """Shuffled."""
    return pick.rng.sample(accounts, len(accounts))


def least_used(accounts: Sequence[Account], pick: Pick) -> Sequence[Account]:
    """The fewest requests of the last hour first, then the one unused the longest."""
    loads = {account.id: pick.load(account) for account in accounts}

    def use(account: Account) -> tuple[int, float]:
        load = loads[account.id]
        return load.uses_last_hour, _last_used(load)

    return sorted(accounts, key=use)


def cheapest(accounts: Sequence[Account], pick: Pick) -> Sequence[Account]:
    """By priority: accounts of one provider cost the same for a model."""
    del pick
    return accounts


STRATEGIES: Mapping[AccountStrategy, Order] = MappingProxyType(
    {
        AccountStrategy.FILL_FIRST: fill_first,
        AccountStrategy.ROUND_ROBIN: round_robin,
        AccountStrategy.P2C: power_of_two,
        AccountStrategy.RANDOM: at_random,
        AccountStrategy.LEAST_USED: least_used,
        AccountStrategy.COST_OPTIMIZED: cheapest,
    }
)


def by_session(accounts: Sequence[Account], session: str) -> list[Account]:
    """Rendezvous hashing: a session has its own order, which others joining or leaving does not change.

    So its first account stays the one whose prompt cache is warm; while that one cannot be asked the next
    serves, and then it comes back.
    """
    return sorted(accounts, key=lambda account: _rank(session, account.id), reverse=True)


def _rank(session: str, account_id: str) -> bytes:
    return hashlib.blake2b(f"{session}\0{account_id}".encode("utf-8", "replace"), digest_size=8).digest()


def _last_used(load: Load) -> float:
    return float("-inf") if load.last_used_s is None else load.last_used_s


def _business(load: Load) -> int:
    return load.in_flight + 10 * load.failed_recently + 10 * load.backoff_level + load.queued
