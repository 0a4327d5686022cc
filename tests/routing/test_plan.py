"""The attempts a request may make, and why others are left out."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from random import Random

import pytest

from omniroute.records import (
    Account,
    AccountStrategy,
    Combo,
    ComboEntry,
    ModelFacts,
    Preferences,
    Snapshot,
)
from omniroute.routing.auto import Needs
from omniroute.routing.outlook import Obstacle, Scope
from omniroute.routing.plan import MAX_ACCOUNTS, MAX_ATTEMPTS, NO_TURN, Plan, Terms, plan
from omniroute.routing.resolve import route_of
from omniroute.routing.route import Member, Route
from tests.routing.samples import World, account, provider, snapshot, with_combos

ONE, TWO = provider("one", "m"), provider("two", "n")
SMALL = ModelFacts(id="small", context_tokens=1_000, tools=False, inputs=("text",))
MIDDLE = ModelFacts(id="middle", context_tokens=10_000, inputs=("text", "image"))
LARGE = ModelFacts(id="large", context_tokens=100_000, tools=True, inputs=("text", "image"))
UNKNOWN = ModelFacts(id="unknown")


def terms(
    world: World | None = None,
    *,
    needs: Needs | None = None,
    session: Callable[[], str | None] = lambda: None,
    turn: int = 0,
) -> Terms:
    return Terms(
        outlook=world or World(),
        rng=Random(1),  # noqa: S311 - chance that repeats
        needs=needs or Needs(),
        session=session,
        turn=lambda _: turn,
    )


def asked(made: Plan) -> list[str]:
    return [f"{one.provider.id}/{one.model} by {one.account.name}" for one in made.attempts]


def both(*entries: ComboEntry) -> Combo:
    return Combo(
        id="c", name="both", entries=entries or (ComboEntry(model="one/m"), ComboEntry(model="two/n"))
    )


def sizes(*models: str) -> tuple[Snapshot, Route]:
    """A combo of models whose windows differ, one account."""
    known = snapshot([provider("one", SMALL, MIDDLE, LARGE, UNKNOWN)], [account("one")])
    combo = both(*(ComboEntry(model=f"one/{model}") for model in models))
    found = with_combos(known, combo)
    return found, route_of(found, "both")


def test_every_active_account_is_asked_in_order_member_by_member() -> None:
    accounts = [
        account("two", "x"),
        account("one", "a"),
        account("one", "b", is_active=False),
        account("one", "c"),
    ]
    found = with_combos(snapshot([ONE, TWO], accounts), both())

    made = plan(found, route_of(found, "both"), terms())

    assert asked(made) == ["one/m by a", "one/m by c", "two/n by x"]
    assert [(one.provider, one.model, one.account, one.skipped) for one in made.candidates] == [
        ("one", "m", "a", None),
        ("one", "m", "c", None),
        ("two", "n", "x", None),
    ]
    assert made.strategy == "priority"


def test_a_model_outside_of_combos_has_the_strategy_of_its_providers_accounts() -> None:
    known = snapshot([ONE], [account("one")])
    preferences = Preferences(provider_strategies={"one": AccountStrategy.P2C})

    assert plan(known, route_of(known, "one/m"), terms()).strategy == "fill-first"
    known = replace(known, preferences=preferences)
    assert plan(known, route_of(known, "one/m"), terms()).strategy == "p2c"


def test_one_member_gets_so_many_attempts_and_a_request_so_many() -> None:
    providers = [provider(f"p{number}", "m") for number in range(5)]
    accounts = [account(one.id, f"{number:02}") for one in providers for number in range(MAX_ACCOUNTS + 3)]
    combo = both(*(ComboEntry(model=f"{one.id}/m") for one in providers))
    found = with_combos(snapshot(providers, accounts), combo)

    alone = plan(found, route_of(found, "p0/m"), terms())
    together = plan(found, route_of(found, "both"), terms())

    assert [one.account.name for one in alone.attempts] == [f"{number:02}" for number in range(MAX_ACCOUNTS)]
    assert len(together.attempts) == MAX_ATTEMPTS
    assert {(one.account, one.skipped) for one in together.candidates if one.skipped} == {(None, NO_TURN)}
    assert [one.provider.id for one in together.attempts] == ["p0"] * 8 + ["p1"] * 8 + ["p2"] * 8


def test_nobody_is_asked_where_there_is_no_account() -> None:
    known = snapshot([ONE])
    made = plan(known, Route(requested="one/m", root=Member(provider=ONE, model="m")), terms())
    assert (made.attempts, made.obstacles) == ((), ())
    assert [(one.model, one.account, one.skipped) for one in made.candidates] == [
        ("m", None, "no account is on")
    ]


def test_a_step_for_accounts_that_are_not_there_says_so() -> None:
    entries = (ComboEntry(model="one/m", accounts=("gone", "b")), ComboEntry(model="two/n"))
    accounts = [account("one", "a"), account("one", "b", is_active=False), account("two", "x")]
    found = with_combos(snapshot([ONE, TWO], accounts), both(*entries))

    made = plan(found, route_of(found, "both"), terms())

    assert asked(made) == ["two/n by x"]
    assert [(one.model, one.skipped) for one in made.candidates if one.skipped] == [
        ("m", "no account 'gone' or 'b' is switched on")
    ]


def test_a_model_can_stand_in_a_combo_once_for_each_account() -> None:
    entries = (
        ComboEntry(model="one/m", accounts=("b",)),
        ComboEntry(model="two/n"),
        ComboEntry(model="one/m", accounts=("a",)),
        ComboEntry(model="one/m"),
        ComboEntry(model="one/m", accounts=("c",)),
    )
    accounts = [account("one", name) for name in "abc"] + [account("two", "x")]
    found = with_combos(snapshot([ONE, TWO], accounts), both(*entries))

    made = plan(found, route_of(found, "both"), terms())

    assert asked(made) == ["one/m by b", "two/n by x", "one/m by a", "one/m by c"]
    assert [one.skipped for one in made.candidates if one.skipped] == ["stands in the combo already"]


def test_the_conversation_that_chose_among_accounts_is_named() -> None:
    preferences = Preferences(fallback_strategy=AccountStrategy.RANDOM)
    known = replace(snapshot([ONE], [account("one", "a"), account("one", "b")]), preferences=preferences)
    chosen = plan(known, route_of(known, "one/m"), terms(session=lambda: "s-1"))
    alone = Preferences(fallback_strategy=AccountStrategy.RANDOM, session_affinity=False)
    free = plan(replace(known, preferences=alone), route_of(known, "one/m"), terms(session=lambda: "s-1"))
    assert (chosen.session, free.session) == ("s-1", None)


def test_an_account_that_must_not_be_asked_is_left_out_with_the_reason_and_the_end() -> None:
    known = snapshot([ONE], [account("one", "a"), account("one", "b"), account("one", "c")])
    cools = Obstacle(Scope.MODEL, "rate_limit_exceeded", 1_000.5)
    refused = Obstacle(Scope.ACCOUNT, "auth_error", float("inf"))
    world = World(obstacles={"one-a": cools, "one-b": refused})

    made = plan(known, route_of(known, "one/m"), terms(world))

    assert asked(made) == ["one/m by c"]
    assert [(one.account, one.skipped, one.until_ms) for one in made.candidates] == [
        ("c", None, None),
        ("a", "rate_limit_exceeded", 1_000_500),
        ("b", "auth_error", None),
    ]
    assert made.obstacles == (cools, refused)


def test_a_providers_breaker_is_told_once_and_not_of_each_account() -> None:
    known = snapshot([ONE], [account("one", "a"), account("one", "b")])
    opened = Obstacle(Scope.BREAKER, "circuit_open", 7.0)
    own = Obstacle(Scope.MODEL, "server_error", 3.0)
    world = World(obstacles={"one-a": opened, "one-b": opened}, own_obstacles={"one-a": own, "one-b": own})
    made = plan(known, route_of(known, "one/m"), terms(world))
    assert made.attempts == ()
    assert made.obstacles == (opened, own, own), "whoever waits looks again when the first is free"
    assert [(one.account, one.skipped) for one in made.candidates] == [
        (None, "circuit_open"),
        ("a", "server_error"),
        ("b", "server_error"),
    ]


def test_an_open_breaker_is_probed_early_by_who_has_nobody_else_to_ask() -> None:
    known = snapshot([ONE, TWO], [account("one", "a"), account("one", "b"), account("two", "c")])
    opened = Obstacle(Scope.BREAKER, "circuit_open", 7.0)
    cools = Obstacle(Scope.MODEL, "server_error", 3.0)
    world = World(
        obstacles={"one-a": opened, "one-b": opened}, own_obstacles={"one-a": cools}, probes={"one-b"}
    )
    found = with_combos(known, both())
    made = plan(found, route_of(found, "both"), terms(world))
    assert asked(made) == ["two/n by c"]
    assert [one.account.name for one in made.held] == ["a", "b"]

    world.obstacles["two-c"] = cools
    made = plan(found, route_of(found, "both"), terms(world))
    assert asked(made) == ["one/m by b"]
    assert [one.is_probe for one in made.attempts] == [True]


def test_while_one_probes_a_provider_nobody_else_does() -> None:
    known = snapshot([ONE], [account("one", "a")])
    probing = Obstacle(Scope.BREAKER, "probing", 1.0)
    made = plan(known, route_of(known, "one/m"), terms(World(obstacles={"one-a": probing})))
    assert (made.attempts, made.obstacles) == ((), (probing,))


def test_an_attempt_knows_when_it_is_a_probe() -> None:
    known = snapshot([ONE], [account("one", "a"), account("one", "b")])
    made = plan(known, route_of(known, "one/m"), terms(World(probes={"one-b"})))
    assert [one.is_probe for one in made.attempts] == [False, True]


@pytest.mark.parametrize("named", ["b", "one-b"])
def test_a_step_may_name_the_only_accounts_it_uses(named: str) -> None:
    known = snapshot([ONE], [account("one", "a"), account("one", "b")])
    found = with_combos(known, both(ComboEntry(model="one/m", accounts=(named,))))
    made = plan(found, route_of(found, "both"), terms())
    assert asked(made) == ["one/m by b"]


def test_a_member_whose_window_is_too_small_is_left_out() -> None:
    found, route = sizes("small", "large", "unknown", "middle")
    needs = Needs(tokens=lambda: 5_000, body_bytes=20_000)

    made = plan(found, route, terms(needs=needs))

    assert [one.model for one in made.attempts] == ["large", "unknown", "middle"]
    [skipped] = [one for one in made.candidates if one.skipped]
    assert (skipped.model, skipped.skipped) == ("small", "its window of 1000 tokens is too small")


def test_a_request_too_long_for_all_goes_to_the_member_with_most_room() -> None:
    found, route = sizes("small", "middle")
    needs = Needs(tokens=lambda: 50_000, body_bytes=200_000)
    made = plan(found, route, terms(needs=needs))
    assert [one.model for one in made.attempts] == ["middle"]


def test_tokens_are_not_counted_for_a_body_that_fits_every_window() -> None:
    found, route = sizes("small", "middle")

    def count() -> int:
        raise AssertionError("there was no need to count")

    made = plan(found, route, terms(needs=Needs(tokens=count, body_bytes=1_999)))

    assert [one.model for one in made.attempts] == ["small", "middle"]


def test_a_single_target_is_asked_whatever_it_can_do() -> None:
    known = snapshot([provider("one", SMALL)], [account("one")])
    needs = Needs(tokens=lambda: 5_000, body_bytes=20_000, tools=True, images=lambda: True)
    assert asked(plan(known, route_of(known, "one/small"), terms(needs=needs))) == ["one/small by main"]


@pytest.mark.parametrize(
    ("needs", "reason"),
    [
        (Needs(tools=True), "takes no tools"),
        (Needs(images=lambda: True), "takes no images"),
    ],
)
def test_a_member_that_lacks_what_the_request_needs_is_left_out(needs: Needs, reason: str) -> None:
    found, route = sizes("small", "unknown", "large")
    made = plan(found, route, terms(needs=needs))
    assert [one.model for one in made.attempts] == ["unknown", "large"]
    assert [(one.model, one.skipped) for one in made.candidates if one.skipped] == [("small", reason)]


def test_entries_nobody_can_ask_stand_among_the_candidates() -> None:
    found = with_combos(snapshot([ONE], [account("one")]), both(), preferences=Preferences())
    made = plan(found, route_of(found, "both"), terms())
    [left_out] = [one for one in made.candidates if one.skipped]
    assert left_out.model == "two/n"
    assert "'two/n'" in (left_out.skipped or "")


AFFINE = Preferences(fallback_strategy=AccountStrategy.ROUND_ROBIN)


def many(preferences: Preferences, *gone: str) -> Snapshot:
    accounts: list[Account] = [account("one", name) for name in "abcdef" if name not in gone]
    return replace(snapshot([ONE], accounts), preferences=preferences)


def test_a_session_keeps_its_account_and_others_spread() -> None:
    known = many(AFFINE)
    route = route_of(known, "one/m")
    firsts = {
        name: {asked(plan(known, route, terms(session=partial(str, name))))[0] for _ in range(3)}
        for name in range(40)
    }
    assert all(len(first) == 1 for first in firsts.values())
    assert len(set.union(*firsts.values())) == 6


def test_a_session_escapes_while_its_account_is_held_up_and_comes_back() -> None:
    known = many(AFFINE)
    route = route_of(known, "one/m")
    first, second, *_ = plan(known, route, terms(session=lambda: "s")).attempts
    held = World(obstacles={first.account.id: Obstacle(Scope.MODEL, "server_error", 9.0)})
    assert plan(known, route, terms(held, session=lambda: "s")).attempts[0].account == second.account
    assert plan(known, route, terms(session=lambda: "s")).attempts[0].account == first.account


@pytest.mark.parametrize(
    "preferences",
    [
        Preferences(fallback_strategy=AccountStrategy.ROUND_ROBIN, session_affinity=False),
        Preferences(fallback_strategy=AccountStrategy.FILL_FIRST),
    ],
)
def test_sessions_are_not_even_named_where_they_decide_nothing(preferences: Preferences) -> None:
    def named() -> str:
        raise AssertionError("nobody needs its name")

    known = many(preferences)
    assert plan(known, route_of(known, "one/m"), terms(session=named)).attempts[0].account.name == "a"
    alone = many(AFFINE, *"bcdef")
    assert asked(plan(alone, route_of(alone, "one/m"), terms(session=named))) == ["one/m by a"]


def test_accounts_one_can_stand_in_line_for_come_after_all_that_are_free_the_soonest_first() -> None:
    names = ("slow", "quick", "crowded", "free", "away")
    accounts = tuple(account("one", name) for name in names)
    limits = {"slow": (20.0, 0), "quick": (1.0, 2), "crowded": (1.0, 9), "away": (900.0, None)}
    world = World(
        obstacles={
            f"one-{name}": Obstacle(Scope.LIMIT, "rate_limit_exceeded", until_s, waiting)
            for name, (until_s, waiting) in limits.items()
        }
    )
    known = snapshot([ONE], accounts)
    made = plan(known, route_of(known, "one/m"), terms(world))

    assert asked(made) == [f"one/m by {name}" for name in ("free", "quick", "crowded", "slow")]
    assert [one.until_s for one in made.obstacles] == [900.0]
    assert [one.account.name for one in made.held] == ["away"]
