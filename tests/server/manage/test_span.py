"""Stretches of time, read without a server."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.server.manage.call import ApiError
from omniroute.server.manage.span import Span, read_span

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)  # 00:30 of the 23rd in Berlin
NOW_MS = int(NOW.timestamp() * 1000)


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("query", "since", "until"),
    [
        ({}, None, None),
        ({"range": "all"}, None, None),
        ({"range": "1d"}, "2026-11-23T00:00+01:00", None),
        ({"range": "7d"}, "2026-11-17T00:00+01:00", None),
        ({"range": "30d"}, "2026-10-25T00:00+02:00", None),
        ({"range": "ytd"}, "2026-01-01T00:00+01:00", None),
        ({"since": "90m"}, "2026-11-22T22:00Z", None),
        ({"since": "2w", "until": "7d"}, "2026-11-08T23:30Z", "2026-11-15T23:30Z"),
        (
            {"startDate": "2026-11-01", "endDate": "2026-11-02"},
            "2026-11-01T00:00+01:00",
            "2026-11-03T00:00+01:00",
        ),
        ({"since": "2026-11-01T10:00"}, "2026-11-01T10:00+01:00", None),
        ({"since": "2026-11-01T10:00Z"}, "2026-11-01T10:00Z", None),
        ({"since": "2026-11-01T10:00 02:00"}, "2026-11-01T10:00+02:00", None),
        ({"startDate": "", "since": "1h"}, "2026-11-22T22:30Z", None),
    ],
)
def test_a_query_means_this_span_in_berlin(
    query: dict[str, str], since: str | None, until: str | None
) -> None:
    wanted = Span(None if since is None else ms(since), None if until is None else ms(until))
    assert read_span(query, NOW_MS, BERLIN, begin="startDate", end="endDate") == wanted


@pytest.mark.parametrize("text", ["soon", "1y", "-1h", "2026-02-30", "9" * 30 + "h", "9999-12-31x"])
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ApiError) as caught:
        read_span({"since": text}, NOW_MS, timezone(timedelta(hours=5)))
    assert caught.value.status == 400


@given(text=st.text(max_size=30), now_ms=st.integers(0, 4_000_000_000_000))
def test_any_text_is_a_span_or_a_refusal(text: str, now_ms: int) -> None:
    try:
        span = read_span({"since": text, "until": text}, now_ms, UTC)
    except ApiError:
        return
    assert span.since_ms is None or span.until_ms is None or span.since_ms <= span.until_ms
