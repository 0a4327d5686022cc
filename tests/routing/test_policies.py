"""What policies make of a request."""

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.errors import ErrorKind, Refused
from omniroute.records import (
    ChainStep,
    Combo,
    ComboEntry,
    Policy,
    PolicyConditions,
    PolicyType,
    Snapshot,
    Strategy,
)
from omniroute.routing.outlook import Obstacle
from omniroute.routing.plan import Terms, plan
from omniroute.routing.policies import DAYS, Asked, in_window, rule
from omniroute.routing.resolve import route_of
from tests.routing.samples import account, provider, snapshot

MONDAY = datetime(2026, 11, 23, 12, 0)  # noqa: DTZ001 - the machine's own zone is what is meant
ONE = provider("one", "m", "big-opus", aliases=("uno",))
TWO = provider("two", "m", "vendor/opus-x")
THREE = provider("three", "m")
ACCOUNTS = [account("one"), account("two")]


def policy(type_: PolicyType, name: str = "rule", **members: Any) -> Policy:
    conditions = {
        key: members.pop(key)
        for key in ("model_pattern", "api_key_ids", "client_ips", "time_window")
        if key in members
    }
    return Policy(id=name, name=name, type=type_, conditions=PolicyConditions(**conditions), **members)


def with_policies(*policies: Policy, combo: Combo | None = None) -> Snapshot:
    found = replace(snapshot([ONE, TWO, THREE], ACCOUNTS), policies=policies)
    return replace(found, combos={combo.name: combo}) if combo is not None else found


def asked(**members: Any) -> Asked:
    return Asked(**{"now": MONDAY, **members})


def members_of(found: Snapshot, name: str, **members: Any) -> list[str]:
    """Labels of the targets a request for this name may go to, in order."""
    return [
        one.provider.id + "/" + one.model
        for one in rule(found, route_of(found, name), asked(**members)).route.members
    ]


class Quiet:
    """Everything is well, and nothing is known."""

    def __getattr__(self, name: str) -> Any:
        return lambda *args: {"is_probe": False}.get(name)

    def obstacle(self, *args: object) -> Obstacle | None:
        return None


BLOCK = PolicyType.ACCESS


@pytest.mark.parametrize(
    ("glob", "name"),
    [
        ("*opus*", "one/big-opus"),
        ("one/*", "one/m"),
        ("ONE/M", "one/m"),
        ("uno/m", "one/m"),
        ("big-opus", "uno/big-opus"),
        ("*opus*", "two/vendor/opus-x"),
        ("opu?-x", None),
        ("vendor/opu?-x", "two/vendor/opus-x"),
    ],
)
def test_a_block_means_any_name_of_the_target(glob: str, name: str | None) -> None:
    found = with_policies(policy(BLOCK, "No opus on CI", block_model=(glob,)))
    if name is None:
        assert members_of(found, "two/vendor/opus-x") == ["two/vendor/opus-x"]
        return
    with pytest.raises(Refused, match="No opus on CI") as refused:
        members_of(found, name)
    assert refused.value.kind is ErrorKind.POLICY_BLOCKED


def test_the_first_policy_that_names_the_model_decides() -> None:
    allow = policy(BLOCK, "allow", allow_model=("one/*",))
    block = policy(BLOCK, "block", block_model=("*",))

    assert members_of(with_policies(allow, block), "one/m") == ["one/m"]
    with pytest.raises(Refused):
        members_of(with_policies(block, allow), "one/m")
    with pytest.raises(Refused):
        members_of(with_policies(allow, block), "two/m")


def test_a_blocked_member_leaves_the_combo_and_the_rest_serves() -> None:
    combo = Combo(id="c", name="both", entries=(ComboEntry(model="one/m"), ComboEntry(model="two/m")))
    found = with_policies(policy(BLOCK, block_model=("one/*",)), combo=combo)

    ruled = rule(found, route_of(found, "both"), asked())

    assert [member.provider.id for member in ruled.route.members] == ["two"]
    assert [left.reason for left in ruled.route.unusable] == ["blocked by the policy 'rule'"]
    assert ruled.applied == ("rule",)


@pytest.mark.parametrize(
    ("conditions", "is_met"),
    [
        ({"api_key_ids": ("k1",)}, True),
        ({"api_key_ids": ("k2",)}, False),
        ({"client_ips": ("203.0.113.0/24",)}, True),
        ({"client_ips": ("203.0.113.7",)}, True),
        ({"client_ips": ("10.0.0.0/8", "2001:db8::/32")}, False),
        ({"model_pattern": "one/*"}, True),
        ({"model_pattern": "two/*"}, False),
        ({"time_window": {"start": "11:00", "end": "13:00"}}, True),
        ({"time_window": {"start": "13:00", "end": "11:00"}}, False),
        ({"time_window": {"days": "mon"}}, True),
        ({"time_window": {"days": "tue,wed"}}, False),
        ({"api_key_ids": ("k1",), "model_pattern": "two/*"}, False),
    ],
)
def test_a_policy_applies_where_all_its_conditions_are_met(conditions: dict[str, Any], is_met: bool) -> None:
    found = with_policies(policy(PolicyType.BUDGET, max_tokens=5, **conditions))

    ruled = rule(found, route_of(found, "one/m"), asked(api_key_id="k1", client_ip="::ffff:203.0.113.7"))

    assert ruled.max_tokens == (5 if is_met else None)


@pytest.mark.parametrize(
    "conditions",
    [{"client_ips": ("nonsense",)}, {"time_window": {"start": "soon"}}, {"client_ips": ("1.1.1.1",)}],
)
def test_what_cannot_be_read_closes_access_and_nothing_else(conditions: dict[str, Any]) -> None:
    block = policy(BLOCK, "block", block_model=("*",), **conditions)
    allow = policy(BLOCK, "allow", allow_model=("*",), **conditions)
    cap = policy(PolicyType.BUDGET, max_tokens=5, **conditions)

    with pytest.raises(Refused):
        members_of(with_policies(allow, block), "one/m")
    found = with_policies(cap)
    assert rule(found, route_of(found, "one/m"), asked()).max_tokens is None


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=6))
def test_the_lowest_cap_counts(caps: list[int]) -> None:
    found = with_policies(*(policy(PolicyType.BUDGET, str(cap), max_tokens=cap) for cap in caps))
    assert rule(found, route_of(found, "one/m"), asked()).max_tokens == min(caps)


def test_a_preferred_provider_of_the_same_model_goes_in_front_when_it_is_connected() -> None:
    found = with_policies(policy(PolicyType.ROUTING, prefer_provider=("three", "two")))

    ruled = rule(found, route_of(found, "one/m"), asked())

    assert [member.provider.id for member in ruled.route.members] == ["two", "one"]
    assert ruled.route.combo is None
    assert members_of(found, "one/big-opus") == ["one/big-opus"]


def test_a_client_that_wants_one_provider_gets_no_other() -> None:
    found = with_policies(policy(PolicyType.ROUTING, prefer_provider=("two",)))
    route = route_of(found, "m", only_provider="one")
    assert rule(found, route, asked()).route is route


def test_a_preferred_provider_goes_before_a_model_that_has_a_chain() -> None:
    found = with_policies(policy(PolicyType.ROUTING, prefer_provider=("two",)))
    found = replace(found, chains={"m": (ChainStep(provider_id="one", model="other"),)})
    ruled = rule(found, route_of(found, "one/m"), asked())
    assert [f"{one.provider.id}/{one.model}" for one in ruled.route.members] == [
        "two/m",
        "one/m",
        "one/other",
    ]


def test_a_preference_opens_no_way_round_a_block() -> None:
    found = with_policies(
        policy(PolicyType.ROUTING, "prefer", prefer_provider=("two",)),
        policy(BLOCK, "block", block_model=("two/*",)),
    )
    assert members_of(found, "one/m") == ["one/m"]


@pytest.mark.parametrize("strategy", [Strategy.PRIORITY, Strategy.RANDOM, Strategy.WEIGHTED])
@given(seed=st.integers(0, 1000))
def test_preferred_providers_stand_in_front_whatever_the_strategy(strategy: Strategy, seed: int) -> None:
    combo = Combo(
        id="c",
        name="both",
        strategy=strategy,
        entries=(ComboEntry(model="one/m", weight=9), ComboEntry(model="two/m", weight=1)),
    )
    found = with_policies(policy(PolicyType.ROUTING, prefer_provider=("two",)), combo=combo)
    route = rule(found, route_of(found, "both"), asked()).route

    made = plan(found, route, Terms(outlook=Quiet(), rng=Random(seed)))  # noqa: S311 - chance that repeats

    assert [attempt.provider.id for attempt in made.attempts] == ["two", "one"]


def test_without_policies_the_route_is_untouched() -> None:
    found = with_policies()
    route = route_of(found, "one/m")
    assert rule(found, route, asked()).route is route


@given(
    start=st.integers(0, 23),
    length=st.integers(1, 23),
    day=st.sampled_from(DAYS),
    minute=st.integers(0, 7 * 24 * 60 - 1),
)
def test_a_window_is_open_for_its_length_on_the_day_it_begins(
    start: int, length: int, day: str, minute: int
) -> None:
    now = MONDAY.replace(hour=0) + timedelta(minutes=minute)
    end = (start + length) % 24
    window = MappingProxyType({"start": f"{start:02}:00", "end": f"{end:02}:00", "days": day})

    since_start = (minute - (DAYS.index(day) * 24 + start) * 60) % (7 * 24 * 60)

    assert in_window(window, now) is (since_start < length * 60)


@pytest.mark.parametrize("window", [{"days": "someday"}, {"start": "25:00"}, {"end": "x"}])
def test_a_window_that_is_none_is_an_error(window: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        in_window(window, MONDAY)
