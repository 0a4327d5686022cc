"""Sums and single requests over the real server and the real client."""

import pytest

from omniroute.client import usage
from omniroute.client.http import ApiRefused
from omniroute.client.usage import CallFilters, Span
from omniroute.clock import iso
from omniroute.conversation.usage import Usage
from omniroute.gateway.usage_log import UsageEntry
from omniroute.records import AttemptRow, Outcome
from tests.server.manage.place import Place, request_row

HOUR_MS = 3_600_000


async def test_sums_are_by_provider_model_account_key_and_day(place: Place) -> None:
    now_ms = place.clock.now_ms()
    await place.log(
        request_row(now_ms, api_key_id="k-1", api_key_name="laptop"),
        request_row(now_ms, account_id="a-2"),
        request_row(now_ms, model="m-2", cost_nano_usd=None, usage=Usage(input=1, output=2, estimated=True)),
        request_row(
            now_ms,
            provider=None,
            model=None,
            outcome=Outcome.ERROR,
            status=404,
            usage=Usage(),
            cost_nano_usd=None,
        ),
    )
    found = await place.call(usage.history)

    assert (found.total_requests, found.total_prompt_tokens, found.total_completion_tokens) == (4, 241, 22)
    assert (found.total_cost, found.unpriced_requests) == (0.004, 1)
    assert {name: group.requests for name, group in found.by_provider.items()} == {"groq": 3, "-": 1}
    assert {name: group.requests for name, group in found.by_model.items()} == {
        "m-1 (groq)": 2,
        "m-2 (groq)": 1,
        "-": 1,
    }
    # Two ids under one name: an account that was removed and added again.
    assert {name: group.requests for name, group in found.by_account.items()} == {
        "m-1 (groq - work)": 2,
        "m-2 (groq - work)": 1,
        "-": 1,
    }
    assert {name: group.requests for name, group in found.by_api_key.items()} == {"laptop (k-1)": 1, "-": 3}
    assert [group.requests for group in found.by_day.values()] == [4]
    assert found.by_model["m-2 (groq)"].estimated_requests == 1
    assert found.by_provider["-"].errors == 1
    assert (len(found.last_10_minutes), found.last_10_minutes[-1].requests) == (10, 4)


async def test_a_span_and_filters_choose_what_is_summed(place: Place) -> None:
    now_ms = place.clock.now_ms()
    await place.log(
        request_row(now_ms - 50 * HOUR_MS),
        request_row(now_ms - 2 * HOUR_MS, model="m-2"),
        request_row(now_ms - 1, provider="openai"),
    )

    async def count(span: Span, **filters: str) -> int:
        return (await place.call(usage.history, span, **filters)).total_requests

    assert await count(Span(since="3h")) == 2
    assert await count(Span(since=iso(now_ms - 3 * HOUR_MS), until="1h")) == 1
    assert await count(Span(until="2d")) == 1
    assert await count(Span(range="all")) == 3
    assert await count(Span(), provider="oai") == 1  # an alias means its provider
    assert await count(Span(), model="m-2") == 1
    assert await count(Span(), api_key_id="none") == 0


@pytest.mark.parametrize(
    "query", ["range=week", "since=yesterday", "startDate=2026-13-01", "since=1h&until=2h"]
)
async def test_a_span_that_is_none_is_refused(place: Place, query: str) -> None:
    status, body, _ = await place.raw("GET", f"/api/usage/history?{query}")
    assert (status, body["error"]["code"]) == (400, "VALIDATION_FAILED")


async def test_running_requests_are_counted_by_where_they_go(place: Place) -> None:
    def entry() -> UsageEntry:
        made = UsageEntry(request_id="r", method="POST", path="/", operation="chat", client_format="x")
        made.requested_model, made.provider = "fast", "groq"
        return made

    async with place.gateway.usage_log.entry(entry()), place.gateway.usage_log.entry(entry()):
        found = await place.call(usage.history)
    assert [(one.model, one.provider, one.account, one.count) for one in found.active_requests] == [
        ("fast", "groq", "-", 2)
    ]


async def test_a_request_that_just_ended_is_in_the_sums(place: Place) -> None:
    made = UsageEntry(request_id="r", method="POST", path="/", operation="chat", client_format="x")
    async with place.gateway.usage_log.entry(made):
        pass
    assert (await place.call(usage.history)).total_requests == 1
    assert [call.outcome for call in await place.call(usage.call_logs)] == ["cancelled"]


async def test_the_call_log_is_newest_first_and_says_how_many(place: Place) -> None:
    now_ms = place.clock.now_ms()
    await place.log(*(request_row(now_ms - age, requested_model=f"asked-{age}") for age in (3, 2, 1)))
    page = await place.call(usage.call_logs, limit=2, offset=1)
    status, body, headers = await place.raw("GET", "/api/usage/call-logs?limit=1")

    assert [call.requested_model for call in page] == ["asked-2", "asked-3"]
    assert (status, len(body), headers["X-Total-Count"]) == (200, 1, "3")


async def test_the_call_log_is_filtered(place: Place) -> None:
    now_ms = place.clock.now_ms()
    await place.log(
        request_row(now_ms - 2 * HOUR_MS, requested_model="old"),
        request_row(now_ms, requested_model="bad", outcome=Outcome.ERROR, status=502, error="it broke"),
        request_row(now_ms, requested_model="keyed", api_key_id="k-1", api_key_name="laptop"),
    )

    async def asked(filters: CallFilters, span: Span = usage.WHOLE) -> set[str | None]:
        return {call.requested_model for call in await place.call(usage.call_logs, filters, span)}

    assert await asked(CallFilters(status="error")) == {"bad"}
    assert await asked(CallFilters(status="502")) == {"bad"}
    assert await asked(CallFilters(api_key="lap")) == {"keyed"}
    assert await asked(CallFilters(search="broke")) == {"bad"}
    assert await asked(CallFilters(provider="groq")) == {"old", "bad", "keyed"}
    assert await asked(CallFilters(), Span(since="1h")) == {"bad", "keyed"}


async def test_one_request_is_shown_with_its_attempts(place: Place) -> None:
    tried = AttemptRow(
        provider="groq",
        model="m-1",
        account_id="a-1",
        account_name="work",
        status=429,
        failure="rate_limited",
        duration_ms=7,
    )
    tokens = Usage(input=5, cache_write=1, cache_write_1h=2, output=4, reasoning=3)
    row = request_row(place.clock.now_ms(), attempts=(tried,), usage=tokens, dropped=("audio",))
    await place.log(row)
    found = await place.call(usage.call_log, row.id)

    assert (found.log.model, found.log.attempts, found.log.cost_usd) == ("groq/m-1", 1, 0.002)
    assert found.log.dropped == ["audio"]
    told = found.log.tokens
    assert (told.input, told.output, told.cache_read, told.cache_write, told.reasoning) == (5, 4, None, 3, 3)
    (attempt,) = found.attempts
    assert (attempt.account, attempt.status, attempt.failure) == ("work", 429, "rate_limited")


async def test_an_unknown_request_is_not_found(place: Place) -> None:
    with pytest.raises(ApiRefused) as caught:
        await place.call(usage.call_log, "none")
    assert caught.value.status == 404


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "offset=-1"])
async def test_a_page_that_is_none_is_refused(place: Place, query: str) -> None:
    assert (await place.raw("GET", f"/api/usage/call-logs?{query}"))[0] == 400
