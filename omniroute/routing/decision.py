"""Why a request went where it went: kept with its row, and shown by `omniroute explain`."""

import msgspec


class Candidate(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One account and model that could be asked."""

    provider: str
    model: str
    account: str | None = None
    """`None`: the whole provider, for a reason that holds for all its accounts."""
    score: float | None = None
    """With `auto`: higher is asked earlier."""
    scores: dict[str, float] = {}
    """What the score is made of."""
    skipped: str | None = None
    """Why it was not asked; `None`: it was planned."""
    until_ms: int | None = None
    """When that ends, where it is known."""


class Decision(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """The way from the name a client asked for to the attempts that were made."""

    requested: str
    aliases: tuple[str, ...] = ()
    """Names followed, in order; the last one is what was resolved."""
    combo: str | None = None
    strategy: str | None = None
    """Of the combo, else of the provider's accounts."""
    session: str | None = None
    """What kept the conversation on its account, when something did."""
    candidates: tuple[Candidate, ...] = ()
    """Planned ones in the order to ask, then those left out."""
    policies: tuple[str, ...] = ()
    """Names of the policies that applied."""
    notes: tuple[str, ...] = ()
    """Anything else that changed the way: a budget's warning, a cache hit, a rule of the guard."""
    timings_ms: dict[str, float] = {}
    """`plan`: from its arrival to the first attempt; `wait`: until an account was free, or before a retry."""


def encode(decision: Decision) -> bytes:
    """As it is stored."""
    return msgspec.json.encode(decision)


def decode(stored: bytes) -> Decision:
    """As it was stored."""
    return msgspec.json.decode(stored, type=Decision)
