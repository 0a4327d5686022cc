"""The book of health: told of every attempt, asked what may be tried."""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from random import Random

from omniroute.clock import Clock
from omniroute.errors import Failure, FailureKind
from omniroute.gateway.health.limits import Limit, learned
from omniroute.gateway.health.lines import LONGEST_QUEUE_S, Lines
from omniroute.gateway.health.uses import LOOK_AGAIN_S, Speeds, Uses
from omniroute.records import Account, Preferences, Price, Provider
from omniroute.records.preferences import Profile
from omniroute.routing.health import (
    CLOSED,
    EFFECTS,
    FOREVER,
    Breaker,
    BreakerState,
    Cooldown,
    Reach,
    answered,
    cooled,
    failed,
)
from omniroute.routing.outlook import CIRCUIT_OPEN, PROBING, Load, Obstacle, Scope
from omniroute.routing.plan import Attempt

PROBE_S = 1.0
"""How long others wait for the outcome of a probe before they try the account themselves."""
MODELS_OF_AN_ACCOUNT = 3
"""So many of its models locked at once, and the account itself is left alone."""

MOST_SWITCHED = 1000
"""Openings and closings of breakers that wait while the disk is full; the newest are kept."""

CLEARABLE = (Scope.BREAKER, Scope.ACCOUNT, Scope.MODEL, Scope.LIMIT)
"""What a person may lift."""

Lock = tuple[str, str]
"""Account id and model."""


class HealthBook:
    """Breakers by provider, cooldowns by account and model; an `Outlook` for one gateway."""

    def __init__(
        self,
        clock: Clock,
        *,
        preferences: Callable[[], Preferences],
        price: Callable[[Provider, str], Price | None],
        rng: Random,
    ) -> None:
        self._clock = clock
        self._preferences = preferences
        self._price = price
        self._rng = rng
        self._started_s = clock.now_ms() / 1000 - clock.monotonic_s()
        self.breakers: dict[str, Breaker] = {}
        self.cooldowns: dict[str, Cooldown] = {}
        """By account id."""
        self.locks: dict[Lock, Cooldown] = {}
        self.limits: dict[str, Limit] = {}
        """What accounts' providers told of their limits."""
        self._probes: dict[str, tuple[float, int]] = {}
        """When the probe began and which attempt it is, by what is tried: a provider's or an account's id."""
        self.probe_ended = asyncio.Event()
        """Set when the next probe ends, and replaced: whoever waits for it looks again."""
        self._began: dict[int, float] = {}
        """When each attempt under way began, by its identity."""
        self.uses = Uses()
        self.speeds = Speeds()
        self.lines = Lines(self._free_in_s)
        self.accounts_of: Callable[[str], Sequence[str]] = lambda provider_id: ()
        """Ids of a provider's accounts that are switched on, from the configuration in force."""
        self.counts: Callable[[str], Mapping[str, int]] = lambda combo_id: {}
        """Requests of the last day by member of a combo."""
        self.changed: set[tuple[str, str]] = set()
        """Kind and subject of what has yet to be written down."""
        self.switched: deque[tuple[str, BreakerState]] = deque(maxlen=MOST_SWITCHED)
        """Breakers that were opened or closed, by provider id, as the audit log has yet to be told."""
        self.budget_obstacle: Callable[[Account], Obstacle | None] | None = None
        """Why an account must not be asked for what it would cost; `None`: no account has a budget."""

    @property
    def now_s(self) -> float:
        """Epoch seconds that a change of the machine's clock does not move."""
        return self._started_s + self._clock.monotonic_s()

    # What planning asks.

    def obstacle(self, provider: Provider, account: Account, model: str) -> Obstacle | None:
        """Why the account must not be asked for the model now."""
        if provider.id in self.breakers and (found := self._of_provider(provider, self.now_s)) is not None:
            return found
        return self.obstacle_of_account(account, model)

    def obstacle_of_account(self, account: Account, model: str) -> Obstacle | None:
        """The same, but for what holds up its whole provider."""
        # A plan asks for hundreds of accounts of which next to nothing is known.
        if account.id in self.cooldowns or (self.locks and (account.id, model) in self.locks):
            found = self._of_account(account, model, self.now_s)
            if found is not None:
                return found
        preferences = self._preferences()
        is_any = preferences.rate_limit_defaults.enabled or preferences.rate_limit_protection
        if self.limits or self.lines or is_any:
            found = self._of_limit(account.id)
            if found is not None:
                return found
        return None if self.budget_obstacle is None else self.budget_obstacle(account)

    def _of_provider(self, provider: Provider, now_s: float) -> Obstacle | None:
        breaker = self.breakers.get(provider.id) if self.breakers else None
        if breaker is None or breaker.until_s is None:
            return None
        if (held := self._held(provider.id, now_s)) is not None:
            return Obstacle(Scope.BREAKER, PROBING, held)
        is_open = now_s < breaker.until_s
        return Obstacle(Scope.BREAKER, CIRCUIT_OPEN, breaker.until_s) if is_open else None

    def _of_account(self, account: Account, model: str, now_s: float) -> Obstacle | None:
        cooldown = self.cooldowns.get(account.id) if self.cooldowns else None
        lock = self.locks.get((account.id, model)) if self.locks else None
        for scope, known in ((Scope.ACCOUNT, cooldown), (Scope.MODEL, lock)):
            if known is not None and now_s < known.until_s:
                return Obstacle(scope, known.reason, known.until_s)
        if (cooldown or lock) and (held := self._held(account.id, now_s)) is not None:
            return Obstacle(Scope.ACCOUNT, PROBING, held)
        return None

    def _of_limit(self, account_id: str) -> Obstacle | None:
        now_s = self.now_s
        until_s = self._free_at_s(account_id)
        if until_s is None:
            if account_id not in self.lines:
                return None
            until_s = now_s + LOOK_AGAIN_S  # there is room, and others have waited for it
        waiting = self.lines.length(account_id) if until_s - now_s <= LONGEST_QUEUE_S else None
        return Obstacle(Scope.LIMIT, "rate_limit_exceeded", until_s, waiting)

    def _free_at_s(self, account_id: str) -> float | None:
        """When its limits let one more call through, whoever makes it; `None`: now."""
        preferences = self._preferences()
        chosen = preferences.rate_limit_protection.get(account_id)
        if chosen is False:
            return None
        limit = self.limits.get(account_id)
        if limit is not None:
            return limit.free_at_s(self.now_s, self.uses.last_used_s(account_id))
        defaults = preferences.rate_limit_defaults
        return self.uses.free_at_s(account_id, defaults, self.now_s) if chosen or defaults.enabled else None

    def _free_in_s(self, account_id: str) -> float:
        until_s = self._free_at_s(account_id)
        return 0.0 if until_s is None else until_s - self.now_s

    def _held(self, subject: str, now_s: float) -> float | None:
        """Until when a probe of the subject is waited for."""
        if subject not in self._probes:
            return None
        until_s = self._probes[subject][0] + PROBE_S
        return until_s if now_s < until_s else None

    def is_probe(self, provider: Provider, account: Account, model: str) -> bool:
        """The next call tries whether an obstacle that has run out is gone."""
        breaker = self.breakers.get(provider.id)
        return (
            (breaker is not None and breaker.until_s is not None)
            or account.id in self.cooldowns
            or (account.id, model) in self.locks
        )

    def load(self, account: Account) -> Load:
        """How busy the account is."""
        cooldown = self.cooldowns.get(account.id)
        load = self.uses.load(account.id, self.now_s, backoff_level=cooldown.level if cooldown else 0)
        return replace(load, queued=self.lines.length(account.id)) if account.id in self.lines else load

    def price(self, provider: Provider, model: str) -> Price | None:
        """What the model costs."""
        return self._price(provider, model)

    def latency_ms(self, provider: Provider, model: str) -> float | None:
        """Usual time to the first byte."""
        return self.speeds.latency_ms(provider.id, model)

    def success_rate(self, provider: Provider, model: str) -> float | None:
        """Share of answered calls of late."""
        return self.speeds.success_rate(provider.id, model)

    def quotas_left(self, provider: Provider) -> Sequence[float]:
        """Shares of learned limits; accounts nobody asked yet have told nothing."""
        now_s = self.now_s
        shares = (
            self.limits[one].share_left(now_s) for one in self.accounts_of(provider.id) if one in self.limits
        )
        return [share for share in shares if share is not None]

    def combo_counts(self, combo_id: str) -> Mapping[str, int]:
        """Requests of the last day by member."""
        return self.counts(combo_id)

    # What attempts tell.

    async def admit(self, attempt: Attempt, *, within_s: float) -> Obstacle | None:
        """Wait until the account's limits let the attempt through; what keeps it, if they do not in time.

        An attempt that was let through has to `begin` before anything else is awaited.
        """
        account, model = attempt.account, attempt.model

        def is_away() -> bool:
            found = self._of_account(account, model, self.now_s)
            return found is not None and found.reason != PROBING

        if await self.lines.enter(account.id, within_s=within_s, in_vain=is_away):
            return None
        now_s = self.now_s
        found = self._of_account(account, model, now_s) or self._of_limit(account.id)
        return found or Obstacle(Scope.LIMIT, "rate_limit_exceeded", now_s)

    def begin(self, attempt: Attempt, *, tokens: int = 0) -> None:
        """An attempt starts. Every `begin` is followed by one `end` with the same object.

        `tokens`: about so many are in its prompt.
        """
        now_s = self.now_s
        limit = self.limits.get(attempt.account.id)
        if limit is not None:
            self.limits[attempt.account.id] = limit.after_call(now_s, tokens)
        self._began[id(attempt)] = now_s
        self.uses.begin(attempt.provider.id, attempt.account.id, now_s)
        if attempt.is_probe:
            for subject in (attempt.provider.id, attempt.account.id):
                if self._held(subject, now_s) is None:
                    self._probes[subject] = (now_s, id(attempt))

    def end(
        self,
        attempt: Attempt,
        failure: Failure | None,
        *,
        headers: Mapping[str, str] | None = None,
        latency_ms: float | None = None,
    ) -> None:
        """An attempt ended: with an answer (`None`), or with a failure."""
        now_s = self.now_s
        began_s = self._began.pop(id(attempt), now_s)
        kind = failure.kind if failure is not None else None
        neutral = kind is not None and EFFECTS[kind].reach is None
        self.uses.end(attempt.account.id, now_s, failed=None if neutral else failure is not None)
        if headers is not None and (limit := learned(headers, now_s=now_s)) is not None:
            self.limits[attempt.account.id] = limit
        if failure is None:
            self._answered(attempt, began_s, latency_ms)
        elif not neutral:
            self._failed(attempt, failure, now_s)
        if attempt.is_probe:
            self._probed(attempt)
        self.lines.wake(attempt.account.id)

    def _probed(self, attempt: Attempt) -> None:
        for subject in (attempt.provider.id, attempt.account.id):
            if subject in self._probes and self._probes[subject][1] == id(attempt):
                del self._probes[subject]
        self.probe_ended.set()
        self.probe_ended = asyncio.Event()

    def _answered(self, attempt: Attempt, began_s: float, latency_ms: float | None) -> None:
        """An answer lifts what was there when it was asked for, not what has come since."""
        provider_id, account_id, model = attempt.provider.id, attempt.account.id, attempt.model
        self.speeds.answered(provider_id, model, latency_ms)
        breaker = self.breakers.get(provider_id)
        if breaker is not None and (breaker.until_s is None or (breaker.last_failure_s or 0) < began_s):
            self._set_breaker(provider_id, answered(breaker))
        cooldown = self.cooldowns.get(account_id)
        if cooldown is not None and cooldown.since_s < began_s:
            del self.cooldowns[account_id]
            self.changed.add(("account", account_id))
        lock = self.locks.get((account_id, model))
        if lock is not None and lock.since_s < began_s:
            del self.locks[account_id, model]
            self.changed.add(("model", f"{account_id}\n{model}"))

    def _failed(self, attempt: Attempt, failure: Failure, now_s: float) -> None:
        provider, account, model = attempt.provider, attempt.account, attempt.model
        effect, profile = EFFECTS[failure.kind], self._profile(account)
        jitter = 1 + self._rng.uniform(-0.2, 0.2)
        if effect.breaks:
            self.speeds.failed(provider.id, model)
            breaker = self.breakers.get(provider.id, CLOSED)
            asked = self._to_ask(provider, now_s)
            self._set_breaker(
                provider.id, failed(breaker, profile, account_id=account.id, accounts=asked, now_s=now_s)
            )
        if effect.reach is Reach.ACCOUNT:
            known = self.cooldowns.get(account.id)
            self._cool(account.id, cooled(known, failure, profile, now_s=now_s, jitter=jitter))
        elif effect.reach is Reach.MODEL:
            known = self.locks.get((account.id, model))
            self.locks[account.id, model] = cooled(known, failure, profile, now_s=now_s, jitter=jitter)
            self.changed.add(("model", f"{account.id}\n{model}"))
            self._cool_with_its_models(account.id, failure.kind, now_s)

    def _to_ask(self, provider: Provider, now_s: float) -> list[str]:
        """The provider's accounts without those that are away for reasons of their own."""
        away = {one for one, cooldown in self.cooldowns.items() if now_s < cooldown.until_s}
        return [one for one in self.accounts_of(provider.id) if one not in away]

    def _cool_with_its_models(self, account_id: str, kind: FailureKind, now_s: float) -> None:
        """An account with several models locked at once is left alone until the first is free."""
        if kind is FailureKind.NO_MODEL:
            return
        locked = [
            lock for (owner, _), lock in self.locks.items() if owner == account_id and now_s < lock.until_s
        ]
        if len(locked) < MODELS_OF_AN_ACCOUNT:
            return
        known = self.cooldowns.get(account_id)
        if known is None or known.until_s <= now_s:
            first = min(locked, key=lambda lock: lock.until_s)
            self._cool(account_id, replace(first, level=known.level + 1 if known else 0))

    def _cool(self, account_id: str, cooldown: Cooldown) -> None:
        self.cooldowns[account_id] = cooldown
        self.changed.add(("account", account_id))

    def _set_breaker(self, provider_id: str, breaker: Breaker) -> None:
        known = self.breakers.get(provider_id, CLOSED)
        if breaker == known:
            return
        if breaker == CLOSED:
            self.breakers.pop(provider_id, None)
        else:
            self.breakers[provider_id] = breaker
        self.changed.add(("breaker", provider_id))
        if (known.until_s is None) != (breaker.until_s is None):
            opened = breaker.until_s is not None
            self.switched.append((provider_id, BreakerState.OPEN if opened else BreakerState.CLOSED))

    def _profile(self, account: Account) -> Profile:
        profiles = self._preferences().provider_profiles
        return profiles.apikey if account.login is None else profiles.oauth

    # What people do.

    def clear(
        self,
        kinds: Collection[Scope] = CLEARABLE,
        *,
        providers: Collection[str] | None = None,
        accounts: Collection[str] | None = None,
        model: str | None = None,
    ) -> Mapping[Scope, int]:
        """Forget breakers of these providers, and what holds these accounts up; `None`: of all.

        With `model` only that model's locks go. How many of each kind were lifted.
        """
        lifted = dict.fromkeys(CLEARABLE, 0)
        if Scope.BREAKER in kinds and model is None:
            for subject in _chosen(self.breakers, providers):
                self._set_breaker(subject, CLOSED)
                lifted[Scope.BREAKER] += 1
        if Scope.ACCOUNT in kinds and model is None:
            for subject in _chosen(self.cooldowns, accounts):
                del self.cooldowns[subject]
                self.changed.add(("account", subject))
                lifted[Scope.ACCOUNT] += 1
        if Scope.LIMIT in kinds and model is None:
            for subject in _chosen(self.limits, accounts):
                del self.limits[subject]
                lifted[Scope.LIMIT] += 1
        if Scope.MODEL in kinds:
            for owner, name in list(self.locks):
                if (accounts is None or owner in accounts) and model in (None, name):
                    del self.locks[owner, name]
                    self.changed.add(("model", f"{owner}\n{name}"))
                    lifted[Scope.MODEL] += 1
        self.lines.wake_all()
        return lifted


def _chosen(known: Mapping[str, object], wanted: Collection[str] | None) -> list[str]:
    return [subject for subject in known if wanted is None or subject in wanted]


def is_forever(cooldown: Cooldown) -> bool:
    """Only a person can end it."""
    return cooldown.until_s == FOREVER
