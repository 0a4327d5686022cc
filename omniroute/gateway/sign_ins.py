"""Sign-ins at vendors that people have begun and not ended yet."""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from omniroute.api.sign_ins import SignInResult
from omniroute.clock import Clock
from omniroute.providers.consent import Asked
from omniroute.providers.device_wire import DeviceCode
from omniroute.records.oauth import FlowKind, Registration

LIFETIME_S = 600.0
"""How long a person may take to consent."""
LONGEST_S = 1800.0
"""A vendor may give its codes more time than that, up to this."""
MOST = 100


@dataclass(slots=True, kw_only=True)
class SignIn:
    """One sign-in: it has one owner, `SignIns`, and is used once. Its secrets never leave the gateway."""

    id: str
    provider_id: str
    kind: FlowKind
    registration: Registration
    name: str | None
    """What the account is to be called; `None`: after whoever signs in."""
    variables: Mapping[str, str]
    """Parts of the provider's URL; empty: as those of the account there is."""
    actor: str
    """Who has begun it."""
    ends_s: float
    """By the monotonic clock."""
    asked: Asked | None = field(default=None, repr=False)
    """What the browser was sent away with; `None`: the person types a code instead."""
    device: DeviceCode | None = field(default=None, repr=False)
    interval_s: int = 0
    """Between two polls."""
    poll_from_s: float = 0.0
    """The vendor is not asked before that."""
    is_taken: bool = False
    result: SignInResult | None = None
    """How it has ended."""
    close: Callable[[], None] = lambda: None
    """Ends the listener of its own that it may have."""

    def take(self) -> bool:
        """Whether it was still to be used; it is not from now on."""
        was_free, self.is_taken = not self.is_taken, True
        return was_free

    def end(self, result: SignInResult) -> SignInResult:
        """The result, kept for whoever asks for it."""
        self.is_taken, self.result = True, result
        return result


class SignIns:
    """Those begun in the last minutes, in memory only; beyond `MOST` the oldest is forgotten."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: dict[str, SignIn] = {}

    def add(self, sign_in: SignIn) -> None:
        """Keep it until it ends."""
        self._forget_ended()
        while len(self._open) >= MOST:
            self._forget(next(iter(self._open)))
        self._open[sign_in.id] = sign_in

    def find(self, sign_in_id: str) -> SignIn | None:
        """The one of that id; `None`: there is none, or its time is over."""
        self._forget_ended()
        return self._open.get(sign_in_id)

    def of_state(self, state: str) -> SignIn | None:
        """The one whose browser was sent away with that state."""
        self._forget_ended()
        return next((one for one in self._open.values() if has_state(one, state)), None)

    def close(self) -> None:
        """Forget them all."""
        for sign_in_id in list(self._open):
            self._forget(sign_in_id)

    def _forget_ended(self) -> None:
        now_s = self._clock.monotonic_s()
        for sign_in in [one for one in self._open.values() if one.ends_s <= now_s]:
            self._forget(sign_in.id)

    def _forget(self, sign_in_id: str) -> None:
        self._open.pop(sign_in_id).close()


def has_state(sign_in: SignIn, state: str | None) -> bool:
    """Whether this is the state its browser was sent away with."""
    if sign_in.asked is None or state is None:
        return False
    return hmac.compare_digest(sign_in.asked.state.encode(), state.encode("utf-8", "surrogateescape"))
