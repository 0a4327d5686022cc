"""What providers tell of their rate limits."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from omniroute.gateway.health.limits import LIFE_S, Limit, instant_s, learned

NOW_S = 1_790_000_000.0


def told(headers: Mapping[str, str]) -> Limit | None:
    return learned(CIMultiDict(headers), now_s=NOW_S)


OPENAI = {
    "x-ratelimit-limit-requests": "500",
    "x-ratelimit-remaining-requests": "499",
    "x-ratelimit-reset-requests": "120ms",
    "x-ratelimit-limit-tokens": "30000",
    "x-ratelimit-remaining-tokens": "0",
    "x-ratelimit-reset-tokens": "6m0s",
}
ANTHROPIC = {
    "anthropic-ratelimit-requests-limit": "50",
    "anthropic-ratelimit-requests-remaining": "0",
    "anthropic-ratelimit-requests-reset": datetime.fromtimestamp(NOW_S + 12, UTC).isoformat(),
    "anthropic-ratelimit-tokens-limit": "40000",
    "anthropic-ratelimit-tokens-remaining": "10000",
    "anthropic-ratelimit-tokens-reset": "2026-11-23T03:00:00Z",
}


@pytest.mark.parametrize("spell", [str, str.title, str.upper])
def test_both_families_of_headers_are_read_however_they_are_spelt(spell: type[str]) -> None:
    openai = told({spell(name): value for name, value in OPENAI.items()})
    anthropic = told({spell(name): value for name, value in ANTHROPIC.items()})
    assert openai is not None
    assert (openai.requests, openai.requests_left, openai.requests_reset_s) == (500, 499, NOW_S + 0.12)
    assert (openai.tokens, openai.tokens_left, openai.tokens_reset_s) == (30_000, 0, NOW_S + 360)
    assert openai.blocked_until_s(NOW_S) == NOW_S + 360
    assert openai.share_left(NOW_S) == 0.0
    assert anthropic is not None
    assert (anthropic.requests, anthropic.requests_left) == (50, 0)
    assert anthropic.blocked_until_s(NOW_S) == NOW_S + 12
    assert anthropic.blocked_until_s(NOW_S + 12) is None


@pytest.mark.parametrize(
    "headers",
    [{}, {"Retry-After": "3"}, {"x-ratelimit-reset-requests": "6s"}, {"x-other-limit-requests": "3"}],
)
def test_an_answer_that_tells_no_limit_teaches_nothing(headers: dict[str, str]) -> None:
    assert told(headers) is None


@pytest.mark.parametrize(
    ("text", "from_now_s"),
    [
        ("20ms", 0.02),
        ("1s", 1.0),
        ("6m0s", 360.0),
        ("1h30m", 5400.0),
        ("1.5s", 1.5),
        ("2d", 172_800.0),
        ("12", 12.0),
        ("0", 0.0),
        (f"{NOW_S + 30:.0f}", 30.0),
        (datetime.fromtimestamp(NOW_S + 9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), 9.0),
        (datetime.fromtimestamp(NOW_S + 9, UTC).strftime("%Y-%m-%dT%H:%M:%S"), 9.0),
    ],
)
def test_an_instant_may_be_told_in_many_ways(text: str, from_now_s: float) -> None:
    found = instant_s(text, now_s=NOW_S)
    assert found is not None
    assert found - NOW_S == pytest.approx(from_now_s)


@pytest.mark.parametrize("text", [None, "", "soon", "-5", "nan", "inf", "1e99", "6x", "s"])
def test_what_is_no_instant_is_not_known(text: str | None) -> None:
    assert instant_s(text, now_s=NOW_S) is None


@given(st.dictionaries(st.sampled_from([*OPENAI, *ANTHROPIC]), st.text(max_size=12)))
def test_headers_of_any_text_do_no_harm(headers: dict[str, str]) -> None:
    limit = told(headers)
    if limit is not None:
        share = limit.share_left(NOW_S)
        assert share is None or 0 <= share <= 1
        limit.blocked_until_s(NOW_S)


def test_a_limit_holds_nobody_up_while_something_is_left_or_nobody_says_until_when() -> None:
    assert Limit(requests_left=1, requests_reset_s=NOW_S + 9).blocked_until_s(NOW_S) is None
    assert Limit(requests_left=0).blocked_until_s(NOW_S) is None


@pytest.mark.parametrize(
    ("limit", "share"),
    [
        (Limit(requests=10, requests_left=5, told_s=NOW_S), 0.5),
        (Limit(requests=10, requests_left=5, tokens=100, tokens_left=10, told_s=NOW_S), 0.1),
        (Limit(requests=10, requests_left=50, told_s=NOW_S), 1.0),
        (Limit(requests=10, requests_left=-3, told_s=NOW_S), 0.0),
        (Limit(requests=0, requests_left=0, told_s=NOW_S), None),
        (Limit(requests_left=5, told_s=NOW_S), None),
        (Limit(requests=10, requests_left=5, told_s=NOW_S - LIFE_S - 1), None),
    ],
)
def test_the_scarcer_share_is_what_is_left(limit: Limit, share: float | None) -> None:
    assert limit.share_left(NOW_S) == share


def test_each_call_takes_from_what_was_told_until_it_is_filled_up() -> None:
    limit = Limit(
        requests=3, requests_left=2, requests_reset_s=NOW_S + 10, tokens=100, tokens_left=60, told_s=NOW_S
    )
    once = limit.after_call(NOW_S, 40)
    twice = once.after_call(NOW_S, 40)
    assert (once.requests_left, once.tokens_left) == (1, 20)
    assert (twice.requests_left, twice.tokens_left) == (0, 0)
    assert twice.blocked_until_s(NOW_S) == NOW_S + 10
    filled = twice.after_call(NOW_S + 10)
    assert filled.requests_left == 2
    for _ in range(2):
        assert filled.blocked_until_s(NOW_S + 10) is None
        filled = filled.after_call(NOW_S + 10)
    assert filled.blocked_until_s(NOW_S + 10) is not None, "nobody has told anything newer"
    assert Limit().after_call(NOW_S, 5) == Limit()


@pytest.mark.parametrize(
    ("left", "reset_s", "free_s"),
    [(6, 9.0, None), (5, 9.0, 1.0), (5, -1.0, None), (0, 9.0, 9.0)],
)
def test_with_little_left_calls_keep_their_distance(left: int, reset_s: float, free_s: float | None) -> None:
    limit = Limit(requests=60, requests_left=left, requests_reset_s=NOW_S + reset_s)
    found = limit.free_at_s(NOW_S, NOW_S)
    assert found == (None if free_s is None else NOW_S + free_s)
    assert limit.free_at_s(NOW_S, None) == (NOW_S + reset_s if left == 0 else None)
