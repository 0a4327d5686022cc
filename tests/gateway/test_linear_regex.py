"""Patterns that cannot take long."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.gateway.linear_regex import MOST_STEPS, LinearPattern, PatternRefused

ATOMS = st.sampled_from(["a", "b", "[ab]", "[^a]", ".", r"\w", r"\d", r"\.", "[a-b]"])
REPEATS = st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{2,}", "{0,2}"])


def patterns() -> st.SearchStrategy[str]:
    return st.recursive(
        ATOMS,
        lambda inner: st.one_of(
            st.tuples(inner, inner).map("".join),
            st.tuples(inner, inner).map(lambda pair: f"({pair[0]}|{pair[1]})"),
            st.tuples(inner, REPEATS).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
        ),
        max_leaves=8,
    )


@given(pattern=patterns(), text=st.text("aAbB.1\n ", max_size=10))
def test_it_finds_what_the_standard_library_finds(pattern: str, text: str) -> None:
    try:
        linear = LinearPattern(pattern)
    except PatternRefused:
        assert len(pattern) > 50 or re.search(pattern, "", re.IGNORECASE) is not None
        return
    assert linear.is_in(text) is (re.search(pattern, text, re.IGNORECASE) is not None)


@pytest.mark.parametrize("pattern", ["(a+)+c", "(a|a)*c", "(.*a){9}c", r"(\w+\s?)+c", "a*a*a*a*a*c"])
def test_no_text_makes_it_slow(pattern: str) -> None:
    linear = LinearPattern(pattern)
    assert not linear.is_in("a" * 100_000)
    assert linear.is_in("a" * 1000 + "c")


def test_what_takes_too_long_is_not_found() -> None:
    linear = LinearPattern("x")
    assert linear.is_in("y" * (MOST_STEPS - 1) + "x")
    assert not linear.is_in("y" * MOST_STEPS + "x")


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("", "characters"),
        ("a" * 201, "characters"),
        ("a*", "every text"),
        ("(a", "without its )"),
        ("a)", "too many"),
        ("[a", "without its ]"),
        ("[z-a]", "class"),
        ("[[a]", "class"),
        ("^a", "beginnings"),
        ("a$", "beginnings"),
        (r"\bfoo", "not known"),
        (r"(a)\1", "not known"),
        ("(?=a)b", "only"),
        ("a**", "repetition"),
        ("*a", "nothing before"),
        ("a{3,2}", "bounds"),
        ("((a{99}){99}){9}", "too long"),
        ("a\\", "backslash"),
    ],
)
def test_what_is_not_known_is_refused_with_the_reason(pattern: str, reason: str) -> None:
    with pytest.raises(PatternRefused, match=re.escape(reason)):
        LinearPattern(pattern)
