"""When an access token is to be renewed."""

from omniroute.records.logins import Login

BEFORE_CALL_S = 300.0
"""A call is not made with a token that ends sooner."""
LOOK_AHEAD_S = 600.0
"""In the background one is renewed earlier, so that calls need not wait for it."""
_SHARE = 4
"""A token that lives shortly is renewed in the last quarter of its life, or it would be at every call."""


def ends_soon(login: Login, *, now_ms: int, within_s: float) -> bool:
    """Whether the token ends within that time and can be renewed."""
    if login.refresh_token is None or login.expires_at_ms is None:
        return False
    margin_ms = within_s * 1000
    if login.obtained_at_ms is not None:
        margin_ms = min(margin_ms, max(login.expires_at_ms - login.obtained_at_ms, 0) / _SHARE)
    return now_ms >= login.expires_at_ms - margin_ms


def is_over(login: Login, *, now_ms: int) -> bool:
    """Whether its time is over; one whose end is not known goes on."""
    return login.expires_at_ms is not None and now_ms >= login.expires_at_ms
