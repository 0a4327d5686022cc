"""After a failed attempt: what next. The only place that answers."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType

import msgspec

from omniroute.errors import Failure, FailureKind
from omniroute.routing.plan import Attempt

LONGEST_WAIT_S = 10.0
"""Before the same account is asked again; one that wants a longer pause is not waited for."""
BACKOFF_S = 0.25
"""The pause where nobody says how long."""


class Next(StrEnum):
    """The next thing to try."""

    SAME_ACCOUNT = "same account once"
    """At once: the connection failed before the request was heard."""
    OTHER_ACCOUNT = "other account"
    OTHER_TARGET = "other target"
    LARGER_WINDOW = "target with a larger window"
    RETRY = "same account after a pause, when nothing else is left"


_OTHER = (Next.OTHER_ACCOUNT, Next.OTHER_TARGET)
AFTER: Mapping[FailureKind, tuple[Next, ...]] = MappingProxyType(
    {
        FailureKind.CONNECT: (Next.SAME_ACCOUNT, *_OTHER, Next.RETRY),
        FailureKind.SLOW: _OTHER,
        FailureKind.OVERDUE: (Next.OTHER_TARGET, Next.OTHER_ACCOUNT),
        FailureKind.OVERLOADED: (*_OTHER, Next.RETRY),
        FailureKind.RATE_LIMITED: (*_OTHER, Next.RETRY),
        FailureKind.QUOTA: _OTHER,
        FailureKind.AUTH: _OTHER,
        FailureKind.NO_MODEL: (Next.OTHER_TARGET,),
        FailureKind.TOO_LONG: (Next.LARGER_WINDOW,),
        FailureKind.CANNOT_EXPRESS: (Next.OTHER_TARGET,),
        FailureKind.PROTOCOL: _OTHER,
        FailureKind.CUT: _OTHER,
        FailureKind.SILENT: _OTHER,
        FailureKind.BAD_REQUEST: (),
        FailureKind.CONTENT: (),
        FailureKind.CLIENT_GONE: (),
    }
)
"""What each kind of failure allows, in order of preference; nothing: the client is told."""


class Step(msgspec.Struct, frozen=True):
    """The attempt to make, after a pause."""

    attempt: Attempt
    delay_s: float = 0.0


Failures = Sequence[tuple[Attempt, Failure]]


Held = Callable[[Attempt], float]
"""Seconds until nothing holds up an attempt's account; 0: it may be asked now."""


def decide(attempts: Sequence[Attempt], failures: Failures, held_s: Held = lambda _: 0.0) -> Step | None:
    """The attempt to make now, or `None` when there is nothing left that could help."""
    if not failures:
        return Step(attempts[0]) if attempts else None
    tried, failure = failures[-1]
    allowed = _after(tried, failure)
    done = [attempt for attempt, _ in failures]
    if Next.SAME_ACCOUNT in allowed and done.count(tried) == 1:
        return Step(tried)
    left = [attempt for attempt in attempts if attempt not in done and _may_serve(attempt, failures)]
    waits: list[tuple[float, Attempt]] = []
    for wanted in allowed:
        for attempt in left:
            if not _fits(wanted, attempt, tried):
                continue
            if (wait_s := held_s(attempt)) <= 0:
                return Step(attempt)
            waits.append((wait_s, attempt))
    if Next.RETRY in allowed:
        waits.extend(_retries(failures, held_s))
    wait_s, soonest = min(waits, key=lambda one: one[0], default=(0.0, None))
    return None if soonest is None or wait_s > LONGEST_WAIT_S else Step(soonest, wait_s)


def _may_serve(attempt: Attempt, failures: Failures) -> bool:
    """False where a failure said that no account of the target helps, or that its window is too small."""
    for tried, failure in failures:
        if _target(attempt) == _target(tried) and Next.OTHER_ACCOUNT not in _after(tried, failure):
            return False
        if failure.kind is FailureKind.TOO_LONG and _window(attempt) <= _window(tried):
            return False
    return True


def _after(attempt: Attempt, failure: Failure) -> tuple[Next, ...]:
    config = attempt.config
    if failure.kind is FailureKind.CONTENT and config is not None and config.fall_back_on_content:
        return (Next.OTHER_TARGET,)
    return AFTER[failure.kind]


def _fits(wanted: Next, attempt: Attempt, tried: Attempt) -> bool:
    match wanted:
        case Next.OTHER_ACCOUNT:
            return True
        case Next.OTHER_TARGET:
            return _target(attempt) != _target(tried)
        case Next.LARGER_WINDOW:
            return _window(attempt) > _window(tried)
        case _:
            return False


def _retries(failures: Failures, held_s: Held) -> list[tuple[float, Attempt]]:
    """The accounts that may be asked again, with the pause each needs, those asked often enough left out."""
    waits = []
    for attempt, failure in failures:
        times = sum(attempt == other for other, _ in failures)
        most = 1 + (attempt.config.max_retries if attempt.config else 1)
        may = Next.RETRY in _after(attempt, failure) and _may_serve(attempt, failures)
        if may and times < most:
            waits.append((max(_pause_s(attempt, failure), held_s(attempt)), attempt))
    return waits


def _pause_s(attempt: Attempt, failure: Failure) -> float:
    if failure.retry_after_s is not None:
        return failure.retry_after_s
    if failure.kind is FailureKind.RATE_LIMITED:
        return float("inf")  # nobody knows when: asking again would only make it later
    return attempt.config.retry_delay_ms / 1000 if attempt.config else BACKOFF_S


def _target(attempt: Attempt) -> tuple[str, str]:
    return attempt.provider.id, attempt.model


def _window(attempt: Attempt) -> int:
    """0 for a model nobody knows the window of: it may be larger than none."""
    facts = attempt.provider.model(attempt.model)
    return (facts.context_tokens or 0) if facts is not None else 0
