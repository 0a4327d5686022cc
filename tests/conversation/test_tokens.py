"""Estimated tokens are near what tokenizers count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.conversation.tokens import FAMILIES, count_tokens, family_of


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_has_no_tokens(family: str) -> None:
    assert count_tokens("", family) == 0


@given(text=st.text(max_size=200), family=st.sampled_from(list(FAMILIES)))
def test_a_text_has_no_negative_count_and_a_sane_upper_bound(text: str, family: str) -> None:
    assert 0 <= count_tokens(text, family) <= 3 * len(text) + 1


@given(text=st.text(max_size=80), more=st.text(max_size=80))
def test_more_text_has_no_fewer_tokens(text: str, more: str) -> None:
    assert count_tokens(f"{text}\n\n{more}") >= count_tokens(text) - 1


@given(text=st.text(max_size=80).map(lambda text: f"a{text}a"), times=st.integers(2, 6))
def test_repeated_text_costs_in_proportion(text: str, times: int) -> None:
    repeated = count_tokens("\n".join([text] * times))
    assert (
        abs(repeated - times * (count_tokens(text) + 1.16)) <= 0.5 * times + 1.7
    )  # rounding, and one line end less


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The quick brown fox jumps over the lazy dog.", 10),
        ("Hello, world!", 4),
        ("def add(a, b):\n    return a + b\n", 14),
        ('{"name": "Ada", "age": 36}', 12),
        ("Donaudampfschifffahrtsgesellschaft", 5),
        ("今日は良い天気ですね", 8),
    ],
)
def test_common_texts_count_about_as_openai_counts_them(text: str, expected: int) -> None:
    assert count_tokens(text) == pytest.approx(expected, rel=0.35, abs=1)


def test_an_unknown_family_counts_like_openai() -> None:
    assert count_tokens("some text", "nobody's") == count_tokens("some text", "o200k")


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("gpt-5", "o200k"),
        ("claude-3-5-sonnet-20241022", "claude"),
        ("claude-sonnet-4-5", "claude"),
        ("claude-opus-4-20250514", "claude"),
        ("claude-opus-4-7", "claude-4.7"),
        ("anthropic/claude-opus-4.7", "claude-4.7"),
        ("claude-sonnet-5-0-20261101", "claude-4.7"),
        ("google/Gemini-3-pro", "gemini"),
        ("deepseek-chat", "deepseek"),
        ("Qwen/Qwen3-Coder", "qwen"),
        ("moonshotai/Kimi-K2", "kimi"),
        ("", "o200k"),
    ],
)
def test_the_family_is_told_by_the_name(model: str, family: str) -> None:
    assert family_of(model) == family
