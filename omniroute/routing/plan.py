"""The attempts a request may make, in order."""

from collections.abc import Sequence
from dataclasses import dataclass

from omniroute.records import Account, Provider, Snapshot
from omniroute.routing.resolve import Target

MAX_ATTEMPTS = 6


@dataclass(frozen=True, slots=True)
class Attempt:
    """One account to ask for one model."""

    provider: Provider
    account: Account
    model: str


def plan(snapshot: Snapshot, targets: Sequence[Target]) -> tuple[Attempt, ...]:
    """Every active account of each target by priority, at most `MAX_ATTEMPTS` in all."""
    attempts = [
        Attempt(target.provider, account, target.model)
        for target in targets
        for account in snapshot.accounts.get(target.provider.id, ())
        if account.is_active
    ]
    return tuple(attempts[:MAX_ATTEMPTS])
