"""The attempts a request may make, in order, and why others are left out."""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from random import Random

import msgspec

from omniroute.records import Account, AccountStrategy, ModelFacts, Preferences, Provider, Snapshot, Strategy
from omniroute.routing import accounts as picking
from omniroute.routing.accounts import Pick, by_session
from omniroute.routing.auto import NO_NEEDS, Needs, Scored
from omniroute.routing.decision import Candidate
from omniroute.routing.outlook import CIRCUIT_OPEN, Obstacle, Outlook, Scope
from omniroute.routing.route import Effective, Group, Member, Route
from omniroute.routing.strategies import Draw, ordered

MAX_ACCOUNTS = 8
"""Attempts at one member."""
MAX_ATTEMPTS = 24
"""Attempts of one request."""
NO_TOOLS, NO_IMAGES = "takes no tools", "takes no images"
"""Why a member that is well cannot take a request."""
NO_TURN = f"its turn would come after {MAX_ATTEMPTS} attempts"
FEWEST_BYTES_PER_TOKEN = 2
"""A body of fewer bytes than this for each token of a window fits it whatever it says."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One account to ask for one model."""

    provider: Provider
    account: Account
    model: str
    config: Effective | None = None
    """Terms of the combo it stands in."""
    is_probe: bool = field(default=False, compare=False)
    """Tries whether what held the account up is over."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What will be tried, and what will not."""

    attempts: tuple[Attempt, ...]
    held_up: tuple[tuple[Member, Account], ...] = ()
    """Who could be asked were they not held up now."""
    candidates: tuple[Candidate, ...] = ()
    """Planned ones in order, then those left out, for people."""
    obstacles: tuple[Obstacle, ...] = ()
    """What held up accounts that would else have been planned."""
    strategy: str = ""
    session: str | None = None
    """The conversation that chose among accounts, where one did."""

    @property
    def held(self) -> list[Attempt]:
        """The attempts that could be made were they not held up now."""
        return [Attempt(one.provider, account, one.model, one.config) for one, account in self.held_up]


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan depends on besides the configuration."""

    outlook: Outlook
    rng: Random
    needs: Needs = NO_NEEDS
    session: Callable[[], str | None] = lambda: None
    """Names the conversation; asked only when there are accounts to choose among."""
    turn: Callable[[str], int] = lambda combo_id: 0
    """How often a round-robin combo was asked first before, by its id."""


def plan(snapshot: Snapshot, route: Route, terms: Terms) -> Plan:
    """The attempts, in the order to make them."""
    planning = _Planning(snapshot.preferences, terms)
    for scored in planning.fitting(_in_order(route, terms)):
        planning.add(scored, snapshot.accounts.get(scored.member.provider.id, ()))
    planning.add_waiting()
    if not planning.attempts:
        planning.add_early()
    left_out = [Candidate(provider="", model=entry.model, skipped=entry.reason) for entry in route.unusable]
    return Plan(
        attempts=tuple(planning.attempts),
        held_up=tuple(planning.held_up),
        candidates=(*planning.planned, *planning.skipped, *left_out),
        obstacles=tuple(planning.obstacles),
        strategy=_strategy(snapshot.preferences, route),
        session=planning.session,
    )


def _in_order(route: Route, terms: Terms) -> list[Scored]:
    if not isinstance(route.root, Group):
        return [Scored(route.root)]
    found = ordered(route.root, Draw(terms.outlook, terms.rng, terms.turn, terms.needs))
    if not route.preferred:
        return found
    ranks = {provider_id: rank for rank, provider_id in enumerate(route.preferred)}
    return sorted(found, key=lambda scored: ranks.get(scored.member.provider.id, len(ranks)))


def _strategy(preferences: Preferences, route: Route) -> str:
    if not isinstance(route.root, Group):
        return strategy_of(preferences, route.root.provider).value
    config = route.root.config
    return (
        f"{config.strategy.value} ({config.auto_mode})"
        if config.strategy is Strategy.AUTO
        else config.strategy.value
    )


def strategy_of(preferences: Preferences, provider: Provider) -> AccountStrategy:
    """How a provider's accounts take turns."""
    return preferences.provider_strategies.get(provider.id, preferences.fallback_strategy)


def may_be_too_long(member: Member, body_bytes: int) -> bool:
    """A body so large that its tokens have to be counted before the member is asked."""
    window = _facts(member).context_tokens
    return window is not None and body_bytes >= window * FEWEST_BYTES_PER_TOKEN


_NOBODY: Set[str] = frozenset()


class _Planning:
    def __init__(self, preferences: Preferences, terms: Terms) -> None:
        self._preferences = preferences
        self._terms = terms
        self.attempts: list[Attempt] = []
        self.held_up: list[tuple[Member, Account]] = []
        self.planned: list[Candidate] = []
        self.skipped: list[Candidate] = []
        self.obstacles: list[Obstacle] = []
        self.session: str | None = None
        self._broken: list[tuple[Scored, Account]] = []
        """Held up by the breaker of their provider."""
        self._limited: list[tuple[float, Scored, Account]] = []
        """Their limits are used up, but not for long; when each may be free for one more."""
        self._targets: set[tuple[str, str]] = set()
        """Provider and model of the members so far."""

    def fitting(self, members: Sequence[Scored]) -> Sequence[Scored]:
        """The members that can take the request; if it is too long for all, the ones with most room."""
        if len(members) < 2:
            return members  # there is no choice: the upstream will say what it cannot do
        able = [scored for scored in members if self._is_able(scored)]
        roomy: list[Scored] = []
        narrow: list[Scored] = []
        for scored in able:
            (roomy if self._has_room(scored.member) else narrow).append(scored)
        if narrow and not roomy:
            most = max(_window(scored.member) for scored in narrow)
            roomy = [scored for scored in narrow if _window(scored.member) == most]
        for scored in narrow:
            if scored not in roomy:
                self._skip(scored, None, f"its window of {_window(scored.member)} tokens is too small")
        return roomy

    def _is_able(self, scored: Scored) -> bool:
        facts, needs = _facts(scored.member), self._terms.needs
        if needs.tools and facts.tools is False:
            self._skip(scored, None, NO_TOOLS)
            return False
        if facts.inputs and "image" not in facts.inputs and needs.images():
            self._skip(scored, None, NO_IMAGES)
            return False
        return True

    def _has_room(self, member: Member) -> bool:
        needs, window = self._terms.needs, _facts(member).context_tokens
        return window is None or not may_be_too_long(member, needs.body_bytes) or needs.tokens() <= window

    def add(self, scored: Scored, accounts: Sequence[Account]) -> None:
        """The member's accounts, in their own order."""
        member = scored.member
        room = min(MAX_ACCOUNTS, MAX_ATTEMPTS - len(self.attempts))
        if room <= 0:
            self._skip(scored, None, NO_TURN)
            return
        provider, model, obstacle_of = member.provider, member.model, self._terms.outlook.obstacle
        usable: list[Account] = []
        is_meant = False
        met = self._met(member)
        for account in accounts:
            if not account.is_active or (member.accounts and not _is_allowed(account, member)):
                continue
            is_meant = True
            if met and account.id in met:
                continue
            obstacle = obstacle_of(provider, account, model)
            if obstacle is None:
                usable.append(account)
            else:
                self._note(scored, account, obstacle)
        if not is_meant:
            names = " or ".join(repr(name) for name in member.accounts)
            self._skip(scored, None, f"no account {names} is switched on" if names else "no account is on")
        for account in self._in_order(member, usable)[:room]:
            self._plan(scored, account)

    def _met(self, member: Member) -> Set[str]:
        """Ids of accounts planned already, where a combo names a model once more for others."""
        target = (member.provider.id, member.model)
        if target not in self._targets:
            self._targets.add(target)
            return _NOBODY
        met = {one.account.id for one in self.attempts if (one.provider.id, one.model) == target}
        for one, account in (
            *self.held_up,
            *((scored.member, account) for _, scored, account in self._limited),
        ):
            if (one.provider.id, one.model) == target:
                met.add(account.id)
        return met

    def _plan(self, scored: Scored, account: Account) -> None:
        member = scored.member
        probe = self._terms.outlook.is_probe(member.provider, account, member.model)
        self.attempts.append(Attempt(member.provider, account, member.model, member.config, probe))
        self.planned.append(_candidate(scored, account))

    def add_waiting(self) -> None:
        """After all that are free come the accounts one can stand in line for."""
        for _, scored, account in sorted(self._limited, key=lambda one: one[0]):
            if len(self.attempts) < MAX_ATTEMPTS:
                self._plan(scored, account)

    def add_early(self) -> None:
        """There is nobody else to ask: accounts that nothing but an open breaker holds up may probe it."""
        for scored, account in self._broken:
            own = self._terms.outlook.obstacle_of_account(account, scored.member.model)
            if own is not None:
                self._tell(scored, account, own)
            elif len(self.attempts) < MAX_ATTEMPTS:
                self._plan(scored, account)

    def _in_order(self, member: Member, accounts: Sequence[Account]) -> Sequence[Account]:
        if len(accounts) < 2:
            return accounts
        preferences, terms = self._preferences, self._terms
        strategy = strategy_of(preferences, member.provider)
        affine = preferences.session_affinity and strategy is not AccountStrategy.FILL_FIRST
        if affine and (session := terms.session()) is not None:
            self.session = session
            return by_session(accounts, session)
        pick = Pick(terms.outlook.load, terms.rng, preferences.sticky_round_robin_limit)
        return picking.STRATEGIES[strategy](accounts, pick)

    def _note(self, scored: Scored, account: Account, obstacle: Obstacle) -> None:
        """What holds up an account; what holds up a provider is told once."""
        member = scored.member
        if obstacle.waiting is not None:
            # Nobody knows how fast a line moves: a second for each who stands in it.
            self._limited.append((obstacle.until_s + obstacle.waiting, scored, account))
            return
        self.held_up.append((member, account))
        if obstacle.reason == CIRCUIT_OPEN:
            self._broken.append((scored, account))
        if obstacle.scope is not Scope.BREAKER:
            self._tell(scored, account, obstacle)
        elif obstacle not in self.obstacles:
            self._tell(scored, None, obstacle)

    def _tell(self, scored: Scored, account: Account | None, obstacle: Obstacle) -> None:
        self.obstacles.append(obstacle)
        self._skip(scored, account, obstacle.reason, obstacle.until_s)

    def _skip(
        self, scored: Scored, account: Account | None, reason: str, until_s: float | None = None
    ) -> None:
        until_ms = None if until_s is None or until_s == float("inf") else round(until_s * 1000)
        self.skipped.append(_candidate(scored, account, skipped=reason, until_ms=until_ms))


def _candidate(
    scored: Scored, account: Account | None, *, skipped: str | None = None, until_ms: int | None = None
) -> Candidate:
    return Candidate(
        provider=scored.member.provider.label,
        model=scored.member.model,
        account=account.name if account is not None else None,
        score=scored.score,
        scores=scored.scores,
        skipped=skipped,
        until_ms=until_ms,
    )


def _is_allowed(account: Account, member: Member) -> bool:
    return account.id in member.accounts or account.name in member.accounts


_NOTHING_KNOWN = ModelFacts(id="")


def _facts(member: Member) -> ModelFacts:
    return member.provider.model(member.model) or _NOTHING_KNOWN


def _window(member: Member) -> int:
    return _facts(member).context_tokens or 0
