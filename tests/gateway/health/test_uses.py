"""How often accounts were called."""

from omniroute.gateway.health.uses import Uses

NOW_S = 1_790_000_000.0
HOUR_S = 3600.0


def test_calls_of_before_the_start_count_as_if_they_were_our_own() -> None:
    ours, found = Uses(), Uses()
    calls = [
        ("one", "a", NOW_S - 1800),
        ("one", "b", NOW_S - 60),
        ("one", "a", NOW_S - 30),
        ("one", "a", NOW_S),
        ("two", "c", NOW_S),
    ]
    for provider_id, account_id, at_s in calls:
        ours.begin(provider_id, account_id, at_s)
        ours.end(account_id, at_s, failed=None)

    found.restore(calls, now_s=NOW_S)

    for account_id in ("a", "b", "c", "nobody's"):
        load = found.load(account_id, NOW_S, backoff_level=0)
        assert load == ours.load(account_id, NOW_S, backoff_level=0)
    first = found.load("a", NOW_S, backoff_level=0)
    assert (first.uses_last_hour, first.consecutive_uses, first.last_used_s) == (3, 2, NOW_S)
    assert found.in_flight() == {}


def test_calls_from_the_future_are_no_calls() -> None:
    uses = Uses()
    uses.restore([("one", "a", NOW_S + HOUR_S)], now_s=NOW_S)
    assert uses.load("a", NOW_S, backoff_level=0).last_used_s is None
