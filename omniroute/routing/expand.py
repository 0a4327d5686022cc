"""From a combo to the tree of targets it stands for."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import msgspec

from omniroute.errors import ErrorKind, Refused
from omniroute.records import Combo, ComboConfig, ComboEntry, Preferences
from omniroute.records.preferences import MemberSettings
from omniroute.routing.route import Effective, Group, Member, Node, Target, Unusable, cascade
from omniroute.routing.wildcards import MAX_ALIAS_HOPS

MAX_MEMBERS = 200
"""A tree that grows past it is cut: nesting multiplies."""

Find = Callable[[str], "Target | Combo"]
"""What an entry's name stands for. Raises `Refused`."""
AliasOf = Callable[[str], str | None]
"""What the user lets a name stand for; `None`: it is no alias."""


def expand(combo: Combo, preferences: Preferences, find: Find) -> tuple[Group, tuple[Unusable, ...]]:
    """The combo's targets, and the entries that cannot be asked with the reason of each."""
    expanding = _Expanding(preferences, find)
    return expanding.group(combo, (combo.name,), 0), tuple(expanding.unusable)


class _Expanding:
    def __init__(self, preferences: Preferences, find: Find) -> None:
        self._preferences = preferences
        self._find = find
        self._seen: set[tuple[str, str, frozenset[str]]] = set()
        self.unusable: list[Unusable] = []

    def group(self, combo: Combo, path: tuple[str, ...], weight: float) -> Group:
        defaults = as_config(self._preferences.combo_defaults)
        own = replace(combo.config, strategy=combo.strategy)
        config = cascade(defaults, own)
        children = [self._node(combo, config, entry, path) for entry in combo.entries]
        kept = tuple(child for child in children if child is not None)
        return Group(combo=combo, config=config, children=kept, weight=weight)

    def _node(self, combo: Combo, config: Effective, entry: ComboEntry, path: tuple[str, ...]) -> Node | None:
        try:
            found = self._find(entry.model)
        except Refused as refused:
            self._leave_out(entry, refused.message)
            return None
        if isinstance(found, Combo):
            return self._nested(found, config, entry, path)
        key = (found.provider.id, found.model, frozenset(entry.accounts))
        if key in self._seen or (*key[:2], frozenset[str]()) in self._seen:
            self._leave_out(entry, "stands in the combo already")
            return None
        if len(self._seen) >= MAX_MEMBERS:
            self._leave_out(entry, f"the combo has over {MAX_MEMBERS} members")
            return None
        self._seen.add(key)
        return Member(
            provider=found.provider,
            model=found.model,
            accounts=entry.accounts,
            config=self._of_member(combo, found),
            weight=entry.weight,
        )

    def _nested(
        self, combo: Combo, config: Effective, entry: ComboEntry, path: tuple[str, ...]
    ) -> Node | None:
        way = " > ".join((*path, combo.name))
        if combo.name in path:
            self._leave_out(entry, f"leads back to itself: {way}")
            return None
        if len(path) >= config.max_combo_depth:
            self._leave_out(entry, f"nested over {config.max_combo_depth} deep: {way}")
            return None
        return self.group(combo, (*path, combo.name), entry.weight)

    def _of_member(self, combo: Combo, target: Target) -> Effective:
        preferences = self._preferences
        overrides = preferences.provider_overrides.get(target.provider.id, MemberSettings())
        own = replace(combo.config, strategy=combo.strategy)
        return cascade(as_config(preferences.combo_defaults), as_config(overrides), own)

    def _leave_out(self, entry: ComboEntry, reason: str) -> None:
        self.unusable.append(Unusable(model=entry.model, reason=reason))


def check_combo(combo: Combo, others: Mapping[str, Combo], alias_of: AliasOf, *, max_depth: int) -> None:
    """Raises `Refused` naming the way when the combo leads back to itself, or is nested too deep."""
    _Walk({**others, combo.name: combo}, alias_of, max_depth).down(combo, (combo.name,))


class _Walk:
    def __init__(self, combos: Mapping[str, Combo], alias_of: AliasOf, max_depth: int) -> None:
        self._combos = combos
        self._alias_of = alias_of
        self._max_depth = max_depth

    def down(self, combo: Combo, path: tuple[str, ...]) -> None:
        for entry in combo.entries:
            names = self._names(entry.model)
            nested = self._combos.get(names[-1])
            if nested is None:
                continue
            way = " > ".join((*path, *names))
            if nested.name in path:
                raise Refused(ErrorKind.BAD_REQUEST, f"the combo leads back to itself: {way}", param="models")
            if len(path) >= self._max_depth:
                message = f"combos nested over {self._max_depth} deep: {way}"
                raise Refused(ErrorKind.BAD_REQUEST, message, param="models")
            self.down(nested, (*path, nested.name))

    def _names(self, name: str) -> list[str]:
        """The name, and what it leads to by aliases, up to the first combo."""
        names = [name]
        while names[-1] not in self._combos and len(names) <= MAX_ALIAS_HOPS:
            target = self._alias_of(names[-1])
            if target is None:
                break
            names.append(target)
        return names


def as_config(settings: MemberSettings) -> ComboConfig:
    """Stored settings as a level of the cascade."""
    return ComboConfig(**msgspec.structs.asdict(settings))
