"""`/api/policies`: the user's rules over requests, and who is locked out."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec
import sqlalchemy as sa

from omniroute.api.policies import (
    Actions,
    BreakerEntry,
    Conditions,
    Evaluate,
    LockedIdentifier,
    Policies,
    PolicyBody,
    PolicyEntry,
    PolicyRemoval,
    Removed,
    TimeWindow,
    Unlock,
    Unlocked,
)
from omniroute.clock import iso
from omniroute.records import Policy, PolicyConditions, PolicyType
from omniroute.records.addresses import parse_address_set
from omniroute.server.manage.call import Answer, ManageCall, invalid, not_found
from omniroute.server.manage.evaluating import evaluate
from omniroute.server.manage.health_views import connected, shown_breaker
from omniroute.server.manage.rows import commit, note, read
from omniroute.store import lockouts, policies
from omniroute.store.lockouts import BAN
from omniroute.ulid import new_ulid

_ACTIONS: Mapping[str, frozenset[str]] = {
    "routing": frozenset({"prefer_provider"}),
    "access": frozenset({"block_model", "allow_model"}),
    "budget": frozenset({"max_tokens"}),
}
"""What each type may do."""


async def list_policies(call: ManageCall) -> Policies:
    """`GET /api/policies`: in the order they apply."""

    def find(connection: sa.Connection) -> tuple[list[PolicyEntry], list[LockedIdentifier]]:
        return [shown_policy(policy) for policy in policies.listing(connection)], _locked(call, connection)

    found, locked = await read(call, find)
    providers = dict.fromkeys(provider.id for provider, _ in connected(call.gateway))
    return Policies(
        policies=found,
        circuit_breakers=[_breaker(call, provider_id) for provider_id in providers],
        locked_identifiers=locked,
    )


async def post_policies(call: ManageCall) -> msgspec.Struct | Answer:
    """`POST /api/policies`: make or replace one, end a lock, or ask what would become of a request."""
    action = call.read(_Action).action
    if action is None:
        return await _put(call, call.read(PolicyBody))
    if action == "unlock":
        return await _unlock(call, call.read(Unlock))
    if action == "evaluate":
        return await evaluate(call, call.read(Evaluate))
    raise invalid("action", "must be unlock, evaluate, or absent")


class _Action(msgspec.Struct):
    action: str | None = None


async def delete_policy(call: ManageCall) -> Removed:
    """`DELETE /api/policies`"""
    policy_id = call.query.get("id") or call.read(PolicyRemoval).id
    if not policy_id:
        raise invalid("id", "must name a policy")

    def delete(connection: sa.Connection) -> None:
        if not policies.delete(connection, policy_id):
            raise not_found("policy", policy_id)
        note(call, connection, "policy.delete", policy_id)

    await commit(call, delete)
    return Removed(success=True, removed=True)


async def _put(call: ManageCall, body: PolicyBody) -> Answer:
    policy = policy_of(body, call.gateway.clock.now_ms())
    for name in policy.prefer_provider:
        if name not in call.gateway.snapshot.names:
            raise invalid("actions.prefer_provider", f"there is no provider {name!r}")

    def put(connection: sa.Connection) -> tuple[bool, Policy]:
        is_new = policies.put(connection, policy)
        action = "policy.create" if is_new else "policy.update"
        note(call, connection, action, policy.id, name=policy.name, type=policy.type.value)
        return is_new, next(one for one in policies.listing(connection) if one.id == policy.id)

    is_new, stored = await commit(call, put)
    return Answer(shown_policy(stored), 201 if is_new else 200)


async def _unlock(call: ManageCall, body: Unlock) -> Unlocked:
    identifier = body.identifier.strip()

    def unlock(connection: sa.Connection) -> None:
        known = lockouts.find(connection, identifier)
        if known is None or identifier.startswith(BAN) or not _is_locked(call, known):
            raise not_found("locked identifier", identifier)
        lockouts.delete(connection, identifier)
        note(call, connection, "auth.unlock", identifier)

    await commit(call, unlock)
    return Unlocked(success=True, action="unlocked", identifier=identifier)


def _locked(call: ManageCall, connection: sa.Connection) -> list[LockedIdentifier]:
    now_ms = call.gateway.clock.now_ms()
    return [
        LockedIdentifier(
            identifier=name, locked_until=row.locked_until_ms, remaining_ms=row.locked_until_ms - now_ms
        )
        for name, row in lockouts.listing(connection).items()
        if not name.startswith(BAN) and _is_locked(call, row)
    ]


def _is_locked(call: ManageCall, row: lockouts.Lockout) -> bool:
    return row.locked_until_ms > call.gateway.clock.now_ms()


def _breaker(call: ManageCall, provider_id: str) -> BreakerEntry:
    shown = shown_breaker(call.gateway, provider_id)
    return BreakerEntry(
        name=shown.name,
        state=shown.state,
        failure_count=shown.failure_count,
        last_failure_time=shown.last_failure_time,
    )


def policy_of(body: PolicyBody, now_ms: int) -> Policy:
    """The policy as routing knows it. Raises `ApiError` 400 where it makes no sense."""
    name = " ".join(body.name.split())
    if not name or not name.isprintable():
        raise invalid("name", "must hold letters or digits")
    _check_actions(body)
    return Policy(
        id=body.id or new_ulid(now_ms),
        name=name,
        type=PolicyType(body.type),
        is_enabled=body.enabled,
        priority=body.priority,
        conditions=_conditions(body.conditions),
        created_at_ms=now_ms,
        updated_at_ms=now_ms,
        prefer_provider=tuple(body.actions.prefer_provider),
        block_model=tuple(body.actions.block_model),
        allow_model=tuple(body.actions.allow_model),
        max_tokens=body.actions.max_tokens,
    )


def _check_actions(body: PolicyBody) -> None:
    """Raises `ApiError` 400 unless there are actions, and all fit the type."""
    given = [name for name, value in msgspec.structs.asdict(body.actions).items() if value]
    fitting = _ACTIONS[body.type]
    for name in given:
        if name not in fitting:
            raise invalid(f"actions.{name}", f"is nothing for a policy of type {body.type}")
    if not given:
        raise invalid("actions", f"must hold {' or '.join(sorted(fitting))}")


def _conditions(given: Conditions) -> PolicyConditions:
    for written in given.client_ips:
        try:
            parse_address_set(written)
        except ValueError as error:
            raise invalid("conditions.client_ips", f"{written!r} {error}") from None
    return PolicyConditions(
        model_pattern=given.model_pattern,
        api_key_ids=tuple(given.api_key_ids),
        client_ips=tuple(given.client_ips),
        time_window=MappingProxyType(_window(given.time_window)),
    )


def _window(window: TimeWindow | None) -> dict[str, str]:
    if window is None:
        return {}
    return {"start": window.start, "end": window.end, "days": ",".join(window.days)}


def shown_policy(policy: Policy) -> PolicyEntry:
    """The policy as the API shows it."""
    conditions, window = policy.conditions, policy.conditions.time_window
    return PolicyEntry(
        id=policy.id,
        name=policy.name,
        type=policy.type.value,
        enabled=policy.is_enabled,
        priority=policy.priority,
        conditions=Conditions(
            model_pattern=conditions.model_pattern,
            api_key_ids=list(conditions.api_key_ids),
            client_ips=list(conditions.client_ips),
            time_window=_shown_window(window) if window else None,
        ),
        actions=Actions(
            prefer_provider=list(policy.prefer_provider),
            block_model=list(policy.block_model),
            allow_model=list(policy.allow_model),
            max_tokens=policy.max_tokens,
        ),
        created_at=iso(policy.created_at_ms),
        updated_at=iso(policy.updated_at_ms),
    )


def _shown_window(window: Mapping[str, str]) -> TimeWindow:
    days = [day for day in window.get("days", "").split(",") if day]
    return msgspec.convert({**window, "days": days}, TimeWindow)
