"""Changing settings member by member."""

import msgspec
from msgspec import UNSET

from omniroute.server.manage.call import invalid
from omniroute.server.manage.wording import fault, told
from omniroute.store.key_value import JSON


def merged(default: JSON, current: JSON, patch: JSON) -> JSON:
    """`current` after a merge patch (RFC 7396), but that `null` sets a member back to its default."""
    if not isinstance(patch, dict):
        return patch
    before = current if isinstance(current, dict) else {}
    usual = default if isinstance(default, dict) else {}
    after = dict(before)
    for name, value in patch.items():
        if value is not None:
            after[name] = merged(usual.get(name), before.get(name), value)
        elif name in usual:
            after[name] = usual[name]
        else:
            after.pop(name, None)
    return after


def checked(value: JSON, type_: type, path: str) -> JSON:
    """The value as it is. Raises `ApiError` 400 naming the member that is unknown or out of bounds."""
    if (found := fault(value, type_, path, closed=True)) is not None:
        raise invalid(*found)
    try:
        msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        raise invalid(*told(error, value, type_, path)) from None
    return value


def said(change: msgspec.Struct) -> dict[str, object]:
    """The members of a change that are there."""
    found = {name: getattr(change, name) for name in change.__struct_fields__}
    return {name: value for name, value in found.items() if value is not UNSET}
