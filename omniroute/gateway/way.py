"""Where one request goes: its plan, the waits between its attempts, and the record of both."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from omniroute.conversation.count import count_request
from omniroute.conversation.parts import Media, MediaKind
from omniroute.conversation.tokens import family_of
from omniroute.errors import ErrorKind, Refused
from omniroute.gateway import answers
from omniroute.gateway.dialogue import Dialogue
from omniroute.gateway.gateway import Gateway
from omniroute.gateway.session import fingerprint
from omniroute.gateway.usage_log import UsageEntry
from omniroute.records import Strategy
from omniroute.routing import decision
from omniroute.routing.auto import Needs
from omniroute.routing.decide import LONGEST_WAIT_S, Step
from omniroute.routing.decision import Decision
from omniroute.routing.outlook import PROBING, Obstacle
from omniroute.routing.plan import Attempt, Plan, Terms, may_be_too_long, plan
from omniroute.routing.policies import Asked, rule
from omniroute.routing.resolve import route_of
from omniroute.routing.route import Group, Route

LONGEST_QUEUE_S = 30.0
"""A request waits this long at most for an account whose limit will let it through."""


_PASSING = frozenset(
    {"rate_limit_exceeded", "server_error", "timeout", "model_capacity", "circuit_open", PROBING}
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

    async def plan(self) -> Sequence[Attempt]:
        """The attempts in order; at least one. Raises `Refused`, saying when to come back if it is known."""
        route = self.route
        await self._count(route)
        waited_s = 0.0
        while True:
            made = plan(self.dialogue.snapshot, route, self._terms(route))
            self._record(route, made)
            if made.attempts:
                return made.attempts
            wait_s = self._worth_waiting(made.obstacles, waited_s)
            if wait_s is None:
                raise self._no_account(route, made)
            waited_s += wait_s
            await asyncio.sleep(wait_s)

    async def wait(self, step: Step, *, until_s: float) -> bool:
        """Pause before an attempt as long as it needs; False when it would begin too late."""
        gateway, attempt = self.gateway, step.attempt
        delay_s = step.delay_s
        if delay_s > 0 and (
            obstacle := gateway.health.obstacle(attempt.provider, attempt.account, attempt.model)
        ):
            delay_s = max(delay_s, obstacle.until_s - gateway.health.now_s)
        if gateway.clock.monotonic_s() + delay_s > until_s:
            return False
        if delay_s > 0:
            await asyncio.sleep(delay_s)
        return True

    def resolve(self) -> Route:
        """What the name stands for, as far as key and policies allow. Raises `Refused`."""
        call, snapshot = self.dialogue.call, self.dialogue.snapshot
        name = self.entry.requested_model or ""
        route = route_of(snapshot, name, only_provider=call.only_provider)
        route = answers.allowed(call.key, name, route)
        route = answers.check_route(route, call.operation)
        if route.combo is not None:
            self.entry.combo = route.combo.name
        if snapshot.policies:
            route = self._ruled(route)
        self.route = route
        return route

    def _ruled(self, route: Route) -> Route:
        """What the user's policies leave of the route, and what they ask of the request."""
        call, zone = self.dialogue.call, self.gateway.zone
        asked = Asked(
            now=datetime.fromtimestamp(self.gateway.clock.now_ms() / 1000, zone),
            api_key_id=call.key.id if call.key is not None else None,
            client_ip=call.client_ip,
        )
        ruled = rule(self.dialogue.snapshot, route, asked)
        self.policies = ruled.applied
        self.dialogue.max_tokens = ruled.max_tokens
        return ruled.route

    def _terms(self, route: Route) -> Terms:
        gateway, dialogue = self.gateway, self.dialogue
        turn = 0
        root = route.root
        if isinstance(root, Group) and root.config.strategy is Strategy.ROUND_ROBIN:
            turn = gateway.turns.next(root.combo.id)
        return Terms(
            outlook=gateway.health,
            rng=gateway.rng,
            needs=self._needs() if len(route.members) > 1 else Needs(),
            session=lambda: self.entry.session_id or fingerprint(dialogue.envelope, dialogue.tenant),
            turn=turn,
        )

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

    def _worth_waiting(self, obstacles: Sequence[Obstacle], waited_s: float) -> float | None:
        """Seconds until something may be free, when that is soon; `None`: tell the client instead."""
        if not obstacles:
            return None
        passing = [one for one in obstacles if one.reason in _PASSING]
        if not passing:
            return None
        first_s = min(one.until_s for one in passing)
        wait_s = max(first_s - self.gateway.health.now_s, 0.01)
        return wait_s if wait_s <= LONGEST_WAIT_S and waited_s + wait_s <= LONGEST_QUEUE_S else None

    def _no_account(self, route: Route, made: Plan) -> Refused:
        """What to tell a client that no account can serve now."""
        now_s = self.gateway.health.now_s
        ends = [one.until_s - now_s for one in made.obstacles if math.isfinite(one.until_s)]
        limited = made.obstacles and all(one.reason == "rate_limit_exceeded" for one in made.obstacles)
        kind = ErrorKind.RATE_LIMITED if limited else ErrorKind.UNAVAILABLE
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
        return Refused(kind, message, retry_after_s=max(min(ends), 1.0) if ends else None)

    def _record(self, route: Route, made: Plan) -> None:
        self.entry.decision = lambda: decision.encode(
            Decision(
                requested=route.requested,
                aliases=route.hops,
                combo=route.combo.name if route.combo else None,
                strategy=made.strategy,
                candidates=made.candidates,
                policies=self.policies,
                notes=tuple(self.notes),
            )
        )
