"""`/api/combos`: named chains of models."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import msgspec
import sqlalchemy as sa
from msgspec import UNSET

from omniroute.api.combos import Combo, ComboChange, ComboModel, Combos, NewCombo, Patch, Success
from omniroute.clock import iso
from omniroute.errors import Refused
from omniroute.records import Combo as ComboRecord
from omniroute.records import Preferences, Snapshot
from omniroute.records.preferences import ComboSettings
from omniroute.routing.expand import as_config, check_combo, expand
from omniroute.routing.resolve import lookup
from omniroute.routing.route import Member, cascade
from omniroute.routing.wildcards import alias_of
from omniroute.server.manage.call import Answer, ApiError, ManageCall, invalid, not_found
from omniroute.server.manage.merging import checked, merged, said
from omniroute.server.manage.renaming import rename_combo
from omniroute.server.manage.rows import commit, note, read
from omniroute.store import aliases, combos
from omniroute.store.combos import ComboRow, combo_of
from omniroute.store.key_value import JSON
from omniroute.ulid import new_ulid


async def list_combos(call: ManageCall) -> Combos:
    """`GET /api/combos`: by name."""
    snapshot = call.gateway.snapshot
    return Combos(combos=[_shown(row, snapshot) for row in await read(call, combos.rows)])


async def show_combo(call: ManageCall) -> Combo:
    """`GET /api/combos/{id}`: by its id or its name."""
    row = await read(call, lambda c: combo_named(c, call.params["id"]))
    return _shown(row, call.gateway.snapshot)


async def create_combo(call: ManageCall) -> Answer:
    """`POST /api/combos`"""
    new = call.read(NewCombo)
    now_ms = call.gateway.clock.now_ms()
    row = ComboRow(
        id=new_ulid(now_ms),
        name=new.name,
        strategy=new.strategy,
        models=_models(new.models),
        config=_config({}, new.config),
        is_active=new.is_active,
        created_at_ms=now_ms,
        updated_at_ms=now_ms,
    )

    def create(connection: sa.Connection) -> None:
        check_name(call.gateway.snapshot, connection, row.name)
        check_row(connection, call.gateway.snapshot.preferences, row)
        combos.create(connection, row)
        note(call, connection, "combo.create", row.id, name=row.name)

    await commit(call, create)
    return Answer(_shown(row, call.gateway.snapshot), 201)


async def change_combo(call: ManageCall) -> Combo:
    """`PUT /api/combos/{id}`: what is absent stays; a new name goes wherever the old one stood."""
    change = call.read(ComboChange)

    def update(connection: sa.Connection) -> ComboRow:
        before = combo_named(connection, call.params["id"])
        row = _changed(before, change, call.gateway.clock.now_ms())
        if row.name != before.name:
            check_name(call.gateway.snapshot, connection, row.name)
        check_row(connection, call.gateway.snapshot.preferences, row, before=before)
        combos.update(connection, row)
        if row.name != before.name:
            rename_combo(connection, before.name, row.name)
        note(call, connection, "combo.update", row.id, name=row.name, fields=", ".join(said(change)))
        return row

    row = await commit(call, update)
    call.gateway.turns.reset(row.id)
    return _shown(row, call.gateway.snapshot)


async def delete_combo(call: ManageCall) -> Success:
    """`DELETE /api/combos/{id}`: refused while another combo holds it, but for `?force=true`."""
    force = call.flag("force")

    def delete(connection: sa.Connection) -> ComboRow:
        row = combo_named(connection, call.params["id"])
        holders = [one.name for one in combos.listing(connection) if row.name in _entries(one)]
        if holders and not force:
            raise ApiError(409, "CONFLICT", f"the combo {row.name!r} stands in {', '.join(holders)}")
        combos.delete(connection, row.id)
        note(call, connection, "combo.delete", row.id, name=row.name)
        return row

    row = await commit(call, delete)
    call.gateway.turns.reset(row.id)
    return Success()


def combo_named(connection: sa.Connection, id_or_name: str) -> ComboRow:
    """The combo of that id or name. Raises `ApiError` 404."""
    found = {row.id: row for row in combos.rows(connection)}
    by_name = {row.name: row for row in found.values()}
    row = found.get(id_or_name) or by_name.get(id_or_name)
    if row is None:
        raise not_found("combo", id_or_name)
    return row


def check_name(snapshot: Snapshot, connection: sa.Connection, name: str) -> None:
    """Raises `ApiError` 409 when the name means something already; the store sees to other combos."""
    if name in aliases.listing(connection):
        raise ApiError(409, "CONFLICT", f"{name!r} is an alias already")
    prefix, slash, rest = name.partition("/")
    provider_id = snapshot.names.get(prefix) if slash else None
    if provider_id is not None and (not rest or snapshot.providers[provider_id].model(rest) is not None):
        raise ApiError(409, "CONFLICT", f"{name!r} is a model of {snapshot.providers[provider_id].name}")


def check_row(
    connection: sa.Connection, preferences: Preferences, row: ComboRow, *, before: ComboRow | None = None
) -> None:
    """Raises `ApiError` 400 naming the way when the row, or a combo that holds it, is nested wrongly."""
    known = {one.id: combo_of(one) for one in combos.rows(connection)}
    others = {one.name: one for one in known.values() if one.id != row.id}
    names = aliases.listing(connection)
    combo = combo_of(row)
    _check(combo, others, names, preferences)
    after = {**others, combo.name: combo}
    was = {one.name: one for one in known.values()}
    for other in others.values():
        if before is None or flaw_of(other, was, names, preferences) is None:
            _check(other, after, names, preferences)


def flaw_of(
    combo: ComboRecord,
    combos: Mapping[str, ComboRecord],
    names: Mapping[str, str],
    preferences: Preferences,
) -> str | None:
    """How a combo is nested wrongly, by its entries and the aliases in `names`; `None`: it is not."""
    depth = cascade(as_config(preferences.combo_defaults), combo.config).max_combo_depth
    try:
        check_combo(combo, combos, partial(alias_of, names, preferences.wildcard_aliases), max_depth=depth)
    except Refused as refused:
        return refused.message
    return None


def _check(
    combo: ComboRecord,
    combos: Mapping[str, ComboRecord],
    names: Mapping[str, str],
    preferences: Preferences,
) -> None:
    flaw = flaw_of(combo, combos, names, preferences)
    if flaw is not None:
        raise invalid("models", flaw)


def _entries(combo: ComboRecord) -> set[str]:
    return {entry.model for entry in combo.entries}


def _changed(row: ComboRow, change: ComboChange, now_ms: int) -> ComboRow:
    if change.name is not UNSET:
        row = replace(row, name=change.name)
    if change.models is not UNSET:
        row = replace(row, models=_models(change.models))
    if change.strategy is not UNSET:
        row = replace(row, strategy=change.strategy)
    if change.is_active is not UNSET:
        row = replace(row, is_active=change.is_active)
    if change.config is not UNSET:
        row = replace(row, config=_config(row.config, change.config))
    return replace(row, updated_at_ms=now_ms)


def _models(models: list[str | ComboModel]) -> tuple[JSON, ...]:
    return tuple(msgspec.to_builtins(models))


def _config(before: dict[str, JSON], patch: Patch) -> dict[str, JSON]:
    """The configuration after a change. Raises `ApiError` 400 naming the member at fault."""
    if "strategy" in patch:
        raise invalid("config.strategy", "stands beside `config`, not in it")
    after = merged({}, before, patch)
    assert isinstance(after, dict)  # noqa: S101 - a patch of an object leaves one
    checked(patch, ComboSettings, "config")
    return after


def _shown(row: ComboRow, snapshot: Snapshot) -> Combo:
    group, unusable = expand(combo_of(row), snapshot.preferences, lambda name: lookup(snapshot, name))
    return Combo(
        id=row.id,
        name=row.name,
        strategy=row.strategy,
        is_active=row.is_active,
        models=msgspec.convert(row.models, list[str | ComboModel]),
        config=msgspec.convert(row.config, ComboSettings),
        created_at=iso(row.created_at_ms),
        updated_at=iso(row.updated_at_ms),
        resolved_models=[member.label for member in group.members()],
        warnings=[
            *(() if row.models else ("it holds no models, so nobody can be asked",)),
            *(f"{entry.model}: {entry.reason}" for entry in unusable),
            *_missing_accounts(group.members(), snapshot),
        ],
    )


def _missing_accounts(members: Iterable[Member], snapshot: Snapshot) -> Iterator[str]:
    for member in members:
        accounts = snapshot.accounts.get(member.provider.id, ())
        known = {name for account in accounts for name in (account.id, account.name)}
        for name in member.accounts:
            if name not in known:
                yield f"{member.label}: {member.provider.name} has no account {name!r}"
