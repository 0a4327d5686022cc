"""Accounts and providers that wait for a person, in one sentence each kind."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InTrouble:
    """One account that was signed in and cannot go on by itself."""

    provider: str
    """As models are prefixed."""
    name: str
    error: str | None
    """Why its token could not be renewed; `None`: it is signed out."""

    def __str__(self) -> str:
        return f"{self.provider}/{self.name}"


def of_accounts(accounts: Sequence[InTrouble]) -> str | None:
    """What is the matter with them, and what to do; `None`: nothing."""
    signed_out = [one for one in accounts if one.error is None]
    failing = [one for one in accounts if one.error is not None]
    sentences = []
    if signed_out:
        providers = {one.provider for one in signed_out}
        where = providers.pop() if len(providers) == 1 else "PROVIDER"
        names = ", ".join(map(str, signed_out))
        way = f"sign in again with omniroute providers login {where}"
        sentences.append(f"{_number(signed_out, 'account')} signed out: {names}, {way}")
    if failing:
        whys = ", ".join(f"{one} ({one.error})" for one in failing)
        sentences.append(f"{_number(failing, 'token')} could not be renewed: {whys}")
    return "; ".join(sentences) or None


def of_breakers(providers: Sequence[str]) -> str | None:
    """That nobody asks these providers, and where to look; `None`: all are asked."""
    if not providers:
        return None
    names = ", ".join(providers)
    return f"{_number(providers, 'breaker')} open: {names}, see omniroute resilience show"


def _number(things: Sequence[object], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"
