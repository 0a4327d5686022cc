"""In which order a combo's members are asked."""

import math
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.records import AutoMode, Category, Combo, ModelFacts, Strategy
from omniroute.routing.auto import WEIGHTS, Needs
from omniroute.routing.route import Effective, Group, Member
from omniroute.routing.strategies import Draw, ordered
from tests.routing.samples import World, price, provider

MODELS = ("a", "b", "c", "d")
ONE = provider("one", *MODELS)
DRAWS = 6_000
FAR = 4.0
"""Standard deviations a share may be off; a chance below 0.0001, and the seed is fixed."""


def member(model: str, weight: float = 0) -> Member:
    return Member(provider=ONE, model=model, weight=weight)


def combo(strategy: Strategy, *children: Member | Group, mode: AutoMode = AutoMode.BALANCED) -> Group:
    config = Effective(strategy=strategy, auto_mode=mode)
    return Group(combo=Combo(id="c", name="c"), config=config, children=children)


def draw(world: World | None = None, *, seed: int = 1, turn: int = 0, needs: Needs | None = None) -> Draw:
    chance = Random(seed)  # noqa: S311 - chance that repeats
    return Draw(world or World(), chance, lambda _: turn, needs or Needs())


def order(group: Group, terms: Draw | None = None) -> list[str]:
    return [scored.member.model for scored in ordered(group, terms or draw())]


def all_of(strategy: Strategy, weights: tuple[float, ...] = (0, 0, 0, 0)) -> Group:
    return combo(strategy, *(member(model, weight) for model, weight in zip(MODELS, weights, strict=True)))


def is_near(count: int, share: float, draws: int = DRAWS) -> bool:
    """The count is what a binomial distribution allows."""
    deviation = math.sqrt(draws * share * (1 - share))
    return abs(count - draws * share) <= FAR * deviation


@pytest.mark.parametrize("strategy", list(Strategy))
@given(
    seed=st.integers(0, 1000),
    turn=st.integers(0, 1000),
    weights=st.lists(st.floats(-5, 100), min_size=4, max_size=4),
)
def test_every_strategy_asks_every_member_once(
    strategy: Strategy, seed: int, turn: int, weights: list[float]
) -> None:
    found = order(all_of(strategy, tuple(weights)), draw(seed=seed, turn=turn))
    assert sorted(found) == sorted(MODELS)


@pytest.mark.parametrize("strategy", list(Strategy))
def test_a_combo_without_members_has_no_order(strategy: Strategy) -> None:
    assert order(combo(strategy)) == []


def test_by_priority_they_are_asked_as_listed() -> None:
    assert order(all_of(Strategy.PRIORITY)) == list(MODELS)


def test_by_weight_each_is_first_as_often_as_it_weighs() -> None:
    weights = (5.0, 3.0, 2.0, 0.0)
    terms = draw(seed=7)
    firsts = Counter(order(all_of(Strategy.WEIGHTED, weights), terms)[0] for _ in range(DRAWS))
    assert firsts["d"] == 0
    for model, weight in zip("abc", weights, strict=False):
        assert is_near(firsts[model], weight / 10), firsts


@given(seed=st.integers(0, 10_000), weights=st.lists(st.integers(0, 9), min_size=4, max_size=4))
def test_by_weight_the_rest_follow_by_falling_weight(seed: int, weights: list[int]) -> None:
    found = order(all_of(Strategy.WEIGHTED, tuple(weights)), draw(seed=seed))
    rest = [weights[MODELS.index(model)] for model in found[1:]]
    assert rest == sorted(rest, reverse=True)
    assert weights[MODELS.index(found[0])] > 0 or not any(weights)


def test_without_weights_all_are_first_equally_often() -> None:
    terms = draw(seed=3)
    firsts = Counter(order(all_of(Strategy.WEIGHTED), terms)[0] for _ in range(DRAWS))
    assert all(is_near(firsts[model], 1 / 4) for model in MODELS), firsts


@given(turn=st.integers(0, 10_000))
def test_in_turn_each_request_starts_one_further_on(turn: int) -> None:
    start = turn % len(MODELS)
    assert order(all_of(Strategy.ROUND_ROBIN), draw(turn=turn)) == [*MODELS[start:], *MODELS[:start]]


def test_at_random_every_order_is_as_likely() -> None:
    terms = draw(seed=11)
    orders = Counter("".join(order(all_of(Strategy.RANDOM), terms)) for _ in range(DRAWS))
    assert len(orders) == 24
    assert all(is_near(count, 1 / 24) for count in orders.values()), orders


@given(counts=st.lists(st.integers(0, 3), min_size=4, max_size=4))
def test_by_use_the_least_used_stands_first_and_equals_as_listed(counts: list[int]) -> None:
    used = dict(zip(MODELS, counts, strict=True))
    world = World(counts={"c": {f"one/{model}": count for model, count in used.items() if count}})
    found = order(all_of(Strategy.LEAST_USED), draw(world))
    assert found == sorted(MODELS, key=lambda model: (used[model], model))


@given(prices=st.lists(st.none() | st.integers(0, 3), min_size=4, max_size=4))
def test_by_cost_the_cheapest_stands_first_and_what_nobody_knows_last(prices: list[int | None]) -> None:
    known = {model: usd for model, usd in zip(MODELS, prices, strict=True) if usd is not None}
    world = World(prices={model: price(usd) for model, usd in known.items()})
    found = order(all_of(Strategy.COST_OPTIMIZED), draw(world))
    assert found == sorted(MODELS, key=lambda model: (known.get(model, float("inf")), model))


@pytest.mark.parametrize("category", [Category.SUBSCRIPTION, Category.FREE, Category.LOCAL])
def test_what_is_not_billed_costs_nothing(category: Category) -> None:
    unbilled = Member(provider=provider("free", "z", category=category), model="z")
    world = World(prices={"a": price(0.01), "z": price(50)})
    assert order(combo(Strategy.COST_OPTIMIZED, member("a"), unbilled), draw(world)) == ["z", "a"]


def test_auto_scores_health_latency_price_and_quota_and_tells_each() -> None:
    world = World(success={"a": 0.2, "b": 1.0})
    scored = ordered(combo(Strategy.AUTO, member("a"), member("b")), draw(world))
    assert [one.member.model for one in scored] == ["b", "a"]
    assert scored[0].scores["health"] == 1.0
    assert scored[1].scores["health"] == 0.2
    assert all(set(one.scores) == set(WEIGHTS["balanced"]) for one in scored)
    assert scored[0].score is not None
    assert scored[1].score is not None
    assert scored[0].score - scored[1].score == pytest.approx(0.8 * WEIGHTS["balanced"]["health"], abs=1e-3)


def test_every_mode_weighs_the_same_things_to_one_whole() -> None:
    assert set(WEIGHTS) == set(AutoMode)
    for weights in WEIGHTS.values():
        assert sum(weights.values()) == pytest.approx(1.0)
        assert set(weights) == set(WEIGHTS["balanced"])


QUICK, THRIFTY, CODER = "a", "b", "coder"
CHOICE = provider(
    "one", QUICK, THRIFTY, ModelFacts(id=CODER, tools=True, reasoning=True, context_tokens=400_000)
)


@pytest.mark.parametrize(
    ("mode", "first"), [(AutoMode.FAST, QUICK), (AutoMode.CHEAP, THRIFTY), (AutoMode.CODING, CODER)]
)
def test_each_mode_of_auto_prefers_what_it_is_named_for(mode: AutoMode, first: str) -> None:
    models = (QUICK, THRIFTY, CODER)
    world = World(
        success=dict.fromkeys(models, 1.0),
        latencies={QUICK: 100, THRIFTY: 6_000, CODER: 3_000},
        prices={QUICK: price(10), THRIFTY: price(0.05), CODER: price(10)},
    )
    group = combo(Strategy.AUTO, *(Member(provider=CHOICE, model=model) for model in models), mode=mode)
    assert order(group, draw(world, needs=Needs(tools=True)))[0] == first


def test_auto_takes_equals_as_listed() -> None:
    assert order(all_of(Strategy.AUTO)) == list(MODELS)


@pytest.mark.parametrize("mode", list(AutoMode))
@given(
    rates=st.lists(st.floats(0, 1), min_size=2, max_size=2),
    latencies=st.lists(st.floats(0, 60_000), min_size=2, max_size=2),
)
def test_better_in_everything_is_never_second(
    mode: AutoMode, rates: list[float], latencies: list[float]
) -> None:
    better, worse = max(rates), min(rates)
    quick, slow = min(latencies), max(latencies)
    world = World(
        success={"a": worse, "b": better},
        latencies={"a": slow, "b": quick},
        prices={"a": price(20), "b": price(1)},
    )
    group = combo(Strategy.AUTO, member("a"), member("b"), mode=mode)
    assert order(group, draw(world))[0] == "b"


def test_auto_prefers_who_has_more_of_its_limit_left() -> None:
    spent = Member(provider=provider("spent", "x"), model="x")
    fresh = Member(provider=provider("fresh", "y"), model="y")
    world = World(quotas={"spent": (0.0, 0.05), "fresh": (0.9,)})
    assert order(combo(Strategy.AUTO, spent, fresh), draw(world)) == ["y", "x"]


@given(turn=st.integers(0, 100))
def test_nested_combos_keep_their_own_order_inside_the_outer_one(turn: int) -> None:
    inner = combo(Strategy.COST_OPTIMIZED, member("b"), member("c"))
    outer = combo(Strategy.ROUND_ROBIN, member("a"), inner, member("d"))
    world = World(prices={"b": price(2), "c": price(1)})
    blocks = [["a"], ["c", "b"], ["d"]]
    start = turn % 3
    assert order(outer, draw(world, turn=turn)) == [
        model for block in [*blocks[start:], *blocks[:start]] for model in block
    ]


def test_a_nested_combo_is_drawn_by_its_own_weight() -> None:
    inner = Group(
        combo=Combo(id="i", name="i"),
        config=Effective(),
        children=(member("b"), member("c")),
        weight=3,
    )
    terms = draw(seed=5)
    outer = combo(Strategy.WEIGHTED, member("a", 1), inner)
    firsts = Counter(order(outer, terms)[0] for _ in range(DRAWS))
    assert is_near(firsts["b"], 3 / 4), firsts
    assert is_near(firsts["a"], 1 / 4), firsts
