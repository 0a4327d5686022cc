"""What a model at a provider takes: the shipped rules, the provider's own, and the facts about the model."""

import tomllib
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files

from omniroute.conversation.abilities import Abilities, Structured
from omniroute.conversation.ability_rules import AbilityRule, RuleTarget, apply_rules
from omniroute.errors import ConfigError
from omniroute.providers.ability_document import read_rule
from omniroute.providers.table import Table
from omniroute.records import FormatName, ModelFacts, Provider

_FILE = "abilities.toml"
_MOST_KEPT = 1024


def abilities_of(provider: Provider, model: str, dialect: FormatName) -> Abilities:
    """What the model takes when it is spoken to in this dialect.

    Rules come first, those of the user's own file for the provider after the shipped ones; what the
    catalogue or the user says of the model itself counts more.
    """
    key = (provider.id, model, dialect)
    found = _kept().get(key)
    if found is not None and found[0] is provider:
        return found[1]
    abilities = work_out(provider, model, dialect, shipped_rules())
    if len(_kept()) >= _MOST_KEPT:
        _kept().clear()
    _kept()[key] = (provider, abilities)
    return abilities


def work_out(
    provider: Provider, model: str, dialect: FormatName, rules: tuple[AbilityRule, ...]
) -> Abilities:
    """What these rules and the provider's own say of the model, and what is known of it."""
    target = RuleTarget(provider.id, provider.category.value, dialect.value, model)
    abilities = apply_rules(Abilities(model=model), (*rules, *provider.abilities), target)
    facts = provider.model(model)
    return abilities if facts is None else _with_facts(abilities, facts)


@lru_cache(maxsize=1)
def shipped_rules() -> tuple[AbilityRule, ...]:
    """The rules that come with the program. Raises ConfigError when one is written wrongly."""
    text = files("omniroute.providers").joinpath(_FILE).read_text(encoding="utf-8")
    return read_rules(text, _FILE)


def read_rules(text: str, file: str) -> tuple[AbilityRule, ...]:
    """The rules of a TOML document. Raises ConfigError naming `file` and the key at fault."""
    table = Table(tomllib.loads(text, parse_float=Decimal), file)
    rules = tuple(read_rule(entry) for entry in table.tables("rules"))
    table.finish()
    seen: set[str] = set()
    for rule in rules:
        if rule.name in seen:
            raise ConfigError(f"{file}: the rule {rule.name!r} stands twice")
        seen.add(rule.name)
    return rules


@lru_cache(maxsize=1)
def _kept() -> dict[tuple[str, str, FormatName], tuple[Provider, Abilities]]:
    """What was worked out before. A provider whose facts change is another object, and is worked out anew."""
    return {}


def _with_facts(abilities: Abilities, facts: ModelFacts) -> Abilities:
    structured = abilities.structured
    if facts.structured_output is False and structured is Structured.SCHEMA:
        structured = Structured.JSON
    return replace(
        abilities,
        context_tokens=facts.context_tokens or abilities.context_tokens,
        max_output_tokens=facts.max_output_tokens or abilities.max_output_tokens,
        inputs=frozenset(facts.inputs) or abilities.inputs,
        tools=abilities.tools if facts.tools is None else facts.tools,
        reasoning=abilities.reasoning if facts.reasoning is None else facts.reasoning,
        structured=structured,
    )
