"""Changing settings member by member, and finding members that mean nothing."""

import msgspec
from msgspec import UNSET
from msgspec.inspect import DictType, ListType, Metadata, StructType, Type, UnionType, VarTupleType, type_info

from omniroute.server.manage.call import invalid
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


def unknown_member(value: JSON, type_: object, path: str = "") -> str | None:
    """The path of the first member that a value of this type does not have; `None`: it has them all."""
    return _unknown(value, type_info(type_), path)


def _unknown(value: JSON, wanted: Type, path: str) -> str | None:
    if isinstance(wanted, Metadata):
        return _unknown(value, wanted.type, path)
    if isinstance(wanted, UnionType):
        return _of_union(value, wanted, path)
    children: list[tuple[JSON, Type, str]] = []
    if isinstance(wanted, StructType) and isinstance(value, dict):
        fields = {field.encode_name: field.type for field in wanted.fields}
        for name, member in value.items():
            if name not in fields:
                return _joined(path, name)
            children.append((member, fields[name], _joined(path, name)))
    elif isinstance(wanted, DictType) and isinstance(value, dict):
        children = [(member, wanted.value_type, _joined(path, name)) for name, member in value.items()]
    elif isinstance(wanted, ListType | VarTupleType) and isinstance(value, list):
        children = [(member, wanted.item_type, f"{path}[{place}]") for place, member in enumerate(value)]
    return next((found for child in children if (found := _unknown(*child)) is not None), None)


def _of_union(value: JSON, wanted: UnionType, path: str) -> str | None:
    """A struct of the union is what an object is measured by; it has one at most."""
    for one in wanted.types:
        inner = one.type if isinstance(one, Metadata) else one
        if isinstance(inner, StructType | DictType | ListType | VarTupleType):
            found = _unknown(value, inner, path)
            if found is not None:
                return found
    return None


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def checked(value: JSON, type_: type, path: str) -> JSON:
    """The value as it is. Raises `ApiError` 400 naming the member that is unknown or out of bounds."""
    if (unknown := unknown_member(value, type_, path)) is not None:
        raise invalid(unknown, "there is no such setting")
    try:
        msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `$")
        raise invalid((path + where.strip("`")).strip(".") or path, message) from None
    return value


def said(change: msgspec.Struct) -> dict[str, object]:
    """The members of a change that are there."""
    found = {name: getattr(change, name) for name in change.__struct_fields__}
    return {name: value for name, value in found.items() if value is not UNSET}
