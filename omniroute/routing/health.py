"""What a failure costs a provider, an account, a model: frozen states, moved by pure functions."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from omniroute.errors import Failure, FailureKind
from omniroute.records.preferences import Profile

LONGEST_HINT_S = 24 * 3600.0
SHORTEST_HINT_S = 1.0
RATE_STEP_S = 1.0
LONGEST_RATE_S = 120.0
LONGEST_TRANSIENT_S = 60.0
ACCOUNT_S = 120.0
"""How long a refused key or a used-up quota keeps an account away when nobody says until when."""
NO_MODEL_S = 120.0
MAX_LEVEL = 15
LONGEST_RESET_S = 300.0
EXPIRED_AFTER = 3
"""Refusals of a key in a row after which only a person can help."""
FOREVER = float("inf")
MAX_MESSAGE_CHARS = 200


class BreakerState(StrEnum):
    """Whether a provider is asked at all."""

    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF_OPEN = "HALF_OPEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """One provider's switch. Instants are epoch seconds."""

    failures: int = 0
    """In a row."""
    accounts: tuple[str, ...] = ()
    """Ids of those they came from, no more of them than open it."""
    until_s: float | None = None
    """When it may be tried again; `None`: closed."""
    reset_s: float = 0.0
    """How long it was opened for."""
    last_failure_s: float | None = None
    """Of an open one: when it was opened."""

    def state(self, now_s: float) -> BreakerState:
        """Its state at an instant."""
        if self.until_s is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if now_s < self.until_s else BreakerState.HALF_OPEN


CLOSED = Breaker()


def failed(
    breaker: Breaker, profile: Profile, *, account_id: str, accounts: Collection[str] = (), now_s: float
) -> Breaker:
    """After one more failure of the provider. `accounts`: ids of those it has to ask.

    What some accounts meet says nothing of the provider while another has not met it: enough failures in
    a row open the breaker once they come from every account, or from as many as there are to be failures.
    """
    failures, most = breaker.failures + 1, profile.circuit_breaker_threshold
    known = breaker.accounts
    if account_id not in known and len(known) < most:
        known = (*known, account_id)
    if breaker.until_s is not None:
        if now_s < breaker.until_s:
            return breaker  # of a request that had begun before it opened
        reset_s = min(breaker.reset_s * 2, LONGEST_RESET_S)  # the probe failed
    elif failures >= most and (len(known) >= most or all(one in known for one in accounts)):
        reset_s = profile.circuit_breaker_reset / 1000
    else:
        return Breaker(failures=failures, accounts=known, last_failure_s=now_s)
    return Breaker(
        failures=failures, accounts=known, until_s=now_s + reset_s, reset_s=reset_s, last_failure_s=now_s
    )


def answered(breaker: Breaker) -> Breaker:
    """After an answer."""
    return CLOSED if breaker.failures or breaker.until_s is not None else breaker


class Reach(StrEnum):
    """What a cooldown keeps away from."""

    ACCOUNT = "account"
    MODEL = "model"
    """One model of the account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cooldown:
    """An account, or one of its models, is left alone for a while. Instants are epoch seconds."""

    reason: str
    until_s: float
    """Infinite: until a person has cleared it, or a test has succeeded."""
    since_s: float
    level: int = 0
    """How often it was renewed without an answer between."""
    refusals: int = 0
    """Of the key, in a row."""
    status: int | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """What one failure does."""

    reach: Reach | None = None
    """`None`: nothing is left alone for it."""
    reason: str = ""
    breaks: bool = False
    """It counts against the provider."""


_TRANSIENT = Effect(Reach.MODEL, "server_error", breaks=True)
EFFECTS: dict[FailureKind, Effect] = {
    FailureKind.CONNECT: _TRANSIENT,
    FailureKind.SLOW: Effect(Reach.MODEL, "timeout", breaks=True),
    FailureKind.OVERLOADED: Effect(Reach.MODEL, "model_capacity", breaks=True),
    FailureKind.RATE_LIMITED: Effect(Reach.MODEL, "rate_limit_exceeded"),
    FailureKind.QUOTA: Effect(Reach.ACCOUNT, "quota_exhausted"),
    FailureKind.AUTH: Effect(Reach.ACCOUNT, "auth_error"),
    FailureKind.NO_MODEL: Effect(Reach.MODEL, "model_not_found"),
    FailureKind.PROTOCOL: _TRANSIENT,
    FailureKind.CUT: _TRANSIENT,
    FailureKind.SILENT: Effect(Reach.MODEL, "timeout", breaks=True),
    FailureKind.OVERDUE: Effect(),
    FailureKind.TOO_LONG: Effect(),
    FailureKind.CANNOT_EXPRESS: Effect(),
    FailureKind.BAD_REQUEST: Effect(),
    FailureKind.CONTENT: Effect(),
    FailureKind.CLIENT_GONE: Effect(),
}
"""What the client, its request, or our own impatience caused costs nobody anything."""


def cooled(
    known: Cooldown | None, failure: Failure, profile: Profile, *, now_s: float, jitter: float = 1.0
) -> Cooldown:
    """The cooldown after a failure that has one. `jitter`, about 1, stretches what nobody told us.

    A failure of the same wave as the one that began a cooldown neither extends nor hardens it.
    """
    if known is not None and now_s < known.until_s:
        return known
    level = min(known.level + 1, MAX_LEVEL) if known is not None else 0
    refusals = (known.refusals if known is not None else 0) + 1 if failure.kind is FailureKind.AUTH else 0
    if failure.kind is not FailureKind.RATE_LIMITED:
        level = min(level, profile.max_backoff_level)
    if refusals >= EXPIRED_AFTER:
        lasts_s = FOREVER
    elif failure.retry_after_s is not None:
        lasts_s = min(max(failure.retry_after_s, SHORTEST_HINT_S), LONGEST_HINT_S)
    else:
        lasts_s = _guessed_s(failure.kind, level, profile) * jitter
    return Cooldown(
        reason=EFFECTS[failure.kind].reason,
        until_s=now_s + lasts_s,
        since_s=now_s,
        level=level,
        refusals=refusals,
        status=failure.status,
        message=failure.message[:MAX_MESSAGE_CHARS],
    )


def _guessed_s(kind: FailureKind, level: int, profile: Profile) -> float:
    match kind:
        case FailureKind.RATE_LIMITED:
            if profile.rate_limit_cooldown:
                return profile.rate_limit_cooldown / 1000
            return min(RATE_STEP_S * 2.0**level, LONGEST_RATE_S)
        case FailureKind.QUOTA | FailureKind.AUTH:
            return ACCOUNT_S
        case FailureKind.NO_MODEL:
            return NO_MODEL_S
        case _:
            return min(profile.transient_cooldown / 1000 * 2.0**level, LONGEST_TRANSIENT_S)
