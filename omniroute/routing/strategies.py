"""In which order a combo's members are asked: one pure function for each strategy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from types import MappingProxyType

from omniroute.records import Category, Price, Strategy
from omniroute.routing.auto import Needs, Scored, ranked
from omniroute.routing.outlook import Outlook
from omniroute.routing.route import Group, Member, Node

_UNBILLED = frozenset({Category.SUBSCRIPTION, Category.FREE, Category.LOCAL})


@dataclass(frozen=True, slots=True)
class Draw:
    """What an order may depend on besides the members."""

    outlook: Outlook
    rng: Random
    turn: Callable[[str], int]
    """How often a combo was asked first before, by its id."""
    needs: Needs
    prefers: str | None = None
    """The provider to put first among equals."""


Order = Callable[[Group, Draw], Sequence[Node]]


def ordered(group: Group, draw: Draw) -> list[Scored]:
    """The targets of a combo in the order to ask, nested combos by their own strategy."""
    if group.config.strategy is Strategy.AUTO:
        return ranked(list(group.members()), draw.outlook, draw.needs, group.config.auto_mode)
    members: list[Scored] = []
    for node in STRATEGIES[group.config.strategy](group, draw):
        members.extend(ordered(node, draw) if isinstance(node, Group) else [Scored(node)])
    return members


def by_priority(group: Group, draw: Draw) -> Sequence[Node]:
    """As listed."""
    del draw
    return group.children


def by_weight(group: Group, draw: Draw) -> Sequence[Node]:
    """The first is drawn by weight, the others follow by falling weight; without weights all are equal."""
    children = list(group.children)
    if not children:
        return children
    weights = [max(child.weight, 0) for child in children]
    if not any(weights):
        weights = [1.0] * len(children)
    first = draw.rng.choices(range(len(children)), weights)[0]
    rest = [place for place in range(len(children)) if place != first]
    rest.sort(key=lambda place: -weights[place])
    return [children[first], *(children[place] for place in rest)]


def in_turn(group: Group, draw: Draw) -> Sequence[Node]:
    """Each request starts one further on."""
    children = group.children
    start = draw.turn(group.combo.id) % len(children) if children else 0
    return [*children[start:], *children[:start]]


def at_random(group: Group, draw: Draw) -> Sequence[Node]:
    """Shuffled."""
    children = list(group.children)
    draw.rng.shuffle(children)
    return children


def by_use(group: Group, draw: Draw) -> Sequence[Node]:
    """The member with the fewest requests of the last day first."""
    counts = draw.outlook.combo_counts(group.combo.id)
    return sorted(group.members(), key=lambda member: counts.get(member.label, 0))


def by_cost(group: Group, draw: Draw) -> Sequence[Node]:
    """The cheapest first; what is not billed costs nothing, an unknown price stands last."""
    return sorted(group.members(), key=lambda member: cost(member, draw.outlook))


def cost(member: Member, outlook: Outlook) -> float:
    """Nano-USD for a million tokens in and as many out; infinite when nobody knows."""
    if member.provider.category in _UNBILLED:
        return 0
    return price_sum(outlook.price(member.provider, member.model))


def price_sum(price: Price | None) -> float:
    """Both directions together; infinite when one is not known."""
    if price is None or price.rates.input is None or price.rates.output is None:
        return float("inf")
    return price.rates.input + price.rates.output


STRATEGIES: Mapping[Strategy, Order] = MappingProxyType(
    {
        Strategy.PRIORITY: by_priority,
        Strategy.WEIGHTED: by_weight,
        Strategy.ROUND_ROBIN: in_turn,
        Strategy.RANDOM: at_random,
        Strategy.LEAST_USED: by_use,
        Strategy.COST_OPTIMIZED: by_cost,
    }
)
"""All but `auto`, which scores members instead of ordering entries."""
