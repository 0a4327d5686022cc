"""Why a request went where it went, and where one would go now."""

from typing import Annotated

import msgspec
from msgspec import Meta


class Candidate(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One account and model that could be asked."""

    provider: str = ""
    """Empty: an entry of a combo that stands for nothing."""
    model: str
    account: str | None = None
    """`null`: the whole provider, for a reason that holds for all its accounts."""
    score: float | None = None
    """With `auto`: higher is asked earlier."""
    scores: dict[str, float] = {}
    """What the score is made of."""
    skipped: str | None = None
    """Why it was not asked; `null`: it was planned."""
    until_ms: int | None = None
    """Epoch milliseconds when that ends, where it is known."""


class Decision(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The way from the name a client asked for to the attempts that were made."""

    requested: str
    aliases: list[str] = []
    """Names followed, in order; the last one is what was resolved."""
    combo: str | None = None
    strategy: str | None = None
    session: str | None = None
    """What kept the conversation on its account, when something did."""
    candidates: list[Candidate] = []
    """Planned ones in the order to ask, then those left out."""
    policies: list[str] = []
    notes: list[str] = []
    timings_ms: dict[str, float] = {}


class PlanRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Body of `POST /api/routing/plan`: a request that is not sent."""

    model: Annotated[str, Meta(min_length=1, max_length=256)]
    tokens: Annotated[int, Meta(ge=0, le=100_000_000)] = 0
    """Of the prompt."""
    tools: bool = False
    images: bool = False
    provider: str | None = None
    """Ask nobody else, as `/v1/providers/{provider}/…` does."""
    key: str | None = None
    """Id or name of the gateway key that would ask."""


class PlannedAttempt(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One account that would be asked, in its turn."""

    provider: str
    model: str
    account: str
    is_probe: bool
    """It tries whether what held the account up is over."""
    timeout_ms: int | None
    max_retries: int | None


class PlanBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer of `POST /api/routing/plan`."""

    decision: Decision
    attempts: list[PlannedAttempt]
