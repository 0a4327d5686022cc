"""`/api/settings`: everything that is changed while the gateway runs, key by key."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import msgspec
import sqlalchemy as sa

from omniroute import __version__
from omniroute.api.settings import ComboDefaults, ComboDefaultsChange, SettingsChange, ShownSettings
from omniroute.gateway.injection import check_rules
from omniroute.records import Preferences, Snapshot, preferences_of
from omniroute.records.addresses import parse_address_set
from omniroute.records.preferences import InjectionGuard, IpFilter
from omniroute.server.manage.call import ManageCall, invalid
from omniroute.server.manage.ip_filter import spare_the_caller
from omniroute.server.manage.merging import checked, merged
from omniroute.server.manage.rows import commit, note
from omniroute.server.manage.setting_names import check_models, labelled
from omniroute.store import settings
from omniroute.store.key_value import JSON

NO_PATHS: Mapping[str, str] = MappingProxyType({})
DEFAULTS: dict[str, JSON] = msgspec.to_builtins(Preferences())
_TYPES = {field.encode_name: field.type for field in msgspec.structs.fields(Preferences)}
_BY_PROVIDER = ("providerStrategies", "providerOverrides")
_NAMING_PROVIDERS = ("unknownModelProvider", "blockedProviders")


async def show_settings(call: ManageCall) -> ShownSettings:
    """`GET /api/settings`"""
    snapshot = call.gateway.snapshot
    preferences = labelled(snapshot, snapshot.preferences)
    members = {name: getattr(preferences, name) for name in Preferences.__struct_fields__}
    return ShownSettings(**members, version=__version__, data_dir=call.gateway.data_dir)


async def change_all(call: ManageCall) -> ShownSettings:
    """`PUT`, `PATCH /api/settings`: any of them; objects are merged, `null` means the default.

    An IP filter that would turn the caller away needs `force` beside it.
    """
    patch = call.read(SettingsChange)
    force = patch.pop("force", False) is True

    def update(connection: sa.Connection) -> None:
        changed = _change(call, connection, patch)
        if "ipFilter" in changed and not force:
            spare_the_caller(call, connection, preferences_of(dict(settings.listing(connection))).ip_filter)
        note(call, connection, "settings.update", None, keys=", ".join(changed))

    await commit(call, update)
    return await show_settings(call)


async def show_combo_defaults(call: ManageCall) -> ComboDefaults:
    """`GET /api/settings/combo-defaults`"""
    snapshot = call.gateway.snapshot
    preferences = labelled(snapshot, snapshot.preferences)
    return ComboDefaults(
        combo_defaults=preferences.combo_defaults, provider_overrides=preferences.provider_overrides
    )


async def change_combo_defaults(call: ManageCall) -> ComboDefaults:
    """`PATCH /api/settings/combo-defaults`"""
    change = call.read(ComboDefaultsChange)
    pairs = (("comboDefaults", change.combo_defaults), ("providerOverrides", change.provider_overrides))
    patch = {name: value for name, value in pairs if value is not None}
    if not patch:
        raise invalid("body", "must hold comboDefaults or providerOverrides")

    def update(connection: sa.Connection) -> None:
        changed = _change(call, connection, patch)
        note(call, connection, "settings.update", "comboDefaults", keys=", ".join(changed))

    await commit(call, update)
    return await show_combo_defaults(call)


def _change(call: ManageCall, connection: sa.Connection, patch: Mapping[str, Any]) -> list[str]:
    """Store what the patch says, and see to it that the models it names are there. Raises `ApiError`."""
    snapshot = call.gateway.snapshot
    changed = change_settings(connection, snapshot, patch)
    after = preferences_of(dict(settings.listing(connection)))
    check_models(replace(snapshot, preferences=after), changed)
    return changed


def change_settings(
    connection: sa.Connection,
    snapshot: Snapshot,
    patch: Mapping[str, Any],  # JSON of any shape
    *,
    paths: Mapping[str, str] = NO_PATHS,
) -> list[str]:
    """Store what the patch says; the names of what changed. Raises `ApiError` 400 naming the member at fault.

    A value that is the default again is not kept. `paths`: how the caller calls its members.
    """
    current: dict[str, JSON] = msgspec.to_builtins(preferences_of(dict(settings.listing(connection))))
    changed: list[str] = []
    for name, value in patch.items():
        after = settled(snapshot, name, value, current.get(name), path=paths.get(name, name))
        if after == current[name]:
            continue
        changed.append(name)
        if after == DEFAULTS[name]:
            settings.delete(connection, name)
        else:
            settings.put(connection, name, after)
    return changed


def settled(
    snapshot: Snapshot,
    name: str,
    patch: JSON,
    current: JSON = None,
    *,
    path: str,
) -> JSON:
    """The whole value of a setting after a patch of what it is, or of its default. Raises `ApiError` 400."""
    if name not in _TYPES:
        raise invalid(path, "there is no such setting")
    if name in _BY_PROVIDER or name == "rateLimitProtection":
        checked(_set_members(patch), _TYPES[name], path)  # while its members have the names they came under
    if name in _BY_PROVIDER:
        patch = _by_id(snapshot, patch, path)
    elif name == "rateLimitProtection":
        patch = _by_account(snapshot, patch, path)
    elif name in _NAMING_PROVIDERS:
        patch = _ids(snapshot, patch)
    default = DEFAULTS[name]
    after = default if patch is None else merged(default, default if current is None else current, patch)
    checked(after, _TYPES[name], path)
    setting = msgspec.convert(after, _TYPES[name])
    if name in _NAMING_PROVIDERS:
        _refuse_unknown(snapshot, setting, path)
    _refuse_unreadable(setting, path)
    whole: JSON = msgspec.to_builtins(setting)
    return whole


def _refuse_unknown(snapshot: Snapshot, setting: tuple[str, ...] | str | None, path: str) -> None:
    """Raises `ApiError` 400 for a provider that is none: it would stay without effect, and unseen."""
    for name in setting if isinstance(setting, tuple) else (setting,):
        if name is not None and name not in snapshot.names:
            raise invalid(path, f"there is no provider {name!r}")


def _refuse_unreadable(setting: object, path: str) -> None:
    """Raises `ApiError` 400 for rules and addresses that no request could be held against."""
    try:
        if isinstance(setting, InjectionGuard):
            check_rules(setting.rules)
        if isinstance(setting, IpFilter):
            for entry in (*setting.blacklist, *setting.whitelist):
                parse_address_set(entry)
    except ValueError as error:
        raise invalid(path, str(error)) from None


def _set_members(value: JSON) -> JSON:
    """Without those that are set back."""
    if not isinstance(value, dict):
        return {} if value is None else value
    return {name: member for name, member in value.items() if member is not None}


def _by_id(snapshot: Snapshot, value: JSON, path: str) -> JSON:
    """The members under the ids of the providers they name."""
    if not isinstance(value, dict):
        return value
    found: dict[str, JSON] = {}
    for name, member in value.items():
        provider_id = snapshot.names.get(name, name)
        if provider_id not in snapshot.providers and member is not None:
            raise invalid(f"{path}.{name}", f"there is no provider {name!r}")
        found[provider_id] = member
    return found


def _by_account(snapshot: Snapshot, value: JSON, path: str) -> JSON:
    """The members under the ids of the accounts they name, `provider/name`."""
    if not isinstance(value, dict):
        return value
    known = {account.id: account.id for accounts in snapshot.accounts.values() for account in accounts}
    for provider_id, accounts in snapshot.accounts.items():
        label = snapshot.providers[provider_id].label
        known |= {f"{label}/{account.name}": account.id for account in accounts}
    for name in value:
        if name not in known and value[name] is not None:
            raise invalid(f"{path}.{name}", f"there is no account {name!r}")
    return {known.get(name, name): member for name, member in value.items()}


def _ids(snapshot: Snapshot, value: JSON) -> JSON:
    """Ids of the providers that are named: they stay when a prefix changes."""
    if isinstance(value, list):
        return [_ids(snapshot, one) for one in value]
    return snapshot.names.get(value, value) if isinstance(value, str) else value
