"""What is wrong with a value of a management call, told in the API's own terms."""

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import msgspec
from msgspec.inspect import (
    BoolType,
    DictType,
    EnumType,
    FloatType,
    IntType,
    ListType,
    LiteralType,
    Metadata,
    NoneType,
    StrType,
    StructType,
    Type,
    UnionType,
    VarTupleType,
    type_info,
)

from omniroute.store.key_value import JSON

_LONGEST_SHOWN = 24
"""A text that was given for a choice is repeated up to this length: a key pasted there is longer."""


_KINDS: Mapping[type[Type], tuple[type, ...]] = MappingProxyType(
    {
        NoneType: (type(None),),
        BoolType: (bool,),
        IntType: (int,),
        FloatType: (int, float),
        StrType: (str,),
        EnumType: (str,),
        LiteralType: (str,),
        DictType: (dict,),
        StructType: (dict,),
        ListType: (list, tuple),
        VarTupleType: (list, tuple),
    }
)
"""What a type is in JSON. The other types of management calls take anything."""

_NAMES: Mapping[type, str] = MappingProxyType(
    {int: "a number", float: "a number with a fraction", str: "text", list: "a list", tuple: "a list"}
)


class Fault(NamedTuple):
    """A member that does not fit."""

    path: str
    """`models[0].weight`; empty: the value itself."""
    message: str


def fault(value: JSON, type_: object, path: str = "", *, closed: bool = False) -> Fault | None:
    """The first member that does not fit the type; `None`: all do, as far as types are known here.

    `closed`: a member that an object of the type does not have is at fault, whether msgspec minds or not.
    """
    return next(_Search(closed=closed).of(value, type_info(type_), path), None)


def told(error: msgspec.ValidationError, value: JSON, type_: object, path: str = "") -> Fault:
    """What a validation failed of."""
    found = fault(value, type_, path)
    if found is not None:
        return found
    message, _, where = str(error).partition(" - at `$")
    return Fault((path + where.strip("`")).strip("."), message)


class _Search:
    """The members that do not fit, in the order in which they were written."""

    def __init__(self, *, closed: bool) -> None:
        self._closed = closed

    def of(self, value: JSON, wanted: Type, path: str) -> Iterator[Fault]:
        inner = _plain(wanted)
        if isinstance(inner, UnionType):
            options = [one for one in inner.types if _is_kind(value, _plain(one))]
            found = [list(self.of(value, one, path)) for one in options]
            if not found:
                yield Fault(path, _must_be(wanted, _kind(value)))
            elif all(found):
                first = found[0][0]
                amiss = _amiss(value, _plain(options[0]))
                yield first if amiss is None else Fault(path, _must_be(wanted, amiss))
        elif not _is_kind(value, inner):
            yield Fault(path, _must_be(wanted, _kind(value)))
        elif (amiss := _amiss(value, inner)) is not None:
            yield Fault(path, _must_be(wanted, amiss))
        elif isinstance(value, dict):
            yield from self._of_object(value, inner, path)
        elif isinstance(value, list | tuple) and isinstance(inner, ListType | VarTupleType):
            for place, member in enumerate(value):
                yield from self.of(member, inner.item_type, f"{path}[{place}]")

    def _of_object(self, value: dict[str, JSON], wanted: Type, path: str) -> Iterator[Fault]:
        if isinstance(wanted, DictType):
            for name, member in value.items():
                yield from self.of(member, wanted.value_type, _joined(path, name))
        if not isinstance(wanted, StructType):
            return
        fields = {field.encode_name: field for field in wanted.fields}
        for name, member in value.items():
            if name in fields:
                yield from self.of(member, fields[name].type, _joined(path, name))
            elif self._closed or wanted.forbid_unknown_fields:
                yield Fault(_joined(path, name), f"is not known here; known are {', '.join(fields)}")
        for name, field in fields.items():
            if field.required and name not in value:
                yield Fault(_joined(path, name), "is missing")


def _plain(wanted: Type) -> Type:
    return _plain(wanted.type) if isinstance(wanted, Metadata) else wanted


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _is_kind(value: JSON, wanted: Type) -> bool:
    """Whether the value is of the kind of JSON that the type is written as; bounds are not looked at."""
    kinds = _KINDS.get(type(wanted))
    return kinds is None or type(value) in kinds


def _amiss(value: JSON, wanted: Type) -> str | None:
    """What a value of the right kind has beyond its bounds, as far as it may be repeated; `None`: nothing."""
    if isinstance(wanted, IntType | FloatType) and isinstance(value, int | float):
        return None if _is_within(value, wanted) else f"{value:,}"
    if isinstance(wanted, EnumType | LiteralType):
        shown = repr(value) if isinstance(value, str) and len(value) <= _LONGEST_SHOWN else "this"
        return None if value in _choices(wanted) else shown
    if isinstance(wanted, StrType) and isinstance(value, str):
        fits = wanted.pattern is None or re.search(wanted.pattern, value) is not None
        return _too_many(len(value), wanted) if fits else "this" if value else "empty"
    if isinstance(wanted, ListType | VarTupleType) and isinstance(value, list | tuple):
        return _too_many(len(value), wanted)
    return None


def _is_within(value: float, wanted: IntType | FloatType) -> bool:
    """Nothing here has a bound above that is not allowed itself."""
    return (
        (wanted.ge is None or value >= wanted.ge)
        and (wanted.gt is None or value > wanted.gt)
        and (wanted.le is None or value <= wanted.le)
    )


def _too_many(number: int, wanted: StrType | ListType | VarTupleType) -> str | None:
    """The number where it is out of bounds."""
    low, high = wanted.min_length or 0, wanted.max_length
    if low <= number and (high is None or number <= high):
        return None
    return f"of {number:,}" if number else "empty"


def _must_be(wanted: Type, given: str) -> str:
    """One sentence of what is allowed, and what was given."""
    return f"must be {_any_of(_allowed(wanted))}, not {given}"


def _allowed(wanted: Type, said: str | None = None) -> Sequence[str]:
    """What the type allows, each in words. `said`: the words of its own declaration."""
    if isinstance(wanted, Metadata):
        return _allowed(wanted.type, (wanted.extra_json_schema or {}).get("description", said))
    if isinstance(wanted, UnionType):
        return [text for one in wanted.types for text in _allowed(one)]
    if isinstance(wanted, EnumType | LiteralType):
        return [str(one) for one in _choices(wanted)]
    return [said or _in_words(wanted)]


def _in_words(wanted: Type) -> str:
    match wanted:
        case NoneType():
            return "null"
        case BoolType():
            return "true or false"
        case IntType() | FloatType():
            return ("a whole number" if isinstance(wanted, IntType) else "a number") + _from_to(wanted)
        case StrType():
            return "text" + _of_length(wanted, "character")
        case ListType() | VarTupleType():
            return "a list" + _of_length(wanted, "member")
        case _:
            return "an object"


def _any_of(texts: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(texts[:-1]), texts[-1])))


def _choices(wanted: EnumType | LiteralType) -> Sequence[object]:
    return [one.value for one in wanted.cls] if isinstance(wanted, EnumType) else wanted.values


def _from_to(wanted: IntType | FloatType) -> str:
    if wanted.gt is not None:
        return f" above {wanted.gt:,}" + ("" if wanted.le is None else f" up to {wanted.le:,}")
    if wanted.ge is not None:
        return f" of {wanted.ge:,} or more" if wanted.le is None else f" from {wanted.ge:,} to {wanted.le:,}"
    return "" if wanted.le is None else f" of {wanted.le:,} or less"


def _of_length(wanted: StrType | ListType | VarTupleType, unit: str) -> str:
    low, high = wanted.min_length or 0, wanted.max_length
    if high is None:
        return f" of at least {low} {unit}{'' if low == 1 else 's'}" if low else ""
    return f" of {low} to {high:,} {unit}s" if low else f" of at most {high:,} {unit}s"


def _kind(value: JSON) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return _NAMES.get(type(value), "an object")
