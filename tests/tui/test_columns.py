"""The request table's columns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.api.live import RequestLive
from omniroute.tui.columns import layout, matches
from tests.tui.samples import ANSWERED, BUSY, CUT, FAILED, LEFT, RUNNING

names = st.none() | st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=40)
amounts = st.none() | st.integers(0, 10**10)

requests = st.builds(
    RequestLive,
    id=st.just("r"),
    request_id=st.just("req"),
    started_at=st.just("2026-11-22T12:03:08.000Z"),
    state=st.sampled_from(["running", "ok", "error", "cut", "cancelled", "a newer state"]),
    path=st.just("/v1/messages"),
    model=names,
    provider=names,
    account=names,
    status=st.none() | st.integers(100, 599),
    tokens_in=amounts,
    tokens_out=amounts,
    cost_usd=st.none() | st.floats(0, 1e6),
    ttft_ms=amounts,
    duration_ms=amounts,
)


@given(rows=st.lists(requests, max_size=5), width=st.integers(79, 240))
def test_every_line_is_exactly_as_wide_as_the_table(rows: list[RequestLive], width: int) -> None:
    found = layout(rows, width)

    assert {len(found.heading()), *(len(found.row(row)) for row in rows)} == {width}


def test_eighty_columns_show_usual_models_whole() -> None:
    found = layout(BUSY.requests, 79)
    text = "\n".join(found.row(request) for request in BUSY.requests)

    for name in ("claude-opus-4-5", "gpt-5.2", "qwen3:32b", "claude-sonnet-4-5", "openrouter", "anthropic"):
        assert f" {name} " in text


def test_a_wide_table_shows_the_model_with_its_date() -> None:
    assert " claude-sonnet-4-5-20250929 " in layout([CUT], 159).row(CUT)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", [RUNNING, ANSWERED, FAILED, LEFT, CUT]),
        ("anthropic", [RUNNING, CUT]),
        ("ANTHROPIC laptop cut", [CUT]),
        ("502", [FAILED]),
        ("chat/completions", [ANSWERED, FAILED]),
        ("req_04", [LEFT]),
        ("upstream connect", [FAILED]),
        ("anthropic openai", []),
    ],
)
def test_a_filter_finds_requests_that_say_every_word(text: str, found: list[RequestLive]) -> None:
    assert [request for request in BUSY.requests if matches(request, text)] == found
