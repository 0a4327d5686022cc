"""What would become of a request: asked, not done."""

from typing import Literal

from omniroute.api.policies import Evaluate, Evaluation
from omniroute.errors import ErrorKind, Refused
from omniroute.gateway import answers
from omniroute.gateway.permitted import ruled
from omniroute.records import ApiKey
from omniroute.records.addresses import parse_ip
from omniroute.routing.resolve import route_of
from omniroute.routing.route import Route
from omniroute.server.manage.call import ManageCall, invalid
from omniroute.server.manage.rows import read
from omniroute.store import lockouts

Phase = Literal["lockout", "key", "allowed_models", "policies", "model", "passed"]

_PHASES: dict[ErrorKind, Phase] = {
    ErrorKind.NOT_ALLOWED: "allowed_models",
    ErrorKind.POLICY_BLOCKED: "policies",
}


async def evaluate(call: ManageCall, question: Evaluate) -> Evaluation:
    """`POST /api/policies` with `action: evaluate`: the same steps as for a request, in their order."""
    gateway, snapshot = call.gateway, call.gateway.snapshot
    now_ms = gateway.clock.now_ms()
    address = _address(question.client_ip)
    if address is not None:
        lock = await read(call, lambda connection: lockouts.find(connection, f"ip:{address}"))
        if lock is not None and lock.locked_until_ms > now_ms:
            return _stopped("lockout", f"{address} is locked out")
    key = _key(call, question.api_key_id)
    if key is not None and not key.is_active:
        return _stopped("key", f"the key {key.name!r} is revoked")
    if key is not None and key.expires_at_ms is not None and key.expires_at_ms <= now_ms:
        return _stopped("key", f"the key {key.name!r} has expired")
    try:
        route = answers.allowed(key, question.model, route_of(snapshot, question.model))
        allowed = ruled(gateway, snapshot, route, key, address)
    except Refused as refused:
        return _stopped(_PHASES.get(refused.kind, "model"), refused.message)
    return Evaluation(
        allowed=True,
        reason=None,
        policy_phase="passed",
        preferred_providers=list(allowed.route.preferred),
        applied_policies=list(allowed.applied),
        max_tokens=allowed.max_tokens,
        fallback_chain=_chain(call, allowed.route),
        targets=[member.label for member in allowed.route.members],
    )


def _stopped(phase: Phase, reason: str) -> Evaluation:
    return Evaluation(
        allowed=False,
        reason=reason,
        policy_phase=phase,
        preferred_providers=[],
        applied_policies=[],
        max_tokens=None,
        fallback_chain=[],
        targets=[],
    )


def _address(text: str | None) -> str | None:
    try:
        return None if text is None else str(parse_ip(text))
    except ValueError:
        raise invalid("clientIp", "must be an address") from None


def _key(call: ManageCall, key_id: str | None) -> ApiKey | None:
    if key_id is None:
        return None
    key = next((key for key in call.gateway.snapshot.keys.values() if key.id == key_id), None)
    if key is None:
        raise invalid("apiKeyId", f"there is no API key {key_id!r}")
    return key


def _chain(call: ManageCall, route: Route) -> list[str]:
    """The providers asked when the model's own have failed; combos have no chain."""
    if route.combo is not None:
        return []
    names = (route.requested, *(f"{member.provider.id}/{member.model}" for member in route.members))
    models = (*names, *(member.model for member in route.members))
    steps = next((found for name in models if (found := call.gateway.snapshot.chains.get(name))), ())
    providers = call.gateway.snapshot.providers
    return [
        providers[step.provider_id].label if step.provider_id in providers else step.provider_id
        for step in steps
        if step.is_enabled
    ]
