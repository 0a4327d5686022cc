"""Ability rules as they are written in TOML."""

from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from omniroute.conversation.abilities import Abilities, EffortStyle, ReasoningBack, Structured
from omniroute.conversation.ability_rules import AbilityRule
from omniroute.conversation.fields import KNOWN_FIELDS
from omniroute.conversation.request import Sampling
from omniroute.conversation.thinking import EFFORTS
from omniroute.providers.table import Table

_ENUMS: Mapping[str, type[StrEnum]] = {
    "structured": Structured,
    "effort_style": EffortStyle,
    "reasoning_back": ReasoningBack,
}
_CHOICES = frozenset({"auto", "none", "required", "named", "allowed"})
_INPUTS = frozenset({"text", "image", "pdf", "audio", "video"})
_NAME_SETS: Mapping[str, frozenset[str]] = {
    "drop": KNOWN_FIELDS,
    "drop_when_thinking": KNOWN_FIELDS,
    "tool_choices": _CHOICES,
    "inputs": _INPUTS,
}
_TEXTS = frozenset({"max_tokens_field", "reasoning_field", "tool_id_pattern", "unsigned_call"})
_COUNTS = frozenset({"context_tokens", "max_output_tokens"})
_FLAGS = frozenset(
    {f.name for f in fields(Abilities)}
    - {"model", "efforts", "exclusive", "budget_range", "clamp", "reject"}
    - _ENUMS.keys()
    - _NAME_SETS.keys()
    - _TEXTS
    - _COUNTS
)


def read_rule(table: Table, *, fixed: AbilityRule | None = None) -> AbilityRule:
    """One rule. `fixed`: what its place says already, so that it need not be written.

    Raises ConfigError naming the key at fault.
    """
    name = table.text("name")
    if name is None:
        if fixed is None:
            raise table.error("name", "is missing")
        name = fixed.name
    changes = table.table("set")
    if changes is None:
        raise table.error("set", "is missing")
    checked = table.day("checked")
    source = table.text("source")
    if fixed is None and (checked is None or source is None):
        raise table.error("source", "and checked have to say where this is said, and the day it was read")
    rule = AbilityRule(
        name=name,
        providers=table.texts("providers") or (fixed.providers if fixed else ()),
        categories=table.texts("categories"),
        dialects=table.texts("dialects"),
        models=_small(table.texts("models")),
        except_models=_small(table.texts("except_models")),
        changes=MappingProxyType(_changes(changes)),
        keep=_named(table, "keep", KNOWN_FIELDS),
        source=", ".join(filter(None, (source, checked))),
    )
    table.finish()
    return rule


def _changes(table: Table) -> dict[str, object]:
    return {name: _value(table, name) for name in table.names()}


def _value(table: Table, name: str) -> object:
    if name in _FLAGS:
        return table.flag(name)
    if name in _ENUMS:
        return table.choice(name, _ENUMS[name])
    if name in _NAME_SETS:
        return _named(table, name, _NAME_SETS[name])
    if name in _TEXTS:
        return table.text(name)
    if name in _COUNTS:
        return table.count(name)
    return _shaped(table, name)


def _shaped(table: Table, name: str) -> object:
    match name:
        case "efforts":
            words = table.texts(name)
            if list(words) != sorted(words, key=_rank):
                raise table.error(name, f"must hold words of {', '.join(EFFORTS)}, ascending")
            return words
        case "exclusive":
            names = table.texts(name)
            if not set(names).issubset(Sampling.__struct_fields__):
                raise table.error(name, "must hold fields of sampling")
            return names
        case "budget_range":
            return tuple(int(end) for end in table.bounds(name))
        case "clamp":
            return _clamps(table)
        case "reject":
            inner = table.table(name)
            reasons = {} if inner is None else {key: inner.required(key) for key in inner.names()}
            if not KNOWN_FIELDS.issuperset(reasons):
                raise table.error(name, f"may name {', '.join(sorted(KNOWN_FIELDS))}")
            return MappingProxyType(reasons)
        case _:
            raise table.error(name, "is not a known key")


def _clamps(table: Table) -> Mapping[str, tuple[Decimal | float, Decimal | float]]:
    inner = table.table("clamp")
    if inner is None:
        return MappingProxyType({})
    clamps = {}
    for key in inner.names():
        if key not in Sampling.__struct_fields__:
            raise inner.error(key, "is no field of sampling")
        least, most = inner.bounds(key)
        clamps[key] = (float(least), float(most))
    return MappingProxyType(clamps)


def _rank(word: str) -> int:
    return EFFORTS.index(word) if word in EFFORTS else -1


def _named(table: Table, key: str, known: frozenset[str]) -> frozenset[str]:
    names = frozenset(table.texts(key))
    if not known.issuperset(names):
        raise table.error(key, f"may name {', '.join(sorted(known))}")
    return names


def _small(patterns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(pattern.lower() for pattern in patterns)
