"""What routing sees of the world: asked by pure functions, answered by the gateway's books."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from random import Random
from typing import Protocol

import msgspec

from omniroute.records import Account, Price, Provider


class Scope(StrEnum):
    """What an obstacle holds up."""

    BREAKER = "breaker"
    """Every account of a provider."""
    ACCOUNT = "account"
    MODEL = "model"
    """One model of one account."""
    LIMIT = "limit"
    """The account's learned rate limit has nothing left."""
    BUDGET = "budget"


CIRCUIT_OPEN = "circuit_open"
"""The reason of an obstacle that keeps from a whole provider: only who has nobody else to ask tries it."""
PROBING = "probing"
"""The reason of an obstacle that only waits for the outcome of a probe."""


class Obstacle(msgspec.Struct, frozen=True):
    """Why an account is not to be asked now."""

    scope: Scope
    reason: str
    """rate_limit_exceeded, quota_exhausted, auth_error, server_error, model_capacity, budget_exceeded, …"""
    until_s: float
    """Epoch seconds when it ends by itself; infinite when a person has to act."""
    waiting: int | None = None
    """How many stand in line until it ends; `None`: nobody may, it takes too long or is of another kind."""


_OURS = frozenset({"server_error", "timeout", "model_capacity", CIRCUIT_OPEN})
"""Reasons for a pause whose length we choose; the end of a limit, a quota or a budget is not ours."""
_SPREAD = 0.1


def ask_again_s(obstacles: Sequence[Obstacle], *, now_s: float, rng: Random) -> float | None:
    """Seconds until the first of them is over, at least one; `None`: none ends by itself.

    Where we chose the end, up to a tenth more, lest all clients come back in one moment.
    """
    first = min(obstacles, key=lambda one: one.until_s, default=None)
    if first is None or first.until_s == inf:
        return None
    wait_s = max(first.until_s - now_s, 1.0)
    return wait_s * rng.uniform(1, 1 + _SPREAD) if first.reason in _OURS else wait_s


@dataclass(frozen=True, slots=True)
class Load:
    """How busy one account is, and has been."""

    in_flight: int = 0
    queued: int = 0
    failed_recently: bool = False
    """Its last call failed, within five minutes."""
    backoff_level: int = 0
    last_used_s: float | None = None
    consecutive_uses: int = 0
    """Since another account of the provider was used."""
    uses_last_hour: int = 0


class Outlook(Protocol):
    """The state of accounts and providers at one instant, the same for one whole plan."""

    def obstacle(self, provider: Provider, account: Account, model: str) -> Obstacle | None:
        """Why the account must not be asked for the model now; `None`: it may be."""

    def obstacle_of_account(self, account: Account, model: str) -> Obstacle | None:
        """The same, but for what holds up its whole provider."""

    def is_probe(self, provider: Provider, account: Account, model: str) -> bool:
        """The next call is the one that tries whether an obstacle that has run out is gone."""

    def load(self, account: Account) -> Load:
        """How busy the account is."""

    def price(self, provider: Provider, model: str) -> Price | None:
        """What the model costs; `None`: not known."""

    def latency_ms(self, provider: Provider, model: str) -> float | None:
        """Median time to the first byte of late; `None`: nothing is known."""

    def success_rate(self, provider: Provider, model: str) -> float | None:
        """Share of answered calls of late, 0 to 1; `None`: nothing is known."""

    def quotas_left(self, provider: Provider) -> Sequence[float]:
        """Shares of their learned limits that the provider's accounts have left, 0 to 1, where known."""

    def combo_counts(self, combo_id: str) -> Mapping[str, int]:
        """Requests of the last day by member, `provider/model`."""
