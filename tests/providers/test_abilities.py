"""The shipped rules about what models take."""

from dataclasses import replace
from pathlib import Path

import pytest

from omniroute.conversation.abilities import Structured
from omniroute.conversation.fit import Fitted, fit
from omniroute.errors import ConfigError, Refused
from omniroute.providers.abilities import abilities_of, read_rules, shipped_rules, work_out
from omniroute.providers.load import load_catalogue
from omniroute.records import FormatName, ModelFacts, Provider
from tests.providers.ability_rows import ROWS, Row, holds, request_of

CATALOGUE = load_catalogue()


def _name(row: Row) -> str:
    return f"{row.rule}-{row.provider}-{row.model}"


@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_a_rule_does_what_it_says(row: Row) -> None:
    assert holds(row, abilities_of(CATALOGUE[row.provider], row.model, FormatName(row.dialect)))


@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_without_its_rule_a_row_does_not_come_true(row: Row) -> None:
    others = tuple(rule for rule in shipped_rules() if rule.name != row.rule)
    assert not holds(row, work_out(CATALOGUE[row.provider], row.model, FormatName(row.dialect), others))


@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_fitting_twice_changes_nothing_more(row: Row) -> None:
    abilities = abilities_of(CATALOGUE[row.provider], row.model, FormatName(row.dialect))
    try:
        once = fit(request_of(row.model, row.asks), abilities, dialect=row.dialect)
    except Refused:
        return
    assert fit(once.request, abilities, dialect=row.dialect) == Fitted(once.request)


def test_every_rule_has_a_row() -> None:
    assert {rule.name for rule in shipped_rules()} == {row.rule for row in ROWS}


def test_every_rule_says_where_it_comes_from() -> None:
    assert not [rule.name for rule in shipped_rules() if not rule.source.endswith("2026-11-22")]


def _with_model(provider_id: str, **facts: object) -> Provider:
    model = replace(ModelFacts(id="own"), **facts)  # type: ignore[arg-type]  # the fields of a model
    return replace(CATALOGUE[provider_id], models=(model,))


def test_what_is_known_of_the_model_counts_more_than_rules() -> None:
    provider = _with_model(
        "perplexity", tools=True, reasoning=True, inputs=("text",), max_output_tokens=7, context_tokens=9
    )
    abilities = abilities_of(provider, "own", FormatName.OPENAI_CHAT)
    assert (abilities.tools, abilities.reasoning, abilities.inputs) == (True, True, frozenset({"text"}))
    assert (abilities.max_output_tokens, abilities.context_tokens) == (7, 9)


@pytest.mark.parametrize(
    ("provider", "dialect", "said", "structured"),
    [
        ("together", FormatName.OPENAI_CHAT, None, Structured.SCHEMA),
        ("together", FormatName.OPENAI_CHAT, True, Structured.SCHEMA),
        ("together", FormatName.OPENAI_CHAT, False, Structured.JSON),
        ("zai", FormatName.OPENAI_CHAT, True, Structured.JSON),
        ("anthropic", FormatName.ANTHROPIC, False, Structured.TOOL),
    ],
)
def test_the_catalogue_can_only_weaken_a_promise_about_json(
    provider: str, dialect: FormatName, said: bool | None, structured: Structured
) -> None:
    found = _with_model(provider, structured_output=said)
    assert abilities_of(found, "own", dialect).structured is structured


def test_abilities_are_worked_out_once_and_anew_when_the_facts_change() -> None:
    before = _with_model("together", max_output_tokens=7)
    first = abilities_of(before, "own", FormatName.OPENAI_CHAT)
    assert abilities_of(before, "own", FormatName.OPENAI_CHAT) is first
    after = _with_model("together", max_output_tokens=8)
    assert abilities_of(after, "own", FormatName.OPENAI_CHAT).max_output_tokens == 8


def test_the_users_own_file_of_a_provider_can_hold_rules(tmp_path: Path) -> None:
    rule = '[[abilities]]\nmodels = ["Odd-*"]\nset = { drop = ["seed"], system_role = false }\n'
    (tmp_path / "groq.toml").write_text(rule, encoding="utf-8")
    groq = load_catalogue(tmp_path)["groq"]
    odd = abilities_of(groq, "odd-1", FormatName.OPENAI_CHAT)
    even = abilities_of(groq, "even-1", FormatName.OPENAI_CHAT)
    assert odd.drop == even.drop | {"seed"}
    assert (odd.system_role, even.system_role) == (False, True)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("set = { colour = true }", "set.colour is not a known key"),
        ('set = { effort_style = "loud" }', "must be one of"),
        ('set = { drop = ["colour"] }', "may name"),
        ('set = { efforts = ["high", "low"] }', "ascending"),
        ("set = { clamp = { colour = [0, 1] } }", "is no field of sampling"),
        ("set = { clamp = { temperature = [1, 0] } }", "the lesser first"),
        ("set = { budget_range = 5 }", "must be a list of two numbers"),
        ('set = { reject = { colour = "no" } }', "may name"),
        ('set = { exclusive = ["colour"] }', "must hold fields of sampling"),
        ("", "set is missing"),
    ],
)
def test_a_rule_that_cannot_be_used_is_an_error_that_names_it(line: str, problem: str) -> None:
    text = f'[[rules]]\nname = "x"\nsource = "s"\nchecked = 2026-11-22\n{line}\n'
    with pytest.raises(ConfigError, match=problem) as error:
        read_rules(text, "own.toml")
    assert str(error.value).startswith("own.toml: rules[0].")


def test_a_rule_has_a_source_and_a_name_of_its_own() -> None:
    with pytest.raises(ConfigError, match="source"):
        read_rules('[[rules]]\nname = "x"\nset = {}\n', "own.toml")
    twice = '[[rules]]\nname = "x"\nsource = "s"\nchecked = 2026-11-22\nset = {}\n' * 2
    with pytest.raises(ConfigError, match="stands twice"):
        read_rules(twice, "own.toml")
