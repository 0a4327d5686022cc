"""`/api/routing/plan`: where a request would go now. Nobody is asked, no turn is taken."""

from collections.abc import Sequence

import msgspec

from omniroute.api.routing import Candidate, Decision, PlanBody, PlannedAttempt, PlanRequest
from omniroute.errors import HTTP_STATUS, ErrorKind, Refused
from omniroute.gateway import answers
from omniroute.gateway.call import CHAT
from omniroute.gateway.gateway import Gateway
from omniroute.gateway.permitted import ruled
from omniroute.gateway.price_lookup import look_up
from omniroute.records import ApiKey
from omniroute.routing.auto import Needs
from omniroute.routing.plan import FEWEST_BYTES_PER_TOKEN, Attempt, Plan, Terms, plan
from omniroute.routing.resolve import route_of
from omniroute.routing.route import Route
from omniroute.server.manage.call import ApiError, ManageCall, not_found


async def show_plan(call: ManageCall) -> PlanBody:
    """`POST /api/routing/plan`"""
    wanted = call.read(PlanRequest)
    key = _key(call, wanted.key)
    try:
        route = route_of(call.gateway.snapshot, wanted.model, only_provider=wanted.provider)
        route = answers.allowed(key, wanted.model, route)
        if any(member.provider.formats for member in route.members):
            route = answers.check_route(route, CHAT)
        allowed = ruled(call.gateway, call.gateway.snapshot, route, key, call.peer)
        route = allowed.route
    except Refused as refused:
        raise refusal(refused) from None
    needs = Needs(
        tokens=lambda: wanted.tokens,
        body_bytes=wanted.tokens * FEWEST_BYTES_PER_TOKEN,
        tools=wanted.tools,
        images=lambda: wanted.images,
    )
    targets = ((member.provider.label, member.model) for member in route.members)
    await look_up(call.gateway.prices, targets)
    made = plan(call.gateway.snapshot, route, _terms(call.gateway, needs))
    decision = _decision(route, made, allowed.applied)
    return PlanBody(decision=decision, attempts=[_attempt(one) for one in made.attempts])


def refusal(refused: Refused) -> ApiError:
    """What a client would be told, as the management API tells it."""
    status = HTTP_STATUS[refused.kind]
    code = {400: "VALIDATION_FAILED", 403: "FORBIDDEN", 404: "NOT_FOUND"}.get(status, "INVALID_STATE")
    return ApiError(409 if code == "INVALID_STATE" else status, code, refused.message)


def _key(call: ManageCall, wanted: str | None) -> ApiKey | None:
    if wanted is None:
        return None
    for key in call.gateway.snapshot.keys.values():
        if wanted in (key.id, key.name):
            return key
    raise not_found("API key", wanted)


def _terms(gateway: Gateway, needs: Needs) -> Terms:
    return Terms(outlook=gateway.health, rng=gateway.rng, needs=needs, turn=gateway.turns.peek)


def _decision(route: Route, made: Plan, policies: Sequence[str]) -> Decision:
    return Decision(
        requested=route.requested,
        aliases=list(route.hops),
        combo=route.combo.name if route.combo else None,
        strategy=made.strategy,
        candidates=msgspec.convert(msgspec.to_builtins(made.candidates), list[Candidate]),
        policies=list(policies),
    )


def _attempt(attempt: Attempt) -> PlannedAttempt:
    config = attempt.config
    return PlannedAttempt(
        provider=attempt.provider.label,
        model=attempt.model,
        account=attempt.account.name,
        is_probe=attempt.is_probe,
        timeout_ms=None if config is None else config.timeout_ms,
        max_retries=None if config is None else config.max_retries,
    )


NOT_NOW = frozenset({ErrorKind.NO_CREDENTIALS, ErrorKind.UNAVAILABLE, ErrorKind.PROVIDER_NOT_ALLOWED})
"""Refusals that say a known model cannot be asked, not that there is none."""
