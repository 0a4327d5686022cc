"""What the user's policies make of a request."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from omniroute.errors import ErrorKind, Refused
from omniroute.records import Policy, PolicyType, Snapshot
from omniroute.records.addresses import parse_address_set, parse_ip
from omniroute.routing.resolve import blocked_providers, is_connected
from omniroute.routing.route import Member, Node, Route, Unusable, in_turn
from omniroute.routing.wildcards import covers

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WHOLE_DAY = "24:00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as far as conditions look at it."""

    now: datetime
    """In the gateway's zone."""
    api_key_id: str | None = None
    client_ip: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruled:
    """What remains of a request after its policies."""

    route: Route
    max_tokens: int | None = None
    """The most tokens an answer may have; `None`: no policy says."""
    applied: tuple[str, ...] = ()
    """Names of the policies that had a say, in the order they apply."""


def rule(snapshot: Snapshot, route: Route, asked: Asked) -> Ruled:
    """The route after all policies that apply. Raises `Refused` naming the one that blocks it.

    Members of a combo that are blocked are left out; the request is refused when none remains. A condition
    that cannot be read counts as met where it guards access, and as not met elsewhere.
    """
    if not snapshot.policies:
        return Ruled(route=route)
    names = [name for member in route.members for name in _names(route, member)]
    applying = [
        policy
        for policy in snapshot.policies
        if _is_met(policy, asked, names, unreadable=policy.type is PolicyType.ACCESS)
    ]
    access = [policy for policy in applying if policy.type is PolicyType.ACCESS]
    allowed, deciding = _permitted(route, access, asked)
    caps = [policy.max_tokens for policy in applying if policy.max_tokens is not None]
    preferred = tuple(
        dict.fromkeys(
            provider_id
            for policy in applying
            for name in policy.prefer_provider
            if (provider_id := snapshot.names.get(name)) is not None
        )
    )
    applied = (policy for policy in applying if policy.type is not PolicyType.ACCESS or policy in deciding)
    return Ruled(
        route=_preferring(snapshot, allowed, preferred, access, asked),
        max_tokens=min(caps, default=None),
        applied=tuple(policy.name for policy in applied),
    )


def _names(route: Route, member: Member) -> list[str]:
    """All a glob may mean: what was asked for, each alias on the way, the target with every prefix."""
    prefixes = (member.provider.id, *member.provider.aliases)
    full = (f"{prefix}/{member.model}" for prefix in prefixes)
    return [route.requested, *route.hops, *full, member.model]


def _is_met(policy: Policy, asked: Asked, names: Sequence[str], *, unreadable: bool) -> bool:
    """All conditions hold; `unreadable` is the answer when one of them cannot be read."""
    conditions = policy.conditions
    if conditions.api_key_ids and asked.api_key_id not in conditions.api_key_ids:
        return False
    if conditions.model_pattern and not any(covers(conditions.model_pattern, name) for name in names):
        return False
    try:
        return _from_there(conditions.client_ips, asked.client_ip) and in_window(
            conditions.time_window, asked.now
        )
    except ValueError:
        return unreadable


def _from_there(sets: Sequence[str], client_ip: str | None) -> bool:
    if not sets:
        return True
    ip = parse_ip(client_ip or "")
    return any(ip in parse_address_set(written) for written in sets)


def in_window(window: Mapping[str, str], now: datetime) -> bool:
    """True inside it. One that ends before it starts goes on past midnight, and is of the day it began on.

    Raises ValueError when it cannot be read.
    """
    if not window:
        return True
    start, end = _minutes(window.get("start", "00:00")), _minutes(window.get("end", _WHOLE_DAY))
    minute = now.hour * 60 + now.minute
    day = now
    if start < end:
        inside = start <= minute < end
    else:
        inside = minute >= start or minute < end
        day = now - timedelta(days=1) if minute < end else now
    days = [name.strip().lower() for name in window.get("days", "").split(",") if name.strip()]
    if any(name not in DAYS for name in days):
        raise ValueError(f"a day is one of {', '.join(DAYS)}")
    return inside and (not days or DAYS[day.weekday()] in days)


def _minutes(text: str) -> int:
    if text == _WHOLE_DAY:
        return 24 * 60
    at = time.fromisoformat(text)
    return at.hour * 60 + at.minute


def _permitted(route: Route, access: Sequence[Policy], asked: Asked) -> tuple[Route, list[Policy]]:
    """The route with the members that may be asked, and the policies that decided."""
    if not access:
        return route, []
    deciding: list[Policy] = []
    blocking: list[tuple[Member, Policy]] = []

    def may(member: Member) -> bool:
        policy, is_allowed = _decision(access, asked, _names(route, member))
        if policy is not None:
            deciding.append(policy)
            if not is_allowed:
                blocking.append((member, policy))
        return is_allowed

    root = _kept(route.root, may)
    if root is None:
        policy = blocking[0][1]
        message = f"the policy {policy.name!r} blocks the model {route.requested!r}"
        raise Refused(ErrorKind.POLICY_BLOCKED, message, param="model")
    if root is route.root:
        return route, deciding
    left_out = tuple(
        Unusable(model=member.label, reason=f"blocked by the policy {policy.name!r}")
        for member, policy in blocking
    )
    return replace(route, root=root, unusable=(*route.unusable, *left_out)), deciding


def _decision(access: Sequence[Policy], asked: Asked, names: Sequence[str]) -> tuple[Policy | None, bool]:
    """The first policy with something to say of a target, and whether the target may be asked.

    Inside one policy a block counts before an allowance.
    """
    for policy in access:  # each met by some member, perhaps not by this one
        for globs, is_allowed in ((policy.block_model, False), (policy.allow_model, True)):
            is_named = any(covers(glob, name) for glob in globs for name in names)
            if is_named and _is_met(policy, asked, names, unreadable=not is_allowed):
                return policy, is_allowed
    return None, True


def _kept(node: Node, may: Callable[[Member], bool]) -> Node | None:
    if isinstance(node, Member):
        return node if may(node) else None
    children = tuple(kept for child in node.children if (kept := _kept(child, may)) is not None)
    if not children:
        return None
    return node if children == node.children else replace(node, children=children)


def _preferring(
    snapshot: Snapshot, route: Route, preferred: Sequence[str], access: Sequence[Policy], asked: Asked
) -> Route:
    """The route with the preferred providers in front, and for what is no combo their own of its model."""
    if not preferred or route.is_bound:
        return route
    if route.combo is not None:
        return replace(route, preferred=tuple(preferred))
    members = route.members
    known = {(member.provider.id, member.model) for member in members}
    added = [
        member
        for member in _same_model(snapshot, members[0], preferred)
        if (member.provider.id, member.model) not in known
        and _decision(access, asked, _names(route, member))[1]
    ]
    if not added and len(members) == 1:
        return route
    return replace(route, root=in_turn((*added, *members)), preferred=tuple(preferred))


def _same_model(snapshot: Snapshot, target: Member, preferred: Sequence[str]) -> Iterator[Member]:
    blocked = blocked_providers(snapshot)
    for provider_id in preferred:
        provider = snapshot.providers[provider_id]
        if provider_id == target.provider.id or provider_id in blocked:
            continue
        if provider.model(target.model) is not None and is_connected(snapshot, provider):
            yield Member(provider=provider, model=target.model)
