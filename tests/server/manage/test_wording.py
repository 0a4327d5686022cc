"""What is said of values that do not fit."""

from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from omniroute.api.aliases import AliasChange
from omniroute.api.budgets import NewBudget
from omniroute.api.combos import NewCombo
from omniroute.api.policies import PolicyBody
from omniroute.api.providers import NewConnection, NewNode
from omniroute.api.proxies import ProxyBody
from omniroute.api.resilience import Reset
from omniroute.records import Preferences
from omniroute.server.manage.wording import Fault, fault, told
from omniroute.store.key_value import JSON

TYPES = (AliasChange, NewBudget, NewCombo, PolicyBody, NewConnection, NewNode, ProxyBody, Reset, Preferences)
SECRET = "sk-live-0123456789abcdefghijklmnop"

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-1, 5000)
    | st.floats(-1, 2000, allow_nan=False)
    | st.sampled_from(["", "a", "a b", "x" * 300, "random", "24:00", "env:A", SECRET])
)
NAMES = sorted({field.encode_name for type_ in TYPES for field in msgspec.structs.fields(type_)})
OBJECTS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


def fits(value: Any, type_: type) -> bool:
    try:
        msgspec.convert(value, type_)
    except msgspec.ValidationError:
        return False
    return True


@pytest.mark.parametrize("type_", TYPES)
@given(value=OBJECTS, replaced=st.dictionaries(st.sampled_from(NAMES), OBJECTS, max_size=3))
def test_something_is_at_fault_where_msgspec_says_so_and_only_there(
    type_: type, value: Any, replaced: dict[str, Any]
) -> None:
    own = {field.encode_name for field in msgspec.structs.fields(type_)}
    near = {name: member for name, member in replaced.items() if name in own}
    for one in (value, near):
        found = fault(one, type_)
        assert (found is None) is fits(one, type_), (one, found)
        assert SECRET not in str(found)


class Sample(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    must_be: bool
    share: Annotated[float, Meta(gt=0, le=1)] = 1.0
    most: Annotated[int, Meta(ge=0, le=10)] | None = None
    least: Annotated[int, Meta(ge=1)] = 1
    mode: Literal["off", "on", "shadow"] = "off"
    name: Annotated[str, Meta(min_length=1, max_length=5)] = "a"
    moment: Annotated[str, Meta(pattern="^[0-9]+$", description="some digits")] = "1"
    tags: Annotated[list[Annotated[str, Meta(min_length=1)]], Meta(max_length=2)] = []
    by_name: dict[str, Literal["one", "two"]] = {}
    both: int | Literal["all"] = 1


@pytest.mark.parametrize(
    ("member", "value", "path", "message"),
    [
        ("mustBe", 1, "mustBe", "must be true or false, not a number"),
        ("share", 0, "share", "must be a number above 0 up to 1, not 0"),
        ("most", 50_000, "most", "must be a whole number from 0 to 10 or null, not 50,000"),
        ("most", 1.5, "most", "must be a whole number from 0 to 10 or null, not a number with a fraction"),
        ("least", 0, "least", "must be a whole number of 1 or more, not 0"),
        ("mode", "bogus", "mode", "must be off, on or shadow, not 'bogus'"),
        ("mode", SECRET, "mode", "must be off, on or shadow, not this"),
        ("name", "", "name", "must be text of 1 to 5 characters, not empty"),
        ("name", SECRET, "name", "must be text of 1 to 5 characters, not of 34"),
        ("name", {"a": SECRET}, "name", "must be text of 1 to 5 characters, not an object"),
        ("moment", SECRET, "moment", "must be some digits, not this"),
        ("tags", "a", "tags", "must be a list of at most 2 members, not text"),
        ("tags", ["a", "b", "c"], "tags", "must be a list of at most 2 members, not of 3"),
        ("tags", ["a", ""], "tags[1]", "must be text of at least 1 character, not empty"),
        ("byName", {"groq": "three"}, "byName.groq", "must be one or two, not 'three'"),
        ("both", None, "both", "must be a whole number or all, not null"),
        ("both", "any", "both", "must be a whole number or all, not 'any'"),
        (
            "typo",
            1,
            "typo",
            "is not known here; known are mustBe, share, most, least, mode, name, moment, tags, byName, both",
        ),
    ],
)
def test_a_fault_says_where_what_is_allowed_and_what_was_given(
    member: str, value: Any, path: str, message: str
) -> None:
    assert fault({"mustBe": True, member: value}, Sample) == Fault(path, message)


def test_what_is_missing_is_named_below_what_it_is_missing_in() -> None:
    assert fault({}, Sample, "samples.x") == Fault("samples.x.mustBe", "is missing")


def test_a_member_too_many_is_a_fault_of_an_open_type_only_when_asked() -> None:
    given: JSON = {"cache": {"ttl": 5}}

    assert fault(given, Preferences) is None
    found = fault(given, Preferences, closed=True)
    assert found is not None
    assert found.path == "cache.ttl"


class Odd(msgspec.Struct):
    """Refuses by rules of its own."""

    inner: int

    def __post_init__(self) -> None:
        if self.inner % 2 == 0:
            raise ValueError("only odd numbers")


def test_a_rule_that_only_the_type_knows_keeps_its_words_and_gets_its_path() -> None:
    value: JSON = [{"inner": 2}]
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(value, list[Odd])

    assert told(caught.value, value, list[Odd], "odd") == Fault("odd[0]", "only odd numbers")
