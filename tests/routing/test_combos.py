"""Names that stand for several models: combos, nested and named by aliases and wildcards, and `auto`."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.errors import ErrorKind, Refused
from omniroute.records import (
    AutoMode,
    Combo,
    ComboConfig,
    ComboEntry,
    Preferences,
    ProviderStatus,
    Snapshot,
    Strategy,
)
from omniroute.records.preferences import ComboSettings, MemberSettings, WildcardAlias
from omniroute.routing.expand import check_combo
from omniroute.routing.resolve import route_of
from omniroute.routing.route import Group, Member
from omniroute.routing.wildcards import best, matches, specificity
from tests.routing.samples import account, provider, snapshot, with_combos

ONE = provider("one", "a", "b", aliases=("uno",))
TWO = provider("two", "c", "d")
SHUT = provider("shut", "e", status=ProviderStatus.FORBIDDEN)
LOOSE = provider("loose", "f")
NO_ALIAS: Callable[[str], None] = lambda name: None  # noqa: E731 - a value to pass on


def combo(name: str, *models: str, config: ComboConfig | None = None, is_active: bool = True) -> Combo:
    entries = tuple(ComboEntry(model=model) for model in models)
    return Combo(id=name, name=name, entries=entries, config=config or ComboConfig(), is_active=is_active)


def known(*combos: Combo, preferences: Preferences | None = None, **aliases: str) -> Snapshot:
    made = snapshot([ONE, TWO, SHUT, LOOSE], [account("one"), account("two"), account("shut")], aliases)
    return with_combos(made, *combos, preferences=preferences)


def labels(found: Snapshot, name: str) -> list[str]:
    return [member.label for member in route_of(found, name).members]


def reasons(found: Snapshot, name: str) -> dict[str, str]:
    return {entry.model: entry.reason for entry in route_of(found, name).unusable}


def test_a_combo_stands_for_its_entries_in_order_however_they_are_named() -> None:
    found = known(combo("mix", "two/c", "uno/a", "b", "mine"), mine="two/d")
    route = route_of(found, "mix")
    assert labels(found, "mix") == ["two/c", "one/a", "one/b", "two/d"]
    assert (route.requested, route.hops, route.unusable) == ("mix", (), ())
    assert route.combo is not None
    assert route.combo.name == "mix"


@pytest.mark.parametrize(
    ("entry", "says"),
    [("shut/e", "Not through a gateway."), ("loose/f", "providers add loose"), ("nobody", "no model")],
)
def test_an_entry_that_cannot_be_asked_is_left_out_with_its_reason(entry: str, says: str) -> None:
    found = known(combo("mix", entry, "one/a"))
    assert labels(found, "mix") == ["one/a"]
    assert says in reasons(found, "mix")[entry]


def test_a_combo_nobody_can_be_asked_of_is_refused_with_every_reason() -> None:
    found = known(combo("mix", "shut/e", "nobody"))
    with pytest.raises(Refused) as refused:
        route_of(found, "mix")
    assert "Not through a gateway." in refused.value.message
    assert "'nobody'" in refused.value.message


def test_nested_combos_are_expanded_where_they_stand() -> None:
    found = known(combo("outer", "one/a", "inner", "two/d"), combo("inner", "two/c", "one/b"))
    assert labels(found, "outer") == ["one/a", "two/c", "one/b", "two/d"]
    root = route_of(found, "outer").root
    assert isinstance(root, Group)
    assert [type(child) for child in root.children] == [Member, Group, Member]


def test_a_target_that_stands_in_a_combo_twice_is_asked_once() -> None:
    found = known(combo("outer", "one/a", "inner"), combo("inner", "uno/a", "two/c"))
    assert labels(found, "outer") == ["one/a", "two/c"]
    assert reasons(found, "outer") == {"uno/a": "stands in the combo already"}


@given(ring=st.integers(1, 5))
def test_a_combo_that_leads_back_to_itself_is_cut_there(ring: int) -> None:
    combos = [combo(f"c{at}", f"c{(at + 1) % ring}", "one/a") for at in range(ring)]
    preferences = Preferences(combo_defaults=ComboSettings(max_combo_depth=5))
    found = known(*combos, preferences=preferences)
    assert labels(found, "c0") == ["one/a"]
    way = " > ".join(f"c{at % ring}" for at in range(ring + 1))
    assert f"leads back to itself: {way}" in (one.reason for one in route_of(found, "c0").unusable)
    with pytest.raises(Refused, match="leads back to itself"):
        check_combo(combos[0], {one.name: one for one in combos}, NO_ALIAS, max_depth=9)


def test_a_combo_leads_back_to_itself_by_aliases_too() -> None:
    names = {"first": "second", "second": "inner", "back": "outer"}
    outer, inner = combo("outer", "first", "one/a"), combo("inner", "back", "one/b")
    found = known(outer, inner, first="second", second="inner", back="outer")
    assert labels(found, "outer") == ["one/b", "one/a"]
    assert reasons(found, "outer") == {"back": "leads back to itself: outer > inner > outer"}
    with pytest.raises(Refused, match="leads back to itself: outer > inner > back > outer"):
        check_combo(outer, {"inner": inner}, names.get, max_depth=9)
    check_combo(outer, {"inner": inner}, {**names, "back": "one/a"}.get, max_depth=9)


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_combos_are_nested_so_deep_and_no_deeper(depth: int) -> None:
    combos = [combo(f"c{at}", f"c{at + 1}", f"one/deep-{at}") for at in range(6)]
    preferences = Preferences(combo_defaults=ComboSettings(max_combo_depth=depth))
    found = known(*combos, combo("c6", "one/a"), preferences=preferences)
    assert sorted(labels(found, "c0")) == [f"one/deep-{at}" for at in range(depth)]
    assert f"nested over {depth} deep" in reasons(found, f"c{0}")[f"c{depth}"]
    others = {one.name: one for one in combos}
    with pytest.raises(Refused, match=f"nested over {depth} deep"):
        check_combo(combos[0], others, NO_ALIAS, max_depth=depth)
    check_combo(combos[-1], others, NO_ALIAS, max_depth=depth)


def test_a_combo_that_is_switched_off_is_not_there() -> None:
    off = combo("off", "one/a", is_active=False)
    found = known(combo("outer", "off", "two/c"), off)
    assert labels(found, "outer") == ["two/c"]
    assert reasons(found, "outer") == {"off": "the combo 'off' is switched off"}
    with pytest.raises(Refused, match="the combo 'off' is switched off") as refused:
        route_of(found, "off")
    assert refused.value.kind is ErrorKind.MODEL_NOT_FOUND


def test_an_alias_may_stand_for_a_combo_and_a_combo_hides_a_model_of_its_name() -> None:
    found = known(combo("mix", "two/c"), combo("a", "two/d"), best="better", better="mix")
    route = route_of(found, "best")
    assert (route.requested, route.hops) == ("best", ("better", "mix"))
    assert [member.label for member in route.members] == ["two/c"]
    assert labels(found, "a") == ["two/d"]
    assert labels(found, "one/a") == ["one/a"]


WILD = (
    WildcardAlias("claude-*", "one/a"),
    WildcardAlias("claude-*-haiku", "one/b"),
    WildcardAlias("gpt-?", "mix"),
    WildcardAlias("*/old", "two/d"),
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("claude-4-opus", "one/a"),
        ("Claude-4-HAIKU", "one/b"),
        ("gpt-5", "two/c"),
        ("anything/old", "two/d"),
    ],
)
def test_a_wildcard_alias_stands_for_all_names_that_fit_the_most_specific_one_wins(
    name: str, expected: str
) -> None:
    found = known(combo("mix", "two/c"), preferences=Preferences(wildcard_aliases=WILD))
    assert labels(found, name) == [expected]
    assert route_of(found, name).hops != ()


@pytest.mark.parametrize("name", ["gpt-55", "x/claude-4", "old"])
def test_a_name_that_fits_no_pattern_whole_is_unknown(name: str) -> None:
    found = known(preferences=Preferences(wildcard_aliases=WILD))
    with pytest.raises(Refused) as refused:
        route_of(found, name)
    assert refused.value.kind is ErrorKind.MODEL_NOT_FOUND


def test_an_exact_alias_wins_over_every_pattern() -> None:
    aliases = {"claude-4-opus": "two/c"}
    found = replace(known(preferences=Preferences(wildcard_aliases=WILD)), aliases=aliases)
    assert labels(found, "claude-4-opus") == ["two/c"]


@given(text=st.text(alphabet="ab*?-/.", min_size=1, max_size=12), name=st.text(alphabet="ab-/.", max_size=12))
def test_the_best_pattern_fits_and_none_that_fits_says_more(text: str, name: str) -> None:
    aliases = (WildcardAlias(text, "x"), WildcardAlias("*", "y"), WildcardAlias("a*", "z"))
    found = best(aliases, name)
    fitting = [alias for alias in aliases if matches(alias.pattern, name)]
    if not fitting:
        assert found is None
    else:
        assert found in fitting
        assert specificity(found.pattern) == max(specificity(alias.pattern) for alias in fitting)


@pytest.mark.parametrize("name", ["auto", "auto/fast", "auto/cheap", "auto/coding"])
def test_auto_is_always_there_with_the_default_model_of_everything_connected(name: str) -> None:
    found = known()
    assert labels(found, name) == ["one/a", "two/c"]
    root = route_of(found, name).root
    assert isinstance(root, Group)
    assert root.config.strategy is Strategy.AUTO
    assert root.config.auto_mode == (name.partition("/")[2] or AutoMode.BALANCED)


def test_auto_gives_way_to_what_the_user_named_so() -> None:
    assert labels(known(combo("auto", "two/d")), "auto") == ["two/d"]
    assert labels(known(auto="one/b"), "auto") == ["one/b"]


@pytest.mark.parametrize("name", ["auto/never", "auto/fast/er", "automatic"])
def test_other_names_like_it_are_unknown(name: str) -> None:
    with pytest.raises(Refused):
        route_of(known(), name)


def test_what_a_combo_says_wins_over_its_members_provider_and_that_over_the_defaults() -> None:
    preferences = Preferences(
        combo_defaults=ComboSettings(max_retries=5, retry_delay_ms=111, timeout_ms=5000),
        provider_overrides={"two": MemberSettings(retry_delay_ms=222, timeout_ms=6000)},
    )
    found = known(
        combo("mix", "one/a", "two/c", config=ComboConfig(timeout_ms=7000)), preferences=preferences
    )
    one, two = (member.config for member in route_of(found, "mix").members)
    assert one is not None
    assert two is not None
    assert (one.max_retries, one.retry_delay_ms, one.timeout_ms) == (5, 111, 7000)
    assert (two.max_retries, two.retry_delay_ms, two.timeout_ms) == (5, 222, 7000)
