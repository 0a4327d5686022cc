"""Combos in lists of models: what a client may count on when it asks for one."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from omniroute.errors import Refused
from omniroute.records import AutoMode, Category, ModelFacts, Provider, Snapshot
from omniroute.routing.resolve import AUTO, route_of
from omniroute.routing.route import Member, Route
from omniroute.server.listed_model import Listed, may_see

PROVIDER = Provider(id="combo", name="Combo", category=Category.NODE)
"""In the place of one provider: a combo has several."""
AUTO_NAMES = (AUTO, *(f"{AUTO}/{mode.value}" for mode in AutoMode if mode is not AutoMode.BALANCED))


def listed(snapshot: Snapshot, patterns: Sequence[str]) -> Iterator[Listed]:
    """Every combo that can be asked, then `auto` and its kin; `patterns` are a key's, where it has some.

    A combo is listed when its own name is allowed, or one of its members.
    """
    own = sorted(name for name, combo in snapshot.combos.items() if combo.is_active)
    for name in (*own, *(name for name in AUTO_NAMES if name not in own)):
        route = _route(snapshot, name)
        if route is None or not (not patterns or may_see(name, patterns) or _has_allowed(route, patterns)):
            continue
        yield Listed(name, PROVIDER, facts_of(name, route.members), None)


def _route(snapshot: Snapshot, name: str) -> Route | None:
    """What the combo leads to; `None`: nothing today, or the name means something else."""
    try:
        route = route_of(snapshot, name)
    except Refused:
        return None
    return route if route.combo is not None else None


def _has_allowed(route: Route, patterns: Sequence[str]) -> bool:
    return any(
        may_see(f"{name}/{member.model}", patterns)
        for member in route.members
        for name in (member.provider.id, *member.provider.aliases)
    )


def facts_of(name: str, members: Sequence[Member]) -> ModelFacts:
    """What the members can do together: a request goes to one that can take it."""
    known = [facts for one in members if (facts := one.provider.model(one.model)) is not None]
    if not known:
        return ModelFacts(id=name)
    outputs = [facts.max_output_tokens for facts in known if facts.max_output_tokens is not None]
    return replace(
        ModelFacts(id=name),
        kind=known[0].kind,
        context_tokens=max((facts.context_tokens or 0 for facts in known), default=0) or None,
        max_output_tokens=min(outputs, default=None),
        dimensions=known[0].dimensions,
        inputs=tuple(dict.fromkeys(kind for facts in known for kind in facts.inputs)),
        tools=_any(facts.tools for facts in known),
        reasoning=_any(facts.reasoning for facts in known),
    )


def _any(values: Iterator[bool | None]) -> bool | None:
    """True when one says so, false when all say no, else nobody knows."""
    found = list(values)
    if any(found):
        return True
    return False if all(value is False for value in found) else None
