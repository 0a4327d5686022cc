"""Rules that say of many models at once what they take."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from types import MappingProxyType

from omniroute.conversation.abilities import Abilities

_SETS = ("drop", "drop_when_thinking")
_MAPS = ("clamp", "reject")


@dataclass(frozen=True, slots=True, kw_only=True)
class AbilityRule:
    """What holds for the targets it fits. An empty list of patterns fits all."""

    name: str
    """Each name stands once; a later rule of the same name takes the earlier one's place."""
    providers: tuple[str, ...] = ()
    """Glob patterns of provider ids; so below."""
    categories: tuple[str, ...] = ()
    dialects: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    """Of model ids in small letters, with or without what stands before the last slash."""
    except_models: tuple[str, ...] = ()
    changes: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    """Fields of `Abilities` to their values. `drop` and its like are added to what earlier rules drop."""
    keep: frozenset[str] = frozenset()
    """Names that earlier rules drop, clamp or reject and this target takes after all."""
    source: str = ""
    """Where this is said, and the day it was read."""


@dataclass(frozen=True, slots=True)
class RuleTarget:
    """What rules are held against."""

    provider: str
    category: str
    dialect: str
    model: str


def apply_rules(abilities: Abilities, rules: Iterable[AbilityRule], target: RuleTarget) -> Abilities:
    """`abilities` changed by every rule that fits, in their order."""
    for rule in rules:
        if fits(rule, target):
            abilities = _changed(abilities, rule)
    return abilities


def fits(rule: AbilityRule, target: RuleTarget) -> bool:
    """Whether a rule speaks of this target."""
    model = target.model.lower()
    names = (model, model.rsplit("/", 1)[-1])
    return (
        _any(rule.providers, (target.provider,))
        and _any(rule.categories, (target.category,))
        and _any(rule.dialects, (target.dialect,))
        and _any(rule.models, names)
        and not (rule.except_models and _any(rule.except_models, names))
    )


def _any(patterns: tuple[str, ...], names: Iterable[str]) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


def _changed(abilities: Abilities, rule: AbilityRule) -> Abilities:
    changes: dict[str, object] = dict(rule.changes)
    for name in _SETS:
        changes[name] = (getattr(abilities, name) | _names(changes.get(name))) - rule.keep
    for name in _MAPS:
        joined = {**getattr(abilities, name), **_map(changes.get(name))}
        changes[name] = MappingProxyType({key: joined[key] for key in joined if key not in rule.keep})
    changed: Abilities = replace(abilities, **changes)  # type: ignore[arg-type]  # the reader checks them
    return changed


def _names(value: object) -> frozenset[str]:
    return value if isinstance(value, frozenset) else frozenset()


def _map(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
