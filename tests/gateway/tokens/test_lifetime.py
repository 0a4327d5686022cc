"""When a token is renewed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.gateway.tokens.lifetime import BEFORE_CALL_S, LOOK_AHEAD_S, ends_soon, is_over
from omniroute.records.logins import Login

URL = "https://vendor.example/token"


def login(lasts_s: int | None, *, can_be_renewed: bool = True, obtained_at_ms: int | None = 0) -> Login:
    """Obtained at instant 0."""
    return Login(
        refresh_token="r" if can_be_renewed else None,
        expires_at_ms=None if lasts_s is None else lasts_s * 1000,
        token_url=URL,
        obtained_at_ms=obtained_at_ms,
    )


@pytest.mark.parametrize(
    ("known", "within_s", "from_s"),
    [
        (login(3600), BEFORE_CALL_S, 3300),
        (login(3600), LOOK_AHEAD_S, 3000),
        (login(600), BEFORE_CALL_S, 450),  # not from the middle of its life on
        (login(60), LOOK_AHEAD_S, 45),
        (login(0), BEFORE_CALL_S, 0),
        (login(3600, obtained_at_ms=None), BEFORE_CALL_S, 3300),
    ],
)
def test_a_token_ends_soon_from_an_instant_on(known: Login, within_s: float, from_s: int) -> None:
    assert not ends_soon(known, now_ms=from_s * 1000 - 1, within_s=within_s)
    assert ends_soon(known, now_ms=from_s * 1000, within_s=within_s)


@pytest.mark.parametrize("known", [login(None), login(10, can_be_renewed=False)])
def test_what_does_not_end_or_cannot_be_renewed_is_left_alone(known: Login) -> None:
    assert not ends_soon(known, now_ms=10**15, within_s=BEFORE_CALL_S)


@given(lasts_s=st.integers(1, 10**7), now_s=st.integers(0, 2 * 10**7))
def test_a_token_is_renewed_before_it_is_over_and_in_the_background_before_a_call_has_to(
    lasts_s: int, now_s: int
) -> None:
    known, now_ms = login(lasts_s), now_s * 1000
    before_call = ends_soon(known, now_ms=now_ms, within_s=BEFORE_CALL_S)
    assert before_call or not is_over(known, now_ms=now_ms)
    assert ends_soon(known, now_ms=now_ms, within_s=LOOK_AHEAD_S) or not before_call


@given(lasts_s=st.integers(4, 10**7))
def test_a_token_that_has_just_come_is_not_renewed(lasts_s: int) -> None:
    assert not ends_soon(login(lasts_s), now_ms=0, within_s=LOOK_AHEAD_S)
