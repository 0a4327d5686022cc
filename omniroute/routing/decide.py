"""After a failed attempt: what next. The only place that answers."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType

from omniroute.errors import Failure, FailureKind
from omniroute.routing.plan import Attempt


class Next(StrEnum):
    """The next thing to try."""

    SAME_ACCOUNT = "same account once"
    OTHER_ACCOUNT = "other account"
    OTHER_TARGET = "other target"
    STOP = "stop"


_OTHER = (Next.OTHER_ACCOUNT, Next.OTHER_TARGET)
AFTER: Mapping[FailureKind, tuple[Next, ...]] = MappingProxyType(
    {
        FailureKind.CONNECT: (Next.SAME_ACCOUNT, *_OTHER),
        FailureKind.SLOW: _OTHER,
        FailureKind.OVERLOADED: _OTHER,
        FailureKind.RATE_LIMITED: _OTHER,
        FailureKind.QUOTA: _OTHER,
        FailureKind.AUTH: _OTHER,
        FailureKind.NO_MODEL: (Next.OTHER_TARGET,),
        FailureKind.TOO_LONG: (Next.OTHER_TARGET,),
        FailureKind.PROTOCOL: _OTHER,
        FailureKind.CUT: _OTHER,
        FailureKind.SILENT: _OTHER,
        FailureKind.BAD_REQUEST: (Next.STOP,),
        FailureKind.CONTENT: (Next.STOP,),
        FailureKind.CLIENT_GONE: (Next.STOP,),
    }
)
"""What each kind of failure allows, in order of preference."""


def decide(attempts: Sequence[Attempt], failures: Sequence[tuple[Attempt, Failure]]) -> Attempt | None:
    """The attempt to make now, or `None` when there is nothing left that could help."""
    if not failures:
        return attempts[0] if attempts else None
    tried, failure = failures[-1]
    allowed = AFTER[failure.kind]
    if Next.SAME_ACCOUNT in allowed and sum(attempt == tried for attempt, _ in failures) == 1:
        return tried
    done = [attempt for attempt, _ in failures]
    # A target without the model, or with too small a context, is not asked again through any account.
    useless = {_target(attempt) for attempt, why in failures if Next.OTHER_ACCOUNT not in AFTER[why.kind]}
    left = [attempt for attempt in attempts if attempt not in done and _target(attempt) not in useless]
    for step in allowed:
        for attempt in left:
            if step is Next.OTHER_ACCOUNT or (
                step is Next.OTHER_TARGET and _target(attempt) != _target(tried)
            ):
                return attempt
    return None


def _target(attempt: Attempt) -> tuple[str, str]:
    return attempt.provider.id, attempt.model
