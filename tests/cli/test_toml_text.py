"""Documents as TOML."""

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from omniroute.cli.toml_text import to_toml

PLAIN = st.one_of(
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8"), max_size=20),
)
KEYS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=10)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_what_is_read_back_is_what_was_written(document: dict[str, Any]) -> None:
    assert tomllib.loads(to_toml(document)) == document


def test_it_reads_as_a_person_would_write_it() -> None:
    document = {"combos": {"daily": {"models": ["groq/a", {"model": "b", "weight": 3}], "isActive": False}}}
    assert to_toml(document) == (
        '[combos.daily]\nmodels = [\n    "groq/a",\n    { model = "b", weight = 3 },\n]\nisActive = false\n'
    )


def test_null_is_left_out() -> None:
    assert to_toml({"a": {"b": None, "c": 1}}) == "[a]\nc = 1\n"
