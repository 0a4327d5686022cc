"""`settings`: what is changed while the gateway runs, where it is not the default."""

import msgspec

from omniroute.records import preferences_of
from omniroute.server.manage.declared.section import Applying, Items, Section
from omniroute.server.manage.preferences import DEFAULTS, change_settings, settled
from omniroute.server.manage.setting_names import check_models, labelled
from omniroute.store import settings
from omniroute.store.key_value import JSON


def _read(applying: Applying) -> dict[str, JSON]:
    now = _by_label(applying, dict(settings.listing(applying.connection)))
    return {name: _pruned(DEFAULTS[name], value) for name, value in now.items() if value != DEFAULTS[name]}


def _by_label(applying: Applying, stored: dict[str, JSON]) -> dict[str, JSON]:
    """All settings, those that are not stored with their defaults."""
    found: dict[str, JSON] = msgspec.to_builtins(labelled(applying.snapshot, preferences_of(dict(stored))))
    return found


def _pruned(default: JSON, value: JSON) -> JSON:
    """The value without the members that are as they would be anyway."""
    if not isinstance(default, dict) or not isinstance(value, dict):
        return value
    return {
        name: _pruned(default.get(name), member)
        for name, member in value.items()
        if name not in default or member != default[name]
    }


def _normal(applying: Applying, name: str, value: JSON) -> JSON:
    whole = settled(applying.snapshot, name, value, path=f"settings.{name}")
    return _pruned(DEFAULTS[name], _by_label(applying, {name: whole})[name])


def _put(applying: Applying, name: str, value: JSON) -> None:
    change_settings(applying.connection, applying.snapshot, {name: None})
    change_settings(applying.connection, applying.snapshot, {name: value})
    applying.changed("settings.update", name)


def _remove(applying: Applying, name: str) -> None:
    change_settings(applying.connection, applying.snapshot, {name: None})
    applying.changed("settings.update", name)


def _check(applying: Applying, items: Items) -> None:
    check_models(applying.snapshot, items, within="settings.")


SETTINGS = Section(name="settings", read=_read, normal=_normal, put=_put, remove=_remove, check=_check)
