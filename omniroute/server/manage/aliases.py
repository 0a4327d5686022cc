"""`/api/models/alias`: the user's own names for models, patterns among them."""

from collections.abc import Mapping
from dataclasses import replace

import msgspec
import sqlalchemy as sa

from omniroute.api.aliases import AliasChange, Aliases, AliasRemoval, AliasSet, Removed
from omniroute.errors import ErrorKind, Refused
from omniroute.records import Snapshot
from omniroute.records.preferences import WildcardAlias
from omniroute.routing.resolve import route_of
from omniroute.server.manage.call import ApiError, ManageCall, invalid
from omniroute.server.manage.combos import flaw_of
from omniroute.server.manage.rows import commit, note
from omniroute.store import aliases, settings

WILDCARDS = "wildcardAliases"
MOST_WILDCARDS = 200
_LATER = frozenset({ErrorKind.NO_CREDENTIALS, ErrorKind.UNAVAILABLE, ErrorKind.PROVIDER_NOT_ALLOWED})
"""What may be so today only: the user is warned, not refused."""


async def list_aliases(call: ManageCall) -> Aliases:
    """`GET /api/models/alias`"""
    snapshot = call.gateway.snapshot
    return Aliases(
        aliases=dict(sorted(snapshot.aliases.items())),
        wildcards=list(snapshot.preferences.wildcard_aliases),
    )


async def set_alias(call: ManageCall) -> AliasSet:
    """`PUT`, `POST /api/models/alias`: the next request follows it."""
    change = call.read(AliasChange)
    snapshot = call.gateway.snapshot
    alias, model = change.alias, change.model.strip()
    if alias in snapshot.combos:
        raise ApiError(409, "CONFLICT", f"{alias!r} is a combo already")
    is_pattern = "*" in alias or "?" in alias
    wildcards = with_wildcard(snapshot.preferences.wildcard_aliases, alias, model)
    if is_pattern and len(wildcards) > MOST_WILDCARDS:
        raise invalid("alias", f"there are {MOST_WILDCARDS} patterns already")
    after = with_aliases(
        snapshot,
        snapshot.aliases if is_pattern else {**snapshot.aliases, alias: model},
        wildcards if is_pattern else snapshot.preferences.wildcard_aliases,
    )
    warnings = check_alias(after, alias, model)

    def put(connection: sa.Connection) -> None:
        if is_pattern:
            settings.put(connection, WILDCARDS, msgspec.to_builtins(wildcards))
        else:
            aliases.put(connection, alias, model)
        note(call, connection, "alias.set", alias, model=model)

    await commit(call, put)
    return AliasSet(success=True, alias=alias, model=model, warnings=warnings)


async def remove_alias(call: ManageCall) -> Removed:
    """`DELETE /api/models/alias?alias=`"""
    alias = call.query.get("alias") or call.read(AliasRemoval).alias
    if not alias:
        raise invalid("alias", "is missing")

    def remove(connection: sa.Connection) -> bool:
        known = call.gateway.snapshot.preferences.wildcard_aliases
        kept = tuple(one for one in known if one.pattern != alias)
        removed = aliases.delete(connection, alias)
        if kept != known:
            settings.put(connection, WILDCARDS, msgspec.to_builtins(kept))
            removed = True
        if removed:
            note(call, connection, "alias.delete", alias)
        return removed

    return Removed(success=True, removed=await commit(call, remove))


def with_wildcard(known: tuple[WildcardAlias, ...], pattern: str, target: str) -> tuple[WildcardAlias, ...]:
    """The patterns with one more, or with another target for the one there is."""
    one = WildcardAlias(pattern, target)
    if any(other.pattern == pattern for other in known):
        return tuple(one if other.pattern == pattern else other for other in known)
    return (*known, one)


def with_aliases(
    snapshot: Snapshot, names: Mapping[str, str], wildcards: tuple[WildcardAlias, ...]
) -> Snapshot:
    """The configuration as it would be."""
    preferences = msgspec.structs.replace(snapshot.preferences, wildcard_aliases=wildcards)
    return replace(snapshot, aliases=names, preferences=preferences)


def check_alias(after: Snapshot, alias: str, model: str) -> list[str]:
    """Why the alias leads nowhere today, if so. Raises `ApiError` 400 when it can lead nowhere ever."""
    if alias == model:
        raise invalid("model", "an alias cannot stand for itself")
    _check_combos(after, alias)
    try:
        route_of(after, model if "*" in alias or "?" in alias else alias)
    except Refused as refused:
        if refused.kind not in _LATER and model not in after.owners:
            raise invalid("model", refused.message) from None
        return [refused.message]
    return []


def _check_combos(after: Snapshot, alias: str) -> None:
    """Raises `ApiError` 400 when a combo that holds the alias would lead back to itself by it."""
    names = {name: target for name, target in after.aliases.items() if name != alias}
    patterns = tuple(one for one in after.preferences.wildcard_aliases if one.pattern != alias)
    before = with_aliases(after, names, patterns)
    for combo in after.combos.values():
        flaw = flaw_of(combo, after.combos, after.aliases, after.preferences)
        if flaw is not None and flaw_of(combo, after.combos, names, before.preferences) is None:
            raise invalid("model", flaw)
