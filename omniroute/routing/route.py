"""What a model's name stands for: one target, or a tree of combos."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from omniroute.records import Combo, ComboConfig, Provider, Strategy


@dataclass(frozen=True, slots=True)
class Target:
    """A provider and the model to ask it for."""

    provider: Provider
    model: str
    """The upstream's own id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """A combo's configuration after the whole cascade; times in milliseconds."""

    strategy: Strategy = Strategy.PRIORITY
    max_retries: int = 1
    retry_delay_ms: int = 2000
    timeout_ms: int = 120_000
    concurrency_per_model: int = 3
    queue_timeout_ms: int = 30_000
    max_combo_depth: int = 3
    track_metrics: bool = True
    auto_mode: str = "balanced"
    fall_back_on_content: bool = False
    continue_after_cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One target that may be asked, and under which terms."""

    provider: Provider
    model: str
    accounts: tuple[str, ...] = ()
    """Names or ids of the only accounts that may be used; empty: all."""
    config: Effective | None = None
    """`None`: not part of a combo."""
    weight: float = 0

    @property
    def label(self) -> str:
        """As people write it."""
        return f"{self.provider.label}/{self.model}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A combo with its entries, nested ones expanded."""

    combo: Combo
    config: Effective
    children: tuple["Node", ...] = ()
    weight: float = 0

    def members(self) -> Iterator[Member]:
        """All targets below, in listed order."""
        for child in self.children:
            if isinstance(child, Group):
                yield from child.members()
            else:
                yield child


Node: TypeAlias = Member | Group


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """An entry of a combo that cannot be asked, and why."""

    model: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What a name was resolved to."""

    requested: str
    hops: tuple[str, ...] = ()
    """Aliases followed, in order: what each stood for."""
    root: Node
    unusable: tuple[Unusable, ...] = field(default=())
    preferred: tuple[str, ...] = ()
    """Ids of the providers that policies put in front of all others, whatever the strategy."""
    is_bound: bool = False
    """The client named the only provider it wants: no other may be added."""

    @property
    def combo(self) -> Combo | None:
        """The combo that was asked for, if one was."""
        return self.root.combo if isinstance(self.root, Group) and self.root.combo.id else None

    @property
    def members(self) -> tuple[Member, ...]:
        """All targets, in listed order."""
        return tuple(self.root.members()) if isinstance(self.root, Group) else (self.root,)


def around(root: Node, provider_id: str, model: str) -> tuple[Group, ...]:
    """The groups that hold a target, the outermost first; empty when it stands in none."""
    if isinstance(root, Member):
        return ()
    for child in root.children:
        if isinstance(child, Member):
            if child.provider.id == provider_id and child.model == model:
                return (root,)
        elif inner := around(child, provider_id, model):
            return (root, *inner)
    return ()


def asks_for_prices(root: Node) -> bool:
    """Whether the order of the targets depends on what they cost."""
    if isinstance(root, Member):
        return False
    return root.config.strategy in (Strategy.AUTO, Strategy.COST_OPTIMIZED) or any(
        asks_for_prices(child) for child in root.children
    )


def in_turn(members: Sequence[Member]) -> Group:
    """Targets to be asked one after the other that make no combo."""
    return Group(combo=Combo(id="", name=""), config=Effective(), children=tuple(members))


def cascade(*levels: ComboConfig) -> Effective:
    """The configuration in force: later levels win, and `None` never overrides."""
    known = {
        name: value
        for level in levels
        for name in level.__slots__
        if (value := getattr(level, name)) is not None
    }
    return Effective(**known)
