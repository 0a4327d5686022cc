"""Where one request goes: its plan, the waits between its attempts, and the record of both."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from omniroute.conversation.count import count_request
from omniroute.conversation.parts import Media, MediaKind
from omniroute.conversation.tokens import family_of
from omniroute.errors import ErrorKind, Failure, FailureKind, Refused
from omniroute.gateway.budgets.book import Ask, Reservation, applies
from omniroute.gateway.budgets.estimate import output_limit, prompt_tokens
from omniroute.gateway.dialogue import Dialogue
from omniroute.gateway.gateway import Gateway
from omniroute.gateway.guarding import is_on
from omniroute.gateway.health.lines import LONGEST_QUEUE_S
from omniroute.gateway.permitted import route_for, ruled
from omniroute.gateway.price_lookup import look_up
from omniroute.gateway.session import fingerprint
from omniroute.gateway.usage_log import UsageEntry
from omniroute.records import Strategy
from omniroute.routing.auto import NO_NEEDS, Needs
from omniroute.routing.decide import LONGEST_WAIT_S, Failures, Step, decide
from omniroute.routing.decision import Decision
from omniroute.routing.outlook import CIRCUIT_OPEN, PROBING, Obstacle, Scope, ask_again_s
from omniroute.routing.plan import (
    MAX_ATTEMPTS,
    NO_IMAGES,
    NO_TOOLS,
    Attempt,
    Plan,
    Terms,
    may_be_too_long,
    plan,
)
from omniroute.routing.route import Route, around, asks_for_prices

DEADLINE_S = 60.0
"""Nothing is waited for later than this after the first attempt was planned."""

_PASSING = frozenset(
    {"rate_limit_exceeded", "server_error", "timeout", "model_capacity", CIRCUIT_OPEN, PROBING}
)
"""Obstacles that pass by themselves, and often soon."""


@dataclass(slots=True)
class Way:
    """One request on its way to its attempts."""

    gateway: Gateway
    dialogue: Dialogue
    entry: UsageEntry
    notes: list[str] = field(default_factory=list)
    policies: tuple[str, ...] = ()
    """Names of those that had a say."""
    route: Route = field(init=False)
    """Set by `resolve`."""
    tokens: int = 0
    """Of the prompt, where they were counted."""
    attempts: tuple[Attempt, ...] = ()
    """All that were planned."""
    _planned: tuple[Route, Plan] | None = None
    """The newest plan, and what it is for."""
    _reservation: Reservation | None = None
    _until_s: float = 0.0
    _waited_s: float = 0.0
    """Slept until something was free."""
    _planning_s: float = 0.0
    """What planning took, pauses not counted."""
    _queued_s: float = 0.0
    """How long it has stood in line for accounts whose limit was used up."""
    _turns: dict[str, int] = field(default_factory=dict)
    """Whose turn it was in round-robin combos, by their ids, when all was planned."""

    async def next(self, failures: Failures) -> Attempt | None:
        """The attempt to make now, after the pause it needs; `None`: nothing is left that could help.

        Raises `Refused` when nobody can be asked at all, saying when to come back if it is known.
        """
        clock, health = self.gateway.clock, self.gateway.health
        if not failures:
            self.attempts = await self._plan()
            self._reservation = await self._reserve(self.attempts)
            now_s = clock.monotonic_s()
            self._planning_s = now_s - self.entry.started_s - self._waited_s
            self._until_s = now_s + DEADLINE_S
        step = self._step(failures)
        while step is not None and step.delay_s > 0 and not self._lines_up(step.attempt):
            if clock.monotonic_s() + step.delay_s > self._until_s:
                return None
            await self._sleep(step.delay_s)
            if self._held_s(failures, step.attempt) <= 0:
                break
            step = self._step(failures)  # another request has found the account lacking meanwhile
        if step is None:
            return None
        attempt = step.attempt
        probe = health.is_probe(attempt.provider, attempt.account, attempt.model)
        return attempt if attempt.is_probe is probe else replace(attempt, is_probe=probe)

    def _step(self, failures: Failures) -> Step | None:
        """What comes next; an account that was held up when all was planned may be free by now, or soon."""
        held_s = partial(self._held_s, failures)
        step = decide(self.attempts, failures, held_s)
        if not failures or (step is not None and step.delay_s <= 0):
            return step
        made = plan(self.dialogue.snapshot, self.route, self._terms(self.route))
        others = [one for one in (*made.attempts, *made.held) if one not in self.attempts]
        if not others:
            return step
        return decide((*self.attempts, *others)[:MAX_ATTEMPTS], failures, held_s)

    def _held_s(self, failures: Failures, attempt: Attempt) -> float:
        """Seconds until nothing holds up an attempt's account.

        A breaker keeps nobody from asking the accounts that were planned when it was closed: what has
        opened it since may be what this very request met with the others. Nor does an open one keep from
        probing early who has come this far: what may be asked without that stands before it.
        """
        health = self.gateway.health
        obstacle = health.obstacle(attempt.provider, attempt.account, attempt.model)
        is_new = attempt in self.attempts and not any(attempt == tried for tried, _ in failures)
        if obstacle is not None and (is_new or obstacle.reason == CIRCUIT_OPEN):
            obstacle = health.obstacle_of_account(attempt.account, attempt.model)
        if obstacle is None:
            return 0.0
        held_s = max(obstacle.until_s - health.now_s, 0.001)
        return held_s if obstacle.waiting is None else min(held_s, LONGEST_WAIT_S)

    def _lines_up(self, attempt: Attempt) -> bool:
        """Whether what is waited for is the account's limit: that is done in line, by `in_slot`."""
        obstacle = self.gateway.health.obstacle(attempt.provider, attempt.account, attempt.model)
        return obstacle is not None and obstacle.waiting is not None

    async def _plan(self) -> tuple[Attempt, ...]:
        """The attempts in order; at least one."""
        route = self.route
        await self._count(route)
        if asks_for_prices(route.root):
            targets = ((member.provider.label, member.model) for member in route.members)
            await look_up(self.gateway.prices, targets)
        while True:
            made = plan(self.dialogue.snapshot, route, self._terms(route))
            self._planned = (route, made)
            if made.attempts:
                self._take_turns(made.attempts[0])
                return made.attempts
            self._turns.clear()
            first = self._over_first(made.obstacles)
            if first is None:
                raise self._no_account(route, made)
            await self._wait_for(first)

    async def _sleep(self, for_s: float) -> None:
        await asyncio.sleep(for_s)
        self._waited_s += for_s

    async def _wait_for(self, first: Obstacle) -> None:
        """Until the obstacle is over; a probe's is over when its outcome is there."""
        clock, health = self.gateway.clock, self.gateway.health
        began_s, ended = clock.monotonic_s(), health.probe_ended
        with suppress(TimeoutError):
            async with asyncio.timeout(_wait_s(first, health.now_s)):
                await (ended if first.reason == PROBING else asyncio.Event()).wait()
        self._waited_s += clock.monotonic_s() - began_s

    def resolve(self) -> Route:
        """What the name stands for, as far as key and policies allow. Raises `Refused`."""
        call, snapshot = self.dialogue.call, self.dialogue.snapshot
        name = self.entry.requested_model or ""
        route = route_for(snapshot, name, call.key, call.operation, only_provider=call.only_provider)
        if route.combo is not None:
            self.entry.combo = self.dialogue.combo = route.combo.name
        self._planned = (route, _UNPLANNED)
        if snapshot.policies:
            allowed = ruled(self.gateway, snapshot, route, call.key, call.client_ip)
            self.policies, self.dialogue.max_tokens = allowed.applied, allowed.max_tokens
            route = allowed.route
        self.route = route
        return route

    def check_budget(self) -> None:
        """Raises `Refused` when a budget of the request has nothing left."""
        snapshot, key = self.dialogue.snapshot, self.dialogue.call.key
        if snapshot.budgets:
            key_id = key.id if key is not None else None
            providers = [member.provider for member in self.route.members]
            self.entry.budget_warns = self.gateway.budgets.check(snapshot, key_id, providers)

    def take(self, attempt: Attempt) -> Failure | None:
        """Why the budget of an attempt's account forbids it; `None`: it may be made."""
        return None if self._reservation is None else self._reservation.take(attempt)

    async def in_slot(self, attempt: Attempt, run: Callable[[], Awaitable[Failure | None]]) -> Failure | None:
        """What `run` comes to, once the account's limits have room, and the member in a combo of turns."""
        config, combo = attempt.config, self.entry.combo
        if config is None or combo is None or config.strategy is not Strategy.ROUND_ROBIN:
            return await self._admitted(attempt) or await run()
        most = config.concurrency_per_model
        slots = self.gateway.turns.slots(combo, attempt.provider.id, attempt.model, most)
        try:
            async with asyncio.timeout(config.queue_timeout_ms / 1000):
                await slots.acquire()
        except TimeoutError:
            message = f"{most} requests are under way, and none ended in {config.queue_timeout_ms} ms"
            return Failure(kind=FailureKind.OVERDUE, message=message)
        try:
            return await self._admitted(attempt) or await run()
        finally:
            slots.release()

    async def _admitted(self, attempt: Attempt) -> Failure | None:
        """Stand in line for the account where its limit is used up; why it cannot be asked in the end.

        A request waits so long in all, not for each account.
        """
        clock, health = self.gateway.clock, self.gateway.health
        began_s = clock.monotonic_s()
        within_s = min(LONGEST_QUEUE_S - self._queued_s, self._until_s - began_s)
        obstacle = await health.admit(attempt, within_s=within_s)
        self._queued_s += clock.monotonic_s() - began_s
        if obstacle is None:
            return None
        message = f"the limit of account {attempt.account.name!r} left no room for the request in time"
        if obstacle.scope is not Scope.LIMIT:
            message = f"account {attempt.account.name!r} is not asked now: {obstacle.reason}"
        wait_s = max(obstacle.until_s - health.now_s, 1.0)
        return Failure(
            kind=FailureKind.RATE_LIMITED,
            message=message,
            retry_after_s=wait_s if math.isfinite(wait_s) else None,
        )

    async def _reserve(self, attempts: Sequence[Attempt]) -> Reservation | None:
        """What the request may cost, held in every budget it counts toward until its row is written.

        `None`: no budget has a say. Raises `Refused`.
        """
        snapshot, call, entry = self.dialogue.snapshot, self.dialogue.call, self.entry
        if not snapshot.budgets:
            return None
        key_id = call.key.id if call.key is not None else None
        if not applies(snapshot, key_id, attempts):
            return None
        await look_up(self.gateway.prices, ((one.provider.label, one.model) for one in attempts))
        ask = Ask(
            row_id=entry.id,
            key_id=key_id,
            prompt_tokens=self.tokens or prompt_tokens(call.body),
            max_tokens=output_limit(self.dialogue.envelope),
        )
        return self.gateway.budgets.admit(snapshot, ask, attempts, self.notes)

    async def screen(self) -> None:
        """Let the guard look at the request, where the user wants one. Raises `Refused`."""
        guard = self.dialogue.snapshot.preferences.injection_guard
        if not is_on(guard) or self.dialogue.call.operation.format is None:
            return
        for found in await self.dialogue.screen():
            done = "taken out" if found.redacted else "found"
            self.notes.append(
                f"guard: {found.rule} ({found.severity}) {done} {found.count}x in {found.where}"
            )

    def _terms(self, route: Route) -> Terms:
        gateway, dialogue = self.gateway, self.dialogue
        return Terms(
            outlook=gateway.health,
            rng=gateway.rng,
            needs=self._needs() if len(route.members) > 1 else NO_NEEDS,
            session=lambda: self.entry.session_id or fingerprint(dialogue.envelope, dialogue.tenant),
            turn=self._turn,
        )

    def _turn(self, combo_id: str) -> int:
        """The same however often the request plans."""
        return self._turns.setdefault(combo_id, self.gateway.turns.peek(combo_id))

    def _take_turns(self, first: Attempt) -> None:
        """A request takes a turn of the combos it asks first, not of those it only falls back on."""
        for group in around(self.route.root, first.provider.id, first.model):
            if group.config.strategy is Strategy.ROUND_ROBIN:
                self.gateway.turns.next(group.combo.id)

    def count(self, attempt: Attempt) -> None:
        """Tell the combos the attempt stands in that they ask one of theirs."""
        if self.route.combo is None:
            return
        member = f"{attempt.provider.label}/{attempt.model}"
        for group in around(self.route.root, attempt.provider.id, attempt.model):
            if group.config.track_metrics:
                self.gateway.combo_uses.asked(group.combo.id, member)

    def _needs(self) -> Needs:
        envelope = self.dialogue.envelope
        tools = "tools" in envelope and envelope.raw("tools") not in (b"[]", b"null")
        size = len(self.dialogue.call.body)
        return Needs(tokens=lambda: self.tokens, body_bytes=size, tools=tools, images=self._has_images)

    def _has_images(self) -> bool:
        if self.dialogue.call.operation.format is None:
            return False
        return any(
            isinstance(part, Media) and part.kind is MediaKind.IMAGE
            for message in self.dialogue.request.messages
            for part in message.parts
        )

    async def _count(self, route: Route) -> None:
        """Count the prompt where a member's window might be too small for it: that takes a while."""
        if len(route.members) < 2 or self.dialogue.call.operation.format is None:
            return
        if any(may_be_too_long(member, len(self.dialogue.call.body)) for member in route.members):
            request = self.dialogue.request
            self.tokens = await asyncio.to_thread(count_request, request, family_of(request.model))

    def _over_first(self, obstacles: Sequence[Obstacle]) -> Obstacle | None:
        """The one that is over first, when that is soon; `None`: tell the client instead."""
        passing = [one for one in obstacles if one.reason in _PASSING]
        if not passing:
            return None
        first = min(passing, key=lambda one: one.until_s)
        wait_s = _wait_s(first, self.gateway.health.now_s)
        return first if wait_s <= min(LONGEST_WAIT_S, LONGEST_QUEUE_S - self._waited_s) else None

    def _no_account(self, route: Route, made: Plan) -> Refused:
        """What to tell a client that no account can serve now."""
        whys = "; ".join(
            dict.fromkeys(
                f"{one.provider}/{one.model}{f' ({one.account})' if one.account else ''}: {one.skipped}"
                for one in made.candidates
                if one.skipped and one.provider
            )
        )
        message = (
            f"no account can serve {route.requested!r} now: {whys}"
            if whys
            else (f"no account can serve {route.requested!r}")
        )
        now_s, rng = self.gateway.health.now_s, self.gateway.rng
        return Refused(_kind(made), message, retry_after_s=ask_again_s(made.obstacles, now_s=now_s, rng=rng))

    def _timings(self) -> dict[str, float]:
        """By phase, in milliseconds."""
        spent = {"plan": self._planning_s, "wait": self._waited_s}
        return {phase: round(took_s * 1000, 2) for phase, took_s in spent.items() if took_s > 0}

    def decision(self) -> Decision | None:
        """Why the request went where it went, so far; `None`: its name is not even known."""
        if self._planned is None:
            return None
        route, made = self._planned
        return Decision(
            requested=route.requested,
            aliases=route.hops,
            combo=route.combo.name if route.combo else None,
            strategy=made.strategy or None,
            session=made.session,
            candidates=made.candidates,
            policies=self.policies,
            notes=tuple(self.notes),
            timings_ms=self._timings(),
        )


_UNPLANNED = Plan(attempts=())
"""Of a request that is answered, or refused, before anybody is planned to be asked."""


def _wait_s(obstacle: Obstacle, now_s: float) -> float:
    return max(obstacle.until_s - now_s, 0.01)


def _kind(made: Plan) -> ErrorKind:
    """What it is that keeps a request from all accounts."""
    if made.obstacles:
        reasons = {one.reason for one in made.obstacles}
        alone = reasons.pop() if len(reasons) == 1 else ""
        return _KIND_OF.get(alone, ErrorKind.UNAVAILABLE)
    skipped = {one.skipped for one in made.candidates}
    return ErrorKind.UNSUPPORTED if skipped & {NO_TOOLS, NO_IMAGES} else ErrorKind.NO_CREDENTIALS


_KIND_OF = {
    "rate_limit_exceeded": ErrorKind.RATE_LIMITED,
    "budget_exceeded": ErrorKind.BUDGET_EXCEEDED,
}
